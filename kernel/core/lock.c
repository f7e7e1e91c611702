/* The kernel lock. Kernel paths are short and run with interrupts off, so one fair lock is enough and keeps the code
 * provable. One CPU runs in this release; the lock is taken all the same, so that nothing grows up without it. */
#include "kernel/core/lock.h"

static uint32_t next_ticket, now_serving;

void kernel_lock(void)
{
    uint32_t mine = __atomic_fetch_add(&next_ticket, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&now_serving, __ATOMIC_ACQUIRE) != mine) {
        __builtin_ia32_pause();
    }
}

void kernel_unlock(void)
{
    __atomic_store_n(&now_serving, now_serving + 1, __ATOMIC_RELEASE);  // only the holder writes it
}
