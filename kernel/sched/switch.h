/* Leaving one thread for another, in line: the IPC path and the scheduler do it in the same way. */
#pragma once

#include "kernel/sched/thread.h"

void sched_arm_slice(struct cpu *cpu);
void sched_fpu_switch(struct cpu *cpu, struct thread *t);
void sched_pay(struct cpu *cpu, struct capsule *payer); /* charge the payer so far, then go on */

/* May this CPU go straight to `t`, which is on no queue? Not when something more urgent waits, nor
 * where `t` may not run. */
static inline bool sched_may_switch(const struct cpu *cpu, const struct thread *t)
{
    return !cpu->resched && (cpu->ready_mask >> t->priority >> 1) == 0 && (cpu->bit & t->cpus) != 0;
}

/* Time is charged when the payer changes, so a server that works on its caller's account costs no
 * look at the clock. */
static inline void sched_enter(struct cpu *cpu, struct thread *t)
{
    const struct arch_space *space = &t->capsule->space.arch;
    t->state = THREAD_RUNNING;
    t->cpu = cpu->id;
    cpu->current = t;
    cpu->ctx = &t->ctx;
    if (cpu->space != space) {
        cpu->space = space;
        arch_space_switch(space);
    }
    if (UNLIKELY(cpu->fpu_owner != NULL || t->fpu != NULL)) {
        sched_fpu_switch(cpu, t);
    }
    if (UNLIKELY(cpu->payer != t->payer)) {
        sched_pay(cpu, t->payer);
    }
    if (UNLIKELY(cpu->ready_mask >> t->priority != 0) && !cpu->slice_armed) {
        sched_arm_slice(cpu);
    }
}

/* From the current thread, which has blocked, to `t`. */
static inline void sched_switch(struct cpu *cpu, struct thread *t)
{
    sched_enter(cpu, t);
}
