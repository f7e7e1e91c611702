/* The scheduler. Everything here runs under the kernel lock on one CPU's queues.
 *
 * The timer is armed for the nearest deadline, and for a slice only while somebody else could use
 * the CPU: a lone busy thread is not interrupted. A timer that turns out too early costs one look;
 * so it is never moved later. */
#include "kernel/core/lock.h"
#include "kernel/core/panic.h"
#include "kernel/sched/switch.h"

struct queue {
    struct thread *first, *last;
};
static struct queue ready[PRIORITIES];
uint32_t sched_ready_mask;
static struct thread *deadlines; /* sorted, earliest first */
static uint64_t idle_ns, longest_step;

static void arm(struct cpu *cpu, uint64_t when_ns)
{
    if (cpu->timer_ns == 0 || when_ns < cpu->timer_ns) {
        cpu->timer_ns = when_ns;
        arch_timer_arm(when_ns);
    }
}

void sched_arm_slice(void)
{
    struct cpu *cpu = this_cpu();
    if (!cpu->slice_armed) {
        cpu->slice_armed = true;
        arm(cpu, arch_clock_ns() + SLICE_NS);
    }
}

/* A machine that is never idle still gives back and signs: a step at each choice, and a choice at
 * least this often. */
enum { BACKGROUND_NS = 1000000 };

void sched_arm_background(void)
{
    uint64_t due = background_due();
    if (due != 0) {
        uint64_t soonest = arch_clock_ns() + BACKGROUND_NS;
        arm(this_cpu(), due > soonest ? due : soonest);
        this_cpu()->background_armed = true;
    }
}

/* ---- run queues ---- */

static void enqueue(struct thread *t)
{
    struct queue *q = &ready[t->priority];
    t->state = THREAD_READY;
    t->next = NULL;
    t->prev = q->last;
    if (q->last != NULL) {
        q->last->next = t;
    } else {
        q->first = t;
    }
    q->last = t;
    sched_ready_mask |= 1u << t->priority;
}

static void dequeue(struct thread *t)
{
    struct queue *q = &ready[t->priority];
    *(t->prev != NULL ? &t->prev->next : &q->first) = t->next;
    *(t->next != NULL ? &t->next->prev : &q->last) = t->prev;
    t->next = t->prev = NULL;
    if (q->first == NULL) {
        sched_ready_mask &= ~(1u << t->priority);
    }
}

static unsigned top_priority(void)
{
    return 31u - (unsigned)__builtin_clz(sched_ready_mask);
}

void sched_ready(struct thread *t)
{
    struct cpu *cpu = this_cpu();
    enqueue(t);
    if (cpu->current == NULL) {
        return;
    }
    if (t->priority > cpu->current->priority) {
        cpu->resched = true;
    } else if (t->priority == cpu->current->priority) {
        sched_arm_slice();
    }
}

void sched_unqueue(struct thread *t)
{
    dequeue(t);
}

void sched_reprioritise(struct thread *t, uint32_t priority)
{
    bool queued = t->state == THREAD_READY;
    if (queued) {
        dequeue(t);
    }
    t->priority = priority;
    if (queued) {
        sched_ready(t);
    } else if (t->state == THREAD_RUNNING && sched_ready_mask >> priority >> 1 != 0) {
        this_cpu()->resched = true;
    }
}

void sched_yield(void)
{
    if (sched_ready_mask != 0) {
        this_cpu()->resched = true;
    }
}

/* ---- deadlines ---- */

static void deadline_add(struct thread *t)
{
    struct thread *before = NULL, *at = deadlines;
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
        deadlines = t;
        arm(this_cpu(), t->deadline_ns);
    }
}

void sched_unwait(struct thread *t)
{
    if (t->deadline_ns == 0) {
        return;
    }
    *(t->t_prev != NULL ? &t->t_prev->t_next : &deadlines) = t->t_next;
    if (t->t_next != NULL) {
        t->t_next->t_prev = t->t_prev;
    }
    t->t_next = t->t_prev = NULL;
    t->deadline_ns = 0;
}

