/* Each CPU's timer is armed for the nearest deadline, and for a slice only while somebody else
 * could use the CPU: a lone busy thread is not interrupted. A timer that turns out too early costs
 * one look; so it is never moved later. */
#include "kernel/core/panic.h"
#include "kernel/sched/parts.h"

static const struct cpu *background_by; /* whose timer comes when background work is due */

void sched_arm(struct cpu *cpu, uint64_t when_ns)
{
    if (cpu->timer_ns == 0 || when_ns < cpu->timer_ns) {
        cpu->timer_ns = when_ns;
        arch_timer_arm(when_ns);
    }
}

void sched_arm_slice(struct cpu *cpu)
{
    if (!cpu->slice_armed) {
        cpu->slice_armed = true;
        sched_arm(cpu, arch_clock_ns() + SLICE_NS);
    }
}

/* A machine that is never idle still gives back and signs: a step this often. */
enum { BACKGROUND_NS = 1000000 };

void sched_arm_background(void)
{
    struct cpu *cpu = this_cpu();
    uint64_t due = background_due();
    if (due != 0) {
        uint64_t soonest = arch_clock_ns() + BACKGROUND_NS, at = due > soonest ? due : soonest;
        if (cpu->background_ns == 0 || at < cpu->background_ns) {
            cpu->background_ns = at;
            sched_arm(cpu, at);
        }
        background_by = cpu;
    }
}

static void watch_background(struct cpu *cpu, uint64_t now)
{
    if (now < cpu->background_ns) {
        sched_arm(cpu, cpu->background_ns);
        return;
    }
    cpu->background_ns = 0;
    cpu->background_turn = cpu->resched = true;
    background_news = 1;
}

bool sched_background_armed(void)
{
    return background_by != NULL && background_by->background_ns != 0;
}

/* ---- deadlines: in the list of the CPU where the thread blocked ---- */

static void deadline_add(struct cpu *cpu, struct thread *t)
{
    struct thread *before = NULL, *at = cpu->deadlines;
    while (at != NULL && at->deadline_ns <= t->deadline_ns) {
        before = at;
        at = at->t_next;
    }
    t->t_prev = before;
    t->t_next = at;
    if (at != NULL) {
        at->t_prev = t;
    }
    if (before != NULL) {
        before->t_next = t;
    } else {
        cpu->deadlines = t;
        sched_arm(cpu, t->deadline_ns);
    }
}

void sched_unwait(struct thread *t)
{
    if (t->deadline_ns == 0) {
        return;
    }
    *(t->t_prev != NULL ? &t->t_prev->t_next : &sched_home(t)->deadlines) = t->t_next;
    if (t->t_next != NULL) {
        t->t_next->t_prev = t->t_prev;
    }
    t->t_next = t->t_prev = NULL;
    t->deadline_ns = 0;
}

void sched_block(enum thread_state state, struct obj *on, uint64_t deadline_ns)
{
    struct cpu *cpu = this_cpu();
    struct thread *t = cpu->current;
    t->state = state;
    t->waits_on = on;
    t->deadline_ns = deadline_ns;
    if (deadline_ns != 0) {
        deadline_add(cpu, t);
    }
}

void sched_wake(struct thread *t, nos_status_t st)
{
    sched_unwait(t);
    t->waits_on = NULL;
    if (UNLIKELY(t->fault != 0)) {  // nobody looks after its fault any more
        t->cont = CONT_CRASH;
    } else {
        t->ctx.nr = (uint64_t)(int64_t)st;
    }
    sched_ready(t);
}

static void end_waits(struct cpu *cpu, uint64_t now)
{
    while (cpu->deadlines != NULL && cpu->deadlines->deadline_ns <= now) {
        struct thread *t = cpu->deadlines;
        nos_status_t st = t->state == THREAD_SLEEP ? NOS_OK : NOS_TIMED_OUT;
        thread_wait_cancel(t);
        sched_wake(t, st);
    }
    if (cpu->deadlines != NULL) {
        sched_arm(cpu, cpu->deadlines->deadline_ns);
    }
}

/* ---- the interrupts ---- */

/* May `t`, which sleeps until now, take this CPU from the current thread at once? */
static bool wakes_into(const struct cpu *cpu, const struct thread *t)
{
    const struct thread *c = cpu->current;
    uint64_t rare = (t->state ^ THREAD_SLEEP) | (c->state ^ THREAD_RUNNING) | t->cont | c->cont |
                    (uint64_t)t->fpu | (uint64_t)cpu->fpu_owner | (uint64_t)cpu->parked |
                    t->payer->sched.budget_us | c->payer->sched.budget_us |
                    ((uint64_t)cpu->payer ^ (uint64_t)c->payer) | background_news;
    return rare == 0 && c->priority < t->priority && cpu->ready_mask >> t->priority == 0 &&
           (cpu->bit & t->cpus & c->cpus) != 0;
}

struct arch_context *sched_tick_fast(void)
{
    struct cpu *cpu = this_cpu();
    struct thread *t = cpu->deadlines, *c = cpu->current;
    uint64_t now = arch_clock_ns(), soonest = cpu->background_ns;
    if (t == NULL || c == NULL || now < t->deadline_ns || (soonest != 0 && soonest <= now) ||
        !wakes_into(cpu, t)) {
        return NULL;
    }
    struct thread *next = t->t_next;
    if (next != NULL) {
        if (next->deadline_ns <= now) {
            return NULL;
        }
        next->t_prev = NULL;
        soonest = soonest == 0 || next->deadline_ns < soonest ? next->deadline_ns : soonest;
    }
    cpu->timer_irqs++;
    cpu->timer_ns = 0;
    cpu->slice_armed = false;
    cpu->deadlines = next;
    t->t_next = NULL;
    t->deadline_ns = 0;
    t->ctx.nr = NOS_OK;
    if (soonest != 0) {
        sched_arm(cpu, soonest);
    }
    sched_join(cpu, c);
    if (c->payer != t->payer) {
        sched_charge(cpu, c->payer);
        cpu->payer = t->payer;
    }
    return sched_load(cpu, t);
}

void sched_tick(void)
{
    struct cpu *cpu = this_cpu();
    uint64_t now = arch_clock_ns();

    cpu->timer_irqs++;
    cpu->timer_ns = 0;
    cpu->slice_armed = false;
    end_waits(cpu, now);
    sched_unpark(cpu, now);
    sched_check_budget(cpu);
    if (cpu->current != NULL && cpu->ready_mask >> cpu->current->priority != 0) {
        cpu->resched = true;
    }
    if (cpu->background_ns != 0) {
        watch_background(cpu, now);
    }
}

/* What is asked for later than a deadline that has passed arms nothing: the interrupt is on its
 * way. One that was lost would so silence the timer for ever; whoever comes by looks. */
bool sched_overdue(void)
{
    struct cpu *cpu = this_cpu();
    if (cpu->timer_ns == 0 || arch_clock_ns() < cpu->timer_ns) {
        return false;
    }
    sched_tick();
    return true;
}

void sched_kicked(void)
{
    struct cpu *cpu = this_cpu();
    cpu->kicked = false;
    if (cpu->current != NULL && cpu->ready_mask >> cpu->current->priority != 0) {
        sched_arm_slice(cpu);
    }
}
