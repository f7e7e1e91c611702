/* From a number to its handler, and from our statuses to errno. */
#include <errno.h>
#include <sys/syscall.h>

#include "sdk/libc/personality.h"

static long call(long n, const struct nos_libc_args *x)
{
    switch (n) {
#define CALL(number, name, handler) \
    case number: \
        return handler(x);
#include "sdk/libc/calls.inc"
#undef CALL
    default:
        return -ENOSYS;
    }
}

/* What waits for a time, or for whatever comes, is not begun again; or not here (futex.c). */
static bool is_begun_again(long n)
{
    static const short never[] = {
        SYS_poll,     SYS_select,          SYS_pause,         SYS_nanosleep,       SYS_ppoll,
        SYS_pselect6, SYS_clock_nanosleep, SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_futex
    };
    size_t i = 0;

    while (i < sizeof never / sizeof never[0] && never[i] != n) {
        i++;
    }
    return i == sizeof never / sizeof never[0];
}

long nos_libc_call(long n, long a, long b, long c, long d, long e, long f)
{
    const struct nos_libc_args x = { { a, b, c, d, e, f } };
    long r = call(n, &x);

    while (nos_libc_posts && !nos_libc_signals_deliver() && r == -EINTR &&
           !nos_libc_is_interrupted() && is_begun_again(n)) {
        r = call(n, &x);
    }
    return r;
}

long libc_nothing(const struct nos_libc_args *x)
{
    (void)x;
    return 0;
}

long libc_refused(const struct nos_libc_args *x)
{
    (void)x;
    return -ENOMEM;
}

long libc_not_permitted(const struct nos_libc_args *x)
{
    (void)x;
    return -EPERM;
}

/* There is no network: no address family has sockets. */
long libc_no_family(const struct nos_libc_args *x)
{
    (void)x;
    return -EAFNOSUPPORT;
}

int nos_libc_errno(nos_status_t st)
{
    if (st == NOS_OK) {
        return 0;
    }
    if (st == NOS_NO_MEMORY || st == NOS_QUOTA || st == NOS_NO_SLOT) {
        return ENOMEM;
    }
    if (st == NOS_BAD_HANDLE || st == NOS_DENIED || st == NOS_NO_CLASS || st == NOS_FILTERED ||
        st == NOS_REVOKED || st == NOS_EXPIRED) {
        return EPERM;
    }
    if (st == NOS_BAD_ADDRESS) {
        return EFAULT;
    }
    if (st == NOS_CANCELLED) {
        return EINTR;
    }
    if (st == NOS_TIMED_OUT) {
        return ETIMEDOUT;
    }
    if (st == NOS_NOT_FOUND || st == NOS_PEER_CLOSED) {
        return ENOENT;
    }
    if (st == NOS_BUSY || st == NOS_WOULD_BLOCK) {
        return EAGAIN;
    }
    if (st == NOS_NOT_SUPPORTED) {
        return ENOSYS;
    }
    return st == NOS_NO_ENTROPY || st == NOS_IO_ERROR ? EIO : EINVAL;
}