void sched_block(enum thread_state state, struct obj *on, uint64_t deadline_ns)
{
    struct thread *t = this_cpu()->current;
    t->state = state;
    t->waits_on = on;
    t->deadline_ns = deadline_ns;
    if (deadline_ns != 0) {
        deadline_add(t);
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

void sched_tick(void)
{
    struct cpu *cpu = this_cpu();
    uint64_t now = arch_clock_ns();

    cpu->timer_ns = 0;
    cpu->slice_armed = false;
    cpu->background_armed = false;
    while (deadlines != NULL && deadlines->deadline_ns <= now) {
        struct thread *t = deadlines;
        nos_status_t st = t->state == THREAD_SLEEP ? NOS_OK : NOS_TIMED_OUT;
        thread_wait_cancel(t);
        sched_wake(t, st);
    }
    if (deadlines != NULL) {
        arm(cpu, deadlines->deadline_ns);
    }
    if (cpu->current != NULL && sched_ready_mask != 0 && top_priority() >= cpu->current->priority) {
        cpu->resched = true;
    }
    uint64_t due = background_due();
    cpu->resched |= due != 0 && due <= now;
}

/* ---- leaving the kernel ---- */

static struct thread *pick(void)
{
    if (sched_ready_mask == 0) {
        return NULL;
    }
    struct thread *t = ready[top_priority()].first;
    dequeue(t);
    return t;
}

/* Current stops running: to the tail if it could go on, out for good if it is dead. */
static void leave(struct cpu *cpu)
{
    struct thread *t = cpu->current;
    cpu->resched = false;
    if (t == NULL) {
        cpu->switch_tsc = arch_tsc();  // idle is nobody's time
        return;
    }
    sched_account(cpu, t);
    cpu->current = NULL;
    if (t->state == THREAD_RUNNING) {
        enqueue(t);
    } else if (t->state == THREAD_DEAD) {
        obj_put(&t->obj);  // the reference that thread_kill left for the CPU
    }
}

void sched_fpu_switch(struct cpu *cpu, const struct thread *t)
{
    arch_fpu_switch(cpu->fpu_owner == NULL ? NULL : cpu->fpu_owner->fpu, t->fpu);
    cpu->fpu_owner = t->fpu == NULL ? NULL : t;
}

void sched_handoff(struct thread *t)
{
    struct cpu *cpu = this_cpu();
    if (sched_may_switch(cpu, t)) {
        sched_switch(cpu, t);
    } else {
        sched_ready(t);
    }
}

void sched_forget_space(const struct arch_space *s)
{
    struct cpu *cpu = this_cpu();
    if (cpu->space == s) {
        cpu->space = NULL;
        arch_space_switch(NULL);
    }
}

static void note_step(uint64_t since)
{
    uint64_t took = arch_tsc() - since;
    longest_step = took > longest_step ? took : longest_step;
}

static bool background(void)
{
    uint64_t since = arch_tsc();
    if (!background_step()) {
        return false;
    }
    note_step(since);
    kernel_unlock();
    arch_irq_window();
    kernel_lock();
    return true;
}

/* Between two threads: a step if it is time, and the timer for the next one. */
static NOINLINE void keep_up(uint64_t due)
{
    if (due <= arch_clock_ns()) {
        (void)background();
    }
    sched_arm_background();
}

static void idle(void)
{
    if (background()) {
        return;
    }
    sched_arm_background();
    uint64_t start = arch_clock_ns();
    kernel_unlock();
    arch_idle();
    kernel_lock();
    idle_ns += arch_clock_ns() - start;
}

static void run_continuation(struct thread *t)
{
    uint64_t since = arch_tsc();
    bool done = false;
    nos_status_t st = continuation_step(t, &done);
    note_step(since);
    if (done) {
        t->cont = CONT_NONE;
        t->ctx.nr = (uint64_t)(int64_t)st;
    }
    kernel_unlock();
    arch_irq_window();
    kernel_lock();
}

static struct arch_context *choose(struct cpu *cpu)
{
    for (;;) {
        struct thread *t = cpu->current;
        if (t == NULL || t->state != THREAD_RUNNING || cpu->resched) {
            leave(cpu);
            uint64_t due = background_due();
            if (UNLIKELY(due == 1 || (due != 0 && !cpu->background_armed))) {
                keep_up(due);
            }
            t = pick();
            if (t == NULL) {
                idle();
                continue;
            }
            sched_enter(cpu, t);
        }
        if (t->cont == CONT_NONE) {
            return &t->ctx;
        }
        run_continuation(t);
    }
}

struct arch_context *sched_exit(void)
{
    struct cpu *cpu = this_cpu();
    struct thread *t = cpu->current;
    if (LIKELY(t != NULL && t->state == THREAD_RUNNING && !cpu->resched && t->cont == CONT_NONE)) {
        return &t->ctx;
    }
    return choose(cpu);
}

uint64_t sched_idle_ns(void)
{
    return idle_ns;
}

uint64_t sched_longest_step(void)
{
    return longest_step;
}
