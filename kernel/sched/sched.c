/* The scheduler. Everything here runs under the kernel lock; a CPU's queues are touched by whoever
 * holds it, its timer only by itself. Spec: docs/scheduling.md.
 *
 * The timer is armed for the nearest deadline, and for a slice only while somebody else could use
 * the CPU: a lone busy thread is not interrupted. A timer that turns out too early costs one look;
 * so it is never moved later. */
#include "kernel/core/lock.h"
#include "kernel/core/panic.h"
#include "kernel/sched/switch.h"

enum {
    STEAL_LOOKS = 16 /* threads of one queue that an idle CPU looks at: the rest may not move */
};

static const struct cpu *background_by; /* whose timer comes when background work is due */
static uint64_t longest_step;

static void arm(struct cpu *cpu, uint64_t when_ns)
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
        arm(cpu, arch_clock_ns() + SLICE_NS);
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
            arm(cpu, at);
        }
        background_by = cpu;
    }
}

static void watch_background(struct cpu *cpu, uint64_t now)
{
    if (now < cpu->background_ns) {
        arm(cpu, cpu->background_ns);
        return;
    }
    cpu->background_ns = 0;
    cpu->background_turn = cpu->resched = true;
    background_news = 1;
}

/* ---- who pays ---- */

/* A period begins with the first use after the last one's end. */
static void look_at_period(struct capsule *c)
{
    struct budget *b = &c->budget;
    uint64_t now = arch_clock_ns(), hz, mult, base;
    if (now >= b->until_ns) {
        arch_clock_params(&hz, &mult, &base);
        b->end_tsc = c->cpu_tsc + hz / 1000 * c->sched.budget_us / 1000;
        b->until_ns = now + (uint64_t)c->sched.period_us * 1000;
    }
}

static bool is_spent(const struct capsule *c)
{
    return sched_has_budget(c) && c->cpu_tsc >= c->budget.end_tsc;
}

/* The timer comes when the payer's budget is used up; at once if it is already: then sched_tick
 * finds somebody else to pay, or to run. */
static void watch_budget(struct cpu *cpu)
{
    const struct capsule *c = cpu->payer;
    uint64_t hz, mult, base, left = is_spent(c) ? 0 : c->budget.end_tsc - c->cpu_tsc;
    arch_clock_params(&hz, &mult, &base);
    arm(cpu, arch_clock_ns() + (uint64_t)((unsigned __int128)left * mult >> 32) + 1);
}

void sched_pay(struct cpu *cpu, struct capsule *payer)
{
    sched_charge(cpu, cpu->payer);
    cpu->payer = payer;
    if (payer != NULL && UNLIKELY(sched_has_budget(payer))) {
        look_at_period(payer);
        watch_budget(cpu);
    }
}

/* Must `t` wait for a budget? A server that was lent one which is used up goes on on its own. */
static NOINLINE bool must_wait_if_spent(struct thread *t)
{
    look_at_period(t->payer);
    if (is_spent(t->payer) && t->payer != t->capsule) {
        t->payer = t->capsule;
        if (is_spent(t->payer)) {
            look_at_period(t->payer);
        }
    }
    return is_spent(t->payer);
}

static bool must_wait(struct thread *t)
{
    return UNLIKELY(is_spent(t->payer)) && must_wait_if_spent(t);
}

/* ---- run queues ---- */

static struct cpu *home(const struct thread *t)
{
    return &cpus[t->cpu % CPUS_MAX];
}

/* Behind the others whose budget is used up; this CPU's timer comes when the period ends. */
static void park(struct thread *t)
{
    struct cpu *cpu = this_cpu();
    struct capsule *c = t->capsule;
    if (!c->budget.watched) {  // its queue may be empty and be watched still
        c->budget.watched = true;
        c->budget.next_parked = cpu->parked;
        cpu->parked = c;
        arm(cpu, c->budget.until_ns);
    }
    t->parked = true;
    sched_append(&c->budget.parked, t);
}

static void enqueue(struct cpu *cpu, struct thread *t)
{
    t->state = THREAD_READY;
    t->cpu = cpu->id;
    if (UNLIKELY(must_wait(t))) {
        park(t);
        return;
    }
    sched_append(&cpu->ready[t->priority], t);
    cpu->ready_mask |= 1u << t->priority;
}

