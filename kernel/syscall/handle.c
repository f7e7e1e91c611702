/* Handles: close, narrow, look at. */
#include "kernel/runtime/node.h"
#include "kernel/syscall/syscall.h"

nos_status_t sys_handle_close(struct thread *self, struct arch_context *ctx,
                              struct handle_slot *slot)
{
    (void)slot;  // none: a handle past its deadline can be given back too
    return ctx->arg0 > UINT32_MAX ? NOS_BAD_HANDLE
                                  : handle_close(&self->capsule->handles, (uint32_t)ctx->arg0);
}

/* Rights shrink, the deadline never moves back. */
nos_status_t sys_handle_dup(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    uint64_t rights = ctx->arg1, ttl = ctx->w[0], deadline = slot->deadline_ns, end;
    uint32_t h;

    if ((rights & ~(uint64_t)NOS_RIGHT_ALL) != 0) {
        return NOS_INVALID;
    }
    if ((rights & ~(uint64_t)slot->rights) != 0) {
        return NOS_DENIED;
    }
    if (ttl != 0) {
        if (__builtin_add_overflow(arch_clock_ns(), ttl, &end)) {
            return NOS_INVALID;
        }
        deadline = deadline == 0 || end < deadline ? end : deadline;
    }
    nos_status_t st = handle_add(&self->capsule->handles, slot->obj, (uint32_t)rights, deadline,
                                 NOS_ORIGIN_DUP, &h);
    if (st == NOS_OK) {
        ctx->w[0] = h;
    }
    return st;
}

nos_status_t sys_handle_info(struct thread *self, struct arch_context *ctx,
                             struct handle_slot *slot)
{
    struct nos_handle_info info;
    (void)self;
    if (ctx->w[0] != sizeof info) {
        return NOS_TOO_BIG;
    }
    handle_describe((uint32_t)ctx->arg0, slot, &info);
    return copy_out(ctx->arg1, &info, sizeof info);
}
