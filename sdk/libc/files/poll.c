/* poll and select. Files are always ready, and so is the console, which is not asked before it is
 * read. One pipe is slept on; several are looked at every 2 ms, because a thread sleeps on one
 * notification. */
#include <poll.h>
#include <string.h>
#include <sys/select.h>

#include "sdk/libc/clock.h"
#include "sdk/libc/files/files.h"

enum { NAP_NS = 2000000 };
#define NS_PER_MS 1000000ull

struct look {
    long ready;
    unsigned waits;          // descriptors that are not ready
    struct libc_pipe *pipe;  // one of them
};

static short events_of(const struct libc_file *f)
{
    return f->kind == LIBC_PIPE ? (short)libc_pipe_events(f->pipe) : POLLIN | POLLOUT;
}

/* With the lock held. */
static void look_at(struct pollfd *p, struct look *l)
{
    const struct libc_file *f = libc_file(p->fd);

    p->revents = 0;
    if (p->fd < 0) {
        return;
    }
    if (f == NULL) {
        p->revents = POLLNVAL;
    } else {
        p->revents = (short)(events_of(f) & (p->events | POLLERR | POLLHUP));
    }
    if (p->revents != 0) {
        l->ready++;
    } else if (f->kind == LIBC_PIPE) {
        l->waits++;
        l->pipe = f->pipe;
    }
}

static nos_status_t doze(const struct look *l, uint64_t deadline)
{
    uint64_t nap = nos_now_ns() + NAP_NS;

    if (l->waits == 1) {
        return libc_pipe_doze(l->pipe, deadline);
    }
    // without a pipe there is nothing to wait for but the time
    bool short_nap = l->waits > 1 && (deadline == NOS_DEADLINE_NEVER || nap < deadline);
    return nos_libc_sleep(short_nap ? nap : deadline);
}

static long wait_for(struct pollfd *p, unsigned long n, uint64_t deadline)
{
    for (;;) {
        struct look l = { .ready = 0 };
        libc_files_acquire();
        for (unsigned long i = 0; i < n; i++) {
            look_at(&p[i], &l);
        }
        libc_files_release();
        bool over = deadline != NOS_DEADLINE_NEVER && nos_now_ns() >= deadline;
        if (l.ready != 0 || over) {
            return l.ready;
        }
        if (doze(&l, deadline) == NOS_CANCELLED && nos_libc_is_interrupted()) {
            return -EINTR;
        }
    }
}

long libc_poll(const struct nos_libc_args *x)
{
    int ms = (int)x->a[2];
    uint64_t deadline = ms < 0 ? NOS_DEADLINE_NEVER : nos_now_ns() + (uint64_t)ms * NS_PER_MS;

    return (unsigned long)x->a[1] > LIBC_FILES
               ? -EINVAL
               : wait_for((struct pollfd *)x->a[0], (unsigned long)x->a[1], deadline);
}

long libc_ppoll(const struct nos_libc_args *x)
{
    const struct timespec *span = (const struct timespec *)x->a[2];
    uint64_t deadline = NOS_DEADLINE_NEVER;

    if ((unsigned long)x->a[1] > LIBC_FILES || (span != NULL && !nos_libc_after(span, &deadline))) {
        return -EINVAL;
    }
    return wait_for((struct pollfd *)x->a[0], (unsigned long)x->a[1], deadline);
}

static short wanted(const fd_set *const set[3], int fd)
{
    static const short event[3] = { POLLIN, POLLOUT, POLLPRI };
    short events = 0;

    for (int i = 0; i < 3; i++) {
        events |= set[i] != NULL && FD_ISSET(fd, set[i]) ? event[i] : 0;
    }
    return events;
}

static long select_by(long n, fd_set *const set[3], uint64_t deadline)
{
    static const short event[3] = { POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI };
    struct pollfd p[LIBC_FILES];
    long bits = 0;

    if (n < 0) {
        return -EINVAL;
    }
    n = n < LIBC_FILES ? n : LIBC_FILES;
    for (int fd = 0; fd < (int)n; fd++) {
        short events = wanted((const fd_set *const *)set, fd);
        p[fd] = (struct pollfd){ .fd = events != 0 ? fd : -1, .events = events };
    }
    long r = wait_for(p, (unsigned long)n, deadline);
    for (int fd = 0; r >= 0 && fd < (int)n; fd++) {
        if ((p[fd].revents & POLLNVAL) != 0) {
            return -EBADF;
        }
    }
    for (int i = 0; r >= 0 && i < 3; i++) {
        for (int fd = 0; set[i] != NULL && fd < (int)n; fd++) {
            bool was = FD_ISSET(fd, set[i]), is = was && (p[fd].revents & event[i]) != 0;
            if (was && !is) {
                FD_CLR(fd, set[i]);
            }
            bits += is;
        }
    }
    return r < 0 ? r : bits;
}

long libc_select(const struct nos_libc_args *x)
{
    fd_set *const set[3] = { (fd_set *)x->a[1], (fd_set *)x->a[2], (fd_set *)x->a[3] };
    const struct timeval *span = (const struct timeval *)x->a[4];
    uint64_t deadline = NOS_DEADLINE_NEVER;

    if (span != NULL) {
        const struct timespec ts = { span->tv_sec, span->tv_usec * 1000 };
        if (!nos_libc_after(&ts, &deadline)) {
            return -EINVAL;
        }
    }
    return select_by(x->a[0], set, deadline);
}

long libc_pselect(const struct nos_libc_args *x)
{
    fd_set *const set[3] = { (fd_set *)x->a[1], (fd_set *)x->a[2], (fd_set *)x->a[3] };
    const struct timespec *span = (const struct timespec *)x->a[4];
    uint64_t deadline = NOS_DEADLINE_NEVER;

    if (span != NULL && !nos_libc_after(span, &deadline)) {
        return -EINVAL;
    }
    return select_by(x->a[0], set, deadline);
}
