/* One function for each operation. A path is copied out of the window before it is looked at: the
 * client could change it meanwhile. Data goes straight between window and file: it is the
 * client's own, whatever it does to it. */
#include "modules/memfs/session.h"

#include <string.h>

#include "lib/secret.h"

struct ask {
    struct session *s;
    const uint64_t *word;
    uint64_t now;
    struct answer *a;
};

/* Of the request that is being served; wiped behind it. */
static struct {
    uint8_t text[2][NOS_FS_PATH_MAX];
    size_t used[2];
} paths;

static void forget_paths(void)
{
    for (int i = 0; i < 2; i++) {
        secret_wipe(paths.text[i], paths.used[i]);
        paths.used[i] = 0;
    }
}

/* ---- what a request names ---- */

static nos_status_t number(struct session *s, uint64_t n, struct open **out)
{
    if (n == 0 || n > SESSION_OPENS || s->open[n - 1].node == NULL) {
        return NOS_BAD_HANDLE;
    }
    *out = &s->open[n - 1];
    return NOS_OK;
}

static nos_status_t file(struct session *s, uint64_t n, uint32_t flags, struct open **out)
{
    struct open *o;
    nos_status_t st = number(s, n, &o);

    if (st != NOS_OK || o->mapping) {
        return NOS_BAD_HANDLE;
    }
    if (o->node->kind != NOS_FS_KIND_FILE) {
        return NOS_FS_IS_DIR;
    }
    if ((o->flags & flags) != flags) {
        return NOS_DENIED;
    }
    *out = o;
    return NOS_OK;
}

static nos_status_t directory(struct session *s, uint64_t n, struct node **out)
{
    struct open *o;

    if (n == 0) {
        *out = s->tree->root;
        return NOS_OK;
    }
    nos_status_t st = number(s, n, &o);
    if (st == NOS_OK && o->node->kind != NOS_FS_KIND_DIR) {
        st = NOS_FS_NOT_DIR;
    }
    if (st == NOS_OK) {
        *out = o->node;
    }
    return st;
}

static nos_status_t copy_path(const struct session *s, unsigned which, uint64_t at, uint64_t len,
                              span_t *out)
{
    mspan_t in;

    if (len > NOS_FS_PATH_MAX) {
        return NOS_FS_NAME;
    }
    if (!mspan_cut(s->window, at, len, &in)) {
        return NOS_BAD_MESSAGE;
    }
    memcpy(paths.text[which], in.data, len);
    paths.used[which] = len;
    *out = span_of(paths.text[which], len);
    return NOS_OK;
}

/* Where the `len` bytes at `at` of the window lead from the directory `dir`. */
static nos_status_t place(const struct ask *q, unsigned which, uint64_t dir, uint64_t at,
                          uint64_t len, bool last, struct place *out)
{
    struct node *from = NULL;
    span_t path;

    nos_status_t st = directory(q->s, dir, &from);
    st = st == NOS_OK ? copy_path(q->s, which, at, len, &path) : st;
    return st == NOS_OK ? tree_walk(from, path, last, out) : st;
}

static nos_status_t may_change(const struct ask *q)
{
    return q->s->read_only ? NOS_FS_READ_ONLY : NOS_OK;
}

static void say(const struct ask *q, uint64_t value)
{
    q->a->word[q->a->n_words++] = value;
}

/* ---- open and close ---- */

static struct open *unused(struct session *s, uint64_t *n)
{
    for (uint64_t i = 0; i < SESSION_OPENS; i++) {
        if (s->open[i].node == NULL) {
            *n = i + 1;
            return &s->open[i];
        }
    }
    return NULL;
}

