/* What the scheduler's files share: timer.c, budget.c, queue.c, sched.c. All under the kernel lock.
 */
#pragma once

#include "kernel/sched/switch.h"

/* ---- timer.c: one shot per CPU, for the nearest of its deadlines ---- */

void sched_arm(struct cpu *cpu, uint64_t when_ns); /* not later than that; `cpu` is this one */
bool sched_background_armed(void);                 /* some CPU's timer comes for background work */

/* ---- budget.c: who pays ---- */

/** Must `t` wait for a budget? A server that was lent one which is used up goes on on its own. */
bool sched_must_wait(struct thread *t);
void sched_park(struct thread *t); /* READY, behind the others whose budget is used up */
void sched_unpark(struct cpu *cpu, uint64_t now); /* those whose period has ended come back */

/** The timer came: the budget that this CPU runs on may be used up. Then somebody else pays for the
 * current thread, or another runs. */
void sched_check_budget(struct cpu *cpu);

/* ---- queue.c: run queues ---- */

static inline struct cpu *sched_home(const struct thread *t)
{
    return &cpus[t->cpu % CPUS_MAX];
}

void sched_enqueue(struct cpu *cpu, struct thread *t); /* at the tail, or parked */
void sched_dequeue(struct thread *t);
struct cpu *sched_cpu_for(const struct thread *t); /* where a thread that becomes ready goes */
void sched_tell(struct cpu *cpu, const struct thread *t); /* another CPU: `t` is new in its queue */
void sched_give_way(struct cpu *cpu);       /* it chooses anew, at once if it is another CPU */
struct thread *sched_pick(struct cpu *cpu); /* off its queue, or another CPU's; NULL: none */
