/* Ends of pipes (sdk/pipe.h) as reads and writes: what waits, waits outside of every lock, so an
 * end that is closed meanwhile goes when the last who uses it is done. A thread that comes too late
 * finds its place `closing`, or whole again as another's: never in between. */
#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "sdk/libc/pipes.h"

enum { NAP_NS = 1000000 /* another thread sleeps at the same end */, LOOK_NS = 10000000 };

struct libc_pipe {
    struct nos_pipe pipe;
    struct nos_libc_lock lock;
    uint32_t users;
    bool used, closing, shared;
};

static struct libc_pipe pipes[LIBC_PIPES];
static struct nos_libc_lock pool;

nos_status_t libc_pipe_open(const struct nos_pipe_end *e, struct libc_pipe **out)
{
    struct libc_pipe *p = NULL;
    struct nos_pipe opened;

    *out = NULL;
    nos_status_t st = nos_pipe_open(&opened, e, nos_libc_ipc_buffer());
    if (st != NOS_OK) {
        return st;
    }
    nos_libc_acquire(&pool);
    for (size_t i = 0; i < LIBC_PIPES && p == NULL; i++) {
        p = pipes[i].used ? NULL : &pipes[i];
    }
    if (p != NULL) {
        p->used = true;
    }
    nos_libc_release(&pool);
    if (p == NULL) {
        nos_pipe_close(&opened);
        return NOS_NO_SLOT;
    }
    nos_libc_acquire(&p->lock);
    p->pipe = opened;
    p->closing = p->shared = false;
    nos_libc_release(&p->lock);
    *out = p;
    return NOS_OK;
}

nos_status_t libc_pipe_share(struct libc_pipe *p, struct nos_pipe_end *out)
{
    nos_libc_acquire(&p->lock);
    nos_status_t st = nos_pipe_dup(&p->pipe.end, out);
    p->shared |= st == NOS_OK;
    nos_libc_release(&p->lock);
    return st;
}

static void leave(struct libc_pipe *p)
{
    p->users--;
    if (p->closing && p->users == 0) {
        nos_pipe_close(&p->pipe);
        p->used = false;
    }
    nos_libc_release(&p->lock);
}

static bool enter(struct libc_pipe *p)
{
    nos_libc_acquire(&p->lock);
    if (p->closing) {
        nos_libc_release(&p->lock);
        return false;
    }
    p->users++;
    return true;
}

void libc_pipe_close(struct libc_pipe *p)
{
    if (enter(p)) {
        p->closing = true;
        leave(p);
    }
}

void libc_pipes_leave(void)
{
    for (size_t i = 0; i < LIBC_PIPES; i++) {
        if (pipes[i].used) {
            nos_pipe_close(&pipes[i].pipe);  // other threads have only instructions left
        }
    }
}

/* What can be done at once; with the lock held. */
static nos_status_t step(struct libc_pipe *p, span_t in, mspan_t out, size_t *done)
{
    uint64_t *buffer = nos_libc_ipc_buffer();

    if (p->shared) {
        nos_pipe_resume(&p->pipe, buffer);
    }
    return p->pipe.end.writer ? nos_pipe_write(&p->pipe, in, done, buffer)
                              : nos_pipe_read(&p->pipe, out, done, buffer);
}

/* With the lock held, which is let go meanwhile. Gives: OK: look again. */
static nos_status_t wait(struct libc_pipe *p, uint64_t deadline_ns)
{
    bool sleeps = nos_pipe_sleeps(&p->pipe, nos_libc_ipc_buffer());
    const uint64_t soon = nos_now_ns() + LOOK_NS;
    bool looks = nos_libc_posts && (deadline_ns == NOS_DEADLINE_NEVER ||
                                    soon < deadline_ns);  // no signal ends this sleep

    nos_libc_release(&p->lock);
    nos_status_t st = sleeps ? nos_pipe_doze(&p->pipe, looks ? soon : deadline_ns) : NOS_OK;
    if (looks && st == NOS_TIMED_OUT) {
        st = NOS_OK;
    }
    if (st == NOS_BUSY) {
        st = nos_sys_sleep(nos_now_ns() + NAP_NS);
    }
    nos_libc_acquire(&p->lock);
    return nos_libc_is_interrupted() ? NOS_CANCELLED : st == NOS_CANCELLED ? NOS_OK : st;
}

nos_status_t libc_pipe_doze(struct libc_pipe *p, uint64_t deadline_ns)
{
    if (!enter(p)) {
        return NOS_OK;
    }
    nos_status_t st = wait(p, deadline_ns);
    leave(p);
    return st;
}

int libc_pipe_events(struct libc_pipe *p)
{
    bool writer = p->pipe.end.writer;

    nos_libc_acquire(&p->lock);
    if (p->shared) {
        nos_pipe_resume(&p->pipe, nos_libc_ipc_buffer());
    }
    nos_status_t st = nos_pipe_ready(&p->pipe, nos_libc_ipc_buffer());
    nos_libc_release(&p->lock);
    return st == NOS_OK            ? (writer ? POLLOUT : POLLIN)
           : st == NOS_PEER_CLOSED ? (writer ? POLLERR : POLLHUP)
                                   : 0;
}

static long transfer(struct libc_pipe *p, span_t in, mspan_t out, bool may_wait)
{
    size_t at = 0, n = 0;

    while (!p->closing) {
        span_t rest = at == 0 ? in : span_of(in.data + at, in.len - at);  // who reads has none
        nos_status_t st = step(p, rest, out, &n);
        at += n;
        if (st == NOS_OK && (at == in.len || !p->pipe.end.writer)) {
            return (long)at;
        }
        if (st == NOS_PEER_CLOSED) {
            return at != 0 ? (long)at : p->pipe.end.writer ? -EPIPE : 0;
        }
        if (st == NOS_WOULD_BLOCK && !may_wait) {
            return at != 0 ? (long)at : -EAGAIN;
        }
        st = st == NOS_WOULD_BLOCK ? wait(p, NOS_DEADLINE_NEVER) : st;
        if (st != NOS_OK) {
            return at != 0 ? (long)at : -nos_libc_errno(st);
        }
    }
    return -EBADF;
}

static long use(struct libc_pipe *p, bool writer, span_t in, mspan_t out, bool may_wait)
{
    if (!enter(p)) {
        return -EBADF;
    }
    long r = p->pipe.end.writer == writer ? transfer(p, in, out, may_wait) : -EBADF;
    leave(p);
    return r;
}

long libc_pipe_read(struct libc_pipe *p, mspan_t to, bool may_wait)
{
    return use(p, false, span_of(NULL, 0), to, may_wait);
}

long libc_pipe_write(struct libc_pipe *p, span_t bytes, bool may_wait)
{
    long r = use(p, true, bytes, mspan_of(NULL, 0), may_wait);

    if (r == -EPIPE) {
        nos_libc_raise(SIGPIPE);  // with no lock held: a handler may leap away
    }
    return r;
}
