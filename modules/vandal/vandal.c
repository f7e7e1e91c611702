/*
 * What a program can do to whoever gave it a pipe, has the pipe's other end, or starts programs.
 * Its argument says what: `scribble FD` makes the ring impossible, `race FD` changes all of it
 * while the other side works, `thief` waits for what is signalled to the prompt, `endless` asks its
 * starter for ever, `litter` sends handles to who answers them not, `rows` asks what must be
 * refused. tests/qemu/test_pipes.py says what must come of it.
 */
#include <string.h>

#include "abi/fs.h"
#include "abi/info.h"
#include "sdk/ipc.h"
#include "sdk/pipe.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { READ_WRITE = 3, PAGE = 4096, ROUNDS = 300000 };

static struct nos_msg m;

static nos_status_t ask(nos_handle_t whom, uint64_t label, uint64_t word)
{
    m.label = label;
    m.word[0] = word;
    m.n_words = 1;
    m.n_handles = 0;
    nos_status_t st = nos_call(whom, &m, nos_now_ns() + 5000000000ull);
    return st == NOS_OK ? nos_msg_status(&m) : st;
}

static nos_handle_t starter(void)
{
    return (nos_handle_t){ nos_self()->given };
}

/* The pipe that it was given as `fd`. */
static bool take(uint64_t fd, struct nos_ring_head **head, size_t *len, nos_handle_t bell[2])
{
    struct nos_handle_info info;
    void *at = NULL;

    nos_msg_accept(&m, NOS_MSG_HANDLES);
    nos_status_t st = ask(starter(), NOS_KIT_STREAM, fd);
    if (st != NOS_OK || m.word[0] != fd || m.n_handles != 3) {
        nos_print("VANDAL no pipe at %u\n", (unsigned)fd);
        return false;
    }
    nos_handle_t region = { m.pass[NOS_PIPE_REGION].handle };
    bell[0] = (nos_handle_t){ m.pass[NOS_PIPE_BELL].handle };
    bell[1] = (nos_handle_t){ m.pass[NOS_PIPE_ROOM].handle };
    st = nos_sys_handle_info(region, &info, sizeof(info));
    st = st == NOS_OK ? nos_sys_region_map(region, READ_WRITE, &at) : st;
    st = st == NOS_OK ? ask(starter(), NOS_KIT_LIFE, fd) : st;
    *head = at;
    *len = info.a * PAGE;
    return st == NOS_OK;
}

static int scribble(uint64_t fd, bool race)
{
    struct nos_ring_head *head = NULL;
    nos_handle_t bell[2];
    uint64_t x = 88172645463325252ull;
    size_t len = 0;

    if (!take(fd, &head, &len, bell)) {
        return 1;
    }
    volatile uint32_t *word = (volatile uint32_t *)head;
    for (uint32_t i = 0; i < (race ? ROUNDS : 1u); i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        size_t at = race && i % 2 == 0 ? (x >> 32) % (sizeof(*head) / 4) : i % 4 / 2 * 16;
        word[at] = race ? (uint32_t)x >> x % 32 : 0x7fffffff;
        if (i % 64 == 0) {
            word[0] = word[16] = race ? (uint32_t)x : 0x7fffffff;
            nos_ignore(nos_sys_notify_signal(bell[0], x | 1));  // DENIED: that is the other's
            nos_ignore(nos_sys_notify_signal(bell[1], x | 1));
        }
    }
    nos_print("VANDAL done\n");
    return 0;
}

/* In the background. What the prompt sleeps on must not be among what it was given. */
static int thief(void)
{
    struct nos_ring_head *head = NULL;
    nos_handle_t bell[2];
    uint64_t bits;
    size_t len = 0;

    if (!take(0, &head, &len, bell)) {
        return 1;
    }
    nos_print("VANDAL waits\n");
    for (;;) {
        nos_ignore(nos_sys_notify_wait(bell[0], nos_now_ns() + 1000000000ull, &bits));
        nos_ignore(nos_sys_notify_wait(bell[1], NOS_DEADLINE_POLL, &bits));
    }
}

static int endless(void)
{
    nos_status_t st;

    do {
        st = ask(starter(), NOS_KIT_TEXT, 0);
    } while (st == NOS_OK);
    nos_print("VANDAL is answered no more\n");
    return 5;
}

static void row(const char *name, nos_status_t want, nos_status_t got)
{
    nos_print("VANDAL %s %d %d %s\n", name, (int)want, (int)got, want == got ? "ok" : "BAD");
}

static nos_status_t start_with(nos_handle_t kit, uint64_t rights, nos_handle_t tell)
{
    static const char name[NOS_NAME_MAX] = "hello";

    m.label = NOS_INIT_START;
    m.n_handles = 0;
    bool fits = nos_msg_put(&m, 0, name, sizeof(name)) && nos_msg_copy(&m, kit, (uint32_t)rights) &&
                (tell.v == 0 || nos_msg_copy(&m, tell, NOS_RIGHT_SIGNAL));
    nos_status_t st =
        fits ? nos_call(nos_find_handle(NOS_CAP_ENDPOINT, "init"), &m, nos_now_ns() + 5000000000ull)
             : NOS_TOO_BIG;
    return st == NOS_OK ? nos_msg_status(&m) : st;
}

