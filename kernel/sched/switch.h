/* Leaving one thread for another, in line: the IPC path and the scheduler do it in the same way. */
#pragma once

#include "kernel/sched/thread.h"

void sched_arm_slice(struct cpu *cpu);
void sched_fpu_switch(struct cpu *cpu, struct thread *t);
void sched_pay(struct cpu *cpu, struct capsule *payer); /* charge the payer so far, then go on */

static inline bool sched_has_budget(const struct capsule *c)
{
    return c->sched.budget_us != 0;
}

/* The time since the last look is that of `payer`, which is the CPU's; NULL: nobody's. */
static inline void sched_charge(struct cpu *cpu, struct capsule *payer)
{
    uint64_t now = arch_tsc(), took = now - cpu->switch_tsc;
    if (payer != NULL && (int64_t)took > 0) {  // another CPU's look may be a little ahead
        payer->cpu_tsc += took;
    }
    cpu->switch_tsc = now;
}

static inline unsigned sched_top(uint32_t mask)
{
    return 31u - (unsigned)__builtin_clz(mask);
}

/* Behind others. */
static inline void sched_append_to(struct ready_queue *q, struct thread *t)
{
    struct thread *last = q->last;
    t->next = NULL;
    t->prev = last;
    last->next = t;
    q->last = t;
}

static inline void sched_append(struct ready_queue *q, struct thread *t)
{
    t->next = NULL;
    t->prev = q->last;
    *(q->last != NULL ? &q->last->next : &q->first) = t;
    q->last = t;
}

/* May this CPU go straight to `t`, which is on no queue? Not when something more urgent waits, nor
 * where `t` may not run. */
static inline bool sched_may_switch(const struct cpu *cpu, const struct thread *t)
{
    return !cpu->resched && (cpu->ready_mask >> t->priority >> 1) == 0 && (cpu->bit & t->cpus) != 0;
}

/* `t` is ready on this CPU, behind others of its priority. */
static ALWAYS_INLINE void sched_join(struct cpu *cpu, struct thread *t)
{
    uint32_t p = t->priority % PRIORITIES;
    t->state = THREAD_READY;
    sched_append(&cpu->ready[p], t);
    cpu->ready_mask |= 1u << p;
}

/* Its registers and its space. */
static ALWAYS_INLINE struct arch_context *sched_load(struct cpu *cpu, struct thread *t)
{
    const struct arch_space *space = &t->capsule->space.arch;
    struct arch_context *ctx = &t->ctx;
    t->state = THREAD_RUNNING;
    t->cpu = cpu->id;
    cpu->current = t;
    cpu->ctx = ctx;
    if (cpu->space != space) {
        uint64_t root = space->root.v;
        cpu->space = space;
        cpu->root = root;
        arch_root_load(root);
    }
    return ctx;
}

/* Time is charged when the payer changes, so a server that works on its caller's account costs no
 * look at the clock. */
static inline void sched_enter(struct cpu *cpu, struct thread *t)
{
    (void)sched_load(cpu, t);
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

/* ---- the common cases of waking, waiting and giving way, in a straight line: one CPU's queues, no
 * budget, no FPU state, nothing for the background. They change nothing when they say no. ---- */

/* `t`, blocked, is ready on this CPU, behind others of its priority; `resched` says if it is more
 * urgent than what runs. */
static ALWAYS_INLINE bool sched_ready_fast(struct cpu *cpu, struct thread *t)
{
    uint32_t p = t->priority % PRIORITIES;
    const struct thread *current = cpu->current;
    uint64_t rare = (t->cpu ^ cpu->id) | (cpus_idle & t->cpus) | t->payer->sched.budget_us;
    if (UNLIKELY(rare != 0 || (cpu->bit & t->cpus) == 0 || current == NULL)) {
        return false;
    }
    sched_join(cpu, t);
    if (p > current->priority) {
        cpu->resched = true;
    } else if (p == current->priority && UNLIKELY(!cpu->slice_armed)) {
        sched_arm_slice(cpu);
    }
    return true;
}

/* Current has blocked, or stands in a queue: the context of the one that runs now. NULL: the long
 * way finds out who. */
static ALWAYS_INLINE struct arch_context *sched_next_fast(struct cpu *cpu)
{
    uint32_t mask = cpu->ready_mask;
    struct capsule *from = cpu->payer;
    if (UNLIKELY(mask == 0 || from == NULL)) {
        return NULL;
    }
    uint32_t p = sched_top(mask) % PRIORITIES;
    struct ready_queue *q = &cpu->ready[p];
    struct thread *t = q->first, *next = t->next;
    struct capsule *to = t->payer;
    uint64_t rare = (uint64_t)t->fpu | (uint64_t)cpu->fpu_owner | t->cont | background_news |
                    to->sched.budget_us | from->sched.budget_us;
    if (UNLIKELY(rare != 0 || (next != NULL && !cpu->slice_armed))) {
        return NULL;
    }
    if (from != to) {
        sched_charge(cpu, from);
        cpu->payer = to;
    }
    q->first = next;
    if (next != NULL) {
        next->prev = NULL;
    } else {
        q->last = NULL;
        cpu->ready_mask = mask & ~(1u << p);
    }
    cpu->resched = false;
    return sched_load(cpu, t);
}

/* Current gives way to others of its priority. False: there are none, or the long way is to look.
 */
static ALWAYS_INLINE bool sched_yield_fast(struct cpu *cpu, struct thread *t)
{
    uint32_t p = t->priority % PRIORITIES;
    if (UNLIKELY(cpu->ready_mask >> p != 1 || cpu->resched || sched_has_budget(t->payer))) {
        return false;
    }
    t->state = THREAD_READY;
    sched_append_to(&cpu->ready[p], t);
    return true;
}
