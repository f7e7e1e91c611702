/* See place.h. A session is begun when its share is first wanted; when memfs has ended it is begun
 * anew with the next file. */
#include "modules/shell/place.h"

#include <string.h>

#include "lib/status.h"
#include "lib/text.h"
#include "modules/shell/act.h"
#include "modules/shell/info.h"
#include "modules/shell/job.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { SHARES = 4 };

struct place_share {
    char name[NOS_NAME_MAX + 1];
    nos_handle_t door;
    bool attached;
    uint64_t session; /* which one: they are counted */
    struct nos_fs fs;
};

static struct place_share shares[SHARES];
static size_t n_shares;
static bool looked;
static char here[PLACE_PATH] = "/";

static void look_for(const char kind[3])
{
    const struct nos_start *self = nos_self();

    for (uint32_t i = 0; i < self->n_handles && n_shares < SHARES; i++) {
        const struct nos_start_handle *h = &self->handle[i];
        if (h->kind == NOS_CAP_ENDPOINT && memcmp(h->name, kind, 3) == 0 &&
            (h->rights & NOS_RIGHT_CALL) != 0) {
            struct place_share *s = &shares[n_shares++];
            memcpy(s->name, h->name + 3, NOS_NAME_MAX - 3);
            s->door = (nos_handle_t){ h->handle };
        }
    }
}

/* It begins where it can work, if there is such a place. */
static void look(void)
{
    looked = true;
    look_for("rw-");
    look_for("ro-");
    if (n_shares != 0) {
        memcpy(here + 1, shares[0].name, sizeof(shares[0].name));
    }
}

const char *place_here(void)
{
    if (!looked) {
        look();
    }
    return here;
}

void place_begin(const char *path)
{
    (void)place_here();  // the shares are found by then
    memcpy(here, path, strlen(path) + 1);
}

/* ---- paths ---- */

static size_t name_len(const char *path)
{
    size_t n = 0;

    while (path[n] != '\0' && path[n] != '/') {
        n++;
    }
    return n;
}

/* `path` from `here` on, without "." and "..". False: too long. */
static bool whole(const char *path, char out[PLACE_PATH])
{
    size_t len = 0;
    const char *part[2] = { path[0] == '/' ? "" : place_here(), path };

    for (int i = 0; i < 2; i++) {
        for (const char *p = part[i]; *p != '\0';) {
            size_t n = name_len(p);
            bool up = n == 2 && p[0] == '.' && p[1] == '.';
            if (up) {
                while (len > 0 && out[--len] != '/') {
                }
            } else if (n != 0 && !(n == 1 && p[0] == '.')) {
                if (len + 1 + n + 1 > PLACE_PATH) {
                    return false;
                }
                out[len++] = '/';
                memcpy(out + len, p, n);
                len += n;
            }
            p += n;
            p += *p == '/';
        }
    }
    out[len] = '\0';
    return true;
}

/* The share that it leads into, and the rest of it. NULL: none, or "/". */
static struct place_share *share_of(const char *path, const char **rest)
{
    size_t n = path[0] == '/' ? name_len(path + 1) : 0;

    (void)place_here();  // the shares are found by then
    for (size_t i = 0; i < n_shares; i++) {
        if (n != 0 && strlen(shares[i].name) == n && memcmp(shares[i].name, path + 1, n) == 0) {
            *rest = path[1 + n] == '\0' ? "/" : path + 1 + n;
            return &shares[i];
        }
    }
    return NULL;
}

/* ---- sessions ---- */

static nos_status_t have_memfs(void)
{
    struct nos_capsule_info c;

    nos_status_t st = info_capsule("memfs", &c) == NOS_OK ? NOS_OK : need_service("memfs");
    return st == NOS_NOT_FOUND ? NOS_NEED_MISSING : st;
}

bool place_ready(void)
{
    return have_memfs() == NOS_OK;
}

static nos_status_t attach(struct place_share *s)
{
    if (s->attached) {
        return NOS_OK;
    }
    nos_status_t st = have_memfs();
    st = st == NOS_OK ? nos_fs_attach(s->door, &s->fs) : st;
    s->attached = st == NOS_OK;
    s->session += s->attached;
    return st;
}

static nos_status_t ask(struct place_share *s, enum nos_fs_op op, const uint64_t *word, uint32_t n,
                        struct nos_fs_answer *out)
{
    nos_status_t st = nos_fs_ask(&s->fs, op, word, n, out);

