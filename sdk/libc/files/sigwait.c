/* Waiting for a signal: pause, sigsuspend, sigwait and its like. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "sdk/libc/clock.h"
#include "sdk/libc/personality.h"

/* The handler is called on the way out of the call. */
long libc_pause(const struct nos_libc_args *x)
{
    (void)x;
    (void)nos_libc_signals_await(0, NULL);
    while (nos_libc_sleep(NOS_DEADLINE_NEVER) != NOS_CANCELLED) {
    }
    return -EINTR;
}

/* It is called with the mask that is asked for, so here. */
long libc_rt_sigsuspend(const struct nos_libc_args *x)
{
    const uint64_t was = nos_libc_signals_await(0, (const uint64_t *)x->a[0]);

    while (nos_libc_sleep(NOS_DEADLINE_NEVER) != NOS_CANCELLED) {
    }
    (void)nos_libc_signals_deliver();
    (void)nos_libc_signals_await(0, &was);
    return -EINTR;
}

long libc_rt_sigtimedwait(const struct nos_libc_args *x)
{
    const uint64_t set = *(const uint64_t *)x->a[0];
    const struct timespec *span = (const struct timespec *)x->a[2];
    siginfo_t *info = (siginfo_t *)x->a[1];
    uint64_t deadline = NOS_DEADLINE_NEVER;

    if (span != NULL && !nos_libc_after(span, &deadline)) {
        return -EINVAL;
    }
    (void)nos_libc_signals_await(set, NULL);
    long sig = nos_libc_signal_take(set);
    nos_status_t st = NOS_OK;
    while (sig == 0 && st == NOS_OK &&
           (deadline == NOS_DEADLINE_NEVER || nos_now_ns() < deadline)) {
        st = nos_libc_sleep(deadline);
        sig = nos_libc_signal_take(set);
    }
    (void)nos_libc_signals_await(0, NULL);
    if (sig == 0) {
        return st == NOS_CANCELLED ? -EINTR : -EAGAIN;
    }
    if (info != NULL) {
        memset(info, 0, sizeof *info);
        info->si_signo = (int)sig;
        info->si_code = SI_TKILL;
        info->si_pid = (pid_t)nos_self()->capsule;
    }
    return sig;
}
