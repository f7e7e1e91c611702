/*
 * Tries what memfs must refuse, a line each:
 *   fsattack           out of its tree, into other sessions, past quotas, with broken requests
 *   fsattack hold      locks a file of the share, fills its private tree, and stays until it is
 * killed fsattack after     what a client finds once the one above was killed fsattack stale waits
 * until memfs has been killed and another one serves, then uses what the first one gave it
 */
#include <string.h>

#include "lib/status.h"
#include "modules/fsattack/fsattack.h"
#include "sdk/ipc.h"

enum { READ = 1, READ_WRITE = 3 };

struct nos_fs own, share, reader;
struct nos_fs_answer said;

void row(const char *name, nos_status_t want, nos_status_t got)
{
    nos_print("FS %s %d %d %s\n", name, want, got, want == got ? "ok" : "BAD");
}

static nos_handle_t door(const char *name)
{
    return nos_find_handle(NOS_CAP_ENDPOINT, name);
}

nos_status_t ask(struct nos_fs *f, uint32_t op, uint32_t n, uint64_t a, uint64_t b, uint64_t c,
                 uint64_t d)
{
    const uint64_t word[] = { a, b, c, d };
    return nos_fs_ask(f, op, word, n, &said);
}

size_t put(struct nos_fs *f, size_t at, const char *text)
{
    nos_ignore(nos_fs_put(f, at, span_of(text, strlen(text))));
    return strlen(text);
}

nos_status_t open_(struct nos_fs *f, const char *path, uint64_t flags)
{
    return ask(f, NOS_FS_OPEN, 3, 0, flags, put(f, 0, path), 0);
}

static nos_status_t symlink_(struct nos_fs *f, const char *path, const char *target)
{
    size_t n = put(f, 0, path);
    return ask(f, NOS_FS_SYMLINK, 3, 0, n, put(f, n, target), 0);
}

/* ---- out of the tree ---- */

static void escapes(void)
{
    static const char *const path[] = {
        "../secret",      "/../secret",        "d/../../secret",      "./../.././secret",
        "//..//secret",   "../common/secret",  "/common/secret",      "up/secret",
        "root/../secret", "d/up/up/up/secret", "root/root/../secret", "..\\secret",
    };
    nos_status_t worst = NOS_NOT_FOUND;

    row("a-secret-in-the-share", NOS_OK, open_(&share, "secret", RW | NOS_FS_CREATE));
    nos_ignore(ask(&own, NOS_FS_MKDIR, 3, 0, put(&own, 0, "d"), 0755, 0));
    row("link-up", NOS_OK, symlink_(&own, "up", "../../.."));
    row("link-up-below", NOS_OK, symlink_(&own, "d/up", "../.."));
    row("link-root", NOS_OK, symlink_(&own, "root", "/.."));
    for (size_t i = 0; i < sizeof path / sizeof path[0]; i++) {
        nos_status_t st = open_(&own, path[i], NOS_FS_READABLE);
        worst = st == NOS_NOT_FOUND ? worst : st;
    }
    row("no-path-leads-out", NOS_NOT_FOUND, worst);
    memset(&said, 0, sizeof said);
    row("nul-in-a-path", NOS_INVALID,
        (nos_ignore(nos_fs_put(&own, 0, SPAN_LIT("d\0x"))), ask(&own, NOS_FS_OPEN, 3, 0, 1, 3, 0)));
}

/* ---- into other sessions ---- */