    if (st == NOS_PEER_CLOSED || st == NOS_REVOKED) {
        nos_fs_detach(&s->fs);
        s->attached = false;
    }
    return st;
}

/* ---- files ---- */

static nos_status_t open_once(struct place_share *s, const char *rest, uint64_t flags,
                              struct nos_fs_answer *a)
{
    size_t len = strlen(rest);
    const uint64_t word[] = { 0, flags, len };

    nos_status_t st = attach(s);
    st = st == NOS_OK ? nos_fs_put(&s->fs, 0, span_of(rest, len)) : st;
    return st == NOS_OK ? ask(s, NOS_FS_OPEN, word, 3, a) : st;
}

nos_status_t place_open(const char *path, uint64_t flags, struct place_file *out)
{
    char full[PLACE_PATH];
    const char *rest;
    struct nos_fs_answer a;

    out->share = NULL;
    if (!whole(path, full)) {
        return NOS_FS_NAME;
    }
    struct place_share *s = share_of(full, &rest);
    if (s == NULL) {
        return full[0] == '\0' ? NOS_FS_IS_DIR : NOS_NOT_FOUND;
    }
    nos_status_t st = open_once(s, rest, flags, &a);
    if (!s->attached && st == NOS_PEER_CLOSED) {
        st = open_once(s, rest, flags, &a);  // another memfs than the last time
    }
    if (st == NOS_OK) {
        *out = (struct place_file){ s, a.word[0], s->session };
    }
    return st;
}

/* It ends with the memfs that it was opened in. */
static bool is_there(const struct place_file *f)
{
    return f->share != NULL && f->share->attached && f->session == f->share->session;
}

void place_close(struct place_file *f)
{
    struct nos_fs_answer a;

    if (is_there(f) && f->number != 0) {
        nos_ignore(ask(f->share, NOS_FS_CLOSE, &f->number, 1, &a));
    }
    f->share = NULL;
}

nos_status_t place_size(struct place_file *f, uint64_t *size)
{
    struct nos_fs_answer a;
    const uint64_t word[] = { f->number, 0, 0 };

    nos_status_t st = is_there(f) ? ask(f->share, NOS_FS_STAT, word, 3, &a) : NOS_PEER_CLOSED;
    if (st == NOS_OK && a.word[NOS_FS_STAT_KIND] != NOS_FS_KIND_FILE) {
        st = NOS_FS_IS_DIR;
    }
    if (st == NOS_OK) {
        *size = a.word[NOS_FS_STAT_SIZE];
    }
    return st;
}

nos_status_t place_read(struct place_file *f, uint64_t at, mspan_t to, size_t *done)
{
    struct nos_fs_answer a;
    const uint64_t word[] = { f->number, at, to.len < NOS_FS_WINDOW ? to.len : NOS_FS_WINDOW };

    nos_status_t st = is_there(f) ? ask(f->share, NOS_FS_READ, word, 3, &a) : NOS_PEER_CLOSED;
    if (st == NOS_OK && a.word[0] > word[2]) {
        st = NOS_BAD_MESSAGE;
    }
    if (st == NOS_OK) {
        st = nos_fs_get(&f->share->fs, 0, mspan_of(to.data, a.word[0]));
        *done = a.word[0];
    }
    return st;
}

nos_status_t place_write(struct place_file *f, span_t bytes, size_t *done)
{
    struct nos_fs_answer a;
    const uint64_t word[] = { f->number, NOS_FS_END, bytes.len };

    nos_status_t st = is_there(f) ? nos_fs_put(&f->share->fs, 0, bytes) : NOS_PEER_CLOSED;
    st = st == NOS_OK ? ask(f->share, NOS_FS_WRITE, word, 3, &a) : st;
    if (st == NOS_OK) {
        *done = a.word[0] < bytes.len ? a.word[0] : bytes.len;
        st = *done == 0 ? NOS_QUOTA : NOS_OK;  // who writes on would write for ever
    }
    return st;
}

void place_save(const char *path, bool append, span_t text)
{
    struct place_file f;
    size_t at = 0, done = 0;

    nos_status_t st = place_open(path, place_flags(append), &f);
    while (st == NOS_OK && at < text.len) {
        size_t n = text.len - at < NOS_FS_WINDOW ? text.len - at : NOS_FS_WINDOW;
        st = place_write(&f, span_of(text.data + at, n), &done);
        at += done;
    }
    place_close(&f);
    if (st != NOS_OK) {
        place_complain("files", path, st);
        job_set_code(1);
    }
}

