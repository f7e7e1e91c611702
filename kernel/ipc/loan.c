/* A worker's payer is that of the call it took last; its priority is the highest of its own and of
 * all callers that wait for its answer. Who lends what is counted by priority, so that giving back
 * is no search. A caller that works for somebody itself passes on what it was lent; when that is
 * taken back from it, its own worker loses the payer too, down the chain. Chains have no cycle: who
 * takes a message is not waiting for an answer. */
#include "kernel/ipc/loan.h"

#include "kernel/core/panic.h"
#include "kernel/sched/switch.h"

static uint32_t effective(const struct thread *t)
{
    uint32_t lent = t->borrows == 0 ? 0 : 31u - (uint32_t)__builtin_clz(t->borrows);
    return lent > t->base_priority ? lent : t->base_priority;
}

void loan_priority(struct thread *caller, struct thread *worker)
{
    uint32_t p = caller->priority % PRIORITIES;
    caller->lends = p;
    worker->lenders[p]++;
    worker->borrows |= 1u << p;
    if (p > worker->priority) {
        sched_reprioritise(worker, p);
    }
}

void loan_set_base(struct thread *t, uint32_t priority)
{
    t->base_priority = priority;
    sched_reprioritise(t, effective(t));
}

static void own_account(struct thread *w)
{
    struct capsule *payer = w->capsule;
    w->client = NULL;
    w->payer = payer;
    while (w->state == THREAD_REPLY && w->worker != NULL && w->worker->client == w) {
        w = w->worker;
        w->payer = payer;
    }
    struct cpu *cpu = &cpus[w->cpu % CPUS_MAX];
    if (w->state == THREAD_RUNNING && w != this_cpu()->current && cpu->payer != payer) {
        sched_pay(cpu, payer);  // it runs on another CPU: on its own account from here on
    }
}

void loan_end(struct thread *caller)
{
    struct thread *w = caller->worker;
    uint32_t p = caller->lends % PRIORITIES;

    KASSERT(w != NULL);
    caller->worker = NULL;
    if (w->client == caller) {
        own_account(w);
    }
    if (p != 0) {
        caller->lends = 0;
        KASSERT(w->lenders[p] != 0);
        if (--w->lenders[p] == 0) {
            w->borrows &= ~(1u << p);
            sched_reprioritise(w, effective(w));
        }
    }
}

void loan_leave(struct thread *worker)
{
    own_account(worker);
}