static void others(void)
{
    nos_handle_t h = { 0 };
    struct nos_fs second = { 0 };

    row("a-second-session", NOS_BUSY, nos_fs_attach(door("memfs"), &second));
    row("a-second-of-the-share", NOS_BUSY, nos_fs_attach(door("rw-common"), &second));
    row("badge-of-a-door", NOS_DENIED,
        nos_sys_cap_derive(door("memfs"), NOS_RIGHT_CALL, 0, 1ull << 63, 0, &h));
    row("badge-of-a-session", NOS_DENIED,
        nos_sys_cap_derive(own.call, NOS_RIGHT_CALL, 0, 7, 0, &h));
    row("a-copy-of-the-session", NOS_DENIED, nos_sys_handle_dup(own.call, NOS_RIGHT_CALL, 0, &h));
    row("a-copy-of-the-window", NOS_DENIED, nos_sys_handle_dup(own.region, NOS_RIGHT_READ, 0, &h));
    row("serve-the-door", NOS_DENIED, nos_recv(door("memfs"), &(struct nos_msg){ 0 }, 1));
    row("open", NOS_OK, open_(&share, "secret", RW));
    uint64_t number = said.word[0];
    row("its-number-elsewhere", NOS_BAD_HANDLE, ask(&own, NOS_FS_READ, 3, number, 0, 1, 0));
    row("attach-to-a-session", NOS_BAD_MESSAGE, ask(&own, NOS_FS_ATTACH, 0, 0, 0, 0, 0));
    row("request-to-a-door", NOS_BAD_MESSAGE,
        ask(&(struct nos_fs){ .call = door("memfs") }, NOS_FS_ROOM, 0, 0, 0, 0, 0));
    row("request-to-a-share", NOS_BAD_MESSAGE,
        ask(&(struct nos_fs){ .call = door("rw-common") }, NOS_FS_ROOM, 0, 0, 0, 0, 0));
    row("reader-writes", NOS_FS_READ_ONLY, open_(&reader, "secret", RW));
    row("reader-sets-a-mode", NOS_FS_READ_ONLY,
        ask(&reader, NOS_FS_CHMOD, 3, 0, 0, put(&reader, 0, "secret"), 0));
    row("reader-makes", NOS_FS_READ_ONLY, open_(&reader, "new", NOS_FS_CREATE));
}

/* ---- broken requests ---- */

static void broken(void)
{
    nos_status_t worst = NOS_BAD_MESSAGE;

    for (uint32_t op = NOS_FS_SEEK + 1; op < 80; op++) {
        nos_status_t st = ask(&own, op, 3, 0, 0, 0, 0);
        worst = st == NOS_BAD_MESSAGE ? worst : st;
    }
    row("no-such-operation", NOS_BAD_MESSAGE, worst);
    row("too-few-words", NOS_BAD_MESSAGE, ask(&own, NOS_FS_OPEN, 2, 0, 0, 0, 0));
    row("past-the-window", NOS_FS_NAME, ask(&own, NOS_FS_MKDIR, 3, 0, UINT64_MAX, 0755, 0));
    row("no-such-number", NOS_BAD_HANDLE, ask(&own, NOS_FS_CLOSE, 1, 65, 0, 0, 0));
    row("file", NOS_OK, open_(&own, "f", RW | NOS_FS_CREATE));
    uint64_t f = said.word[0];
    row("write-past-the-window", NOS_BAD_MESSAGE,
        ask(&own, NOS_FS_WRITE, 3, f, 0, NOS_FS_WINDOW + 1, 0));
    row("write-past-the-end", NOS_TOO_BIG, ask(&own, NOS_FS_WRITE, 3, f, 1ull << 62, 8, 0));
    // one way: nobody waits, nothing is done
    struct nos_msg m = { .label = NOS_FS_CLOSE, .n_words = 1, .word = { f } };
    row("one-way", NOS_OK, nos_send(own.call, &m, NOS_DEADLINE_NEVER));
    row("has-no-effect", NOS_OK, ask(&own, NOS_FS_STAT, 3, f, 0, 0, 0));
}

/* ---- mappings ---- */