/* ---- directories ---- */

nos_status_t place_go(const char *path)
{
    char full[PLACE_PATH];
    struct place_file dir;
    bool fits = whole(path, full);

    nos_status_t st = !fits ? NOS_FS_NAME : NOS_OK;
    if (st == NOS_OK && full[0] != '\0') {
        st = place_open(path, NOS_FS_DIRECTORY, &dir);
        if (st == NOS_OK) {
            place_close(&dir);
        }
    }
    if (st == NOS_OK) {
        memcpy(here, full, sizeof(here));
        here[1] = full[0] == '\0' ? '\0' : here[1];
        here[0] = '/';
    }
    return st;
}

/* Gives: the cookie behind the last one. */
static uint64_t tell_entries(span_t all, void (*each)(void *arg, span_t name, bool dir), void *arg)
{
    uint64_t cookie = 0;
    uint8_t kind, len;
    span_t name, e;

    while (span_u8(all, NOS_FS_ENTRY_KIND, &kind) && span_u8(all, NOS_FS_ENTRY_LEN, &len) &&
           span_take(&all, NOS_FS_ENTRY_NAME + (size_t)len, &e) &&
           span_cut(e, NOS_FS_ENTRY_NAME, len, &name)) {
        each(arg, name, kind == NOS_FS_KIND_DIR);
        cookie = load_le64(e.data + NOS_FS_ENTRY_COOKIE);
    }
    return cookie;
}

static void list_dir(const struct place_file *dir, void (*each)(void *arg, span_t name, bool dir),
                     void *arg)
{
    static uint8_t room[8192];
    struct nos_fs_answer a;
    uint64_t from = 0, next = 0;

    do {
        from = next;
        const uint64_t word[] = { dir->number, from, sizeof(room) };
        if (ask(dir->share, NOS_FS_LIST, word, 3, &a) == NOS_OK && a.word[0] <= sizeof(room) &&
            nos_fs_get(&dir->share->fs, 0, mspan_of(room, a.word[0])) == NOS_OK) {
            next = tell_entries(span_of(room, a.word[0]), each, arg);
        }
    } while (next > from);  // they only grow
}

void place_list(const char *path, void (*each)(void *arg, span_t name, bool dir), void *arg)
{
    struct nos_capsule_info memfs;
    char full[PLACE_PATH];
    struct place_file dir;

    if (!whole(path, full) || info_capsule("memfs", &memfs) != NOS_OK) {
        return;
    }
    (void)place_here();  // the shares are found by then
    for (size_t i = 0; full[0] == '\0' && i < n_shares; i++) {
        each(arg, span_of(shares[i].name, strlen(shares[i].name)), true);
    }
    if (place_open(path, NOS_FS_DIRECTORY | NOS_FS_READABLE, &dir) == NOS_OK) {
        list_dir(&dir, each, arg);
        place_close(&dir);
    }
}

/* ---- what went wrong ---- */

static const char *text_of(nos_status_t st)
{
    static const struct {
        int status;
        const char *text;
    } row[] = {
        { NOS_FS_EXISTS, "it exists" },
        { NOS_FS_NOT_DIR, "not a directory" },
        { NOS_FS_IS_DIR, "a directory" },
        { NOS_FS_NOT_EMPTY, "the directory is not empty" },
        { NOS_FS_LOOP, "too many symlinks" },
        { NOS_FS_NAME, "the name is too long" },
        { NOS_FS_READ_ONLY, "the share may only be read" },
        { NOS_NOT_FOUND, "there is no such file or directory" },
        { NOS_QUOTA, "the share is full" },
        { NOS_TIMED_OUT, "memfs does not answer" },
        { NOS_PEER_CLOSED, "memfs has ended, and its files with it" },
        { NOS_NEED_MISSING, "there are no files: no module memfs is verified here" },
    };

    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        if (row[i].status == (int)st) {
            return row[i].text;
        }
    }
    return status_text(st);
}

void place_complain(const char *what, const char *path, nos_status_t st)
{
    nos_print("%s: %s: %s\n", what, path, text_of(st));
}