static nos_status_t may_open(const struct session *s, const struct place *at, uint64_t flags)
{
    const struct node *n = at->node;

    if (n == NULL) {
        bool make = (flags & NOS_FS_CREATE) != 0 && (flags & NOS_FS_DIRECTORY) == 0;
        return !make ? NOS_NOT_FOUND : s->read_only ? NOS_FS_READ_ONLY : NOS_OK;
    }
    if ((flags & NOS_FS_CREATE) != 0 && (flags & NOS_FS_EXCLUSIVE) != 0) {
        return NOS_FS_EXISTS;
    }
    if (n->kind == NOS_FS_KIND_LINK) {
        return NOS_FS_LOOP;
    }
    if ((flags & NOS_FS_DIRECTORY) != 0 && n->kind != NOS_FS_KIND_DIR) {
        return NOS_FS_NOT_DIR;
    }
    if ((flags & (NOS_FS_WRITABLE | NOS_FS_EMPTY | NOS_FS_CREATE)) != 0 &&
        n->kind == NOS_FS_KIND_DIR) {
        return NOS_FS_IS_DIR;
    }
    return (flags & NOS_FS_WRITABLE) != 0 && s->read_only ? NOS_FS_READ_ONLY : NOS_OK;
}

static nos_status_t do_open(const struct ask *q)
{
    uint64_t flags = q->word[1], n = 0;
    struct open *o = unused(q->s, &n);
    struct place at;
    bool last = (flags & NOS_FS_NOFOLLOW) == 0 &&
                (flags & (NOS_FS_CREATE | NOS_FS_EXCLUSIVE)) != (NOS_FS_CREATE | NOS_FS_EXCLUSIVE);

    if ((flags & ~(uint64_t)NOS_FS_FLAGS) != 0 ||
        ((flags & NOS_FS_EMPTY) != 0 && (flags & NOS_FS_WRITABLE) == 0)) {
        return NOS_INVALID;
    }
    if (o == NULL) {
        return NOS_NO_SLOT;
    }
    nos_status_t st = place(q, 0, q->word[0], 0, q->word[2], last, &at);
    st = st == NOS_OK ? may_open(q->s, &at, flags) : st;
    if (st == NOS_OK && at.node == NULL) {
        st = tree_make(&at, NOS_FS_KIND_FILE, span_of(NULL, 0), q->now, &at.node);
    } else if (st == NOS_OK && (flags & NOS_FS_EMPTY) != 0) {
        st = data_resize(&q->s->tree->purse, &at.node->file.data, 0);
        at.node->changed = at.node->status = q->now;
    }
    if (st != NOS_OK) {
        return st;
    }
    node_hold(at.node);
    *o = (struct open){ .node = at.node, .flags = (uint32_t)flags };
    say(q, n);
    say(q, at.node->kind);
    return NOS_OK;
}

static void end_open(struct session *s, struct open *o)
{
    struct node *n = o->node;

    if (o->mapping) {
        block_unlend(o->lent);
        n->file.data.maps--;
    } else if (n->kind == NOS_FS_KIND_FILE) {
        struct lock none;  // closing any number of a file lets go of all its locks, as POSIX has it
        (void)(node_lock(n, s->id, NOS_FS_UNLOCK, 0, UINT64_MAX, &none) == NOS_OK);
    }
    *o = (struct open){ 0 };
    node_drop(n);
}

static nos_status_t do_close(const struct ask *q)
{
    struct open *o;
    nos_status_t st = number(q->s, q->word[0], &o);
    if (st == NOS_OK) {
        end_open(q->s, o);
    }
    return st;
}

void session_end(struct session *s)
{
    for (unsigned i = 0; i < SESSION_OPENS; i++) {
        if (s->open[i].node != NULL) {
            end_open(s, &s->open[i]);
        }
    }
}

/* ---- bytes ---- */

static nos_status_t do_read(const struct ask *q)
{
    struct open *o;
    mspan_t out;

    nos_status_t st = file(q->s, q->word[0], NOS_FS_READABLE, &o);
    if (st == NOS_OK && !mspan_cut(q->s->window, 0, q->word[2], &out)) {
        st = NOS_BAD_MESSAGE;
    }
    if (st == NOS_OK) {
        say(q, data_read(&o->node->file.data, q->word[1], out));
        o->node->accessed =
            q->s->read_only ? o->node->accessed : q->now;  // or it could tell others
    }
    return st;
}

