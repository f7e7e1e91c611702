/* Notifications. Bits are or-ed in until somebody takes them all at once; a waiter, or a receiver
 * of the bound endpoint, takes them on the spot. */
#include "kernel/ipc/notify.h"

#include "kernel/core/panic.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/memory/cache.h"

static struct cache notification_cache = CACHE(notification);

nos_status_t notify_create(struct notification **out)
{
    struct notification *n = cache_alloc(&notification_cache);
    if (n == NULL) {
        return NOS_NO_MEMORY;
    }
    obj_init(&n->obj, NOS_TYPE_NOTIFICATION);
    *out = n;
    return NOS_OK;
}

void notify_signal(struct notification *n, uint64_t bits)
{
    n->bits |= bits;
    if (n->waiter != NULL) {
        struct thread *t = n->waiter;
        n->waiter = NULL;
        t->ctx.w[0] = n->bits;
        n->bits = 0;
        sched_wake(t, NOS_OK);
    } else if (notify_is_bound(n) && endpoint_notify(n->bound, n->bits)) {
        n->bits = 0;
    }
}

nos_status_t notify_wait(struct notification *n, uint64_t deadline_ns, uint64_t *bits,
                         bool *blocked)
{
    if (n->waiter != NULL) {
        return NOS_BUSY;
    }
    if (n->bits != 0) {
        *bits = n->bits;
        n->bits = 0;
        return NOS_OK;
    }
    if (deadline_ns != NOS_DEADLINE_NEVER && deadline_ns <= arch_clock_ns()) {
        return NOS_TIMED_OUT;
    }
    n->waiter = this_cpu()->current;
    sched_block(THREAD_NOTE, &n->obj, deadline_ns);
    *blocked = true;
    return NOS_OK;
}

nos_status_t notify_bind(struct notification *n, struct endpoint *ep, const via_t via[2])
{
    if (notify_is_bound(n) || (ep->bound != NULL && notify_is_bound(ep->bound))) {
        return NOS_BUSY;
    }
    n->bound = ep;
    ep->bound = n;
    for (unsigned i = 0; i < 2; i++) {
        n->bound_via[i] = via[i];
        cell_get(via[i]);
    }
    obj_get(&n->obj);
    return NOS_OK;
}

void notify_unbind(struct notification *n)
{
    n->bound->bound = NULL;
    n->bound = NULL;
    cell_put(n->bound_via[0]);
    cell_put(n->bound_via[1]);
    obj_put(&n->obj);
}

bool notify_is_bound(struct notification *n)
{
    if (n->bound != NULL && !cells_alive(n->bound_via)) {
        notify_unbind(n);
        return false;
    }
    return n->bound != NULL;
}

void notify_destroy(struct obj *o)
{
    struct notification *n = CONTAINER_OF(o, struct notification, obj);
    KASSERT(n->bound == NULL);
    if (n->waiter !=
        NULL) {  // another thread closed the last handle: nobody can signal it any more
        sched_wake(n->waiter, NOS_CANCELLED);
    }
    cache_free(&notification_cache, n);
}
