/* See pipe.h. Who closes an end signals the other side; who is killed does not, so a sleeper looks
 * at the lifeline every 50 ms. */
#include "sdk/pipe.h"

#include "abi/caps.h"
#include "abi/info.h"
#include "sdk/guard.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { PAGE = 4096, READ_WRITE = 3, LOOK_NS = 50000000 };
enum {
    PASS = NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER,
    MEMORY = NOS_RIGHT_READ | NOS_RIGHT_WRITE | NOS_RIGHT_MAP | NOS_RIGHT_INSPECT | PASS,
};

/* ---- handles ---- */

static const uint64_t end_rights[2][NOS_PIPE_HANDLES] = {
    { MEMORY, NOS_RIGHT_WAIT, NOS_RIGHT_SIGNAL, NOS_RIGHT_RECV, NOS_RIGHT_CALL },
    { MEMORY, NOS_RIGHT_SIGNAL, NOS_RIGHT_WAIT, NOS_RIGHT_RECV, NOS_RIGHT_CALL },
};

static void drop(nos_handle_t *h)
{
    if (h->v != 0) {
        nos_ignore(nos_sys_handle_close(*h));
    }
    *h = (nos_handle_t){ 0 };
}

void nos_pipe_drop(struct nos_pipe_end *e)
{
    for (int i = 0; i < NOS_PIPE_HANDLES; i++) {
        drop(&e->h[i]);
    }
}

static nos_status_t dup_as(nos_handle_t h, uint64_t rights, nos_handle_t *out)
{
    return nos_sys_handle_dup(h, rights | PASS, 0, out);
}

static nos_status_t make_end(const nos_handle_t of[NOS_PIPE_HANDLES], bool writer,
                             struct nos_pipe_end *e)
{
    // the reader's lifeline is the writer's peer
    const int life[2] = { NOS_PIPE_LIFE, NOS_PIPE_PEER };
    nos_status_t st = NOS_OK;

    *e = (struct nos_pipe_end){ .writer = writer };
    for (int i = 0; st == NOS_OK && i < NOS_PIPE_HANDLES; i++) {
        int from = i < NOS_PIPE_LIFE ? i : life[(i == NOS_PIPE_LIFE) == writer];
        st = dup_as(of[from], end_rights[writer][i], &e->h[i]);
    }
    return st;
}

/* What the maker sleeps on is at its own side only: who may wait on it could take its signals. */
static nos_status_t make_note(const struct nos_pipe_terms *terms, bool writer, nos_handle_t *out)
{
    return terms != NULL && terms->wake.v != 0 && terms->writes == writer
               ? dup_as(terms->wake, NOS_RIGHT_SIGNAL | NOS_RIGHT_WAIT, out)
               : nos_sys_notify_create(out);
}

nos_status_t nos_pipe_make(size_t pages, struct nos_pipe_end ends[2],
                           const struct nos_pipe_terms *terms)
{
    nos_handle_t of[NOS_PIPE_HANDLES] = { { 0 } }, region = { 0 };
    nos_handle_t *lent = terms != NULL ? terms->lent : NULL;

    ends[0] = ends[1] = (struct nos_pipe_end){ 0 };
    nos_status_t st = nos_sys_region_create(pages, &region);
    st = st == NOS_OK ? make_note(terms, false, &of[NOS_PIPE_BELL]) : st;
    st = st == NOS_OK ? make_note(terms, true, &of[NOS_PIPE_ROOM]) : st;
    st = st == NOS_OK ? nos_sys_endpoint_create(&of[NOS_PIPE_LIFE]) : st;
    st = st == NOS_OK ? nos_sys_endpoint_create(&of[NOS_PIPE_PEER]) : st;
    if (st == NOS_OK && lent != NULL) {
        st = nos_sys_cap_derive(region, MEMORY | NOS_RIGHT_REVOKE, 0, 0, 0, &of[NOS_PIPE_REGION]);
        drop(&region);
    } else {
        of[NOS_PIPE_REGION] = region;
    }
    st = st == NOS_OK ? make_end(of, false, &ends[NOS_PIPE_READER]) : st;
    st = st == NOS_OK ? make_end(of, true, &ends[NOS_PIPE_WRITER]) : st;
    if (st == NOS_OK && lent != NULL) {
        *lent = of[NOS_PIPE_REGION];
        of[NOS_PIPE_REGION] = (nos_handle_t){ 0 };
    }
    for (int i = 0; i < NOS_PIPE_HANDLES; i++) {
        drop(&of[i]);
    }
    if (st != NOS_OK) {
        nos_pipe_drop(&ends[0]);
        nos_pipe_drop(&ends[1]);
    }
    return st;
}