static void mappings(void)
{
    void *at = NULL;
    uint8_t byte;
    nos_handle_t h = { 0 };

    row("to-map", NOS_OK, open_(&share, "secret", RW));
    uint64_t f = said.word[0];
    row("its-bytes", NOS_OK, ask(&share, NOS_FS_WRITE, 3, f, 0, 5000, 0));
    row("reader-opens", NOS_OK, open_(&reader, "secret", NOS_FS_READABLE));
    uint64_t r = said.word[0];
    row("reader-maps-to-write", NOS_DENIED, ask(&reader, NOS_FS_MAP, 2, r, NOS_FS_WRITABLE, 0, 0));
    row("reader-maps", NOS_OK, ask(&reader, NOS_FS_MAP, 2, r, 0, 0, 0));
    nos_handle_t region = said.handle;
    uint64_t number = said.word[0];
    row("maps-it-to-write", NOS_DENIED, nos_sys_region_map(region, READ_WRITE, &at));
    row("copies-the-handle", NOS_DENIED, nos_sys_handle_dup(region, NOS_RIGHT_READ, 0, &h));
    row("maps-it-to-read", NOS_OK, nos_sys_region_map(region, READ, &at));
    row("reads-it", NOS_OK, nos_fs_copy(&reader, &byte, at, 1) ? NOS_OK : NOS_PEER_CLOSED);
    row("gives-it-back", NOS_OK, ask(&reader, NOS_FS_CLOSE, 1, number, 0, 0, 0));
    row("it-is-gone", NOS_PEER_CLOSED,
        nos_fs_copy(&reader, &byte, at, 1) ? NOS_OK : NOS_PEER_CLOSED);
    row("so-is-the-handle", NOS_REVOKED, nos_sys_region_map(region, READ, &at));
}

/* ---- a path that changes while it is looked at ---- */

static volatile bool flipping = true;

static void flip(void *arg, uint64_t *ipc_buffer)
{
    (void)arg;
    (void)ipc_buffer;
    for (uint8_t i = 0; flipping; i++) {
        own.window[0] = (i & 1) != 0 ? 'a' : '/';
        own.window[1] = (i & 1) != 0 ? 'b' : '.';
        own.window[2] = (i & 2) != 0 ? 0 : '.';
    }
    nos_ignore(nos_sys_thread_exit());
}

static void race(void)
{
    enum { STACK = 4096, ROUNDS = 2000 };
    static uint8_t stack[STACK] ALIGNED(16);
    static struct nos_thread t = { .run = flip };
    nos_handle_t thread;
    unsigned wrong = 0;

    row("a-second-thread", NOS_OK, nos_thread_start(&t, stack, STACK, 8, &thread));
    for (unsigned i = 0; i < ROUNDS; i++) {
        nos_status_t st = ask(&own, NOS_FS_STAT, 3, 0, 0, 3, 0);
        wrong += st != NOS_OK && st != NOS_NOT_FOUND && st != NOS_INVALID;
        wrong += st == NOS_OK && said.word[NOS_FS_STAT_INO] != NOS_FS_ROOT_INO;
        if (i % 16 == 0) {
            nos_ignore(nos_sys_yield());
        }
    }
    flipping = false;
    row("a-path-that-changes", NOS_OK, wrong == 0 ? NOS_OK : NOS_BAD_STATE);
}

/* ---- quotas ---- */

static void fill(void)
{
    nos_status_t st = NOS_OK;

    row("file-to-fill", NOS_OK, open_(&own, "fill", RW | NOS_FS_CREATE));
    uint64_t f = said.word[0], all = 0;
    while (st == NOS_OK && all < 1ull << 28) {
        st = ask(&own, NOS_FS_WRITE, 3, f, NOS_FS_END, NOS_FS_WINDOW, 0);
        all += st == NOS_OK ? said.word[0] : 0;
    }
    row("until-it-is-full", NOS_QUOTA, st);
    row("no-more-than-its-own", NOS_OK, all <= 16 << 20 ? NOS_OK : NOS_TOO_BIG);
}

