/* The scheduler: how a CPU leaves the kernel, with which thread. Everything in this folder runs
 * under the kernel lock. Spec: docs/scheduling.md. */
#include "kernel/arch/api/upcalls.h"
#include "kernel/core/lock.h"
#include "kernel/core/panic.h"
#include "kernel/sched/parts.h"

static uint64_t longest_step;

/* Registers go back to memory whenever their thread leaves: it may come on again elsewhere. */
void sched_fpu_switch(struct cpu *cpu, struct thread *t)
{
    struct arch_fpu *next = t == NULL ? NULL : t->fpu;
    if (cpu->fpu_owner != t) {
        arch_fpu_switch(cpu->fpu_owner == NULL ? NULL : cpu->fpu_owner->fpu, next);
        cpu->fpu_owner = next == NULL ? NULL : t;
    }
}

/* Current stops running: to the tail if it could go on, out for good if it is dead. */
static void leave(struct cpu *cpu)
{
    struct thread *t = cpu->current;
    cpu->resched = false;
    cpu->current = NULL;
    if (t == NULL) {
        return;
    }
    if (cpu->fpu_owner != NULL) {
        sched_fpu_switch(cpu, NULL);
    }
    if (UNLIKELY(cpu->payer != NULL && sched_has_budget(cpu->payer))) {
        sched_charge(cpu, cpu->payer);  // so that it is known here whether it may go on
    }
    if (t->state == THREAD_RUNNING && UNLIKELY(t->cpus == 0)) {
        t->state = THREAD_STOPPED;
    } else if (t->state == THREAD_RUNNING) {
        sched_enqueue((cpu->bit & t->cpus) != 0 ? cpu : sched_cpu_for(t), t);
        if (t->cpu != cpu->id && !t->parked) {
            sched_tell(sched_home(t), t);
        }
    } else if (t->state == THREAD_DEAD) {
        t->ctx = (struct arch_context){ 0 };  // a handle may keep the object
        obj_put(&t->obj);                     // the reference that thread_kill left for the CPU
    }
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
    for (uint32_t i = 0; i < CPUS_MAX; i++) {
        if (cpus[i].space == s) {
            cpus[i].space = NULL;
        }
    }
    arch_space_leave(s);
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
    (void)kernel_lock();
    return true;
}

/* Between two threads: a step if the timer came for one, and the timer for the next. Whoever has
 * become ready does not wait for more than that one. */
static NOINLINE void keep_up(struct cpu *cpu)
{
    if (cpu->background_turn) {
        cpu->background_turn = false;
        (void)background();
    }
    background_news = 0;
    sched_arm_background();
}

/* Nobody's time. Any idle CPU does what is due now; one is enough to wake for what is due later. */
static void idle(struct cpu *cpu)
{
    if (background() || sched_overdue()) {
        return;
    }
    if (!sched_background_armed()) {
        sched_arm_background();
    }
    sched_pay(cpu, NULL);
    cpu->space = NULL;  // nobody has to interrupt an idle CPU for a flush
    arch_space_switch(NULL);
    uint64_t start = arch_clock_ns();
    cpu->idle = true;
    cpus_idle |= cpu->bit;
    kernel_unlock();
    arch_idle();
    (void)kernel_lock();
    cpus_idle &= ~cpu->bit;
    cpu->idle = false;
    cpu->idle_ns += arch_clock_ns() - start;
}

/* Its FPU state goes back to memory, and comes again: the step may want the registers. */
void sched_step_begin(struct thread *t)
{
    struct cpu *cpu = this_cpu();
    if (cpu->fpu_owner != NULL) {
        sched_fpu_switch(cpu, NULL);
    }
    t->stepping = true;
    kernel_unlock();
    arch_irq_open();
}

bool sched_step_end(struct thread *t)
{
    arch_irq_close();
    (void)kernel_lock();
    t->stepping = false;
    if (t->state == THREAD_DEAD) {
        continuation_drop(t);
        t->cont = CONT_NONE;
        return false;
    }
    if (t->fpu != NULL) {
        sched_fpu_switch(this_cpu(), t);
    }
    return true;
}

static void run_continuation(struct cpu *cpu, struct thread *t)
{
    uint64_t since = arch_tsc();
    bool done = false;
    nos_status_t st = continuation_step(t, &done);
    note_step(since);
    if (done && t->state != THREAD_DEAD) {
        t->cont = CONT_NONE;
        t->ctx.nr = (uint64_t)(int64_t)st;
    }
    kernel_unlock();
    arch_irq_window();
    (void)kernel_lock();
    if (t->state == THREAD_RUNNING && cpu->payer != t->payer) {
        sched_pay(cpu, t->payer);  // whoever it works for has stopped waiting meanwhile
    }
}

static struct arch_context *choose(struct cpu *cpu)
{
    for (;;) {
        struct thread *t = cpu->current;
        if (t == NULL || t->state != THREAD_RUNNING || cpu->resched) {
            leave(cpu);
            if (UNLIKELY(background_news != 0)) {
                keep_up(cpu);
            }
            t = sched_pick(cpu);
            if (t == NULL) {
                return arch_rest();
            }
            sched_enter(cpu, t);
        }
        if (t->cont == CONT_NONE) {
            return &t->ctx;
        }
        run_continuation(cpu, t);
    }
}

struct arch_context *up_idle(void)
{
    struct cpu *cpu = this_cpu();
    if (UNLIKELY(cpu->stale)) {
        cpu->stale = false;
        arch_stack_clean();
    }
    idle(cpu);
    struct arch_context *next = choose(cpu);
    kernel_unlock();
    return next;
}

/* Current goes behind the others of its priority, and the first of the most urgent runs. */
static struct arch_context *switch_fast(struct cpu *cpu)
{
    struct thread *t = cpu->current;
    if (t == NULL || t->cont != CONT_NONE || t->state == THREAD_DEAD) {
        return NULL;
    }
    if (t->state == THREAD_RUNNING) {
        if (cpu->ready_mask >> t->priority % PRIORITIES == 0 || (cpu->bit & t->cpus) == 0 ||
            sched_has_budget(t->payer)) {
            return NULL;
        }
        sched_join(cpu, t);
    }
    return sched_next_fast(cpu);
}

struct arch_context *sched_exit(void)
{
    struct cpu *cpu = this_cpu();
    struct thread *t = cpu->current;
    if (LIKELY(t != NULL && t->state == THREAD_RUNNING && !cpu->resched && t->cont == CONT_NONE)) {
        if (UNLIKELY(cpu->payer != t->payer)) {
            sched_pay(cpu, t->payer);  // it has taken a call, or answered one, and goes on
        }
        return &t->ctx;
    }
    struct arch_context *next = switch_fast(cpu);
    return next != NULL ? next : choose(cpu);
}

uint64_t sched_idle_ns(void)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < CPUS_MAX; i++) {
        sum += cpus[i].idle_ns;
    }
    return sum;
}

uint64_t sched_longest_step(void)
{
    return longest_step;
}
