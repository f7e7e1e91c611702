/* The run queues: 32 priorities on each CPU, first come first served in each; where a thread goes
 * that becomes ready; what an idle CPU takes from others. A CPU's queues are touched by whoever
 * holds the kernel lock. */
#include "kernel/core/panic.h"
#include "kernel/sched/parts.h"

enum {
    STEAL_LOOKS = 16 /* threads of one queue that an idle CPU looks at: the rest may not move */
};

void sched_enqueue(struct cpu *cpu, struct thread *t)
{
    t->state = THREAD_READY;
    t->cpu = cpu->id;
    if (UNLIKELY(sched_must_wait(t))) {
        sched_park(t);
        return;
    }
    sched_append(&cpu->ready[t->priority], t);
    cpu->ready_mask |= 1u << t->priority;
}

void sched_dequeue(struct thread *t)
{
    struct cpu *cpu = sched_home(t);
    struct ready_queue *q = t->parked ? &t->capsule->budget.parked : &cpu->ready[t->priority];
    *(t->prev != NULL ? &t->prev->next : &q->first) = t->next;
    *(t->next != NULL ? &t->next->prev : &q->last) = t->prev;
    t->next = t->prev = NULL;
    if (t->parked) {
        t->parked = false;
    } else if (q->first == NULL) {
        cpu->ready_mask &= ~(1u << t->priority);
    }
}

static bool takes_at_once(const struct cpu *cpu, const struct thread *t)
{
    return cpu->current == NULL ? cpu->ready_mask >> t->priority == 0
                                : cpu->current->priority < t->priority;
}

/* Where a thread that becomes ready goes: where it ran, if that CPU takes it at once (its cache);
 * else to a CPU that has nothing to do; else it waits where it ran. */
struct cpu *sched_cpu_for(const struct thread *t)
{
    struct cpu *own = sched_home(t);
    bool may = (own->bit & t->cpus) != 0;
    uint32_t idle = cpus_idle & t->cpus;
    if (may && (takes_at_once(own, t) || idle == 0)) {
        return own;
    }
    uint32_t mask = idle != 0 ? idle : t->cpus & cpus_running;
    KASSERT(mask != 0);
    return &cpus[__builtin_ctz(mask)];
}

static void kick(struct cpu *cpu)
{
    if (cpu != this_cpu() && !cpu->kicked) {
        cpu->kicked = true;
        arch_kick(cpu->id);
    }
}

void sched_give_way(struct cpu *cpu)
{
    cpu->resched = true;
    kick(cpu);
}

/* Another CPU has `t` new in its queue: it must look now if that one is more urgent than what runs
 * there, and share the CPU if it is as urgent. */
void sched_tell(struct cpu *cpu, const struct thread *t)
{
    if (cpu->current == NULL || t->priority > cpu->current->priority) {
        sched_give_way(cpu);
    } else if (t->priority == cpu->current->priority) {
        kick(cpu);
    }
}

static NOINLINE void ready_anywhere(struct cpu *cpu, struct thread *t)
{
    if (t->cpus == 0) {
        t->state = THREAD_STOPPED;
        return;
    }
    struct cpu *to = sched_cpu_for(t);
    sched_enqueue(to, t);
    if (UNLIKELY(t->parked)) {
        return;
    }
    if (to != cpu) {
        sched_tell(to, t);
    } else if (cpu->current == NULL) {
        return;
    } else if (t->priority > cpu->current->priority) {
        cpu->resched = true;
    } else if (t->priority == cpu->current->priority) {
        sched_arm_slice(cpu);
    }
}

void sched_ready(struct thread *t)
{
    struct cpu *cpu = this_cpu();
    if (!sched_ready_fast(cpu, t)) {
        ready_anywhere(cpu, t);
    }
}

void sched_unqueue(struct thread *t)
{
    sched_dequeue(t);
}

void sched_reprioritise(struct thread *t, uint32_t priority)
{
    bool queued = t->state == THREAD_READY;
    if (queued) {
        sched_dequeue(t);
    }
    t->priority = priority;
    if (queued) {
        sched_ready(t);
    } else if (t->state == THREAD_RUNNING && sched_home(t)->ready_mask >> priority >> 1 != 0) {
        sched_give_way(sched_home(t));
    }
}

uint32_t sched_cpus_of(const struct capsule *c)
{
    uint32_t mask = c->sched.cpus > CPUS_ALL ? CPUS_ALL : (uint32_t)c->sched.cpus;
    return (mask & cpus_running) != 0 ? mask : CPUS_ALL;
}

static void move(struct thread *t, uint32_t mask)
{
    t->cpus = mask;
    if ((sched_home(t)->bit & mask) != 0) {
        return;
    }
    if (t->state == THREAD_READY) {
        sched_dequeue(t);
        sched_ready(t);
    } else if (t->state == THREAD_RUNNING) {
        sched_give_way(sched_home(t));
    }
}

void sched_set_cpus(struct thread *t, uint32_t mask)
{
    if (t->held != 0) {
        t->held = mask;
    } else {
        move(t, mask);
    }
}

void sched_hold(struct thread *t)
{
    if (t->held == 0) {
        t->held = t->cpus;
        move(t, 0);
    }
}

void sched_release(struct thread *t)
{
    if (t->held != 0) {
        t->cpus = t->held;
        t->held = 0;
        if (t->state == THREAD_STOPPED) {
            sched_ready(t);
        }
    }
}

void sched_yield(void)
{
    struct cpu *cpu = this_cpu();
    cpu->resched |= cpu->ready_mask >> cpu->current->priority != 0;
}

/* The most urgent thread of another CPU's queues that may run here. */
static struct thread *stealable(const struct cpu *cpu, const struct cpu *from)
{
    uint32_t mask = from->ready_mask;
    while (mask != 0) {
        unsigned p = sched_top(mask);
        struct thread *t = from->ready[p].first;
        for (unsigned n = 0; t != NULL && n < STEAL_LOOKS; n++, t = t->next) {
            if ((t->cpus & cpu->bit) != 0) {
                return t;
            }
        }
        mask &= ~(1u << p);
    }
    return NULL;
}

static struct thread *steal(const struct cpu *cpu)
{
    struct thread *best = NULL;
    for (uint32_t i = 0; i < CPUS_MAX; i++) {
        struct thread *t = &cpus[i] == cpu ? NULL : stealable(cpu, &cpus[i]);
        best = t != NULL && (best == NULL || t->priority > best->priority) ? t : best;
    }
    return best;
}

struct thread *sched_pick(struct cpu *cpu)
{
    struct thread *t =
        cpu->ready_mask != 0 ? cpu->ready[sched_top(cpu->ready_mask)].first : steal(cpu);
    if (t != NULL) {
        sched_dequeue(t);
    }
    return t;
}