static void rows_of_init(void)
{
    const uint64_t right = NOS_RIGHT_CALL | NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER;
    nos_handle_t init = nos_find_handle(NOS_CAP_ENDPOINT, "init"), ep, note;
    uint64_t bits = 0;

    if (nos_sys_endpoint_create(&ep) != NOS_OK || nos_sys_notify_create(&note) != NOS_OK) {
        nos_print("VANDAL cannot begin\n");
        return;
    }
    row("kit-to-serve", NOS_INVALID, start_with(ep, right | NOS_RIGHT_RECV, note));
    row("kit-not-to-give", NOS_DENIED, start_with(ep, NOS_RIGHT_CALL, note));
    row("kit-no-endpoint", NOS_WRONG_TYPE, start_with(note, NOS_RIGHT_ALL, note));
    row("one-handle", NOS_OK, start_with(ep, right, (nos_handle_t){ 0 }));
    row("both", NOS_OK, start_with(ep, right, note));
    uint64_t id = m.word[0];
    row("told", NOS_OK, nos_sys_notify_wait(note, nos_now_ns() + 5000000000ull, &bits));
    row("told-bit", NOS_OK, bits == NOS_INIT_TOLD ? NOS_OK : NOS_INVALID);
    row("ended", NOS_OK, ask(init, NOS_INIT_ENDED, id));
    row("ended-none", NOS_NOT_FOUND, ask(init, NOS_INIT_ENDED, 0));
    row("ended-other", NOS_NOT_FOUND, ask(init, NOS_INIT_ENDED, 2));
    row("ended-far", NOS_BAD_MESSAGE, ask(init, NOS_INIT_ENDED, 1ull << 40));
}

/* A kit is for who was started, and each pipe is given once. */
static void rows_of_kits(void)
{
    nos_handle_t shell = nos_find_handle(NOS_CAP_ENDPOINT, "shell");
    bool given = starter().v != 0;

    nos_msg_accept(&m, NOS_MSG_HANDLES);
    row("text-by-name", given ? NOS_OK : NOS_BAD_MESSAGE, ask(shell, NOS_KIT_TEXT, 0));
    if (!given) {
        return;
    }
    row("text-too-far", NOS_BAD_MESSAGE, ask(starter(), NOS_KIT_TEXT, 1 << 20));
    row("no-question", NOS_BAD_MESSAGE, ask(starter(), 99, 0));
    row("no-more", NOS_NOT_FOUND, ask(starter(), NOS_KIT_STREAM, 3));
    row("far", NOS_NOT_FOUND, ask(starter(), NOS_KIT_STREAM, UINT64_MAX));
    row("life-of-none", NOS_BAD_MESSAGE, ask(starter(), NOS_KIT_LIFE, 9));
    row("life-of-console", NOS_BAD_MESSAGE, ask(starter(), NOS_KIT_LIFE, 2));
    row("life", NOS_OK, ask(starter(), NOS_KIT_LIFE, 0));
    row("life-again", NOS_BAD_HANDLE, ask(starter(), NOS_KIT_LIFE, 0));
    row("pipe-again", NOS_BAD_HANDLE, ask(starter(), NOS_KIT_STREAM, 0));
}

/* One way, each with a handle: who keeps them has no place left some day. */
static int litter(void)
{
    nos_handle_t door = nos_find_handle(NOS_CAP_ENDPOINT, "memfs-wads"), mine;
    nos_status_t st = nos_sys_endpoint_create(&mine);

    for (int i = 0; st == NOS_OK && i < 20; i++) {
        m = (struct nos_msg){ .label = NOS_FS_FILL };
        st = nos_msg_copy(&m, mine, NOS_RIGHT_CALL)
                 ? nos_send(door, &m, nos_now_ns() + 5000000000ull)
                 : NOS_TOO_BIG;
    }
    nos_print("VANDAL littered %d\n", st);
    return 0;
}

int nos_main(void)
{
    char copy[NOS_ARG_MAX + 1], *word[2] = { "", "" };
    size_t n = nos_arg_words(copy, word, 2);
    uint64_t fd = n == 2 && word[1][0] == '1' ? 1 : 0;

    if (n > 0 && word[0][0] == 's') {
        return scribble(fd, false);
    }
    if (n > 0 && word[0][0] == 'r' && word[0][1] == 'a') {
        return scribble(fd, true);
    }
    if (n > 0 && word[0][0] == 't') {
        return thief();
    }
    if (n > 0 && word[0][0] == 'e') {
        return endless();
    }
    if (n > 0 && word[0][0] == 'l') {
        return litter();
    }
    rows_of_kits();
    rows_of_init();
    nos_print("VANDAL end\n");
    return 0;
}
