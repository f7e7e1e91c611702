/* Threads, time, the caller itself. */
#include <string.h>

#include "kernel/ipc/loan.h"
#include "kernel/runtime/node.h"
#include "kernel/syscall/syscall.h"

nos_status_t sys_exit(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    (void)slot;
    capsule_end(self->capsule, NOS_CAPSULE_EXITED, ctx->arg0);
    return NOS_OK;
}

nos_status_t sys_yield(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    (void)self, (void)ctx, (void)slot;
    sched_yield();
    return NOS_OK;
}

nos_status_t sys_clock(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    (void)self, (void)slot;
    ctx->w[0] = arch_clock_ns();
    return NOS_OK;
}

nos_status_t sys_sleep(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    (void)self, (void)slot;
    if (ctx->arg0 > arch_clock_ns()) {
        sched_block(THREAD_SLEEP, NULL, ctx->arg0);
    }
    return NOS_OK;
}

nos_status_t sys_thread_create(struct thread *self, struct arch_context *ctx,
                               struct handle_slot *slot)
{
    uint64_t entry = ctx->arg0, arg = ctx->arg1, stack = ctx->w[0], priority = ctx->w[1];
    struct thread *t = NULL;
    uint32_t h;
    (void)slot;

    if (priority > self->capsule->limits.priority || stack % 16 != 0) {
        return NOS_INVALID;
    }
    if (!user_range(entry, 1) || !user_range(stack - 16, 16)) {
        return NOS_BAD_ADDRESS;
    }
    nos_status_t st = thread_create(self->capsule, entry, stack, arg, 0, (uint32_t)priority, &t);
    if (st == NOS_OK) {
        st = handle_add(&self->capsule->handles, &t->obj,
                        NOS_RIGHT_INSPECT | NOS_RIGHT_DUP | NOS_RIGHT_CONTROL, 0, NOS_ORIGIN_MADE,
                        &h);
        if (st == NOS_OK) {
            ctx->w[0] = h;
            sched_ready(t);
        } else {
            thread_kill(t);
        }
        obj_put(&t->obj);
    }
    return st;
}

/* Its own priority; what callers lend it stays on top of that. */
nos_status_t sys_thread_set(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    struct thread *t = CONTAINER_OF(slot->obj, struct thread, obj);
    uint64_t priority = ctx->arg1, mask = ctx->w[0];
    (void)self;

    if (priority > t->capsule->limits.priority ||
        (mask & ~(uint64_t)sched_cpus_of(t->capsule)) != 0 || (mask & cpus_running) == 0) {
        return NOS_INVALID;
    }
    if (t->state == THREAD_DEAD) {
        return NOS_BAD_STATE;
    }
    loan_set_base(t, (uint32_t)priority);
    sched_set_cpus(t, (uint32_t)mask);
    return NOS_OK;
}

nos_status_t sys_thread_pointer(struct thread *self, struct arch_context *ctx,
                                struct handle_slot *slot)
{
    (void)slot;
    return thread_set_tls(self, ctx->arg0);
}

nos_status_t sys_thread_exit(struct thread *self, struct arch_context *ctx,
                             struct handle_slot *slot)
{
    (void)ctx, (void)slot;
    if (self->capsule->n_threads == 1) {
        capsule_end(self->capsule, NOS_CAPSULE_EXITED, 0);
    } else {
        thread_kill(self);
    }
    return NOS_OK;
}

nos_status_t sys_self_info(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    (void)slot;
    if (ctx->arg1 != sizeof(struct nos_capsule_info)) {
        return NOS_TOO_BIG;
    }
    struct nos_capsule_info info;
    capsule_describe(self->capsule, &info);
    return copy_out(ctx->arg0, &info, sizeof info);
}
