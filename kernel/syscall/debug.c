/* A debugger's calls: on a handle of one capsule, for as long as its session lasts. */
#include "kernel/runtime/debug.h"

#include <string.h>

#include "kernel/syscall/syscall.h"

static struct capsule *capsule_of(const struct handle_slot *slot)
{
    return CONTAINER_OF(slot->obj, struct capsule, obj);
}

/* Its thread of the least id from `from` on; NULL. */
static struct thread *thread_from(const struct capsule *c, uint64_t from)
{
    struct thread *best = NULL;
    for (struct thread *t = c->threads; t != NULL; t = t->sibling) {
        if (t->index >= from && (best == NULL || t->index < best->index)) {
            best = t;
        }
    }
    return best;
}

/* handle node, u64 id, u64 ttl_ns */
nos_status_t sys_debug_open(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    uint64_t ttl = ctx->w[0];
    struct capsule *c = ctx->arg1 > UINT32_MAX ? NULL : capsule_find((uint32_t)ctx->arg1);
    uint32_t h;
    (void)slot;
    if (ttl == 0 || ttl > NOS_DEBUG_SECONDS_MAX * 1000000000ull || c == self->capsule) {
        return NOS_INVALID;
    }
    nos_status_t st = c == NULL ? NOS_NOT_FOUND : debug_may_begin(c);
    if (st == NOS_OK) {
        st = handle_add(&self->capsule->handles, &c->obj,
                        NOS_RIGHT_DUP | NOS_RIGHT_INSPECT | NOS_RIGHT_DEBUG, arch_clock_ns() + ttl,
                        NOS_ORIGIN_MADE, &h);
    }
    if (st == NOS_OK) {
        debug_begin(c, self->capsule->id, ttl);
        audit_cause(thread_cause(self));
        ctx->w[0] = h;
    }
    return st;
}

/* handle capsule, u64 index, uaddr buf, u64 len */
nos_status_t sys_debug_thread(struct thread *self, struct arch_context *ctx,
                              struct handle_slot *slot)
{
    struct capsule *c = capsule_of(slot);
    struct nos_debug_thread out;
    (void)self;
    if (ctx->w[1] != sizeof out) {
        return NOS_TOO_BIG;
    }
    if (c->debug == NULL) {
        return NOS_BAD_STATE;
    }
    const struct thread *t = thread_from(c, ctx->arg1);
    if (t == NULL) {
        return NOS_NOT_FOUND;
    }
    out = (struct nos_debug_thread){ .id = t->index,
                                     .doing = t->state,
                                     .flags = (t->held != 0 ? NOS_DEBUG_HELD : 0u) |
                                              (t->fpu != NULL ? NOS_DEBUG_HAS_FPU : 0u),
                                     .why = t->stop_why,
                                     .addr = t->stop_addr,
                                     .image_base = c->image_base };
    arch_context_get(&t->ctx, out.regs);
    if (t->fpu != NULL) {
        memcpy(out.fpu, t->fpu, sizeof out.fpu);
    }
    return copy_out(ctx->w[0], &out, sizeof out);
}

/* handle capsule, u64 index, uaddr data, u64 len. The words of one that waits are its message. */
nos_status_t sys_debug_set(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    struct capsule *c = capsule_of(slot);
    uint64_t regs[NOS_REG_COUNT];
    (void)self;
    if (ctx->w[1] != sizeof regs) {
        return NOS_TOO_BIG;
    }
    nos_status_t st = copy_in(regs, ctx->w[0], sizeof regs);
    if (st != NOS_OK || c->debug == NULL) {
        return st != NOS_OK ? st : NOS_BAD_STATE;
    }
    struct thread *t = thread_from(c, ctx->arg1);
    if (t == NULL || t->index != ctx->arg1) {
        return NOS_NOT_FOUND;
    }
    return t->state == THREAD_STOPPED && t->cont == CONT_NONE ? arch_context_set(&t->ctx, regs)
                                                              : NOS_BAD_STATE;
}

static size_t piece(uint64_t at, size_t left)
{
    size_t room = PAGE_SIZE - at % PAGE_SIZE;
    return left < room ? left : room;
}