static void dequeue(struct thread *t)
{
    struct cpu *cpu = home(t);
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
static struct cpu *cpu_for(const struct thread *t)
{
    struct cpu *own = home(t);
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

static void give_way(struct cpu *cpu)
{
    cpu->resched = true;
    kick(cpu);
}

/* Another CPU has `t` new in its queue: it must look now if that one is more urgent than what runs
 * there, and share the CPU if it is as urgent. */
static void tell(struct cpu *cpu, const struct thread *t)
{
    if (cpu->current == NULL || t->priority > cpu->current->priority) {
        give_way(cpu);
    } else if (t->priority == cpu->current->priority) {
        kick(cpu);
    }
}

static NOINLINE void ready_anywhere(struct cpu *cpu, struct thread *t)
{
    struct cpu *to = cpu_for(t);
    enqueue(to, t);
    if (UNLIKELY(t->parked)) {
        return;
    }
    if (to != cpu) {
        tell(to, t);
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
    } else if (t->state == THREAD_RUNNING && home(t)->ready_mask >> priority >> 1 != 0) {
        give_way(home(t));
    }
}

uint32_t sched_cpus_of(const struct capsule *c)
{
    uint32_t mask = c->sched.cpus > CPUS_ALL ? CPUS_ALL : (uint32_t)c->sched.cpus;
    return (mask & cpus_running) != 0 ? mask : CPUS_ALL;
}

void sched_set_cpus(struct thread *t, uint32_t mask)
{
    t->cpus = mask;
    if ((home(t)->bit & mask) != 0) {
        return;
    }
    if (t->state == THREAD_READY) {
        dequeue(t);
        sched_ready(t);
    } else if (t->state == THREAD_RUNNING) {
        give_way(home(t));
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
        arm(cpu, t->deadline_ns);
    }
}

void sched_unwait(struct thread *t)
{
    if (t->deadline_ns == 0) {
        return;
    }
    *(t->t_prev != NULL ? &t->t_prev->t_next : &home(t)->deadlines) = t->t_next;
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
        arm(cpu, cpu->deadlines->deadline_ns);
    }
}

/* Those whose period has ended come back. A capsule leaves the list when its queue is found empty.
 */
static void unpark(struct cpu *cpu, uint64_t now)
{
    struct capsule **at = &cpu->parked;
    while (*at != NULL) {
        struct capsule *c = *at;
        bool over = now >= c->budget.until_ns || !is_spent(c);  // the first one begins the next
        while (over && c->budget.parked.first != NULL) {
            struct thread *t = c->budget.parked.first;
            dequeue(t);
            sched_ready(t);
        }
        if (c->budget.parked.first == NULL) {
            *at = c->budget.next_parked;
            c->budget.watched = false;
        } else {
            arm(cpu, c->budget.until_ns);
            at = &c->budget.next_parked;
        }
    }
}

/* The budget that this CPU runs on may be used up: then somebody else pays for the current thread,
 * or another thread runs. */
static void check_budget(struct cpu *cpu)
{
    struct thread *t = cpu->current;
    sched_charge(cpu, cpu->payer);
    if (cpu->payer == NULL || !sched_has_budget(cpu->payer)) {
        return;
    }
    if (!is_spent(cpu->payer)) {
        watch_budget(cpu);
    } else if (t != NULL && must_wait(t)) {
        cpu->resched = true;
    } else if (t != NULL) {
        sched_pay(cpu, t->payer);
    }
}

void sched_charge_all(void)
{
    for (uint32_t i = 0; i < CPUS_MAX; i++) {
        sched_charge(&cpus[i], cpus[i].payer);
    }
}

void sched_forget_payer(struct capsule *c)
{
    for (uint32_t i = 0; i < CPUS_MAX; i++) {
        if (cpus[i].payer == c) {
            sched_charge(&cpus[i], cpus[i].payer);
            cpus[i].payer = NULL;
        }
        for (struct capsule **at = &cpus[i].parked; *at != NULL;) {
            if (*at == c) {
                *at = c->budget.next_parked;
            } else {
                at = &(*at)->budget.next_parked;
            }
        }
    }
}

void sched_tick(void)
{
    struct cpu *cpu = this_cpu();
    uint64_t now = arch_clock_ns();

    cpu->timer_irqs++;
    cpu->timer_ns = 0;
    cpu->slice_armed = false;
    end_waits(cpu, now);
    unpark(cpu, now);
    check_budget(cpu);
    if (cpu->current != NULL && cpu->ready_mask >> cpu->current->priority != 0) {
        cpu->resched = true;
    }
    if (cpu->background_ns != 0) {
        watch_background(cpu, now);
    }
}

void sched_kicked(void)
{
    struct cpu *cpu = this_cpu();
    cpu->kicked = false;
    if (cpu->current != NULL && cpu->ready_mask >> cpu->current->priority != 0) {
        sched_arm_slice(cpu);
    }
}

/* ---- leaving the kernel ---- */

static struct thread *pick(struct cpu *cpu)
{
    struct thread *t =
        cpu->ready_mask != 0 ? cpu->ready[sched_top(cpu->ready_mask)].first : steal(cpu);
    if (t != NULL) {
        dequeue(t);
    }
    return t;
}

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
    if (t->state == THREAD_RUNNING) {
        enqueue((cpu->bit & t->cpus) != 0 ? cpu : cpu_for(t), t);
        if (t->cpu != cpu->id && !t->parked) {
            tell(home(t), t);
        }
    } else if (t->state == THREAD_DEAD) {
        obj_put(&t->obj);  // the reference that thread_kill left for the CPU
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
    if (background()) {
        return;
    }
    if (background_by == NULL || background_by->background_ns == 0) {
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

void sched_step_begin(struct thread *t)
{
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
    return true;
}

static void run_continuation(struct thread *t)
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
            t = pick(cpu);
            if (t == NULL) {
                idle(cpu);
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

/* Current goes behind the others of its priority, and the first of the most urgent runs. */
static struct arch_context *switch_fast(struct cpu *cpu)
{
    struct thread *t = cpu->current;
    if (t == NULL || t->cont != CONT_NONE || t->state == THREAD_DEAD) {
        return NULL;
    }
    if (t->state == THREAD_RUNNING) {
        uint32_t p = t->priority % PRIORITIES;
        if (cpu->ready_mask >> p == 0 || (cpu->bit & t->cpus) == 0 || sched_has_budget(t->payer)) {
            return NULL;
        }
        t->state = THREAD_READY;
        sched_append(&cpu->ready[p], t);
        cpu->ready_mask |= 1u << p;
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