static void quotas(void)
{
    char name[16];
    nos_status_t st = NOS_OK;
    unsigned n = 0;

    fill();
    row("others-have-theirs", NOS_OK,
        (nos_ignore(open_(&share, "more", RW | NOS_FS_CREATE)),
         ask(&share, NOS_FS_WRITE, 3, said.word[0], 0, NOS_FS_WINDOW, 0)));
    for (; st == NOS_OK && n < 10000; n++) {
        name[0] = 'n';
        for (unsigned i = 1, v = n; i < 6; i++, v /= 10) {
            name[i] = (char)('0' + v % 10);
        }
        name[6] = '\0';
        st = ask(&own, NOS_FS_MKDIR, 3, 0, put(&own, 0, name), 0755, 0);
    }
    row("nodes-end-too", NOS_QUOTA, st);
    row("not-too-soon", NOS_OK, n > 4000 && n <= 4096 ? NOS_OK : NOS_BAD_STATE);
}

/* ---- ends ---- */

static nos_status_t lock(uint64_t kind)
{
    nos_status_t st = open_(&share, "locked", RW | NOS_FS_CREATE);
    return st == NOS_OK ? ask(&share, NOS_FS_LOCK, 4, said.word[0], kind, 0, UINT64_MAX) : st;
}

_Noreturn static void hold(void)
{
    row("hold-lock", NOS_OK, lock(NOS_FS_ALONE));
    fill();
    nos_print("FS held\n");
    for (;;) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + 1000000000));
    }
}

static void after(void)
{
    uint64_t until = nos_now_ns() + 2000000000;
    nos_status_t st = lock(NOS_FS_ALONE);

    while (st == NOS_WOULD_BLOCK && nos_now_ns() < until) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + 10000000));
        st = lock(NOS_FS_ALONE);
    }
    row("the-dead-lock-nothing", NOS_OK, st);
    row("nor-keep-a-file", NOS_NOT_FOUND, open_(&own, "fill", NOS_FS_READABLE));
    row("nor-a-page", NOS_OK,
        ask(&own, NOS_FS_ROOM, 0, 0, 0, 0, 0) == NOS_OK && said.word[0] == 0 ? NOS_OK : NOS_QUOTA);
}

static void stale(void)
{
    nos_status_t st = NOS_OK;
    struct nos_fs next = { 0 };
    uint8_t byte;

    nos_print("FS waiting\n");
    while (st == NOS_OK) {  // until it is killed
        nos_ignore(nos_sys_sleep(nos_now_ns() + 10000000));
        st = ask(&own, NOS_FS_ROOM, 0, 0, 0, 0, 0);
    }
    row("window-is-gone", NOS_PEER_CLOSED, nos_fs_get(&own, 0, mspan_of(&byte, 1)));
    for (unsigned i = 0; i < 20 && nos_fs_attach(door("memfs"), &next) != NOS_OK; i++) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + 100000000));
    }
    row("another-serves", NOS_OK, ask(&next, NOS_FS_ROOM, 0, 0, 0, 0, 0));
    row("the-first-ones-handle", NOS_REVOKED, ask(&own, NOS_FS_ROOM, 0, 0, 0, 0, 0));
}

static bool is(const char *what)
{
    return span_equal(span_of(nos_arg(), strlen(nos_arg())), span_of(what, strlen(what)));
}

static nos_handle_t lifelines[100];

