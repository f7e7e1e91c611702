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

/* Checked here once: the compiler need not ask for each field. */
static ALWAYS_INLINE const struct row *row_of(uint64_t nr)
{
    const struct row *row = &table[nr];
    __asm__("" : "+r"(row));
    return row;
}

/* Cheap and first: nothing here needs the lock. The classes are fixed at spawn, the filter only
 * loses bits. */
static ALWAYS_INLINE nos_status_t admit(const struct capsule *c, uint64_t nr)
{
    if (UNLIKELY(nr >= NOS_SYS_COUNT)) {
        return NOS_BAD_SYSCALL;
    }
    if (UNLIKELY((__atomic_load_n(&c->filter[nr >> 6], __ATOMIC_RELAXED) >> (nr & 63) & 1) == 0)) {
        return NOS_FILTERED;
    }
    return UNLIKELY((row_of(nr)->classes & ~c->classes) != 0) ? NOS_NO_CLASS : NOS_OK;
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
    audit_deny(self->capsule->id, nr > UINT32_MAX ? UINT32_MAX : (uint32_t)nr, st,
               &self->capsule->record);
    sched_arm_background();
    if (st == NOS_FILTERED && self->capsule->kill_on_filter) {
        capsule_crash(self, NOS_CRASH_FILTER, nr);
    }
}

/* The current thread has not blocked. */
static ALWAYS_INLINE struct arch_context *go_on(struct thread *self)
{
    const struct cpu *cpu = this_cpu();
    bool plain = cpu->payer == self->payer && !cpu->resched && self->cont == CONT_NONE;
    return LIKELY(plain) ? &self->ctx : sched_exit();
}

static ALWAYS_INLINE struct arch_context *in_general(struct thread *self, uint64_t nr,
                                                     nos_status_t st)
{
    if (LIKELY(st == NOS_OK)) {
        self->ctx.nr = NOS_OK;  // a message that comes at once puts its sender there
        st = perform(self, row_of(nr));
    }
    if (UNLIKELY(is_refusal(st))) {
        refuse(self, nr, st);
    }
    if (self->state == THREAD_RUNNING && st != NOS_OK) {
        self->ctx.nr = (uint64_t)(int64_t)st;
    }
    return self->state == THREAD_RUNNING ? go_on(self) : sched_exit();
}

/* With the kernel lock, which it gives back. */
static NOINLINE struct arch_context *locked(struct thread *self, uint64_t nr, nos_status_t st)
{
    struct arch_context *next = in_general(self, nr, st);
    kernel_unlock();
    return next;
}

static NOINLINE struct arch_context *after_wait(struct thread *self, uint64_t nr, nos_status_t st,
                                                uint32_t ticket)
{
    kernel_lock_wait(ticket);
    if (self->state == THREAD_RUNNING) {
        return locked(self, nr, st);
    }
    struct arch_context *next = sched_exit();  // killed while it waited
    kernel_unlock();
    return next;
}

static NOINLINE struct arch_context *general(struct thread *self, uint64_t nr)
{
    nos_status_t st = admit(self->capsule, nr);
    uint32_t ticket = kernel_lock_take();
    return kernel_lock_turn(ticket) ? locked(self, nr, st) : after_wait(self, nr, st, ticket);
}

/* admit() for a number that is known: two tests. */
static ALWAYS_INLINE bool admitted(const struct capsule *c, uint64_t nr, uint32_t cls)
{
    return (__atomic_load_n(&c->filter[nr / 64], __ATOMIC_RELAXED) & 1ull << nr % 64) != 0 &&
           (c->classes & cls) != 0;
}

static ALWAYS_INLINE struct arch_context *special(struct thread *self, uint64_t nr,
                                                  struct arch_context *next)
{
    if (next == NULL) {
        return locked(self, nr, NOS_OK);
    }
    kernel_unlock();
    return next;
}

/* What the plain way below does not take: a handle, the answer to a page fault. Apart, so that the
 * plain one has no frame; the handle has had its check. */
