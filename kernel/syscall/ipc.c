/* Endpoints and notifications. */
#include "kernel/ipc/endpoint.h"
#include "kernel/syscall/syscall.h"

enum { MADE_RIGHTS = NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_INSPECT };

static nos_status_t give(struct thread *self, struct arch_context *ctx, struct obj *o,
                         uint32_t rights)
{
    uint32_t h;
    nos_status_t st = self->capsule->n_objects >= CAPSULE_OBJECTS_MAX
                          ? NOS_QUOTA
                          : handle_add(&self->capsule->handles, o, rights, 0, NOS_ORIGIN_MADE, &h);
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
    return st == NOS_OK ? give(self, ctx, &ep->obj, MADE_RIGHTS | NOS_RIGHT_CALL | NOS_RIGHT_RECV)
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
    return st == NOS_OK ? notify_bind(CONTAINER_OF(slot->obj, struct notification, obj),
                                      CONTAINER_OF(ep->obj, struct endpoint, obj))
                        : st;
}

nos_status_t sys_ipc_call(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    bool blocked = false;
    (void)ctx;
    self->badge = slot->badge;
    return endpoint_call(CONTAINER_OF(slot->obj, struct endpoint, obj), self, &blocked);
}

nos_status_t sys_ipc_recv(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    bool blocked = false;
    (void)ctx;
    return endpoint_recv(CONTAINER_OF(slot->obj, struct endpoint, obj), self, &blocked);
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

/* A caller that is gone is no reason to stop serving: NOT_FOUND is passed over. */
nos_status_t sys_ipc_reply_recv(struct thread *self, struct arch_context *ctx,
                                struct handle_slot *slot)
{
    struct thread *caller = NULL;
    bool blocked = false;
    uint64_t token = self->last_caller;
    (void)ctx;

    if (token != 0) {
        nos_status_t st = endpoint_reply(self, token, &caller);
        if (UNLIKELY(st != NOS_OK && st != NOS_NOT_FOUND)) {
            return st;  // the caller can still be answered
        }
    }
    self->last_caller = 0;
    nos_status_t st = endpoint_recv(CONTAINER_OF(slot->obj, struct endpoint, obj), self, &blocked);
    if (LIKELY(caller != NULL && blocked)) {
        sched_handoff(caller);
    } else if (caller != NULL) {
        sched_ready(caller);
    }
    return st;
}
