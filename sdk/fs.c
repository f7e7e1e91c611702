/* Requests to memfs. Its memory ends with it, in the middle of a copy if need be: hence the guard.
 */
#include "sdk/fs.h"

#include <string.h>

#include "abi/caps.h"
#include "sdk/guard.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { READ_WRITE = 3 };
#define PATIENCE_NS 1000000000ull /* for a memfs that is being started again, or is not there */

struct copy {
    void *to;
    const void *from;
    size_t len;
};

static void run_copy(void *arg)
{
    const struct copy *c = arg;
    memcpy(c->to, c->from, c->len);
}

static bool guarded(const struct nos_fs *f, const void *theirs, struct copy *c)
{
    const struct nos_guard_range range = { .from = theirs, .len = c->len, .buffer = f->buffer };
    return c->len == 0 || nos_guarded(&range, run_copy, c);
}

bool nos_fs_copy(const struct nos_fs *f, void *to, const void *from, size_t len)
{
    struct copy c = { to, from, len };
    return guarded(f, from, &c);
}

nos_status_t nos_fs_put(const struct nos_fs *f, size_t at, span_t bytes)
{
    if (at > NOS_FS_WINDOW || bytes.len > NOS_FS_WINDOW - at) {
        return NOS_TOO_BIG;
    }
    struct copy c = { f->window + at, bytes.data, bytes.len };
    return guarded(f, f->window + at, &c) ? NOS_OK : NOS_PEER_CLOSED;
}

nos_status_t nos_fs_get(const struct nos_fs *f, size_t at, mspan_t out)
{
    if (at > NOS_FS_WINDOW || out.len > NOS_FS_WINDOW - at) {
        return NOS_TOO_BIG;
    }
    return nos_fs_copy(f, out.data, f->window + at, out.len) ? NOS_OK : NOS_PEER_CLOSED;
}

static void drop(nos_handle_t *h)
{
    if (h->v != 0) {
        nos_ignore(nos_sys_handle_close(*h));
    }
    *h = (nos_handle_t){ 0 };
}

static nos_status_t take(const struct nos_msg *m, nos_handle_t out[NOS_FS_PASSES])
{
    for (uint32_t i = 0; i < m->n_handles && i < NOS_FS_PASSES; i++) {
        out[i] = (nos_handle_t){ m->pass[i].handle };
    }
    nos_status_t st = nos_msg_status(m);
    bool whole = m->n_words == 1 && m->word[0] == NOS_FS_WINDOW && m->n_handles == NOS_FS_PASSES;
    return st == NOS_OK && !whole ? NOS_BAD_MESSAGE : st;
}

/* A request that is answered with a session's handles. Gives: on an error none. */
static nos_status_t ask_session(nos_handle_t to, struct nos_msg *m, uint64_t deadline,
                                nos_handle_t out[NOS_FS_PASSES])
{
    for (int i = 0; i < NOS_FS_PASSES; i++) {
        out[i] = (nos_handle_t){ 0 };
    }
    m->n_handles = 0;
    uint32_t was = nos_msg_accept(m, NOS_FS_PASSES);
    nos_status_t st = nos_call(to, m, deadline);
    nos_msg_accept(m, was);
    st = st == NOS_OK ? take(m, out) : st;
    for (int i = 0; st != NOS_OK && i < NOS_FS_PASSES; i++) {
        drop(&out[i]);
    }
    return st;
}

nos_status_t nos_fs_begin(struct nos_fs *f)
{
    void *at;

    nos_status_t st = nos_sys_region_map(f->region, READ_WRITE, &at);
    if (st != NOS_OK) {
        nos_fs_detach(f);
        return st;
    }
    f->window = at;
    return NOS_OK;
}

nos_status_t nos_fs_attach(nos_handle_t door, struct nos_fs *f)
{
    struct nos_msg m UNINITIALIZED;
    nos_handle_t h[NOS_FS_PASSES];

    m.buffer = f->buffer;
    m.n_words = 0;
    m.label = NOS_FS_ATTACH;
    nos_status_t st = ask_session(door, &m, nos_now_ns() + PATIENCE_NS, h);
    *f = (struct nos_fs){ h[NOS_FS_PASS_CALL], h[NOS_FS_PASS_WINDOW], h[NOS_FS_PASS_LIFELINE],
                          .buffer = f->buffer };
    return st == NOS_OK ? nos_fs_begin(f) : st;
}

nos_status_t nos_fs_lend(const struct nos_fs *f, uint64_t number, uint64_t at,
                         nos_handle_t out[NOS_FS_PASSES])
{
    struct nos_msg m UNINITIALIZED;

    m.buffer = f->buffer;
    m.n_words = 2;
    m.word[0] = number;
    m.word[1] = at;
    m.label = NOS_FS_LEND;
    return ask_session(f->call, &m, NOS_DEADLINE_NEVER, out);
}

/* The window's mapping goes when memfs takes the region back, which it does when the lifeline is
 * let go; unmapped first, so that its place is not another's by then. */
void nos_fs_detach(struct nos_fs *f)
{
    if (f->window != NULL) {
        nos_ignore(nos_sys_region_unmap(f->window));
        f->window = NULL;
    }
    drop(&f->call);
    drop(&f->region);
    drop(&f->lifeline);
}

nos_status_t nos_fs_ask(const struct nos_fs *f, enum nos_fs_op op, const uint64_t *word, uint32_t n,
                        struct nos_fs_answer *out)
{
    struct nos_msg m UNINITIALIZED;

    m.buffer = f->buffer;
    m.label = op;
    m.n_words = n;
    m.n_handles = 0;
    for (uint32_t i = 0; i < n; i++) {
        m.word[i] = word[i];
    }
    if (op == NOS_FS_MAP) {
        nos_msg_accept(&m, 1);
    }
    nos_status_t st = nos_call(f->call, &m, NOS_DEADLINE_NEVER);
    if (op == NOS_FS_MAP) {
        nos_msg_accept(&m, 0);
    }
    if (st != NOS_OK) {
        return st;
    }
    memcpy(out->word, m.word, sizeof out->word);
    out->handle = (nos_handle_t){ m.n_handles == 1 ? m.pass[0].handle : 0 };
    st = nos_msg_status(&m);
    if (st != NOS_OK) {
        drop(&out->handle);  // a refusal that brings something: nobody would close it
    }
    return st;
}