/* What was lent is one file, and no way to others. */
static void lent(void)
{
    nos_handle_t h[NOS_FS_PASSES], more[NOS_FS_PASSES];
    nos_status_t st = NOS_OK;
    unsigned n = 0;

    row("lend-nothing", NOS_BAD_HANDLE, nos_fs_lend(&own, 60, 0, h));
    row("to-lend", NOS_OK, open_(&own, "lent", RW | NOS_FS_CREATE));
    const uint64_t f = said.word[0];
    row("lend", NOS_OK, nos_fs_lend(&own, f, 0, h));
    struct nos_fs one = { h[0], h[1], h[2], .buffer = NULL };
    row("it-begins", NOS_OK, nos_fs_begin(&one));
    row("it-is-number-1", NOS_OK, ask(&one, NOS_FS_WRITE, 3, 1, 0, 5, 0));
    row("no-name-there", NOS_BAD_HANDLE, open_(&one, "lent", NOS_FS_READABLE));
    row("no-name-below-it", NOS_FS_NOT_DIR,
        ask(&one, NOS_FS_OPEN, 3, 1, NOS_FS_READABLE, put(&one, 0, "/lent"), 0));
    row("no-root", NOS_BAD_HANDLE, ask(&one, NOS_FS_LIST, 3, 0, 0, 100, 0));
    while (st == NOS_OK && n < 100) {
        st = nos_fs_lend(&one, 1, 0, more);
        for (int i = 0; st == NOS_OK && i < NOS_FS_PASSES - 1; i++) {
            nos_ignore(nos_sys_handle_close(more[i]));  // the lifeline is kept
        }
        lifelines[n] = more[NOS_FS_PASS_LIFELINE];
        n += st == NOS_OK;
    }
    row("lend-for-ever", NOS_NO_SLOT, st);
    row("lent-twelve", NOS_OK, n == 11 ? NOS_OK : NOS_INVALID);
    for (unsigned i = 0; i < n; i++) {
        nos_ignore(nos_sys_handle_close(lifelines[i]));
    }
    nos_fs_detach(&one);
    row("lend-at-once-again", NOS_OK, nos_fs_lend(&own, f, 0, h));
    for (int i = 0; i < NOS_FS_PASSES; i++) {
        nos_ignore(nos_sys_handle_close(h[i]));
    }
    row("its-own-stays", NOS_OK, ask(&own, NOS_FS_SEEK, 2, f, NOS_FS_HERE, 0, 0));
}

static uint64_t open_lent(void)
{
    row("open-to-lend", NOS_OK, open_(&own, "lent", RW | NOS_FS_CREATE));
    return said.word[0];
}

/* Who lets the lifeline go has ended the session, whatever else is kept. */
static void kept(void)
{
    uint8_t byte;
    struct nos_fs next = { 0 }, one = { 0 };
    nos_handle_t h[NOS_FS_PASSES];

    row("lend-before", NOS_OK, nos_fs_lend(&own, open_lent(), 0, h));
    one = (struct nos_fs){ h[0], h[1], h[2], .buffer = NULL };
    row("and-begin", NOS_OK, nos_fs_begin(&one));
    nos_ignore(nos_sys_handle_close(own.lifeline));
    nos_ignore(nos_sys_sleep(nos_now_ns() + 400000000));
    row("kept-session", NOS_REVOKED, ask(&own, NOS_FS_ROOM, 0, 0, 0, 0, 0));
    row("kept-window", NOS_PEER_CLOSED, nos_fs_get(&own, 0, mspan_of(&byte, 1)));
    // of the old one what was lent is there, with its quota, until it is let go
    row("lent-outlives-its-tree", NOS_OK, ask(&one, NOS_FS_WRITE, 3, 1, 0, 20000, 0));
    row("its-room", NOS_OK, ask(&one, NOS_FS_ROOM, 0, 0, 0, 0, 0));
    row("is-one-node", NOS_OK, said.word[2] == 1 && said.word[0] > 20000 ? NOS_OK : NOS_INVALID);
    row("no-second-quota", NOS_BUSY, nos_fs_attach(door("memfs"), &next));
    nos_fs_detach(&one);
    row("attach-again", NOS_OK, nos_fs_attach(door("memfs"), &next));
    row("a-new-tree", NOS_NOT_FOUND, open_(&next, "fill", NOS_FS_READABLE));
}

int nos_main(void)
{
    row("attach", NOS_OK, nos_fs_attach(door("memfs"), &own));
    row("attach-share", NOS_OK, nos_fs_attach(door("rw-common"), &share));
    if (is("hold")) {
        hold();
    }
    if (is("plant")) {
        plant();
    }
    if (is("uproot")) {
        uproot();
    } else if (is("after")) {
        after();
    } else if (is("stale")) {
        stale();
    } else {
        row("attach-reader", NOS_OK, nos_fs_attach(door("ro-common"), &reader));
        escapes();
        others();
        broken();
        mappings();
        lent();
        race();
        quotas();
        kept();
    }
    nos_print("FS done\n");
    return 0;
}
