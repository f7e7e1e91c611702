/* A lock that spins a little, then sleeps. Sleeping, not yielding: who holds it may have a lower
 * priority than who waits, because a server works with its caller's. */
#include "sdk/libc/personality.h"

enum { SPINS = 64, NAP_NS = 50000 };

void nos_libc_acquire(struct nos_libc_lock *l)
{
    unsigned spins = 0;

    while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE) != 0) {
        if (++spins < SPINS) {
            __builtin_ia32_pause();
        } else {
            nos_ignore(nos_sys_sleep(nos_now_ns() + NAP_NS));  // ended early: tried again early
        }
    }
}

void nos_libc_release(struct nos_libc_lock *l)
{
    __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}
