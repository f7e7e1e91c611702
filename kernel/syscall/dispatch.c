/* number -> filter -> class -> handle (type, deadline, rights) -> handler. A refusal before the
 * handler, and a refused right inside it, is audited. */
#include "abi/syscall_nr.h"
#include "kernel/arch/api/upcalls.h"
#include "kernel/audit/audit.h"
#include "kernel/core/lock.h"
#include "kernel/core/panic.h"
#include "kernel/ipc/fast.h"
#include "kernel/syscall/syscall.h"

struct row {
    nos_status_t (*handler)(struct thread *self, struct arch_context *ctx,
                            struct handle_slot *slot);
    uint64_t want; /* for handle_fast */
    uint32_t classes, types, rights;
};

static const struct row table[NOS_SYS_COUNT] = {
#define SYSCALL(nr, name, cls, types, rights, n_args, kind) \
    [nr] = { sys_##name, HANDLE_WANT(types, rights), cls, types, rights },
#include "kernel/syscall/table.inc"
#undef SYSCALL
};

static bool is_refusal(nos_status_t st)
{
    return st <= NOS_BAD_SYSCALL && st >= NOS_REVOKED;
}

/* Cheap and first: nothing here needs the lock. The classes are fixed at spawn, the filter only
 * loses bits. */
static nos_status_t admit(const struct capsule *c, uint64_t nr)
{
    if (UNLIKELY(nr >= NOS_SYS_COUNT)) {
        return NOS_BAD_SYSCALL;
    }
    if (UNLIKELY((__atomic_load_n(&c->filter[nr >> 6], __ATOMIC_RELAXED) >> (nr & 63) & 1) == 0)) {
        return NOS_FILTERED;
    }
    return UNLIKELY((table[nr].classes & ~c->classes) != 0) ? NOS_NO_CLASS : NOS_OK;
}

/* What the fast look did not take. NULL: refused, `*st` says why. */
static NOINLINE struct handle_slot *look_up(struct thread *self, const struct row *row,
                                            nos_status_t *st)
{
    struct handle_slot *slot = NULL;
    uint64_t h = self->ctx.arg0;
    *st = h > UINT32_MAX
              ? NOS_BAD_HANDLE
              : handle_get(&self->capsule->handles, (uint32_t)h, row->types, row->rights, &slot);
    return slot;
}

static nos_status_t perform(struct thread *self, const struct row *row)
{
    struct handle_slot *slot = NULL;
    if (row->types != 0) {
        slot = handle_fast(&self->capsule->handles, self->ctx.arg0, row->want);
        if (UNLIKELY(slot == NULL)) {
            nos_status_t st;
            slot = look_up(self, row, &st);
            if (slot == NULL) {
                return st;
            }
        }
        self->via = slot->via;
    }
    return row->handler(self, &self->ctx, slot);
}

static void refuse(struct thread *self, uint64_t nr, nos_status_t st)
{
    audit_deny(self->capsule->id, nr > UINT32_MAX ? UINT32_MAX : (uint32_t)nr, st);
    sched_arm_background();
    if (st == NOS_FILTERED && self->capsule->kill_on_filter) {
        capsule_crash(self, NOS_CRASH_FILTER, nr);
    }
}

static NOINLINE struct arch_context *in_general(struct thread *self, uint64_t nr, nos_status_t st)
{
    if (LIKELY(st == NOS_OK)) {
        self->ctx.nr = NOS_OK;  // a message that comes at once puts its sender there
        st = perform(self, &table[nr]);
    }
    if (UNLIKELY(is_refusal(st))) {
        refuse(self, nr, st);
    }
    if (self->state == THREAD_RUNNING && st != NOS_OK) {
        self->ctx.nr = (uint64_t)(int64_t)st;
    }
    return sched_exit();
}

/* A call or an answer whose other side is waiting: NULL, and nothing changed, if it is anything
 * else. */
static inline struct arch_context *message_fast(struct thread *self, uint64_t nr)
{
    uint32_t need = nr == NOS_SYS_IPC_CALL ? NOS_RIGHT_CALL : NOS_RIGHT_RECV;
    struct handle_slot *s = handle_fast(&self->capsule->handles, self->ctx.arg0,
                                        HANDLE_WANT(1u << NOS_TYPE_ENDPOINT, need));
    if (UNLIKELY(s == NULL)) {
        return NULL;
    }
    self->via = s->via;
    struct endpoint *ep = CONTAINER_OF(s->obj, struct endpoint, obj);
    self->badge = s->badge;
    return nr == NOS_SYS_IPC_CALL ? endpoint_call_fast(ep, self)
                                  : endpoint_reply_recv_fast(ep, self);
}

static NOINLINE struct arch_context *locked(struct thread *self, uint64_t nr, nos_status_t st)
{
    struct arch_context *next = NULL;
    if (kernel_lock() && self->state != THREAD_RUNNING) {  // killed while it waited for the lock
        next = sched_exit();
        kernel_unlock();
        return next;
    }
    if ((nr == NOS_SYS_IPC_CALL || nr == NOS_SYS_IPC_REPLY_RECV) && LIKELY(st == NOS_OK)) {
        next = message_fast(self, nr);
    }
    if (next == NULL) {
        next = in_general(self, nr, st);
    }
    kernel_unlock();
    return next;
}

struct arch_context *up_syscall(struct arch_context *ctx)
{
    struct thread *self = CONTAINER_OF(ctx, struct thread, ctx);
    uint64_t nr = ctx->nr;
    nos_status_t st = admit(self->capsule, nr);

    if (nr == NOS_SYS_NULL && LIKELY(st == NOS_OK)) {  // no handle, no object, no lock
        ctx->nr = NOS_OK;
        return ctx;
    }
    return locked(self, nr, st);
}

nos_status_t copy_in(void *dst, uint64_t src, size_t len)
{
    return user_range(src, len) && arch_copy_from_user(dst, src, len) ? NOS_OK : NOS_BAD_ADDRESS;
}

nos_status_t copy_out(uint64_t dst, const void *src, size_t len)
{
    return user_range(dst, len) && arch_copy_to_user(dst, src, len) ? NOS_OK : NOS_BAD_ADDRESS;
}

nos_status_t arg_handle(const struct thread *self, uint64_t h, enum nos_type type, uint32_t need,
                        struct handle_slot **out)
{
    return h > UINT32_MAX ? NOS_BAD_HANDLE
                          : handle_get(&self->capsule->handles, (uint32_t)h, 1u << type, need, out);
}

nos_status_t sys_null(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    (void)self, (void)ctx, (void)slot;
    return NOS_OK;  // up_syscall answers before it gets here; the table has no hole all the same
}
