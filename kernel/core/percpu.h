/* Per-CPU data, reached through one accessor. The first fields are entry.S's. */
#pragma once

#include "kernel/arch/api/context.h"
#include "kernel/core/types.h"

struct arch_space;
struct thread;

struct cpu {
    struct cpu *self;         /* 0: gs:0 */
    uint64_t kstack_top;      /* 8 */
    uint64_t scratch;         /* 16: user rsp during entry */
    struct arch_context *ctx; /* 24: where entry saves: the current thread's registers */
    struct thread *current;   /* 32: NULL = idle */
    uint32_t id;
    uint32_t in_window; /* interrupts are let in on purpose: idle, or between two bounded steps */
    uint64_t timer_ns;  /* what the timer is armed for; 0 = off */
    bool resched;       /* current must give way at the next exit */
    bool slice_armed;   /* the timer also watches a time slice */
    bool background_armed; /* the timer also comes when background work is due */
    const struct thread
        *fpu_owner; /* whose state is in the FPU registers; NULL = initial state, use traps */
    const struct arch_space *space; /* loaded; NULL = kernel only */
    uint64_t switch_tsc;            /* when `current` came on */
};
_Static_assert(offsetof(struct cpu, ctx) == 24 && offsetof(struct cpu, current) == 32, "entry.S");

extern struct cpu cpu_boot; /* the one CPU that runs in this release */

static inline struct cpu *this_cpu(void)
{
    struct cpu *c;
    __asm__("mov %%gs:0, %0" : "=r"(c));
    return c;
}
