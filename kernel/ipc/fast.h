/* The common case of a call, and of an answer followed by a wait: the other side is waiting, no
 * deadline, registers only, nothing as urgent is ready, no FPU state, one account. The context to
 * leave with; NULL, and nothing changed, in any other case: then the long way does it.
 *
 * In line, and in one straight line: what must be zero is or-ed together and tested once; what the
 * long way writes for tidiness alone (links of a thread on no queue, waits_on of one that runs)
 * stays as it was. */
#pragma once

#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/pass.h"
#include "kernel/sched/switch.h"

enum {
    INFO_LOW = 0xffff /* all of it but the label */,
    INFO_ONE_HANDLE = 1 << NOS_MSG_HANDLES_SHIFT,
    WORD_GROUP = 4
};

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
    uint32_t words = info & INFO_LOW;  // a handle counts as some: that is but slower
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

/* Words in registers, and `handles`, 0 or 1. */
static ALWAYS_INLINE bool fast_shape(uint64_t info, uint32_t handles)
{
    return ((info & INFO_LOW) ^ handles * INFO_ONE_HANDLE) <= NOS_MSG_REG_WORDS;
}

/* Can receiver `r` take a call of `t` and run at once? A priority that would be lent is counted. */
static ALWAYS_INLINE bool fast_may_take(const struct cpu *cpu, const struct thread *t,
                                        const struct thread *r)
{
    uint64_t rare = r->deadline_ns | zero_bits(r->fpu) | zero_bits(cpu->fpu_owner);
    return rare == 0 && t->priority <= r->base_priority && fast_may_run(cpu, r);
}

/* Receiver `r` has been given the call of `t`, which waits for the answer. */
static ALWAYS_INLINE void fast_take(struct endpoint *ep, struct thread *t, struct thread *r)
{
    struct thread *next = r->next;
    ep->receivers.first = next;
    *(next != NULL ? &next->prev : &ep->receivers.last) = NULL;
    r->payer = t->payer;
    r->client = t;
    t->worker = r;
    t->state = THREAD_REPLY;
    t->token += 1ull << 32;
    r->ctx.dl = t->token;
}

/* `handles`: how many the message carries, 0 or 1, known when this is compiled. */
static ALWAYS_INLINE struct arch_context *endpoint_call_fast(struct endpoint *ep, struct thread *t,
                                                             struct capsule *c,
                                                             const struct handle_slot *slot,
                                                             uint32_t handles)
{
    struct thread *r = ep->receivers.first;
    struct cpu *cpu = this_cpu();
    uint64_t info = t->ctx.arg1, badge = slot->badge;
    via_t via = slot->via;  // before that slot is moved itself

    if (UNLIKELY(!fast_shape(info, handles) || r == NULL)) {
        return NULL;
    }
    if (UNLIKELY(t->ctx.dl != 0 || !fast_may_take(cpu, t, r))) {
        return NULL;
    }
    if (handles != 0 && ((slot->rights & NOS_RIGHT_GRANT) == 0 || !pass_one(t, r))) {
        return NULL;
    }
    t->via = via;
    fast_stamp(r, c, badge);
    fast_take(ep, t, r);
    fast_copy(t, r, info);
    return sched_load(cpu, r);
}

/* `t` waits for its next message. */
static ALWAYS_INLINE void fast_receive(struct endpoint *ep, struct thread *t, struct capsule *c,
                                       const struct handle_slot *slot)
{
    struct thread *last = ep->receivers.last;
    t->via = slot->via;
    t->payer = c;
    t->next = NULL;
    t->prev = last;
    *(last != NULL ? &last->next : &ep->receivers.first) = t;
    ep->receivers.last = t;
    t->waits_on = &ep->obj;
    t->client = NULL;
    t->state = THREAD_RECV;
}

/* The same for an answer. To a page fault it is no message, but says where the thread goes on. */
static ALWAYS_INLINE struct arch_context *
endpoint_reply_recv_fast(struct endpoint *ep, struct thread *t, struct capsule *c,
                         const struct handle_slot *slot, uint32_t handles)
{
    struct thread *caller = t->client;
    struct cpu *cpu = this_cpu();
    uint64_t info = t->ctx.arg1;

    if (UNLIKELY(!fast_shape(info, handles) || caller == NULL)) {
        return NULL;
    }
    uint64_t rare = t->ctx.dl | caller->deadline_ns | zero_bits(ep->callers.first) |
                    zero_bits(caller->fpu) | zero_bits(cpu->fpu_owner) |
                    (zero_bits(t->payer) ^ zero_bits(caller->payer)) | caller->special;
    if (UNLIKELY(rare != 0 || (ep->bound != NULL && ep->bound->bits != 0) ||
                 !fast_may_run(cpu, caller))) {
        return NULL;
    }
    if (handles != 0 && !pass_one(t, caller)) {
        return NULL;
    }
    fast_stamp(caller, c, 0);
    caller->ctx.dl = 0;
    fast_receive(ep, t, c, slot);
    fast_copy(t, caller, info);
    return sched_load(cpu, caller);
}

/* The answer to a page fault: where the thread goes on. Its registers are its own. */
static ALWAYS_INLINE struct arch_context *
endpoint_reply_fault_fast(struct endpoint *ep, struct thread *t, const struct handle_slot *slot)
{
    struct thread *caller = t->client;
    struct cpu *cpu = this_cpu();
    uint64_t info = t->ctx.arg1, label = info >> NOS_MSG_LABEL_SHIFT;
    bool go = label == NOS_FAULT_GO && (info & INFO_LOW) != 0;

    uint64_t rare = t->ctx.dl | caller->deadline_ns | zero_bits(ep->callers.first) |
                    zero_bits(caller->fpu) | zero_bits(cpu->fpu_owner) |
                    (zero_bits(t->payer) ^ zero_bits(caller->payer)) | caller->lends;
    if (rare != 0 || !fast_shape(info, 0) || (ep->bound != NULL && ep->bound->bits != 0) ||
        !fast_may_run(cpu, caller) || (!go && label != NOS_FAULT_RETRY)) {
        return NULL;
    }
    if (go) {
        caller->ctx.ip = t->ctx.w[0];  // the way out looks at it
    }
    caller->fault = 0;
    fast_receive(ep, t, t->capsule, slot);
    return sched_load(cpu, caller);
}
