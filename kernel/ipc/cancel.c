/* A thread stops waiting before what it waits for has come: it is dying, its deadline passed, its
 * handle was revoked, somebody cancelled it, or who was to answer is gone. */
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/loan.h"

void thread_wait_cancel(struct thread *t)
{
    switch ((enum thread_state)t->state) {
    case THREAD_READY:
        sched_unqueue(t);
        break;
    case THREAD_NOTE:
        CONTAINER_OF(t->waits_on, struct notification, obj)->waiter = NULL;
        break;
    case THREAD_CALL:
    case THREAD_SEND:
        queue_remove(&CONTAINER_OF(t->waits_on, struct endpoint, obj)->callers, t);
        break;
    case THREAD_RECV:
        queue_remove(&CONTAINER_OF(t->waits_on, struct endpoint, obj)->receivers, t);
        break;
    case THREAD_REPLY:
        loan_end(t);  // and an answer on its way finds nobody
        break;
    case THREAD_RUNNING:
    case THREAD_SLEEP:
    case THREAD_STOPPED:
    case THREAD_DEAD:
        break;
    }
    t->waits_on = NULL;
}

nos_status_t thread_cancel(struct thread *t)
{
    bool waits = t->state != THREAD_READY && t->state != THREAD_RUNNING &&
                 t->state != THREAD_STOPPED && t->state != THREAD_DEAD;
    if (!waits || t->fault != 0) {
        return NOS_BAD_STATE;
    }
    thread_wait_cancel(t);
    sched_wake(t, NOS_CANCELLED);
    return NOS_OK;
}

/* Any thread of the capsule can answer, so another takes the place of `t`; no loan goes along. */
static struct thread *heir_of(const struct thread *t)
{
    struct thread *first = t->capsule->threads;
    if (t->capsule->state != NOS_CAPSULE_RUNNING) {
        return NULL;
    }
    return first == t ? t->sibling : first;
}

static void inherit(struct thread *caller, struct thread *heir)
{
    loan_end(caller);
    caller->worker = heir;
    heir->serves = true;
}

nos_status_t capsule_clients_move(const struct capsule *old, struct capsule *new)
{
    struct thread *heir = new->threads;
    if (old == new || heir == NULL) {
        return NOS_BAD_STATE;
    }
    for (uint32_t i = 1; i < thread_top; i++) {
        struct thread *caller = thread_at(i);
        if (caller != NULL && caller->state == THREAD_REPLY && caller->worker->capsule == old &&
            caller->capsule != new) {  // nobody waits for itself
            inherit(caller, heir);
        }
    }
    return NOS_OK;
}

void thread_left_clients(struct thread *t)
{
    struct thread *heir = heir_of(t);
    for (uint32_t i = 1; i < thread_top; i++) {
        struct thread *caller = thread_at(i);
        if (caller == NULL || caller->state != THREAD_REPLY || caller->worker != t) {
            continue;
        }
        if (heir != NULL) {
            inherit(caller, heir);
        } else {
            loan_end(caller);
            sched_wake(caller, NOS_PEER_CLOSED);
        }
    }
}