nos_status_t nos_pipe_dup(const struct nos_pipe_end *of, struct nos_pipe_end *out)
{
    nos_status_t st = NOS_OK;

    *out = (struct nos_pipe_end){ .writer = of->writer };
    for (int i = 0; st == NOS_OK && i < NOS_PIPE_HANDLES; i++) {
        st = dup_as(of->h[i], end_rights[of->writer][i], &out->h[i]);
    }
    if (st != NOS_OK) {
        nos_pipe_drop(out);
    }
    return st;
}

/* ---- what touches the ring ---- */

struct step {
    struct nos_pipe *p;
    span_t in;
    mspan_t out;
    size_t n;
    bool wakes, yes;
};

static void run_write(void *arg)
{
    struct step *s = arg;
    s->n = nos_ring_write(&s->p->ring, s->in);
    s->wakes = s->n != 0 && nos_ring_wakes(&s->p->ring);
}

static void run_read(void *arg)
{
    struct step *s = arg;
    s->n = nos_ring_read(&s->p->ring, s->out);
    s->wakes = s->n != 0 && nos_ring_wakes(&s->p->ring);
}

static void run_ready(void *arg)
{
    struct step *s = arg;
    size_t used = nos_ring_used(&s->p->ring);
    s->yes = s->p->ring.writer ? used < s->p->ring.size : used != 0;
}

static void run_unread(void *arg)
{
    struct step *s = arg;
    s->n = nos_ring_used(&s->p->ring);
}

static void run_sleeps(void *arg)
{
    struct step *s = arg;
    s->yes = nos_ring_sleeps(&s->p->ring);
}

static void run_resume(void *arg)
{
    const struct step *s = arg;
    nos_ring_resume(&s->p->ring);
}

/* False: the memory is not there any more, or what the other side says of it is impossible. */
static bool touch(struct nos_pipe *p, void (*run)(void *), struct step *s, uint64_t *buffer)
{
    const struct nos_guard_range range = { .from = p->mem, .len = p->len, .buffer = buffer };

    s->p = p;
    bool there = !p->gone && nos_guarded(&range, run, s) && !p->ring.broken;
    p->gone |= !there;
    return there;
}

/* Somebody has the other end: nobody receives there, but somebody could. */
static bool peer_lives(const struct nos_pipe *p, uint64_t *buffer)
{
    struct nos_msg m UNINITIALIZED;

    m.label = 0;
    m.n_words = 0;
    m.n_handles = 0;
    m.buffer = buffer;
    nos_status_t st = nos_send(p->end.h[NOS_PIPE_PEER], &m, NOS_DEADLINE_POLL);
    return st == NOS_TIMED_OUT || st == NOS_OK;
}

static void signal_peer(const struct nos_pipe *p)
{
    nos_ignore(nos_sys_notify_signal(p->end.h[p->end.writer ? NOS_PIPE_BELL : NOS_PIPE_ROOM], 1));
}

/* ---- the interface ---- */

nos_status_t nos_pipe_open(struct nos_pipe *p, const struct nos_pipe_end *e, uint64_t *buffer)
{
    struct nos_handle_info info;

    *p = (struct nos_pipe){ .end = *e };
    nos_status_t st = nos_sys_handle_info(e->h[NOS_PIPE_REGION], &info, sizeof(info));
    if (st == NOS_OK && info.type != NOS_TYPE_REGION) {
        st = NOS_BAD_MESSAGE;
    }
    if (st == NOS_OK) {
        p->len = info.a * PAGE;
        st = nos_sys_region_map(e->h[NOS_PIPE_REGION], READ_WRITE, &p->mem);
    }
    if (st == NOS_OK && !nos_ring_open(&p->ring, p->mem, p->len, e->writer)) {
        st = NOS_BAD_MESSAGE;
    }
    if (st == NOS_OK) {
        nos_pipe_resume(p, buffer);
    } else {
        nos_pipe_close(p);
    }
    return st;
}

