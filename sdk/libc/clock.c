/* Time: what the capsule can read without a call, and sleep. */
#include "sdk/libc/clock.h"

#include <errno.h>
#include <sys/time.h>

#include "sdk/libc/personality.h"

enum { NS_PER_S = 1000000000, NS_PER_US = 1000 };

bool nos_libc_until(const struct timespec *ts, uint64_t *ns)
{
    uint64_t seconds;

    if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NS_PER_S) {
        return false;
    }
    if (__builtin_mul_overflow((uint64_t)ts->tv_sec, (uint64_t)NS_PER_S, &seconds) ||
        __builtin_add_overflow(seconds, (uint64_t)ts->tv_nsec, ns) || *ns > INT64_MAX) {
        *ns = INT64_MAX;  // 292 years: a deadline that is 0 would be none
    }
    return true;
}

bool nos_libc_after(const struct timespec *span, uint64_t *deadline_ns)
{
    uint64_t ns;

    if (!nos_libc_until(span, &ns)) {
        return false;
    }
    if (__builtin_add_overflow(nos_now_ns(), ns, deadline_ns) || *deadline_ns > INT64_MAX) {
        *deadline_ns = INT64_MAX;
    }
    return true;
}

long libc_clock_gettime(const struct nos_libc_args *x)
{
    struct timespec *out = (struct timespec *)x->a[1];
    uint64_t ns = nos_now_ns();

    switch (x->a[0]) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        break;
    case CLOCK_PROCESS_CPUTIME_ID: {
        struct nos_capsule_info info;
        nos_status_t st = nos_sys_self_info(&info, sizeof info);
        if (st != NOS_OK) {
            return -nos_libc_errno(st);
        }
        ns = info.cpu_ns;
        break;
    }
    default:
        return -EINVAL;
    }
    *out = (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) };
    return 0;
}

/* The time since boot is not the program's to change, nor anybody's. */
long libc_clock_settime(const struct nos_libc_args *x)
{
    return x->a[0] == CLOCK_REALTIME ? -EPERM : -EINVAL;
}

long libc_clock_getres(const struct nos_libc_args *x)
{
    struct timespec *out = (struct timespec *)x->a[1];

    struct timespec now;
    const struct nos_libc_args ask = { { x->a[0], (long)&now } };
    long r = libc_clock_gettime(&ask);  // it knows which there are
    if (r != 0) {
        return r;
    }
    if (out != NULL) {
        *out = (struct timespec){ .tv_nsec = 1 };
    }
    return 0;
}

long libc_gettimeofday(const struct nos_libc_args *x)
{
    struct timeval *out = (struct timeval *)x->a[0];
    uint64_t ns = nos_now_ns();

    if (out != NULL) {
        out->tv_sec = (time_t)(ns / NS_PER_S);
        out->tv_usec = (suseconds_t)(ns % NS_PER_S / NS_PER_US);
    }
    return 0;
}

/* On the thread's notification: pthread_cancel signals that, and is not missed when it comes just
 * before. */
nos_status_t nos_libc_sleep(uint64_t deadline)
{
    nos_handle_t note = nos_libc_note();
    nos_status_t st = NOS_OK;
    uint64_t bits = 0;

    if (note.v == 0) {
        return nos_sys_sleep(deadline);
    }
    if (deadline != NOS_DEADLINE_NEVER && deadline <= nos_now_ns()) {
        return NOS_OK;
    }
    while (st == NOS_OK || st == NOS_CANCELLED) {  // a wake-up that came late for a futex is none
        if (nos_libc_is_interrupted()) {
            return NOS_CANCELLED;
        }
        st = nos_sys_notify_wait(note, deadline, &bits);
    }
    return st == NOS_TIMED_OUT ? NOS_OK : st;
}

static long sleep_until(uint64_t deadline, struct timespec *left)
{
    nos_status_t st = nos_libc_sleep(deadline != 0 ? deadline : 1);  // 0 would be no deadline

    if (st != NOS_OK && left != NULL) {
        uint64_t now = nos_now_ns(), ns = deadline > now ? deadline - now : 0;
        *left = (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S),
                                   .tv_nsec = (long)(ns % NS_PER_S) };
    }
    return -nos_libc_errno(st);
}

long libc_nanosleep(const struct nos_libc_args *x)
{
    uint64_t deadline;

    if (!nos_libc_after((const struct timespec *)x->a[0], &deadline)) {
        return -EINVAL;
    }
    return sleep_until(deadline, (struct timespec *)x->a[1]);
}

long libc_clock_nanosleep(const struct nos_libc_args *x)
{
    const struct timespec *ts = (const struct timespec *)x->a[2];
    bool absolute = (x->a[1] & TIMER_ABSTIME) != 0;
    uint64_t deadline;

    if (x->a[0] != CLOCK_REALTIME && x->a[0] != CLOCK_MONOTONIC && x->a[0] != CLOCK_BOOTTIME) {
        return -EINVAL;
    }
    if (!(absolute ? nos_libc_until(ts, &deadline) : nos_libc_after(ts, &deadline))) {
        return -EINVAL;
    }
    return sleep_until(deadline, absolute ? NULL : (struct timespec *)x->a[3]);
}