static NOINLINE struct arch_context *call_special(struct thread *self)
{
    struct capsule *c = self->capsule;
    const struct handle_slot *s = handle_place(&c->handles, self->ctx.arg0);
    struct endpoint *ep = CONTAINER_OF(s->obj, struct endpoint, obj);
    return special(self, NOS_SYS_IPC_CALL, endpoint_call_fast(ep, self, c, s, 1));
}

static NOINLINE struct arch_context *reply_special(struct thread *self)
{
    struct capsule *c = self->capsule;
    const struct handle_slot *s = handle_place(&c->handles, self->ctx.arg0);
    struct endpoint *ep = CONTAINER_OF(s->obj, struct endpoint, obj);
    bool faulted = self->client != NULL && self->client->fault != 0;
    return special(self, NOS_SYS_IPC_REPLY_RECV,
                   faulted ? endpoint_reply_fault_fast(ep, self, s)
                           : endpoint_reply_recv_fast(ep, self, c, s, 1));
}

/* A call or an answer whose other side is waiting. All calls below are tail calls: no frame is
 * needed before it is clear that the long way must be taken. */
static ALWAYS_INLINE struct arch_context *message(struct thread *self, uint64_t nr, uint32_t need)
{
    struct capsule *c = self->capsule;
    if (UNLIKELY(!admitted(c, nr, NOS_CLASS_IPC))) {
        return general(self, nr);
    }
    uint32_t ticket = kernel_lock_take();
    if (UNLIKELY(!kernel_lock_turn(ticket))) {
        return after_wait(self, nr, NOS_OK, ticket);
    }
    const struct handle_slot *s = handle_place(&c->handles, self->ctx.arg0);
    if (UNLIKELY(handle_wrong(s, self->ctx.arg0, HANDLE_WANT(1u << NOS_TYPE_ENDPOINT, need)) !=
                 0)) {
        return locked(self, nr, NOS_OK);
    }
    struct endpoint *ep = CONTAINER_OF(s->obj, struct endpoint, obj);
    struct arch_context *next = nr == NOS_SYS_IPC_CALL
                                    ? endpoint_call_fast(ep, self, c, s, 0)
                                    : endpoint_reply_recv_fast(ep, self, c, s, 0);
    if (UNLIKELY(next == NULL)) {
        return nr == NOS_SYS_IPC_CALL ? call_special(self) : reply_special(self);
    }
    kernel_unlock();
    return next;
}

static NOINLINE struct arch_context *call(struct thread *self)
{
    return message(self, NOS_SYS_IPC_CALL, NOS_RIGHT_CALL);
}

static NOINLINE struct arch_context *reply_recv(struct thread *self)
{
    return message(self, NOS_SYS_IPC_REPLY_RECV, NOS_RIGHT_RECV);
}

/* The rest of a call that has had its checks, and gives back the lock. */
static ALWAYS_INLINE struct arch_context *finish(struct thread *self, nos_status_t st)
{
    if (UNLIKELY(st != NOS_OK)) {
        self->ctx.nr = (uint64_t)(int64_t)st;
    }
    struct arch_context *next = self->state == THREAD_RUNNING ? go_on(self) : sched_exit();
    kernel_unlock();
    return next;
}

static NOINLINE struct arch_context *leave_long(void)
{
    struct arch_context *next = sched_exit();
    kernel_unlock();
    return next;
}

/* To whoever is next, now that the current thread does not run any more. */
static ALWAYS_INLINE struct arch_context *leave(struct cpu *cpu)
{
    struct arch_context *next = sched_next_fast(cpu);
    if (UNLIKELY(next == NULL)) {
        return leave_long();
    }
    kernel_unlock();
    return next;
}

static NOINLINE struct arch_context *signal_waiter(struct thread *self, struct notification *n)
{
    struct thread *t = n->waiter;
    self->ctx.nr = NOS_OK;
    if (t == NULL || t->deadline_ns != 0 || !sched_ready_fast(this_cpu(), t)) {
        notify_signal(n, self->ctx.arg1);
        return finish(self, NOS_OK);
    }
    n->waiter = NULL;
    t->waits_on = NULL;
    t->ctx.nr = NOS_OK;
    t->ctx.w[0] = self->ctx.arg1;
    if (UNLIKELY(this_cpu()->resched)) {
        return leave_long();
    }
    kernel_unlock();
    return &self->ctx;
}

