/* Operations on names, and on what has one. */
#include <string.h>

#include "modules/memfs/session_impl.h"

/* ---- what there is ---- */

/* What word 0 and the word[2] bytes of path in the window mean; without a path what word 0 does. */
static nos_status_t meant(const struct ask *q, bool last, struct node **out)
{
    struct open *o;
    struct place at;
    nos_status_t st = NOS_OK;

    *out = q->s->tree->root;
    if (q->word[2] != 0) {
        st = ask_place(q, 0, q->word[0], 0, q->word[2], last, &at);
        *out = st == NOS_OK ? at.node : NULL;
        st = st == NOS_OK && *out == NULL ? NOS_NOT_FOUND : st;
    } else if (q->word[0] != 0 || q->s->one_file) {
        st = ask_number(q->s, q->word[0], &o);
        *out = st == NOS_OK ? o->node : NULL;
    }
    return st;
}

nos_status_t do_stat(const struct ask *q)
{
    uint64_t flags = q->word[1];
    struct node *n;
    nos_status_t st = (flags & ~(uint64_t)NOS_FS_NOFOLLOW) != 0 ? NOS_INVALID : NOS_OK;

    st = st == NOS_OK ? meant(q, (flags & NOS_FS_NOFOLLOW) == 0, &n) : st;
    if (st != NOS_OK) {
        return st;
    }
    bool is_file = n->kind == NOS_FS_KIND_FILE;
    ask_say(q, n->kind);
    ask_say(q, is_file                      ? n->file.data.size
               : n->kind == NOS_FS_KIND_DIR ? n->dir.entries
                                            : n->target_len);
    ask_say(q, n->ino);
    ask_say(q, is_file ? data_held(&n->file.data) : 0);
    ask_say(q, n->accessed);
    ask_say(q, n->changed);
    ask_say(q, n->status);
    ask_say(q, n->names | (uint64_t)n->mode << NOS_FS_MODE_AT);
    return NOS_OK;
}

static size_t put_entry(mspan_t out, const struct name *n)
{
    mspan_t e;

    if (!mspan_cut(out, 0, (size_t)NOS_FS_ENTRY_NAME + n->len, &e)) {
        return 0;
    }
    store_le64(e.data + NOS_FS_ENTRY_INO, n->node->ino);
    store_le64(e.data + NOS_FS_ENTRY_COOKIE, n->cookie);
    e.data[NOS_FS_ENTRY_KIND] = (uint8_t)n->node->kind;
    e.data[NOS_FS_ENTRY_LEN] = (uint8_t)n->len;
    memcpy(e.data + NOS_FS_ENTRY_NAME, n->text, n->len);
    return e.len;
}

nos_status_t do_list(const struct ask *q)
{
    struct node *dir;
    mspan_t out;
    size_t used = 0, n = 1;

    nos_status_t st = ask_directory(q->s, q->word[0], &dir);
    if (st == NOS_OK && !mspan_cut(q->s->window, 0, q->word[2], &out)) {
        st = NOS_BAD_MESSAGE;
    }
    if (st != NOS_OK) {
        return st;
    }
    const struct name *e = tree_next(dir, q->word[1]);
    bool any = e != NULL;
    for (; e != NULL && n != 0; e = e->next) {
        n = put_entry(mspan_of(out.data + used, out.len - used), e);
        used += n;
    }
    ask_say(q, used);
    return any && used == 0 ? NOS_INVALID : NOS_OK;  // not even one fits
}

nos_status_t do_readlink(const struct ask *q)
{
    struct place at;
    nos_status_t st = ask_place(q, 0, q->word[0], 0, q->word[1], false, &at);

    if (st == NOS_OK && (at.node == NULL || at.node->kind != NOS_FS_KIND_LINK)) {
        st = at.node == NULL ? NOS_NOT_FOUND : NOS_INVALID;
    }
    mspan_t out;
    if (st == NOS_OK && !mspan_cut(q->s->window, 0, at.node->target_len, &out)) {
        st = NOS_TOO_BIG;
    }
    if (st == NOS_OK) {
        memcpy(out.data, at.node->target, out.len);
        ask_say(q, out.len);
    }
    return st;
}

nos_status_t do_where(const struct ask *q)
{
    struct node *dir;
    size_t len;

    nos_status_t st = ask_directory(q->s, q->word[0], &dir);
    st = st == NOS_OK ? tree_where(dir, q->s->window, &len) : st;
    if (st == NOS_OK) {
        ask_say(q, len);
    }
    return st;
}