/* May all of it be had? */
static nos_status_t look(const struct capsule *c, uint64_t at, uint64_t len, uint64_t max,
                         unsigned need)
{
    if (len == 0 || len > max) {
        return NOS_TOO_BIG;
    }
    if (c->debug == NULL) {
        return NOS_BAD_STATE;
    }
    bool all = user_range(at, len) && debug_byte(c, at, need) != NULL &&
               debug_byte(c, at + len - 1, need) != NULL;  // at most two pages
    return all ? NOS_OK : NOS_BAD_ADDRESS;
}

/* Where the debugger put breakpoints its capsule's own bytes are shown. */
static nos_status_t read_piece(const struct capsule *c, uint64_t at, uint64_t to, size_t len)
{
    nos_status_t st = copy_out(to, debug_byte(c, at, PROT_R), len);
    for (unsigned i = 0; st == NOS_OK && i < NOS_DEBUG_BREAKS; i++) {
        struct breakpoint b = debug_break_nth(c, i);
        if (b.at != 0 && b.at - at < len) {
            st = copy_out(to + (b.at - at), &b.was, 1);
        }
    }
    return st;
}

/* handle capsule, u64 at, uaddr buf, u64 len */
nos_status_t sys_debug_read(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    const struct capsule *c = capsule_of(slot);
    uint64_t at = ctx->arg1, to = ctx->w[0], len = ctx->w[1];
    nos_status_t st = look(c, at, len, NOS_DEBUG_READ_MAX, PROT_R);
    (void)self;
    while (st == NOS_OK && len != 0) {
        size_t n = piece(at, len);
        st = read_piece(c, at, to, n);
        at += n;
        to += n;
        len -= n;
    }
    return st;
}

/* handle capsule, u64 at, uaddr data, u64 len */
nos_status_t sys_debug_write(struct thread *self, struct arch_context *ctx,
                             struct handle_slot *slot)
{
    const struct capsule *c = capsule_of(slot);
    uint64_t at = ctx->arg1, len = ctx->w[1];
    uint8_t data[NOS_DEBUG_WRITE_MAX];
    nos_status_t st = look(c, at, len, sizeof data, PROT_W);
    (void)self;
    if (st == NOS_OK) {
        st = copy_in(data, ctx->w[0], len);
    }
    for (size_t done = 0, n; st == NOS_OK && done < len; done += n) {
        n = piece(at + done, len - done);
        memcpy(debug_byte(c, at + done, PROT_W), data + done, n);
    }
    return st;
}

/* handle capsule, u64 at, u64 on */
nos_status_t sys_debug_break(struct thread *self, struct arch_context *ctx,
                             struct handle_slot *slot)
{
    struct capsule *c = capsule_of(slot);
    (void)self;
    if (ctx->w[0] > 1) {
        return NOS_INVALID;
    }
    return c->debug == NULL ? NOS_BAD_STATE : debug_break(c, ctx->arg1, ctx->w[0] == 1);
}

static nos_status_t run_all(const struct capsule *c, enum nos_debug_how how)
{
    for (const struct thread *t = c->threads; t != NULL; t = t->sibling) {
        if (how != NOS_DEBUG_STOP && t->held != 0 && t->state == THREAD_RUNNING) {
            return NOS_BUSY;
        }
    }
    nos_status_t st = NOS_OK;
    for (struct thread *t = c->threads; st == NOS_OK && t != NULL; t = t->sibling) {
        st = debug_run(t, how);
    }
    return st;
}

/* handle capsule, u64 index, u64 how */
nos_status_t sys_debug_run(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    const struct capsule *c = capsule_of(slot);
    uint64_t id = ctx->arg1, how = ctx->w[0];
    (void)self;
    if (how > NOS_DEBUG_PASS) {
        return NOS_INVALID;
    }
    if (c->debug == NULL) {
        return NOS_BAD_STATE;
    }
    struct thread *t = id == 0 ? NULL : thread_from(c, id);
    if (id != 0 && (t == NULL || t->index != id)) {
        return NOS_NOT_FOUND;
    }
    return t == NULL ? run_all(c, (enum nos_debug_how)how) : debug_run(t, (enum nos_debug_how)how);
}
