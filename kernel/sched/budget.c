/* Budgets. Time is charged to who pays for it, when a CPU's payer changes or its timer comes; who
 * has used its budget up waits for the next period. Spec: docs/scheduling.md, "Budgets". */
#include "kernel/core/panic.h"
#include "kernel/sched/parts.h"

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
    sched_arm(cpu, arch_clock_ns() + (uint64_t)((unsigned __int128)left * mult >> 32) + 1);
}

/* A CPU's timer is armed by itself alone: another one's pays a budget from where it next chooses,
 * which is at once. */
void sched_pay(struct cpu *cpu, struct capsule *payer)
{
    sched_charge(cpu, cpu->payer);
    cpu->payer = payer;
    if (payer == NULL || LIKELY(!sched_has_budget(payer))) {
        return;
    }
    if (UNLIKELY(cpu != this_cpu())) {
        cpu->payer = NULL;
        sched_give_way(cpu);
        return;
    }
    look_at_period(payer);
    watch_budget(cpu);
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

bool sched_must_wait(struct thread *t)
{
    return UNLIKELY(is_spent(t->payer)) && must_wait_if_spent(t);
}

/* Behind the others whose budget is used up; this CPU's timer comes when the period ends. */
void sched_park(struct thread *t)
{
    struct cpu *cpu = this_cpu();
    struct capsule *c = t->capsule;
    if (!c->budget.watched) {  // its queue may be empty and be watched still
        c->budget.watched = true;
        c->budget.next_parked = cpu->parked;
        cpu->parked = c;
        sched_arm(cpu, c->budget.until_ns);
    }
    t->parked = true;
    sched_append(&c->budget.parked, t);
}

/* Those whose period has ended come back. A capsule leaves the list when its queue is found empty.
 */
void sched_unpark(struct cpu *cpu, uint64_t now)
{
    struct capsule **at = &cpu->parked;
    while (*at != NULL) {
        struct capsule *c = *at;
        bool over = now >= c->budget.until_ns || !is_spent(c);  // the first one begins the next
        while (over && c->budget.parked.first != NULL) {
            struct thread *t = c->budget.parked.first;
            sched_dequeue(t);
            sched_ready(t);
        }
        if (c->budget.parked.first == NULL) {
            *at = c->budget.next_parked;
            c->budget.watched = false;
        } else {
            sched_arm(cpu, c->budget.until_ns);
            at = &c->budget.next_parked;
        }
    }
}

/* The budget that this CPU runs on may be used up: then somebody else pays for the current thread,
 * or another thread runs. */
void sched_check_budget(struct cpu *cpu)
{
    struct thread *t = cpu->current;
    sched_charge(cpu, cpu->payer);
    if (cpu->payer == NULL || !sched_has_budget(cpu->payer)) {
        return;
    }
    if (!is_spent(cpu->payer)) {
        watch_budget(cpu);
    } else if (t != NULL && sched_must_wait(t)) {
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
