/* The common case of a call, and of an answer followed by a wait: the other side is waiting, no
 * deadline, registers only, nothing as urgent is ready, no FPU state, one account. The context to
 * leave with; NULL, and nothing changed, in any other case: then the long way does it.
 *
 * In line, and in one straight line: what must be zero is or-ed together and tested once; what the
 * long way writes for tidiness alone (links of a thread on no queue, waits_on of one that runs)
 * stays as it was. */
#pragma once

#include "kernel/ipc/endpoint.h"
#include "kernel/sched/switch.h"

enum { INFO_LOW = 0xffff /* all of it but the label */, WORD_GROUP = 4 };

static ALWAYS_INLINE uint64_t zero_bits(const void *p)
{
    return (uint64_t)p;
}

/* Not where it may not run, nor when somebody as urgent is ready. */
static ALWAYS_INLINE bool fast_may_run(const struct cpu *cpu, const struct thread *t)
{
    return (cpu->ready_mask >> (t->priority % PRIORITIES)) == 0 && (cpu->bit & t->cpus) != 0;
}

static ALWAYS_INLINE void fast_copy(const struct thread *from, struct thread *to, uint64_t info)
{
    uint32_t words = info & INFO_LOW;
    to->ctx.arg1 = info;
    if (words != 0) {  // in groups: a word more costs less than to count
        for (unsigned i = 0; i < WORD_GROUP; i++) {
            to->ctx.w[i] = from->ctx.w[i];
        }
        if (words > WORD_GROUP) {
            for (unsigned i = WORD_GROUP; i < NOS_MSG_REG_WORDS; i++) {
                to->ctx.w[i] = from->ctx.w[i];
            }
        }
    }
}

static ALWAYS_INLINE void fast_stamp(struct thread *to, const struct capsule *from, uint64_t badge)
{
    to->ctx.nr = (uint64_t)from->id << 32 | NOS_OK;
    to->ctx.arg0 = badge;
}

static ALWAYS_INLINE struct arch_context *endpoint_call_fast(struct endpoint *ep, struct thread *t,
                                                             struct capsule *c,
                                                             const struct handle_slot *slot)
{
    struct thread *r = ep->receivers.first;
    struct cpu *cpu = this_cpu();
    uint64_t info = t->ctx.arg1;

    if (UNLIKELY(r == NULL)) {
        return NULL;
    }
    uint64_t rare = t->ctx.dl | r->deadline_ns | zero_bits(r->fpu) | zero_bits(cpu->fpu_owner);
    if (UNLIKELY(rare != 0 || (info & INFO_LOW) > NOS_MSG_REG_WORDS ||
                 t->priority > r->base_priority || !fast_may_run(cpu, r))) {
        return NULL;
    }
    t->via = slot->via;
    fast_stamp(r, c, slot->badge);
    struct thread *next = r->next;
    ep->receivers.first = next;
    *(next != NULL ? &next->prev : &ep->receivers.last) = NULL;
    r->payer = t->payer;
    r->client = t;
    t->worker = r;
    t->state = THREAD_REPLY;
    t->token += 1ull << 32;
    r->ctx.dl = t->token;
    fast_copy(t, r, info);
    return sched_load(cpu, r);
}

static ALWAYS_INLINE struct arch_context *endpoint_reply_recv_fast(struct endpoint *ep,
                                                                   struct thread *t,
                                                                   struct capsule *c,
                                                                   const struct handle_slot *slot)
{
    struct thread *caller = t->client;
    struct cpu *cpu = this_cpu();
    uint64_t info = t->ctx.arg1;

    if (UNLIKELY(caller == NULL)) {
        return NULL;
    }
    uint64_t rare = t->ctx.dl | caller->deadline_ns | caller->special |
                    zero_bits(ep->callers.first) | zero_bits(caller->fpu) |
                    zero_bits(cpu->fpu_owner) | (zero_bits(t->payer) ^ zero_bits(caller->payer));
    if (UNLIKELY(rare != 0 || (info & INFO_LOW) > NOS_MSG_REG_WORDS ||
                 (ep->bound != NULL && ep->bound->bits != 0) || !fast_may_run(cpu, caller))) {
        return NULL;
    }
    t->via = slot->via;
    t->payer = c;
    fast_stamp(caller, c, 0);
    caller->ctx.dl = 0;
    struct thread *last = ep->receivers.last;
    t->next = NULL;
    t->prev = last;
    *(last != NULL ? &last->next : &ep->receivers.first) = t;
    ep->receivers.last = t;
    t->waits_on = &ep->obj;
    t->client = NULL;
    t->state = THREAD_RECV;
    fast_copy(t, caller, info);
    return sched_load(cpu, caller);
}