static nos_status_t do_write(const struct ask *q)
{
    struct open *o;
    mspan_t in;
    size_t done;

    nos_status_t st = file(q->s, q->word[0], NOS_FS_WRITABLE, &o);
    if (st == NOS_OK && !mspan_cut(q->s->window, 0, q->word[2], &in)) {
        st = NOS_BAD_MESSAGE;
    }
    if (st != NOS_OK) {
        return st;
    }
    struct data *d = &o->node->file.data;
    uint64_t at = q->word[1] == NOS_FS_END ? d->size : q->word[1];
    st = data_write(&q->s->tree->purse, d, at, span_const(in), &done);
    if (st == NOS_OK) {
        o->node->changed = o->node->status = q->now;
        say(q, done);
        say(q, at + done);
    }
    return st;
}

static nos_status_t do_truncate(const struct ask *q)
{
    struct open *o;
    nos_status_t st = file(q->s, q->word[0], NOS_FS_WRITABLE, &o);
    if (st == NOS_OK) {
        st = data_resize(&q->s->tree->purse, &o->node->file.data, q->word[1]);
    }
    if (st == NOS_OK) {
        o->node->changed = o->node->status = q->now;
    }
    return st;
}

static nos_status_t do_map(const struct ask *q)
{
    uint64_t n = 0;
    struct open *o, *m = unused(q->s, &n);
    bool write = (q->word[1] & NOS_FS_WRITABLE) != 0;

    if ((q->word[1] & ~(uint64_t)NOS_FS_WRITABLE) != 0) {
        return NOS_INVALID;
    }
    if (m == NULL) {
        return NOS_NO_SLOT;
    }
    nos_status_t st =
        file(q->s, q->word[0], NOS_FS_READABLE | (write ? (uint32_t)NOS_FS_WRITABLE : 0), &o);
    if (st != NOS_OK) {
        return st;
    }
    struct data *d = &o->node->file.data;
    if (q->s->read_only && data_held(d) < d->size) {
        return NOS_FS_READ_ONLY;  // to fill its holes would take from what others may write
    }
    st = data_solid(&q->s->tree->purse, d);
    if (st == NOS_OK) {
        st = block_lend(&d->block, write, &q->a->lent);
    }
    if (st != NOS_OK) {
        return st;
    }
    d->maps++;
    node_hold(o->node);
    *m = (struct open){ .node = o->node, .lent = q->a->lent, .mapping = true };
    say(q, n);
    say(q, d->size);
    return NOS_OK;
}

/* ---- what there is ---- */

static nos_status_t do_stat(const struct ask *q)
{
    uint64_t flags = q->word[1];
    struct node *n = q->s->tree->root;
    struct open *o;
    struct place at;
    nos_status_t st = (flags & ~(uint64_t)NOS_FS_NOFOLLOW) != 0 ? NOS_INVALID : NOS_OK;

    if (st == NOS_OK && q->word[2] != 0) {
        st = place(q, 0, q->word[0], 0, q->word[2], (flags & NOS_FS_NOFOLLOW) == 0, &at);
        n = st == NOS_OK ? at.node : NULL;
        st = st == NOS_OK && n == NULL ? NOS_NOT_FOUND : st;
    } else if (st == NOS_OK && q->word[0] != 0) {
        st = number(q->s, q->word[0], &o);
        n = st == NOS_OK ? o->node : NULL;
    }
    if (st != NOS_OK) {
        return st;
    }
    bool is_file = n->kind == NOS_FS_KIND_FILE;
    say(q, n->kind);
    say(q, is_file                      ? n->file.data.size
           : n->kind == NOS_FS_KIND_DIR ? n->dir.entries
                                        : n->target_len);
    say(q, n->ino);
    say(q, is_file ? data_held(&n->file.data) : 0);
    say(q, n->accessed);
    say(q, n->changed);
    say(q, n->status);
    say(q, n->parent != NULL ? 1 : 0);
    return NOS_OK;
}

