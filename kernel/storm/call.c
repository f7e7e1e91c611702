/* The call that only this flavour has. Who may end any capsule of the node may also break it: a
 * node handle with KILL. */
#include "kernel/core/lock.h"
#include "kernel/storm/storm.h"

struct arch_context *__real_up_syscall(struct arch_context *ctx);
struct arch_context *__wrap_up_syscall(struct arch_context *ctx);

static nos_status_t get(void *to, uint64_t from, size_t len)
{
    return user_range(from, len) && arch_copy_from_user(to, from, len) ? NOS_OK : NOS_BAD_ADDRESS;
}

static nos_status_t say(uint64_t at, uint64_t len)
{
    char text[NOS_STORM_SAY_MAX];
    nos_status_t st = len > sizeof text ? NOS_TOO_BIG : get(text, at, len);
    if (st == NOS_OK) {
        storm_say(text, len);
    }
    return st;
}

static nos_status_t look(uint64_t to)
{
    struct nos_storm_state s;
    storm_count(&s);
    return user_range(to, sizeof s) && arch_copy_to_user(to, &s, sizeof s) ? NOS_OK
                                                                           : NOS_BAD_ADDRESS;
}

static nos_status_t perform(struct thread *self)
{
    struct nos_storm_fault f;
    struct handle_slot *slot;
    uint64_t h = self->ctx.arg0, buf = self->ctx.w[0];
    nos_status_t st = h > UINT32_MAX ? NOS_BAD_HANDLE
                                     : handle_get(&self->capsule->handles, (uint32_t)h,
                                                  1u << NOS_TYPE_NODE, NOS_RIGHT_KILL, &slot);
    if (st != NOS_OK) {
        return st;
    }
    switch ((enum nos_storm_op)self->ctx.arg1) {
    case NOS_STORM_SAY:
        return say(buf, self->ctx.w[1]);
    case NOS_STORM_FAULT:
        st = get(&f, buf, sizeof f);
        return st == NOS_OK ? storm_begin(&f) : st;
    case NOS_STORM_LOOK:
        return look(buf);
    case NOS_STORM_QUIET:
        storm_wait_quiet(self, buf);
        return NOS_TIMED_OUT;
    case NOS_STORM_PAUSE:
        storm_pause(buf != 0);
        return NOS_OK;
    }
    return NOS_INVALID;
}

struct arch_context *__wrap_up_syscall(struct arch_context *ctx)
{
    struct thread *self = CONTAINER_OF(ctx, struct thread, ctx);
    if (ctx->nr != NOS_SYS_STORM) {
        storm_calls_change(self);
        storm_watch(self, ctx->nr);
        return __real_up_syscall(ctx);
    }
    (void)kernel_lock();
    ctx->nr = (uint64_t)(int64_t)perform(self);
    struct arch_context *next = sched_exit();
    kernel_unlock();
    return next;
}
