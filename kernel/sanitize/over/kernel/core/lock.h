/* In the sanitised flavour this stands before kernel/core/lock.h: the same functions, and each says
 * what it does to kernel/sanitize/locks.c. */
#pragma once

#define kernel_lock_take plain_lock_take
#define kernel_lock_turn plain_lock_turn
#define kernel_lock plain_lock
#define kernel_unlock plain_unlock
#define leaf_lock plain_leaf_lock
#define leaf_unlock plain_leaf_unlock
#include_next "kernel/core/lock.h"
#undef kernel_lock_take
#undef kernel_lock_turn
#undef kernel_lock
#undef kernel_unlock
#undef leaf_lock
#undef leaf_unlock

/* Every lock there is, in the order in which they may be taken (docs/locking.md). */
enum lock_rank { RANK_KERNEL = 1, RANK_LEAF = 2 };

void lock_wanted(enum lock_rank rank);
void lock_got(enum lock_rank rank);
bool lock_let_go(enum lock_rank rank); /* false: it was not held */

static inline uint32_t kernel_lock_take(void)
{
    lock_wanted(RANK_KERNEL);
    return plain_lock_take();
}

static inline bool kernel_lock_turn(uint32_t ticket)
{
    bool mine = plain_lock_turn(ticket);
    if (mine) {
        lock_got(RANK_KERNEL);
    }
    return mine;
}

/* kernel_lock_wait says itself that it got it. */
static inline bool kernel_lock(void)
{
    uint32_t ticket = kernel_lock_take();
    if (kernel_lock_turn(ticket)) {
        return false;
    }
    kernel_lock_wait(ticket);
    return true;
}

static inline void kernel_unlock(void)
{
    if (lock_let_go(RANK_KERNEL)) {
        plain_unlock();
    }
}

static inline void leaf_lock(struct ticket_lock *l)
{
    lock_wanted(RANK_LEAF);
    plain_leaf_lock(l);
    lock_got(RANK_LEAF);
}

static inline void leaf_unlock(struct ticket_lock *l)
{
    if (lock_let_go(RANK_LEAF)) {
        plain_leaf_unlock(l);
    }
}