/* Nothing has come yet, and it may take as long as it likes. */
static ALWAYS_INLINE struct arch_context *wait_block(struct thread *self, struct notification *n,
                                                     via_t via)
{
    n->waiter = self;
    self->via = via;
    self->waits_on = &n->obj;
    self->state = THREAD_NOTE;
    return leave(this_cpu());
}

static NOINLINE struct arch_context *wait_long(struct thread *self, struct handle_slot *slot)
{
    struct notification *n = CONTAINER_OF(slot->obj, struct notification, obj);
    self->ctx.nr = NOS_OK;
    if (LIKELY(((uint64_t)n->waiter | n->bits | self->ctx.arg1) == 0)) {
        return wait_block(self, n, slot->via);
    }
    self->via = slot->via;
    return finish(self, sys_notify_wait(self, &self->ctx, slot));
}

/* Signal and wait: checked here, once, and done here when nobody is to be woken and nothing to be
 * waited for. */
static ALWAYS_INLINE struct arch_context *notification(struct thread *self, uint64_t nr,
                                                       uint32_t need)
{
    struct capsule *c = self->capsule;
    uint64_t arg = self->ctx.arg1, h = self->ctx.arg0;
    if (UNLIKELY(!admitted(c, nr, NOS_CLASS_IPC))) {
        return general(self, nr);
    }
    uint32_t ticket = kernel_lock_take();
    if (UNLIKELY(!kernel_lock_turn(ticket))) {
        return after_wait(self, nr, NOS_OK, ticket);
    }
    struct handle_slot *s = handle_place(&c->handles, h);
    if (UNLIKELY(handle_wrong(s, h, HANDLE_WANT(1u << NOS_TYPE_NOTIFICATION, need)) != 0)) {
        return locked(self, nr, NOS_OK);
    }
    struct notification *n = CONTAINER_OF(s->obj, struct notification, obj);
    if (nr == NOS_SYS_NOTIFY_WAIT) {
        return wait_long(self, s);
    }
    if (n->waiter != NULL || n->bound != NULL) {
        return signal_waiter(self, n);
    }
    n->bits |= arg;
    self->ctx.nr = NOS_OK;
    kernel_unlock();
    return &self->ctx;
}

static NOINLINE struct arch_context *signal(struct thread *self)
{
    return notification(self, NOS_SYS_NOTIFY_SIGNAL, NOS_RIGHT_SIGNAL);
}

static NOINLINE struct arch_context *wait(struct thread *self)
{
    return notification(self, NOS_SYS_NOTIFY_WAIT, NOS_RIGHT_WAIT);
}

static NOINLINE struct arch_context *yield(struct thread *self)
{
    uint32_t ticket = kernel_lock_take();
    if (UNLIKELY(!kernel_lock_turn(ticket))) {
        return after_wait(self, NOS_SYS_YIELD, NOS_OK, ticket);
    }
    struct cpu *cpu = this_cpu();
    if (!sched_yield_fast(cpu, self)) {
        return locked(self, NOS_SYS_YIELD, NOS_OK);
    }
    self->ctx.nr = NOS_OK;
    return leave(cpu);
}

struct arch_context *up_syscall(struct arch_context *ctx)
{
    struct thread *self = CONTAINER_OF(ctx, struct thread, ctx);
    uint64_t nr = ctx->nr;

    if (nr == NOS_SYS_IPC_CALL) {
        return call(self);
    }
    if (nr == NOS_SYS_IPC_REPLY_RECV) {
        return reply_recv(self);
    }
    if (nr == NOS_SYS_NULL && LIKELY(admitted(self->capsule, nr, NOS_CLASS_COREEXEC))) {
        return ctx;  // no handle, no object, no lock; rax is 0 = OK
    }
    if (nr == NOS_SYS_NOTIFY_SIGNAL && ctx->arg1 != 0) {
        return signal(self);
    }
    if (nr == NOS_SYS_NOTIFY_WAIT) {
        return wait(self);
    }
    if (nr == NOS_SYS_YIELD && LIKELY(admitted(self->capsule, nr, NOS_CLASS_COREEXEC))) {
        return yield(self);
    }
    return general(self, nr);
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
