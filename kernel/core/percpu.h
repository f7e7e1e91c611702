/* Per-CPU data, reached through one accessor. The first fields are entry.S's. */
#pragma once

#include "kernel/arch/api/context.h"
#include "kernel/core/types.h"

struct arch_space;
struct thread;
struct capsule;

enum { CPUS_MAX = 8, PRIORITIES = 32 };

struct ready_queue {
    struct thread *first, *last;
};

struct cpu {
    struct cpu *self;         /* 0: gs:0 */
    uint64_t kstack_top;      /* 8 */
    uint64_t scratch;         /* 16: user rsp during entry */
    struct arch_context *ctx; /* 24: where entry saves: the current thread's registers */
    struct thread *current;   /* 32: NULL = idle */

    /* Under the kernel lock, by whichever CPU holds it. */
    uint32_t ready_mask;            /* bit p: somebody of priority p is ready here */
    uint32_t bit;                   /* 1 << id, as in thread.cpus */
    const struct arch_space *space; /* loaded; NULL = kernel only */
    struct capsule *payer;          /* who pays for the time since `switch_tsc`; NULL = nobody */
    uint64_t switch_tsc;
    const struct thread
        *fpu_owner; /* whose state is in the FPU registers; NULL = initial state, use traps */
    uint32_t id;
    bool resched;             /* current must give way at the next exit */
    bool slice_armed;         /* the timer also watches a time slice */
    bool background_turn;     /* its time has come: a step before the next thread */
    bool idle;                /* waits for an interrupt without the lock */
    bool stale;               /* its stack may hold what an ended thread had in registers */
    bool kicked;              /* has been sent an interrupt that brings it into the scheduler */
    uint64_t timer_ns;        /* what the timer is armed for; 0 = off */
    uint64_t background_ns;   /* when it also comes for background work; 0 = not */
    struct thread *deadlines; /* of threads that blocked here; sorted, earliest first */
    struct capsule *parked;   /* capsules that spent their budget here */
    struct ready_queue ready[PRIORITIES];

    /* This CPU's own. */
    uint32_t in_window; /* interrupts are let in on purpose: idle, or during a bounded step */
    bool fpu_traps;     /* the port's: first use of the FPU traps */
    bool simd;          /* the port's: FPU registers are the kernel's, to hash with */
    uint64_t root;      /* the port's: top page table that is loaded */
    uint64_t timer_due; /* the port's: deadline behind the timer's present shot; 0 = none */

    /* The port's, between CPUs: one writes, the other reads. */
    uint32_t apic_id;
    uint32_t asked;  /* what the holder of the kernel lock waits for; 0 = nothing */
    uint32_t halted; /* stopped for good */

    /* Counted for people and tests; each written by this CPU alone. */
    uint64_t idle_ns, timer_irqs, ipis, lock_waits, lock_wait_longest; /* the last in TSC ticks */
};
_Static_assert(offsetof(struct cpu, ctx) == 24 && offsetof(struct cpu, current) == 32, "entry.S");

extern struct cpu cpus[CPUS_MAX];
extern uint32_t cpus_running; /* mask; bit 0 is the CPU that booted */
extern uint32_t cpus_idle;    /* mask: those that wait for work */

/* Set by who makes work for the background (memory to give back, an entry to sign); cleared by the
 * scheduler when it has armed a timer for it. 0 or 1. */
extern uint32_t background_news;

static inline struct cpu *this_cpu(void)
{
    struct cpu *c;
    __asm__("mov %%gs:0, %0" : "=r"(c));
    return c;
}

/** There is news, and it cannot wait for a change of threads: what runs here may run alone, and for
 * ever. This CPU chooses anew at its next exit, and so arms the timer. */
static inline void background_begins(void)
{
    background_news = 1;
    this_cpu()->resched = true;
}
