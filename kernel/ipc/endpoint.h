/* Endpoints: rendezvous of callers and receivers. Spec: docs/ipc.md. */
#pragma once

#include "abi/ipc.h"
#include "kernel/ipc/notify.h"
#include "kernel/ipc/queue.h"

struct endpoint {
    struct obj obj;
    char name[NOS_NAME_MAX];
    struct wait_queue callers;   /* THREAD_CALL, THREAD_SEND: the most urgent first */
    struct wait_queue receivers; /* THREAD_RECV, first come first served */
    struct notification *bound;  /* referenced */
    uint32_t servers;            /* handles with RECV */
    bool named; /* lives with the machine: callers wait through a server's restart */
    bool had_server;
    bool network; /* of class Network; its name is no other endpoint's */
};

MUST_CHECK nos_status_t
endpoint_create(struct endpoint **out); /* Gives: a reference. Errors: NO_MEMORY */

/* All work on the current thread `t`; its message is in t->ctx and its IPC buffer. They either
 * finish at once and return the status (OK: a message that came is in t->ctx, its sender in
 * ctx.nr), or block it: then t->state says so, and whoever wakes it writes status and message. */

/** `wait`: THREAD_CALL, or THREAD_SEND when no answer is awaited. `rights`: of the handle used. */
MUST_CHECK nos_status_t endpoint_call(struct endpoint *ep, struct thread *t, uint32_t rights,
                                      enum thread_state wait);
MUST_CHECK nos_status_t endpoint_recv(struct endpoint *ep, struct thread *t);

/** Answer `caller`, who waits for it, with the message of `t`. It is then no longer waiting and on
 * no queue: make it ready, or hand the CPU to it. On error it waits on. Errors: BAD_MESSAGE, and
 * those of pass_handles. */
MUST_CHECK nos_status_t endpoint_answer(struct thread *t, struct thread *caller);

/** The same for the caller that `token` names. Errors: also NOT_FOUND. */
MUST_CHECK nos_status_t endpoint_reply(struct thread *t, uint64_t token, struct thread **caller);

/** The caller that `t` took last goes on waiting when `t` receives again. Errors: NOT_FOUND: it is
 * another one, or waits no more. */
MUST_CHECK nos_status_t endpoint_hold(struct thread *t, uint64_t token);

/** A page fault of `t` becomes a call to `ep` in its name. False, and nothing changed: nobody can
 * take it. Later, too, it may turn out that nobody does: the thread then goes on with CONT_CRASH.
 */
bool endpoint_fault(struct endpoint *ep, struct thread *t, uint64_t addr, uint32_t kind);

/** The same when somebody waits for it and can run at once: the context to go on with. NULL, and
 * nothing changed: by endpoint_fault. */
struct arch_context *endpoint_fault_fast(struct endpoint *ep, struct thread *t, uint64_t addr,
                                         uint32_t kind);

/** Bits for a receiver that waits here. False if none does. */
bool endpoint_notify(struct endpoint *ep, uint64_t bits);

/** End the wait of a blocked thread: CANCELLED. Errors: BAD_STATE: it waits for nothing, or for the
 * end of a page fault. */
MUST_CHECK nos_status_t thread_cancel(struct thread *t);

/** Callers that wait for an answer of `old` wait for one of `new`; their tokens stay what they are.
 * Errors: BAD_STATE: the same capsule twice, or `new` has no thread. */
MUST_CHECK nos_status_t capsule_clients_move(const struct capsule *old, struct capsule *new);

void endpoint_destroy(struct obj *o);
