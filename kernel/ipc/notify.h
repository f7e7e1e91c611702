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
    via_t bound_via[2]; /* cells of the handles that bound them; referenced */
};

MUST_CHECK nos_status_t
notify_create(struct notification **out); /* Gives: a reference. Errors: NO_MEMORY */
void notify_signal(struct notification *n, uint64_t bits);

/** Take the bits, or block the current thread. Errors: BUSY (another waits), TIMED_OUT (poll).
 * `*bits` on OK; when the thread blocks the waker writes them into its registers. */
MUST_CHECK nos_status_t notify_wait(struct notification *n, uint64_t deadline_ns, uint64_t *bits,
                                    bool *blocked);
/** Through the handles that carry the cells `via`. Errors: BUSY (one of them is bound). */
MUST_CHECK nos_status_t notify_bind(struct notification *n, struct endpoint *ep,
                                    const via_t via[2]);
void notify_unbind(struct notification *n); /* from its endpoint; `n` may go with it */

/** Is it bound? A binding that was made with a handle that is dead now is undone, and `n` may go.
 */
bool notify_is_bound(struct notification *n);
void notify_destroy(struct obj *o);
