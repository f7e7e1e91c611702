/* The one kernel lock: a fair ticket lock, taken at entry, dropped at exit and around bounded
 * steps. Spec: docs/locking.md. */
#pragma once

#include "kernel/core/types.h"

struct ticket_lock {
    uint32_t next, serving;
};
extern struct ticket_lock big_lock;

static inline void kernel_lock(void)
{
    uint32_t mine = __atomic_fetch_add(&big_lock.next, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&big_lock.serving, __ATOMIC_ACQUIRE) != mine) {
        __builtin_ia32_pause();
    }
}

static inline void kernel_unlock(void)
{
    __atomic_store_n(&big_lock.serving, big_lock.serving + 1,
                     __ATOMIC_RELEASE);  // only the holder writes it
}
