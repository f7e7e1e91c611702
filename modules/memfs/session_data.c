/* Operations on a file that is open. Data goes straight between window and file: it is the client's
 * own, whatever it does to it meanwhile. */
#include "modules/memfs/session_impl.h"

/* Where a request that says `said` begins. */
static nos_status_t begins(const struct open *o, uint64_t said, uint64_t *at)
{
    *at = said != NOS_FS_HERE ? said : o->here != NULL ? o->here->at : 0;
    return said == NOS_FS_HERE && o->here == NULL ? NOS_INVALID : NOS_OK;
}

nos_status_t do_read(const struct ask *q)
{
    struct open *o;
    mspan_t out;
    uint64_t at;

    nos_status_t st = ask_file(q->s, q->word[0], NOS_FS_READABLE, &o);
    st = st == NOS_OK ? begins(o, q->word[1], &at) : st;
    if (st == NOS_OK && !mspan_cut(q->s->window, 0, q->word[2], &out)) {
        st = NOS_BAD_MESSAGE;
    }
    if (st == NOS_OK) {
        size_t n = data_read(&o->node->file.data, at, out);
        ask_say(q, n);
        if (q->word[1] == NOS_FS_HERE) {
            o->here->at = at + n;
        }
        o->node->accessed =
            q->s->read_only ? o->node->accessed : q->now;  // or it could tell others
    }
    return st;
}

nos_status_t do_write(const struct ask *q)
{
    struct open *o;
    mspan_t in;
    size_t done;
    uint64_t at;

    nos_status_t st = ask_file(q->s, q->word[0], NOS_FS_WRITABLE, &o);
    st = st == NOS_OK ? begins(o, q->word[1], &at) : st;
    if (st == NOS_OK && !mspan_cut(q->s->window, 0, q->word[2], &in)) {
        st = NOS_BAD_MESSAGE;
    }
    if (st != NOS_OK) {
        return st;
    }
    struct data *d = &o->node->file.data;
    at = q->word[1] == NOS_FS_END ? d->size : at;
    st = data_write(&q->s->tree->purse, d, at, span_const(in), &done);
    if (st == NOS_OK) {
        o->node->changed = o->node->status = q->now;
        ask_say(q, done);
        ask_say(q, at + done);
        if (o->here != NULL && q->word[1] >= NOS_FS_HERE) {
            o->here->at = at + done;
        }
    }
    return st;
}

nos_status_t do_seek(const struct ask *q)
{
    struct open *o;
    nos_status_t st = ask_file(q->s, q->word[0], 0, &o);

    if (st == NOS_OK && (o->here == NULL || q->word[1] == NOS_FS_END)) {
        st = NOS_INVALID;
    }
    if (st == NOS_OK) {
        o->here->at = q->word[1] == NOS_FS_HERE ? o->here->at : q->word[1];
        ask_say(q, o->here->at);
    }
    return st;
}

nos_status_t do_truncate(const struct ask *q)
{
    struct open *o;
    nos_status_t st = ask_file(q->s, q->word[0], NOS_FS_WRITABLE, &o);
    if (st == NOS_OK) {
        st = data_resize(&q->s->tree->purse, &o->node->file.data, q->word[1]);
    }
    if (st == NOS_OK) {
        o->node->changed = o->node->status = q->now;
    }
    return st;
}

nos_status_t do_map(const struct ask *q)
{
    uint64_t n = 0;
    struct open *o, *m = ask_unused(q->s, &n);
    bool write = (q->word[1] & NOS_FS_WRITABLE) != 0;

    if ((q->word[1] & ~(uint64_t)NOS_FS_WRITABLE) != 0) {
        return NOS_INVALID;
    }
    if (m == NULL) {
        return NOS_NO_SLOT;
    }
    nos_status_t st =
        ask_file(q->s, q->word[0], NOS_FS_READABLE | (write ? (uint32_t)NOS_FS_WRITABLE : 0), &o);
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
    ask_say(q, n);
    ask_say(q, d->size);
    return NOS_OK;
}

nos_status_t do_lock(const struct ask *q)
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
    nos_status_t st = ask_file(q->s, q->word[0], need, &o);
    if (st != NOS_OK) {
        return st;
    }
    st = node_lock(o->node, q->s->id, (enum nos_fs_lock)kind, q->word[2], q->word[3], &other);
    if (test && (st == NOS_OK || st == NOS_WOULD_BLOCK)) {
        ask_say(q, st == NOS_OK ? NOS_FS_UNLOCK : other.alone ? NOS_FS_ALONE : NOS_FS_SHARED);
        ask_say(q, other.first);
        ask_say(q, other.last);
        st = NOS_OK;
    }
    return st;
}
