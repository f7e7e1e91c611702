/* alarm and setitimer: a thread of its own, of which the library knows nothing, sleeps until it is
 * time and posts SIGALRM. It is there once a timer was first set. */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>

#include "sdk/libc/clock.h"
#include "sdk/libc/personality.h"

enum { STACK = 4096 };
#define NS_PER_US 1000ull
#define US_PER_S 1000000ull

static struct {
    struct nos_libc_lock lock;
    uint64_t due, every;  // ns since boot, 0: it is not set; ns
    nos_handle_t note;
    struct nos_thread thread;
    uint8_t stack[STACK] ALIGNED(16);
} real;

/* It has no thread pointer: nothing that it calls may ask which thread it is. */
static void run(void *arg, uint64_t *ipc_buffer)
{
    (void)arg, (void)ipc_buffer;
    for (;;) {
        uint64_t bits;
        nos_libc_acquire(&real.lock);
        const uint64_t now = nos_now_ns();
        const bool rings = real.due != 0 && now >= real.due;
        if (rings) {
            const uint64_t missed = real.every != 0 ? (now - real.due) / real.every : 0;
            real.due = real.every != 0 ? real.due + (missed + 1) * real.every : 0;
        }
        const uint64_t until = real.due != 0 ? real.due : NOS_DEADLINE_NEVER;
        nos_libc_release(&real.lock);
        if (rings) {
            nos_libc_post(0, SIGALRM);
        }
        nos_ignore(nos_sys_notify_wait(real.note, until, &bits));
    }
}

static long begin(void)
{
    struct nos_capsule_info info;
    nos_handle_t thread, note;

    nos_status_t st = nos_sys_self_info(&info, sizeof info);
    st = st == NOS_OK ? nos_sys_notify_create(&note) : st;
    if (st != NOS_OK) {
        return -EAGAIN;
    }
    real.note = note;
    real.thread = (struct nos_thread){ .run = run };
    st = nos_thread_start(&real.thread, real.stack, STACK, info.priority, &thread);
    if (st != NOS_OK) {
        nos_ignore(nos_sys_handle_close(note));
        real.note.v = 0;
        return -EAGAIN;
    }
    return 0;
}

static struct timeval span_of_ns(uint64_t ns)
{
    const uint64_t us = (ns + NS_PER_US - 1) / NS_PER_US;  // what is left is never told as nothing
    return (struct timeval){ .tv_sec = (time_t)(us / US_PER_S),
                             .tv_usec = (suseconds_t)(us % US_PER_S) };
}

static struct itimerval told(void)
{
    const uint64_t now = nos_now_ns();
    return (struct itimerval){ .it_interval = span_of_ns(real.every),
                               .it_value =
                                   span_of_ns(real.due > now ? real.due - now : real.due != 0) };
}

static bool ns_of(const struct timeval *t, uint64_t *ns)
{
    const time_t longest = (time_t)1 << 33;  // 272 years
    const struct timespec ts = { t->tv_sec < longest ? t->tv_sec : longest,
                                 t->tv_usec * (long)NS_PER_US };
    return t->tv_usec >= 0 && t->tv_usec < (suseconds_t)US_PER_S && nos_libc_until(&ts, ns);
}

long libc_setitimer(const struct nos_libc_args *x)
{
    const struct itimerval *set = (const struct itimerval *)x->a[1];
    struct itimerval *old = (struct itimerval *)x->a[2];
    uint64_t first, every, due;

    if (x->a[0] != ITIMER_REAL) {
        return x->a[0] == ITIMER_VIRTUAL || x->a[0] == ITIMER_PROF ? -ENOSYS : -EINVAL;
    }
    if (!ns_of(&set->it_value, &first) || !ns_of(&set->it_interval, &every)) {
        return -EINVAL;
    }
    if (__builtin_add_overflow(nos_now_ns(), first, &due)) {
        due = UINT64_MAX;
    }
    nos_libc_acquire(&real.lock);
    long r = real.note.v == 0 && first != 0 ? begin() : 0;
    if (old != NULL) {
        *old = told();
    }
    if (r == 0) {
        real.due = first != 0 ? due : 0;
        real.every = every;
    }
    nos_libc_release(&real.lock);
    if (real.note.v != 0) {
        nos_ignore(nos_sys_notify_signal(real.note, 1));
    }
    return r;
}

long libc_getitimer(const struct nos_libc_args *x)
{
    if (x->a[0] != ITIMER_REAL) {
        return x->a[0] == ITIMER_VIRTUAL || x->a[0] == ITIMER_PROF ? -ENOSYS : -EINVAL;
    }
    nos_libc_acquire(&real.lock);
    *(struct itimerval *)x->a[1] = told();
    nos_libc_release(&real.lock);
    return 0;
}
