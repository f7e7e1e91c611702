/* Leaving one thread for another, in line: the IPC path and the scheduler do it in the same way. */
#pragma once

#include "kernel/sched/thread.h"

extern uint32_t sched_ready_mask; /* bit p: somebody of priority p is ready */

void sched_arm_slice(void);
void sched_fpu_switch(struct cpu *cpu, const struct thread *t);

/* May the CPU go straight to `t`, which is on no queue? Not when something more urgent waits. */
static inline bool sched_may_switch(const struct cpu *cpu, const struct thread *t)
{
    return !cpu->resched && (sched_ready_mask >> t->priority >> 1) == 0;
}

static inline void sched_account(struct cpu *cpu, const struct thread *t)
{
    uint64_t now = arch_tsc();
    t->capsule->cpu_tsc += now - cpu->switch_tsc;
    cpu->switch_tsc = now;
}

static inline void sched_enter(struct cpu *cpu, struct thread *t)
{
    const struct arch_space *space = &t->capsule->space.arch;
    t->state = THREAD_RUNNING;
    cpu->current = t;
    cpu->ctx = &t->ctx;
    if (cpu->space != space) {
        cpu->space = space;
        arch_space_switch(space);
    }
    if (UNLIKELY(cpu->fpu_owner != t && (cpu->fpu_owner != NULL || t->fpu != NULL))) {
        sched_fpu_switch(cpu, t);
    }
    if (UNLIKELY(sched_ready_mask >> t->priority != 0)) {
        sched_arm_slice();
    }
}

/* From the current thread, which has blocked, to `t`. */
static inline void sched_switch(struct cpu *cpu, struct thread *t)
{
    sched_account(cpu, cpu->current);
    sched_enter(cpu, t);
}
