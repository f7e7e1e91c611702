/* Notifications: an asynchronous word of 64 bits. */
#pragma once

#include "kernel/sched/thread.h"

struct endpoint;

struct notification {
    struct obj obj;
    char name[NOS_NAME_MAX];
    uint64_t bits;
    struct thread *waiter; /* at most one */
    struct endpoint
        *bound; /* its receivers also see the bits; not referenced: the endpoint unbinds itself */
};

MUST_CHECK nos_status_t
notify_create(struct notification **out); /* Gives: a reference. Errors: NO_MEMORY */
void notify_signal(struct notification *n, uint64_t bits);

/** Take the bits, or block the current thread. Errors: BUSY (another waits), TIMED_OUT (poll).
 * `*bits` on OK; when the thread blocks the waker writes them into its registers. */
MUST_CHECK nos_status_t notify_wait(struct notification *n, uint64_t deadline_ns, uint64_t *bits,
                                    bool *blocked);
MUST_CHECK nos_status_t notify_bind(struct notification *n,
                                    struct endpoint *ep); /* BUSY: one of them is bound */
void notify_destroy(struct obj *o);
