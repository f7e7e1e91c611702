/* Numbers, paths, and the table of operations; what each does is in session_data.c and
 * session_names.c. A path is copied out of the window before it is looked at: the client could
 * change it meanwhile. */
#include "modules/memfs/session_impl.h"

#include <string.h>

#include "lib/secret.h"
#include "modules/memfs/pool.h"

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

nos_status_t ask_number(struct session *s, uint64_t n, struct open **out)
{
    if (n == 0 || n > SESSION_OPENS || s->open[n - 1].node == NULL) {
        return NOS_BAD_HANDLE;
    }
    *out = &s->open[n - 1];
    return NOS_OK;
}

nos_status_t ask_file(struct session *s, uint64_t n, uint32_t flags, struct open **out)
{
    struct open *o;
    nos_status_t st = ask_number(s, n, &o);

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

nos_status_t ask_directory(struct session *s, uint64_t n, struct node **out)
{
    struct open *o;

    if (n == 0 && !s->one_file) {
        *out = s->tree->root;
        return NOS_OK;
    }
    nos_status_t st = ask_number(s, n, &o);
    if (st == NOS_OK && o->node->kind != NOS_FS_KIND_DIR) {
        st = NOS_FS_NOT_DIR;
    }
    if (st == NOS_OK) {
        *out = o->node;
    }
    return st;
}

nos_status_t ask_path(const struct session *s, unsigned which, uint64_t at, uint64_t len,
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
nos_status_t ask_place(const struct ask *q, unsigned which, uint64_t dir, uint64_t at, uint64_t len,
                       bool last, struct place *out)
{
    struct node *from = NULL;
    span_t path;

    nos_status_t st = ask_directory(q->s, dir, &from);
    st = st == NOS_OK ? ask_path(q->s, which, at, len, &path) : st;
    return st == NOS_OK ? tree_walk(from, path, last, out) : st;
}

nos_status_t ask_may_change(const struct ask *q)
{
    return q->s->read_only ? NOS_FS_READ_ONLY : NOS_OK;
}

void ask_say(const struct ask *q, uint64_t value)
{
    q->a->word[q->a->n_words++] = value;
}

/* ---- open and close ---- */

struct open *ask_unused(struct session *s, uint64_t *n)
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

nos_status_t do_open(const struct ask *q)
{
    uint64_t flags = q->word[1], n = 0;
    struct open *o = ask_unused(q->s, &n);
    struct place at;
    bool last = (flags & NOS_FS_NOFOLLOW) == 0 &&
                (flags & (NOS_FS_CREATE | NOS_FS_EXCLUSIVE)) != (NOS_FS_CREATE | NOS_FS_EXCLUSIVE);

    const uint64_t mode = flags >> NOS_FS_MODE_AT;

    flags &= (1u << NOS_FS_MODE_AT) - 1;
    if ((flags & ~(uint64_t)NOS_FS_FLAGS) != 0 || mode > NOS_FS_MODE ||
        ((flags & NOS_FS_EMPTY) != 0 && (flags & NOS_FS_WRITABLE) == 0)) {
        return NOS_INVALID;
    }
    if (o == NULL) {
        return NOS_NO_SLOT;
    }
    nos_status_t st = ask_place(q, 0, q->word[0], 0, q->word[2], last, &at);
    st = st == NOS_OK ? may_open(q->s, &at, flags) : st;
    if (st == NOS_OK && at.node == NULL) {
        struct node *made = NULL;
        st = tree_make(&at, NOS_FS_KIND_FILE, span_of(NULL, 0), q->now, &made);
        if (st == NOS_OK && made != NULL) {
            made->mode = (uint16_t)mode;
        }
        at.node = made;
    } else if (st == NOS_OK && (flags & NOS_FS_EMPTY) != 0) {
        st = data_resize(&q->s->tree->purse, &at.node->file.data, 0);
        at.node->changed = at.node->status = q->now;
    }
    if (st != NOS_OK || at.node == NULL) {
        return st;
    }
    node_hold(at.node);
    *o = (struct open){ .node = at.node, .flags = (uint32_t)flags };
    ask_say(q, n);
    ask_say(q, at.node->kind);
    return NOS_OK;
}

static void end_open(struct session *s, struct open *o)
{
    struct node *n = o->node;

    if (o->mapping) {
        block_unlend(o->lent);
        n->file.data.maps--;
    } else if (n->kind == NOS_FS_KIND_FILE &&
               (o->flags & (NOS_FS_READABLE | NOS_FS_WRITABLE)) != 0) {
        struct lock none;  // closing any number of a file lets go of all its locks, as POSIX has it
        (void)(node_lock(n, s->id, NOS_FS_UNLOCK, 0, UINT64_MAX, &none) == NOS_OK);
    }
    if (o->here != NULL && --o->here->refs == 0) {
        pool_give(o->here, sizeof *o->here);
    }
    *o = (struct open){ 0 };
    node_drop(n);
}

nos_status_t session_lend(struct session *s, uint64_t n, uint64_t at, struct session *to)
{
    struct open *o;

    nos_status_t st = ask_file(s, n, 0, &o);
    if (st != NOS_OK) {
        return st;
    }
    if (o->here == NULL) {
        o->here = pool_take(sizeof *o->here);
        if (o->here == NULL) {
            return NOS_NO_MEMORY;
        }
        *o->here = (struct offset){ .refs = 1, .at = at };
    }
    o->here->refs++;
    node_hold(o->node);
    to->tree = s->tree;
    to->read_only = s->read_only;
    to->one_file = true;
    to->open[0] = (struct open){ .node = o->node, .here = o->here, .flags = o->flags };
    return NOS_OK;
}

nos_status_t do_close(const struct ask *q)
{
    struct open *o;
    nos_status_t st = ask_number(q->s, q->word[0], &o);
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

/* ---- the table ---- */

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