nos_status_t do_room(const struct ask *q)
{
    const struct tree *t = q->s->tree;

    ask_say(q, t->purse.bytes);
    ask_say(q, t->purse.bytes_max);
    ask_say(q, t->nodes);
    ask_say(q, t->nodes_max);
    return NOS_OK;
}

/* ---- names ---- */

nos_status_t do_mkdir(const struct ask *q)
{
    struct place at;
    struct node *n;

    nos_status_t st = ask_place(q, 0, q->word[0], 0, q->word[1], false, &at);
    st = st == NOS_OK && at.node != NULL ? NOS_FS_EXISTS : st;
    st = st == NOS_OK && q->word[2] > NOS_FS_MODE ? NOS_INVALID : st;
    st = st == NOS_OK ? ask_may_change(q) : st;
    st = st == NOS_OK ? tree_make(&at, NOS_FS_KIND_DIR, span_of(NULL, 0), q->now, &n) : st;
    if (st == NOS_OK) {
        n->mode = (uint16_t)q->word[2];
    }
    return st;
}

nos_status_t do_unlink(const struct ask *q)
{
    struct place at;

    if ((q->word[1] & ~(uint64_t)NOS_FS_DIRECTORY) != 0) {
        return NOS_INVALID;
    }
    nos_status_t st = ask_place(q, 0, q->word[0], 0, q->word[2], false, &at);
    st = st == NOS_OK ? ask_may_change(q) : st;
    return st == NOS_OK ? tree_unlink(&at, q->word[1] != 0, q->now) : st;
}

nos_status_t do_rename(const struct ask *q)
{
    struct place from, to;

    nos_status_t st = ask_place(q, 0, q->word[0], 0, q->word[1], false, &from);
    st = st == NOS_OK ? ask_place(q, 1, q->word[2], q->word[1], q->word[3], false, &to) : st;
    st = st == NOS_OK ? ask_may_change(q) : st;
    return st == NOS_OK ? tree_rename(&from, &to, q->now) : st;
}

nos_status_t do_link(const struct ask *q)
{
    struct place from, to;
    uint64_t flags = q->word[1];
    nos_status_t st = (flags & ~(uint64_t)NOS_FS_NOFOLLOW) != 0 ? NOS_INVALID : NOS_OK;

    st = st == NOS_OK
             ? ask_place(q, 0, q->word[0], 0, q->word[2], (flags & NOS_FS_NOFOLLOW) == 0, &from)
             : st;
    st = st == NOS_OK ? ask_place(q, 1, q->word[3], q->word[2], q->word[4], false, &to) : st;
    st = st == NOS_OK ? ask_may_change(q) : st;
    return st == NOS_OK ? tree_link(&from, &to, q->now) : st;
}

nos_status_t do_symlink(const struct ask *q)
{
    struct place at;
    struct node *n;
    span_t target;

    nos_status_t st = ask_place(q, 0, q->word[0], 0, q->word[1], false, &at);
    st = st == NOS_OK ? ask_path(q->s, 1, q->word[1], q->word[2], &target) : st;
    st = st == NOS_OK ? ask_may_change(q) : st;
    for (size_t i = 0; st == NOS_OK && i < target.len; i++) {
        st = target.data[i] == 0 ? NOS_INVALID : NOS_OK;
    }
    return st == NOS_OK ? tree_make(&at, NOS_FS_KIND_LINK, target, q->now, &n) : st;
}

nos_status_t do_times(const struct ask *q)
{
    struct open *o;
    nos_status_t st = ask_number(q->s, q->word[0], &o);
    st = st == NOS_OK ? ask_may_change(q) : st;
    if (st == NOS_OK) {
        o->node->accessed = q->word[1];
        o->node->changed = q->word[2];
        o->node->status = q->now;
    }
    return st;
}

nos_status_t do_chmod(const struct ask *q)
{
    struct node *n;
    nos_status_t st = q->word[1] > NOS_FS_MODE ? NOS_INVALID : NOS_OK;

    st = st == NOS_OK ? meant(q, true, &n) : st;
    st = st == NOS_OK ? ask_may_change(q) : st;
    if (st == NOS_OK) {
        n->mode = (uint16_t)q->word[1];
        n->status = q->now;
    }
    return st;
}
