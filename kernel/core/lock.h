/* The one kernel lock: a fair ticket lock, taken at entry, dropped at exit and around bounded
 * steps. Spec: docs/locking.md. */
#pragma once

#include "kernel/core/types.h"

struct ticket_lock {
    uint32_t next, serving;
};
extern struct ticket_lock big_lock;

/** The slow half of kernel_lock(): waits its turn, and answers other CPUs meanwhile. */
void kernel_lock_wait(uint32_t ticket);

/** True if it had to wait: only then can the thread that runs here have been killed meanwhile,
 * because who kills it waits, with the lock, until this CPU knows. */
static inline bool kernel_lock(void)
{
    uint32_t mine = __atomic_fetch_add(&big_lock.next, 1, __ATOMIC_RELAXED);
    if (LIKELY(__atomic_load_n(&big_lock.serving, __ATOMIC_ACQUIRE) == mine)) {
        return false;
    }
    kernel_lock_wait(mine);
    return true;
}

static inline void kernel_unlock(void)
{
    __atomic_store_n(&big_lock.serving, big_lock.serving + 1,
                     __ATOMIC_RELEASE);  // only the holder writes it
}

/* Leaf locks: nothing else is taken while one is held, interrupts are off. */
static inline void leaf_lock(struct ticket_lock *l)
{
    uint32_t mine = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != mine) {
        __builtin_ia32_pause();
    }
}

static inline void leaf_unlock(struct ticket_lock *l)
{
    __atomic_store_n(&l->serving, l->serving + 1, __ATOMIC_RELEASE);
}
