/* Endpoints: rendezvous of callers and receivers. Spec: docs/ipc.md. */
#pragma once

#include "abi/ipc.h"
#include "kernel/ipc/notify.h"

struct wait_queue {
    struct thread *first, *last;
};

struct endpoint {
    struct obj obj;
    char name[NOS_NAME_MAX];
    struct wait_queue callers;   /* THREAD_CALL, first come first served */
    struct wait_queue receivers; /* THREAD_RECV */
    struct notification *bound;  /* referenced */
    uint32_t servers;            /* handles with RECV */
    bool named; /* lives with the machine: callers wait through a server's restart */
    bool had_server;
    bool network; /* of class Network; its name is no other endpoint's */
};

MUST_CHECK nos_status_t
endpoint_create(struct endpoint **out); /* Gives: a reference. Errors: NO_MEMORY */

/* All work on the current thread `t`; its message is in t->ctx and its IPC buffer. They either
 * finish at once and return the status, or block it and set *blocked; then whoever wakes it writes
 * status and message. */
MUST_CHECK nos_status_t endpoint_call(struct endpoint *ep, struct thread *t, bool *blocked);
MUST_CHECK nos_status_t endpoint_recv(struct endpoint *ep, struct thread *t, bool *blocked);

/** Answer the caller that `token` names with the message of `t`. `*caller` is no longer waiting and
 * on no queue: make it ready, or hand the CPU to it. Errors: BAD_MESSAGE, NOT_FOUND. */
MUST_CHECK nos_status_t endpoint_reply(struct thread *t, uint64_t token, struct thread **caller);

/* The common case of a call, and of an answer followed by a wait, without detours: the other side
 * is waiting, no deadline, registers only, nothing more urgent is ready. The context to leave with;
 * NULL, and nothing changed, in any other case. */
struct arch_context *endpoint_call_fast(struct endpoint *ep, struct thread *t);
struct arch_context *endpoint_reply_recv_fast(struct endpoint *ep, struct thread *t);

/** Bits for a receiver that waits here. False if none does. */
bool endpoint_notify(struct endpoint *ep, uint64_t bits);

void endpoint_destroy(struct obj *o);

/** Wake every thread that waits for an answer of `c`, which has died: PEER_CLOSED. */
void endpoint_server_died(const struct capsule *c);
