/* Modules and capsules. */
#include <string.h>

#include "kernel/audit/audit.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/notify.h"
#include "kernel/object/region.h"
#include "kernel/runtime/jobs.h"
#include "kernel/syscall/syscall.h"

nos_status_t sys_module_load(struct thread *self, struct arch_context *ctx,
                             struct handle_slot *slot)
{
    uint64_t len = ctx->w[0];
    struct handle_slot *region;
    struct verify_wait *w;
    paddr_t base;
    uint32_t pages;
    (void)slot;

    nos_status_t st =
        arg_handle(self, ctx->arg1, NOS_TYPE_REGION, NOS_RIGHT_READ | NOS_RIGHT_TRANSFER, &region);
    if (st != NOS_OK) {
        return st;
    }
    struct region *r = CONTAINER_OF(region->obj, struct region, obj);
    if (len == 0 || len > (uint64_t)r->pages * PAGE_SIZE) {
        return NOS_INVALID;
    }
    w = job_alloc();
    st = w == NULL ? NOS_NO_MEMORY : region_take(r, &base, &pages);
    if (st != NOS_OK) {
        if (w != NULL) {
            job_free(w);
        }
        return st;
    }
    module_job_init(&w->job, base, pages, len, self->capsule->id);
    w->job.asked = *thread_cause(self);
    self->job = w;
    self->cont = CONT_VERIFY;
    return handle_close(&self->capsule->handles, (uint32_t)ctx->arg1);
}

nos_status_t sys_module_open(struct thread *self, struct arch_context *ctx,
                             struct handle_slot *slot)
{
    uint8_t key[32] = { 0 };
    uint64_t len = ctx->w[0];
    uint32_t h;
    (void)slot;

    nos_status_t st = len == 0 || (len > NOS_NAME_MAX && len != sizeof key)
                          ? NOS_TOO_BIG
                          : copy_in(key, ctx->arg1, len);
    if (st != NOS_OK) {
        return st;
    }
    struct module *m = len == sizeof key ? module_find_id(key) : module_find((const char *)key);
    if (m == NULL) {
        return NOS_NOT_FOUND;
    }
    st = handle_add(&self->capsule->handles, &m->obj,
                    NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_INSPECT | NOS_RIGHT_SPAWN, 0,
                    NOS_ORIGIN_MADE, &h);
    if (st == NOS_OK) {
        ctx->w[0] = h;
    }
    return st;
}

/* A copy of it for the capsule that is being made. */
static nos_status_t give_handle(struct spawn_job *j, const struct handle_slot *give)
{
    struct handle_slot like = *give;
    like.origin = NOS_ORIGIN_SPAWN;
    return handle_insert(&j->capsule->handles, &like, &j->start->given);
}

/* handle module, uaddr arg, u64 len, handle n, u64 bits, handle give */
nos_status_t sys_capsule_spawn(struct thread *self, struct arch_context *ctx,
                               struct handle_slot *slot)
{
    uint64_t len = ctx->w[0], note = ctx->w[1], bits = ctx->w[2], give = ctx->w[3];
    struct module *m = CONTAINER_OF(slot->obj, struct module, obj);
    struct handle_slot *n = NULL, *g = NULL;
    char arg[NOS_ARG_MAX + 1];

    if (len > NOS_ARG_MAX) {
        return NOS_TOO_BIG;
    }
    nos_status_t st = len == 0 ? NOS_OK : copy_in(arg, ctx->arg1, len);
    if (st == NOS_OK && note != 0) {
        st = bits == 0 ? NOS_INVALID
                       : arg_handle(self, note, NOS_TYPE_NOTIFICATION, NOS_RIGHT_SIGNAL, &n);
    }
    if (st == NOS_OK && give != 0) {
        st = arg_handle(self, give, NOS_TYPE_ENDPOINT, NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER, &g);
    }
    struct spawn_wait *w = st == NOS_OK ? job_alloc() : NULL;
    if (w == NULL) {
        return st == NOS_OK ? NOS_NO_MEMORY : st;
    }
    w->job.asked = *thread_cause(self);
    st = spawn_begin(&w->job, m, span_of(arg, len), self->capsule->id);
    if (st == NOS_OK && g != NULL) {
        st = give_handle(&w->job, g);
        if (st != NOS_OK) {
            spawn_drop(&w->job);
        }
    }
    if (st != NOS_OK) {
        job_free(w);
        return st;
    }
    if (n != NULL) {
        w->job.note = CONTAINER_OF(n->obj, struct notification, obj);
        w->job.via = n->via;
        cell_get(n->via);
        w->job.bits = bits;
        obj_get(n->obj);
    }
    self->job = w;
    self->cont = CONT_SPAWN;
    return NOS_OK;
}

