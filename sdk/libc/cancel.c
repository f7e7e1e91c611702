/* musl's cancellation points. Its own are found out by the interrupted instruction; ours by asking
 * before the call, and by EINTR after it, because a cancelled wait ends (thread.c). */
#include "sdk/libc/personality.h"

const char __cp_begin[1], __cp_end[1],
    __cp_cancel[1]; /* what a signal's handler would compare with */

long __cancel(void);
long __syscall_cp_asm(volatile void *cancelled, long n, long a, long b, long c, long d, long e,
                      long f);

long __syscall_cp_asm(volatile void *cancelled, long n, long a, long b, long c, long d, long e,
                      long f)
{
    if (*(volatile int *)cancelled != 0) {
        return __cancel();
    }
    nos_libc_cancellable(cancelled);
    long r = nos_libc_call(n, a, b, c, d, e, f);
    nos_libc_cancellable(NULL);
    return r;
}

/* Where a signal's handler would return to: there are none. */
void __restore(void);
void __restore_rt(void);

void __restore(void)
{
    __builtin_trap();
}

void __restore_rt(void)
{
    __builtin_trap();
}
