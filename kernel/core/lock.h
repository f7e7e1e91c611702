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

static inline uint32_t kernel_lock_take(void)
{
    return __atomic_fetch_add(&big_lock.next, 1, __ATOMIC_RELAXED);
}

static inline bool kernel_lock_turn(uint32_t ticket)
{
    return LIKELY(__atomic_load_n(&big_lock.serving, __ATOMIC_ACQUIRE) == ticket);
}

/** True if it had to wait: only then can the thread that runs here have been killed meanwhile,
 * because who kills it waits, with the lock, until this CPU knows. */
static inline bool kernel_lock(void)
{
    uint32_t mine = kernel_lock_take();
    if (kernel_lock_turn(mine)) {
        return false;
    }
    kernel_lock_wait(mine);
    return true;
}

/* Only the holder writes it: one instruction, though not a locked one, and stores are seen in
 * order. */
static inline void kernel_unlock(void)
{
    __asm__ volatile("incl %0" : "+m"(big_lock.serving) : : "memory");
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