void nos_pipe_close(struct nos_pipe *p)
{
    struct nos_handle_info info;

    // a region that has ended is unmapped already, and its place may be another mapping's
    if (p->mem != NULL &&
        nos_sys_handle_info(p->end.h[NOS_PIPE_REGION], &info, sizeof(info)) == NOS_OK) {
        nos_ignore(nos_sys_region_unmap(p->mem));
    }
    p->mem = NULL;
    p->gone = true;
    drop(&p->end.h[NOS_PIPE_LIFE]);
    if (p->end.h[NOS_PIPE_BELL].v != 0) {
        signal_peer(p);
    }
    nos_pipe_drop(&p->end);
}

void nos_pipe_resume(struct nos_pipe *p, uint64_t *buffer)
{
    struct step s = { .yes = false };
    (void)touch(p, run_resume, &s, buffer);  // gone: the next one says so
}

nos_status_t nos_pipe_write(struct nos_pipe *p, span_t bytes, size_t *done, uint64_t *buffer)
{
    struct step s = { .in = bytes };

    *done = 0;
    if (!peer_lives(p, buffer) || !touch(p, run_write, &s, buffer)) {
        return NOS_PEER_CLOSED;
    }
    if (s.wakes) {
        signal_peer(p);
    }
    *done = s.n;
    return s.n == 0 && bytes.len != 0 ? NOS_WOULD_BLOCK : NOS_OK;
}

nos_status_t nos_pipe_read(struct nos_pipe *p, mspan_t to, size_t *done, uint64_t *buffer)
{
    struct step s = { .out = to };
    bool lives = true;

    *done = 0;
    bool there = touch(p, run_read, &s, buffer);
    if (there && s.n == 0 && to.len != 0) {
        // what the writer put in before it ended is seen after its end is
        lives = peer_lives(p, buffer);
        there = lives || touch(p, run_read, &s, buffer);
    }
    if (s.wakes) {
        signal_peer(p);
    }
    *done = there ? s.n : 0;
    return *done != 0 || to.len == 0 ? NOS_OK : there && lives ? NOS_WOULD_BLOCK : NOS_PEER_CLOSED;
}

nos_status_t nos_pipe_ready(struct nos_pipe *p, uint64_t *buffer)
{
    struct step s = { .yes = false };

    if (!touch(p, run_ready, &s, buffer)) {
        return NOS_PEER_CLOSED;
    }
    if (p->end.writer || !s.yes) {
        bool lives = peer_lives(p, buffer);
        if (!lives && !p->end.writer && touch(p, run_ready, &s, buffer) && s.yes) {
            return NOS_OK;
        }
        return !lives ? NOS_PEER_CLOSED : s.yes ? NOS_OK : NOS_WOULD_BLOCK;
    }
    return NOS_OK;
}

size_t nos_pipe_unread(struct nos_pipe *p, uint64_t *buffer)
{
    struct step s = { .n = 0 };
    return touch(p, run_unread, &s, buffer) ? s.n : 0;
}

bool nos_pipe_sleeps(struct nos_pipe *p, uint64_t *buffer)
{
    struct step s = { .yes = false };
    return touch(p, run_sleeps, &s, buffer) && s.yes;
}

nos_status_t nos_pipe_doze(struct nos_pipe *p, uint64_t deadline_ns)
{
    uint64_t bits, look = nos_now_ns() + LOOK_NS;
    bool first = deadline_ns == NOS_DEADLINE_NEVER || look < deadline_ns;

    nos_status_t st = nos_sys_notify_wait(p->end.h[p->end.writer ? NOS_PIPE_ROOM : NOS_PIPE_BELL],
                                          first ? look : deadline_ns, &bits);
    return st == NOS_TIMED_OUT && first ? NOS_OK : st;
}

nos_status_t nos_pipe_wait(struct nos_pipe *p, uint64_t deadline_ns, uint64_t *buffer)
{
    return nos_pipe_sleeps(p, buffer) ? nos_pipe_doze(p, deadline_ns) : NOS_OK;
}
