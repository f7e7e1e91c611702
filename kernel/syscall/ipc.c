/* Endpoints and notifications. */
#include "kernel/ipc/endpoint.h"
#include "kernel/syscall/syscall.h"

enum { MADE_RIGHTS = NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_INSPECT };

static nos_status_t give(struct thread *self, struct arch_context *ctx, struct obj *o,
                         uint32_t rights)
{
    uint32_t h;
    nos_status_t st = obj_charge(o, self->capsule);
    if (st == NOS_OK) {
        st = handle_add(&self->capsule->handles, o, rights, 0, NOS_ORIGIN_MADE, &h);
    }
    obj_put(o);
    if (st == NOS_OK) {
        ctx->w[0] = h;
    }
    return st;
}

nos_status_t sys_endpoint_create(struct thread *self, struct arch_context *ctx,
                                 struct handle_slot *slot)
{
    struct endpoint *ep = NULL;
    (void)slot;
    nos_status_t st = endpoint_create(&ep);
    return st == NOS_OK ? give(self, ctx, &ep->obj,
                               MADE_RIGHTS | NOS_RIGHT_CALL | NOS_RIGHT_RECV | NOS_RIGHT_GRANT)
                        : st;
}

nos_status_t sys_notify_create(struct thread *self, struct arch_context *ctx,
                               struct handle_slot *slot)
{
    struct notification *n = NULL;
    (void)slot;
    nos_status_t st = notify_create(&n);
    return st == NOS_OK ? give(self, ctx, &n->obj, MADE_RIGHTS | NOS_RIGHT_SIGNAL | NOS_RIGHT_WAIT)
                        : st;
}

nos_status_t sys_notify_signal(struct thread *self, struct arch_context *ctx,
                               struct handle_slot *slot)
{
    (void)self;
    if (ctx->arg1 == 0) {
        return NOS_INVALID;
    }
    notify_signal(CONTAINER_OF(slot->obj, struct notification, obj), ctx->arg1);
    return NOS_OK;
}

nos_status_t sys_notify_wait(struct thread *self, struct arch_context *ctx,
                             struct handle_slot *slot)
{
    bool blocked = false;
    uint64_t bits;
    (void)self;
    nos_status_t st =
        notify_wait(CONTAINER_OF(slot->obj, struct notification, obj), ctx->arg1, &bits, &blocked);
    if (st == NOS_OK && !blocked) {
        ctx->w[0] = bits;
    }
    return st;
}

nos_status_t sys_notify_bind(struct thread *self, struct arch_context *ctx,
                             struct handle_slot *slot)
{
    struct handle_slot *ep;
    nos_status_t st = arg_handle(self, ctx->arg1, NOS_TYPE_ENDPOINT, NOS_RIGHT_RECV, &ep);
    if (st != NOS_OK) {
        return st;
    }
    return notify_bind(CONTAINER_OF(slot->obj, struct notification, obj),
                       CONTAINER_OF(ep->obj, struct endpoint, obj),
                       (const via_t[2]){ slot->via, ep->via });
}

static struct endpoint *endpoint_of(const struct handle_slot *slot)
{
    return CONTAINER_OF(slot->obj, struct endpoint, obj);
}

nos_status_t sys_ipc_call(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    (void)ctx;
    self->badge = slot->badge;
    return endpoint_call(endpoint_of(slot), self, slot->rights, THREAD_CALL);
}

nos_status_t sys_ipc_send(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    (void)ctx;
    self->badge = slot->badge;
    return endpoint_call(endpoint_of(slot), self, slot->rights, THREAD_SEND);
}

nos_status_t sys_ipc_recv(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    (void)ctx;
    return endpoint_recv(endpoint_of(slot), self);
}

nos_status_t sys_ipc_reply(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    struct thread *caller = NULL;
    (void)slot;
    nos_status_t st = ctx->arg0 != 0 ? NOS_INVALID : endpoint_reply(self, ctx->dl, &caller);
    if (st == NOS_OK) {
        sched_ready(caller);
    }
    return st;
}

nos_status_t sys_ipc_hold(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    (void)slot;
    return endpoint_hold(self, ctx->arg0);
}

/* A caller that is gone is no reason to stop serving. */
nos_status_t sys_ipc_reply_recv(struct thread *self, struct arch_context *ctx,
                                struct handle_slot *slot)
{
    struct thread *caller = self->client;
    (void)ctx;

    if (caller != NULL) {
        nos_status_t st = endpoint_answer(self, caller);
        if (UNLIKELY(st != NOS_OK)) {
            return st;  // the caller can still be answered
        }
    }
    nos_status_t st = endpoint_recv(endpoint_of(slot), self);
    if (LIKELY(caller != NULL && self->state == THREAD_RECV)) {
        sched_handoff(caller);
    } else if (caller != NULL) {
        sched_ready(caller);
    }
    return st;
}

nos_status_t sys_thread_cancel(struct thread *self, struct arch_context *ctx,
                               struct handle_slot *slot)
{
    (void)self, (void)ctx;
    return thread_cancel(CONTAINER_OF(slot->obj, struct thread, obj));
}

/* handle capsule, handle ep. Whoever serves the endpoint must not wait for itself: here the plain
 * case is refused, and any other when the fault comes. */
nos_status_t sys_capsule_faults(struct thread *self, struct arch_context *ctx,
                                struct handle_slot *slot)
{
    struct capsule *c = CONTAINER_OF(slot->obj, struct capsule, obj);
    struct handle_slot *s;

    nos_status_t st = arg_handle(self, ctx->arg1, NOS_TYPE_ENDPOINT, NOS_RIGHT_CALL, &s);
    if (st != NOS_OK) {
        return st;
    }
    if (c->state != NOS_CAPSULE_RUNNING) {
        return NOS_BAD_STATE;
    }
    if (c->faults != NULL) {
        return NOS_BUSY;
    }
    if (c == self->capsule && (s->rights & NOS_RIGHT_RECV) != 0) {
        return NOS_INVALID;
    }
    c->faults = endpoint_of(s);
    c->fault_badge = s->badge;
    c->fault_via = s->via;
    obj_get(s->obj);
    cell_get(s->via);
    return NOS_OK;
}
