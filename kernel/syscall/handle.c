/* Handles: close, narrow, derive, cut, look at; and the filter, which only narrows too. */
#include "kernel/runtime/node.h"
#include "kernel/syscall/syscall.h"

nos_status_t sys_handle_close(struct thread *self, struct arch_context *ctx,
                              struct handle_slot *slot)
{
    (void)slot;  // none: a handle past its deadline, or a revoked one, can be given back too
    return ctx->arg0 > UINT32_MAX ? NOS_BAD_HANDLE
                                  : handle_close(&self->capsule->handles, (uint32_t)ctx->arg0);
}

/* `child` becomes what may be made of `from`: rights shrink, the deadline never moves back. REVOKE
 * is about the handle's own cell, so a new cell comes with it if its maker likes. */
static nos_status_t narrow(const struct handle_slot *from, uint64_t rights, uint64_t own,
                           uint64_t ttl, struct handle_slot *child)
{
    uint64_t end;
    if ((rights & ~(uint64_t)NOS_RIGHT_ALL) != 0) {
        return NOS_INVALID;
    }
    *child = *from;
    child->origin = NOS_ORIGIN_DUP;
    if (ttl != 0) {
        if (__builtin_add_overflow(arch_clock_ns(), ttl, &end)) {
            return NOS_INVALID;
        }
        child->deadline_ns =
            from->deadline_ns == 0 || end < from->deadline_ns ? end : from->deadline_ns;
    }
    child->rights = (uint32_t)rights;
    return (rights & ~(from->rights | own)) != 0 ? NOS_DENIED : NOS_OK;
}

/* handle h, u64 rights, u64 ttl_ns */
nos_status_t sys_handle_dup(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    struct handle_slot copy;
    uint32_t h = 0;
    nos_status_t st = narrow(slot, ctx->arg1, 0, ctx->w[0], &copy);
    st = st == NOS_OK ? handle_insert(&self->capsule->handles, &copy, &h) : st;
    if (st == NOS_OK) {
        ctx->w[0] = h;
    }
    return st;
}

/* handle h, u64 rights, u64 ttl_ns, u64 badge, u64 depth */
nos_status_t sys_cap_derive(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    uint64_t badge = ctx->w[1], depth = ctx->w[2];
    struct handle_slot child;
    uint32_t h = 0;

    nos_status_t st = narrow(slot, ctx->arg1, NOS_RIGHT_REVOKE, ctx->w[0], &child);
    if (badge != 0 && slot->obj->type != NOS_TYPE_ENDPOINT) {
        return NOS_INVALID;
    }
    if (st != NOS_OK) {
        return st;
    }
    if (badge != 0 && slot->badge != 0) {
        return NOS_DENIED;  // or its holder could pass for another
    }
    if (depth >= slot->depth) {
        return NOS_DEPTH;
    }
    child.badge = slot->badge | badge;
    child.depth = (uint8_t)depth;
    child.origin = NOS_ORIGIN_DERIVE;
    st = handle_derive(&self->capsule->handles, &child, &h);
    if (st == NOS_OK) {
        ctx->w[0] = h;
    }
    return st;
}

nos_status_t sys_cap_revoke(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    (void)ctx;
    if (slot->via == 0) {
        return NOS_BAD_STATE;
    }
    cell_revoke(slot->via);
    self->cursor = 0;
    self->cont = CONT_REVOKE;
    return NOS_OK;
}

nos_status_t sys_handle_info(struct thread *self, struct arch_context *ctx,
                             struct handle_slot *slot)
{
    (void)self;
    if (ctx->w[0] != sizeof(struct nos_handle_info)) {
        return NOS_TOO_BIG;
    }
    struct nos_handle_info info;
    handle_describe((uint32_t)ctx->arg0, slot, &info);
    return copy_out(ctx->arg1, &info, sizeof info);
}

/* u64 low, u64 high. No call gives a bit back, whoever asks; not even `exit` is kept: a capsule
 * that wants to make no call any more can still fault. */
nos_status_t sys_filter_narrow(struct thread *self, struct arch_context *ctx,
                               struct handle_slot *slot)
{
    uint64_t *filter = self->capsule->filter;
    (void)slot;
    __atomic_store_n(&filter[0], filter[0] & ctx->arg0, __ATOMIC_RELAXED);
    __atomic_store_n(&filter[1], filter[1] & ctx->arg1, __ATOMIC_RELAXED);
    return NOS_OK;
}