static size_t put_entry(mspan_t out, const struct node *n)
{
    mspan_t e;

    if (!mspan_cut(out, 0, (size_t)NOS_FS_ENTRY_NAME + n->name_len, &e)) {
        return 0;
    }
    store_le64(e.data + NOS_FS_ENTRY_INO, n->ino);
    store_le64(e.data + NOS_FS_ENTRY_COOKIE, n->cookie);
    e.data[NOS_FS_ENTRY_KIND] = (uint8_t)n->kind;
    e.data[NOS_FS_ENTRY_LEN] = (uint8_t)n->name_len;
    memcpy(e.data + NOS_FS_ENTRY_NAME, n->name, n->name_len);
    return e.len;
}

static nos_status_t do_list(const struct ask *q)
{
    struct node *dir;
    mspan_t out;
    size_t used = 0, n = 1;

    nos_status_t st = directory(q->s, q->word[0], &dir);
    if (st == NOS_OK && !mspan_cut(q->s->window, 0, q->word[2], &out)) {
        st = NOS_BAD_MESSAGE;
    }
    if (st != NOS_OK) {
        return st;
    }
    const struct node *e = tree_next(dir, q->word[1]);
    bool any = e != NULL;
    for (; e != NULL && n != 0; e = e->next) {
        n = put_entry(mspan_of(out.data + used, out.len - used), e);
        used += n;
    }
    say(q, used);
    return any && used == 0 ? NOS_INVALID : NOS_OK;  // not even one fits
}

static nos_status_t do_readlink(const struct ask *q)
{
    struct place at;
    nos_status_t st = place(q, 0, q->word[0], 0, q->word[1], false, &at);

    if (st == NOS_OK && (at.node == NULL || at.node->kind != NOS_FS_KIND_LINK)) {
        st = at.node == NULL ? NOS_NOT_FOUND : NOS_INVALID;
    }
    mspan_t out;
    if (st == NOS_OK && !mspan_cut(q->s->window, 0, at.node->target_len, &out)) {
        st = NOS_TOO_BIG;
    }
    if (st == NOS_OK) {
        memcpy(out.data, at.node->target, out.len);
        say(q, out.len);
    }
    return st;
}

static nos_status_t do_where(const struct ask *q)
{
    struct node *dir;
    size_t len;

    nos_status_t st = directory(q->s, q->word[0], &dir);
    st = st == NOS_OK ? tree_where(dir, q->s->window, &len) : st;
    if (st == NOS_OK) {
        say(q, len);
    }
    return st;
}

static nos_status_t do_room(const struct ask *q)
{
    const struct tree *t = q->s->tree;

    say(q, t->purse.bytes);
    say(q, t->purse.bytes_max);
    say(q, t->nodes);
    say(q, t->nodes_max);
    return NOS_OK;
}

/* ---- names ---- */

static nos_status_t do_mkdir(const struct ask *q)
{
    struct place at;
    struct node *n;

    nos_status_t st = place(q, 0, q->word[0], 0, q->word[1], false, &at);
    st = st == NOS_OK && at.node != NULL ? NOS_FS_EXISTS : st;
    st = st == NOS_OK ? may_change(q) : st;
    return st == NOS_OK ? tree_make(&at, NOS_FS_KIND_DIR, span_of(NULL, 0), q->now, &n) : st;
}

static nos_status_t do_unlink(const struct ask *q)
{
    struct place at;

    if ((q->word[1] & ~(uint64_t)NOS_FS_DIRECTORY) != 0) {
        return NOS_INVALID;
    }
    nos_status_t st = place(q, 0, q->word[0], 0, q->word[2], false, &at);
    st = st == NOS_OK ? may_change(q) : st;
    return st == NOS_OK ? tree_unlink(&at, q->word[1] != 0, q->now) : st;
}

static nos_status_t do_rename(const struct ask *q)
{
    struct place from, to;

    nos_status_t st = place(q, 0, q->word[0], 0, q->word[1], false, &from);
    st = st == NOS_OK ? place(q, 1, q->word[2], q->word[1], q->word[3], false, &to) : st;
    st = st == NOS_OK ? may_change(q) : st;
    return st == NOS_OK ? tree_rename(&from, &to, q->now) : st;
}

