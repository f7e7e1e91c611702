/* Straight lines. Whatever is rare is one of the conditions at the beginning, and goes the long
 * way. */
#include "kernel/ipc/fast.h"

#include "kernel/ipc/pass.h"
#include "kernel/sched/switch.h"

enum { INFO_LOW = 0xffff /* all of it but the label */, GROUP = 4 };

/* Nothing reserved, no handles, no word outside the registers: all of that is above 8. */
static inline bool registers_only(uint64_t info)
{
    return (info & INFO_LOW) <= NOS_MSG_REG_WORDS;
}

static inline void copy_group(const struct thread *from, struct thread *to, unsigned first)
{
    for (unsigned i = first; i < first + GROUP; i++) {
        to->ctx.w[i] = from->ctx.w[i];
    }
}

/* In groups of four: a word more costs less than to count. */
static inline void copy_registers(const struct thread *from, struct thread *to, uint64_t info)
{
    to->ctx.arg1 = info;
    if ((info & INFO_LOW) != 0) {
        copy_group(from, to, 0);
        if ((info & INFO_LOW) > GROUP) {
            copy_group(from, to, GROUP);
        }
    }
}

static inline void stamp(struct thread *to, const struct thread *from, uint64_t badge,
                         uint64_t token)
{
    to->ctx.nr = (uint64_t)from->capsule->id << 32 | NOS_OK;
    to->ctx.arg0 = badge;
    to->ctx.dl = token;
}

struct arch_context *endpoint_call_fast(struct endpoint *ep, struct thread *t)
{
    struct thread *r = ep->receivers.first;
    struct cpu *cpu = this_cpu();
    uint64_t info = t->ctx.arg1;

    if (UNLIKELY(r == NULL || (t->ctx.dl | r->deadline_ns) != 0 || !registers_only(info) ||
                 t->priority > r->base_priority || !sched_may_switch(cpu, r))) {
        return NULL;
    }
    queue_remove(&ep->receivers, r);
    r->waits_on = NULL;
    r->payer = t->payer;
    r->client = t;
    t->worker = r;
    t->token += 1ull << 32;
    t->state = THREAD_REPLY;
    copy_registers(t, r, info);
    stamp(r, t, t->badge, t->token);
    sched_switch(cpu, r);
    return &r->ctx;
}

struct arch_context *endpoint_reply_recv_fast(struct endpoint *ep, struct thread *t)
{
    struct thread *caller = t->client;
    struct cpu *cpu = this_cpu();
    uint64_t info = t->ctx.arg1;

    if (UNLIKELY(caller == NULL || (t->ctx.dl | caller->deadline_ns) != 0 ||
                 (caller->lends | caller->fault) != 0 || !registers_only(info) ||
                 t->payer != caller->payer || ep->callers.first != NULL ||
                 (ep->bound != NULL && ep->bound->bits != 0) || !sched_may_switch(cpu, caller))) {
        return NULL;
    }
    t->client = NULL;
    t->payer = t->capsule;
    t->state = THREAD_RECV;
    t->waits_on = &ep->obj;
    queue_add(&ep->receivers, t);
    copy_registers(t, caller, info);
    stamp(caller, t, 0, 0);
    sched_switch(cpu, caller);
    return &caller->ctx;
}