nos_status_t sys_capsule_open(struct thread *self, struct arch_context *ctx,
                              struct handle_slot *slot)
{
    uint32_t h;
    (void)slot;
    struct capsule *c = ctx->arg1 > UINT32_MAX ? NULL : capsule_find((uint32_t)ctx->arg1);
    if (c == NULL) {
        return NOS_NOT_FOUND;
    }
    nos_status_t st =
        handle_add(&self->capsule->handles, &c->obj,
                   NOS_RIGHT_DUP | NOS_RIGHT_INSPECT | NOS_RIGHT_KILL, 0, NOS_ORIGIN_MADE, &h);
    if (st == NOS_OK) {
        ctx->w[0] = h;
    }
    return st;
}

nos_status_t sys_capsule_kill(struct thread *self, struct arch_context *ctx,
                              struct handle_slot *slot)
{
    struct capsule *c = CONTAINER_OF(slot->obj, struct capsule, obj);
    (void)self;
    if (ctx->arg1 >= NOS_KILL_COUNT) {
        return NOS_INVALID;
    }
    if (c->state != NOS_CAPSULE_RUNNING) {
        return NOS_BAD_STATE;
    }
    if (ctx->arg1 == NOS_KILL_WATCHDOG && c->debug != NULL) {
        return NOS_BUSY;  // it cannot answer: its debugger holds it
    }
    capsule_end(c, NOS_CAPSULE_KILLED, ctx->arg1);
    return NOS_OK;
}

/* The capsule's own endpoint, for whoever has power over the capsule: with the cell and deadline of
 * that power, so that both are cut together. */
nos_status_t sys_capsule_control(struct thread *self, struct arch_context *ctx,
                                 struct handle_slot *slot)
{
    const struct capsule *c = CONTAINER_OF(slot->obj, struct capsule, obj);
    struct handle_slot like = *slot;
    uint32_t h;
    if (c->control == NULL) {
        return NOS_NOT_FOUND;
    }
    like.obj = &c->control->obj;
    like.rights = NOS_RIGHT_CALL | NOS_RIGHT_GRANT;
    like.origin = NOS_ORIGIN_MADE;
    like.badge = 0;
    nos_status_t st = handle_insert(&self->capsule->handles, &like, &h);
    if (st == NOS_OK) {
        ctx->w[0] = h;
    }
    return st;
}

/* handle old, handle new */
nos_status_t sys_capsule_succeed(struct thread *self, struct arch_context *ctx,
                                 struct handle_slot *slot)
{
    struct handle_slot *to;
    nos_status_t st = arg_handle(self, ctx->arg1, NOS_TYPE_CAPSULE, NOS_RIGHT_CONTROL, &to);
    return st != NOS_OK ? st
                        : capsule_clients_move(CONTAINER_OF(slot->obj, struct capsule, obj),
                                               CONTAINER_OF(to->obj, struct capsule, obj));
}

/* handle node, u64 decision, u64 id, u64 detail */
nos_status_t sys_audit_decision(struct thread *self, struct arch_context *ctx,
                                struct handle_slot *slot)
{
    uint64_t decision = ctx->arg1, id = ctx->w[0], detail = ctx->w[1];
    (void)slot;
    if (decision == 0 || decision >= NOS_DECISION_COUNT || (id | detail) > UINT32_MAX) {
        return NOS_INVALID;
    }
    const struct capsule *c = capsule_find((uint32_t)id);  // NULL: the system, or gone already
    audit_add(NOS_AUDIT_SUPERVISE, self->capsule->id, NOS_OK, c == NULL ? NULL : c->module->id, id,
              decision << 32 | detail, c == NULL ? NULL : c->module->name);
    audit_cause(c == NULL ? NULL : &c->record);
    audit_cause(thread_cause(self));
    return NOS_OK;
}

nos_status_t sys_capsule_info(struct thread *self, struct arch_context *ctx,
                              struct handle_slot *slot)
{
    struct nos_capsule_info info;
    (void)self;
    if (ctx->w[0] != sizeof info) {
        return NOS_TOO_BIG;
    }
    capsule_describe(CONTAINER_OF(slot->obj, struct capsule, obj), &info);
    return copy_out(ctx->arg1, &info, sizeof info);
}
