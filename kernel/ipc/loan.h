/* What a caller lends to the thread that works for it, until the answer: its payer, and its
 * priority if that is higher. Spec: docs/ipc.md, "Lending". */
#pragma once

#include "kernel/sched/thread.h"

void loan_priority(struct thread *caller, struct thread *worker);

/** `worker` has taken the call of `caller`, who waits for the answer from now on. */
static inline void loan_begin(struct thread *caller, struct thread *worker)
{
    caller->worker = worker;
    worker->client = caller;
    worker->payer = caller->payer;
    if (UNLIKELY(caller->priority > worker->base_priority)) {
        loan_priority(caller, worker);
    }
}

void loan_set_base(struct thread *t, uint32_t priority); /* its own; what is lent stays */

void loan_end(struct thread *caller); /* its wait for the answer is over, whatever the reason */

/** It turns to something else and holds its last caller, unanswered: on its own account. */
void loan_leave(struct thread *worker);