static nos_status_t do_symlink(const struct ask *q)
{
    struct place at;
    struct node *n;
    span_t target;

    nos_status_t st = place(q, 0, q->word[0], 0, q->word[1], false, &at);
    st = st == NOS_OK ? copy_path(q->s, 1, q->word[1], q->word[2], &target) : st;
    st = st == NOS_OK ? may_change(q) : st;
    for (size_t i = 0; st == NOS_OK && i < target.len; i++) {
        st = target.data[i] == 0 ? NOS_INVALID : NOS_OK;
    }
    return st == NOS_OK ? tree_make(&at, NOS_FS_KIND_LINK, target, q->now, &n) : st;
}

/* ---- locks and times ---- */

static nos_status_t do_lock(const struct ask *q)
{
    uint64_t kind = q->word[1];
    bool test = (kind & NOS_FS_TEST) != 0;
    struct open *o;
    struct lock other = { 0 };

    if (kind > (NOS_FS_TEST | NOS_FS_ALONE)) {
        return NOS_INVALID;
    }
    uint32_t need = test                    ? 0u
                    : kind == NOS_FS_ALONE  ? (uint32_t)NOS_FS_WRITABLE
                    : kind == NOS_FS_SHARED ? (uint32_t)NOS_FS_READABLE
                                            : 0u;
    nos_status_t st = file(q->s, q->word[0], need, &o);
    if (st != NOS_OK) {
        return st;
    }
    st = node_lock(o->node, q->s->id, (enum nos_fs_lock)kind, q->word[2], q->word[3], &other);
    if (test && (st == NOS_OK || st == NOS_WOULD_BLOCK)) {
        say(q, st == NOS_OK ? NOS_FS_UNLOCK : other.alone ? NOS_FS_ALONE : NOS_FS_SHARED);
        say(q, other.first);
        say(q, other.last);
        st = NOS_OK;
    }
    return st;
}

static nos_status_t do_times(const struct ask *q)
{
    struct open *o;
    nos_status_t st = number(q->s, q->word[0], &o);
    st = st == NOS_OK ? may_change(q) : st;
    if (st == NOS_OK) {
        o->node->accessed = q->word[1];
        o->node->changed = q->word[2];
        o->node->status = q->now;
    }
    return st;
}

/* ---- the table ---- */

#define OPERATIONS(X) \
    X(OPEN, 3, do_open) \
    X(CLOSE, 1, do_close) \
    X(READ, 3, do_read) \
    X(WRITE, 3, do_write) \
    X(STAT, 3, do_stat) \
    X(LIST, 3, do_list) \
    X(MKDIR, 2, do_mkdir) \
    X(UNLINK, 3, do_unlink) \
    X(RENAME, 4, do_rename) \
    X(SYMLINK, 3, do_symlink) \
    X(READLINK, 2, do_readlink) \
    X(TRUNCATE, 2, do_truncate) \
    X(LOCK, 4, do_lock) \
    X(MAP, 2, do_map) \
    X(TIMES, 3, do_times) \
    X(WHERE, 1, do_where) \
    X(ROOM, 0, do_room)

static nos_status_t serve(const struct ask *q, uint64_t op, uint32_t n)
{
    switch (op) {
#define X(name, words, run) \
    case NOS_FS_##name: \
        return n == (words) ? run(q) : NOS_BAD_MESSAGE;
        OPERATIONS(X)
#undef X
    default:
        return NOS_BAD_MESSAGE;
    }
}

nos_status_t session_serve(struct session *s, uint64_t op, const uint64_t *word, uint32_t n,
                           uint64_t now, struct answer *a)
{
    a->n_words = 0;
    a->lent = 0;
    const struct ask q = { s, word, now, a };
    nos_status_t st = serve(&q, op, n);
    forget_paths();
    if (st != NOS_OK) {
        a->n_words = 0;
        a->lent = 0;
    }
    return st;
}
