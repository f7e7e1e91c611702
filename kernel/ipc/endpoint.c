/* Rendezvous. A call meets a waiting receiver, or queues; a reply names its caller by a token,
 * which fits one call of one thread only: index | sequence << 32, and the thread must be waiting
 * for an answer from the replier's capsule. So a second answer, a late one and a forged one all
 * find nobody. */
#include "kernel/ipc/endpoint.h"

#include <string.h>

#include "kernel/core/panic.h"
#include "kernel/memory/cache.h"
#include "kernel/sched/switch.h"

static struct cache endpoint_cache = CACHE(endpoint);

nos_status_t endpoint_create(struct endpoint **out)
{
    struct endpoint *ep = cache_alloc(&endpoint_cache);
    if (ep == NULL) {
        return NOS_NO_MEMORY;
    }
    obj_init(&ep->obj, NOS_TYPE_ENDPOINT);
    *out = ep;
    return NOS_OK;
}

/* ---- wait queues ---- */

static inline void queue_add(struct wait_queue *q, struct thread *t)
{
    t->next = NULL;
    t->prev = q->last;
    *(q->last != NULL ? &q->last->next : &q->first) = t;
    q->last = t;
}

static inline void queue_remove(struct wait_queue *q, struct thread *t)
{
    *(t->prev != NULL ? &t->prev->next : &q->first) = t->next;
    *(t->next != NULL ? &t->next->prev : &q->last) = t->prev;
    t->next = t->prev = NULL;
}

/* ---- messages ---- */

static bool info_ok(uint64_t info)
{
    return (info & NOS_MSG_RSV_MASK) == 0 && (info & 0x7f) <= NOS_MSG_WORDS;
}

/* Both sides' registers are saved, both IPC buffers are reachable through the direct map: nothing
 * here can fault. */
static inline void copy_registers(const struct thread *from, struct thread *to)
{
    to->ctx.arg1 = from->ctx.arg1;
    for (unsigned i = 0; i < NOS_MSG_REG_WORDS; i++) {
        to->ctx.w[i] = from->ctx.w[i];
    }
}

static void copy_message(const struct thread *from, struct thread *to)
{
    uint64_t words = from->ctx.arg1 & 0x7f;
    copy_registers(from, to);
    if (UNLIKELY(words > NOS_MSG_REG_WORDS)) {
        memcpy(to->ipc_buf + NOS_MSG_REG_WORDS, from->ipc_buf + NOS_MSG_REG_WORDS,
               (words - NOS_MSG_REG_WORDS) * sizeof(uint64_t));
    }
}

/* `caller` -> waiting or current receiver `r`, who learns who it is; the caller waits for an answer
 * from now on. */
static inline void stamp(struct thread *caller, struct thread *r)
{
    caller->server = r->capsule;
    caller->reply_seq++;
    uint64_t token = caller->index | (uint64_t)caller->reply_seq << 32;
    r->ctx.nr = (uint64_t)caller->capsule->id << 32;
    r->ctx.arg0 = caller->badge;
    r->ctx.dl = token;
    r->last_caller = token;
}

static void deliver(struct thread *caller, struct thread *r)
{
    copy_message(caller, r);
    stamp(caller, r);
}

static void deliver_bits(struct thread *r, uint64_t bits)
{
    r->ctx.nr = NOS_OK;
    r->ctx.arg0 = 0;
    r->ctx.arg1 = NOS_MSG_NOTIFICATION | 1;
    r->ctx.w[0] = bits;
    r->ctx.dl = 0;
    r->last_caller = 0;
}

static nos_status_t check_deadline(uint64_t deadline_ns)
{
    if (deadline_ns == NOS_DEADLINE_POLL) {
        return NOS_TIMED_OUT;
    }
    return deadline_ns != NOS_DEADLINE_NEVER && deadline_ns <= arch_clock_ns() ? NOS_TIMED_OUT
                                                                               : NOS_OK;
}

nos_status_t endpoint_call(struct endpoint *ep, struct thread *t, bool *blocked)
{
    struct thread *r = ep->receivers.first;
    uint64_t deadline = t->ctx.dl;

    if (UNLIKELY(!info_ok(t->ctx.arg1))) {
        return NOS_BAD_MESSAGE;
    }
    if (UNLIKELY(!ep->named && ep->had_server && ep->servers == 0)) {
        return NOS_PEER_CLOSED;
    }
    if (r == NULL || deadline != NOS_DEADLINE_NEVER) {
        nos_status_t st = check_deadline(deadline);
        if (st != NOS_OK) {
            return st;
        }
    }
    *blocked = true;
    if (r == NULL) {
        queue_add(&ep->callers, t);
        sched_block(THREAD_CALL, &ep->obj, deadline);
        return NOS_OK;
    }
    queue_remove(&ep->receivers, r);
    sched_unwait(r);
    r->waits_on = NULL;
    deliver(t, r);
    sched_block(THREAD_REPLY, NULL, deadline);
    sched_handoff(r);
    return NOS_OK;
}

nos_status_t endpoint_recv(struct endpoint *ep, struct thread *t, bool *blocked)
{
    struct notification *n = ep->bound;
    if (n != NULL && n->bits != 0) {
        deliver_bits(t, n->bits);
        n->bits = 0;
        return NOS_OK;
    }
    struct thread *caller = ep->callers.first;
    if (caller != NULL) {
        queue_remove(&ep->callers, caller);
        caller->waits_on = NULL;
        caller->state = THREAD_REPLY;  // its deadline, if any, goes on
        deliver(caller, t);
        return NOS_OK;
    }
    nos_status_t st = check_deadline(t->ctx.dl);
    if (st == NOS_OK) {
        queue_add(&ep->receivers, t);
        sched_block(THREAD_RECV, &ep->obj, t->ctx.dl);
        *blocked = true;
    }
    return st;
}

/* Whom a token names, if it still waits for an answer of this capsule to that call; NULL. */
static inline struct thread *token_caller(const struct thread *t, uint64_t token)
{
    struct thread *caller = thread_at((uint32_t)token);
    bool fits = caller != NULL && caller->state == THREAD_REPLY &&
                caller->reply_seq == token >> 32 && caller->server == t->capsule;
    return LIKELY(fits) ? caller : NULL;
}

static inline void answered(struct thread *t, struct thread *caller)
{
    caller->ctx.nr = (uint64_t)t->capsule->id << 32;
    caller->ctx.arg0 = 0;
    caller->ctx.dl = 0;
    caller->server = NULL;
}

nos_status_t endpoint_reply(struct thread *t, uint64_t token, struct thread **out)
{
    if (UNLIKELY(!info_ok(t->ctx.arg1))) {
        return NOS_BAD_MESSAGE;
    }
    struct thread *caller = token_caller(t, token);
    if (UNLIKELY(caller == NULL)) {
        return NOS_NOT_FOUND;
    }
    copy_message(t, caller);
    answered(t, caller);
    sched_unwait(caller);
    *out = caller;
    return NOS_OK;
}

/* ---- the common case ---- */

static inline bool registers_only(uint64_t info)
{
    return (info & (NOS_MSG_RSV_MASK | 0x7f)) <= NOS_MSG_REG_WORDS;
}

struct arch_context *endpoint_call_fast(struct endpoint *ep, struct thread *t)
{
    struct thread *r = ep->receivers.first;
    struct cpu *cpu = this_cpu();

    if (UNLIKELY(r == NULL || t->ctx.dl != NOS_DEADLINE_NEVER || r->deadline_ns != 0 ||
                 !registers_only(t->ctx.arg1) || !sched_may_switch(cpu, r))) {
        return NULL;
    }
    queue_remove(&ep->receivers, r);
    r->waits_on = NULL;
    copy_registers(t, r);
    stamp(t, r);
    t->state = THREAD_REPLY;
    sched_switch(cpu, r);
    return &r->ctx;
}

struct arch_context *endpoint_reply_recv_fast(struct endpoint *ep, struct thread *t)
{
    struct thread *caller = token_caller(t, t->last_caller);
    struct cpu *cpu = this_cpu();

    if (UNLIKELY(caller == NULL || caller->deadline_ns != 0 || t->ctx.dl != NOS_DEADLINE_NEVER ||
                 !registers_only(t->ctx.arg1) || ep->callers.first != NULL ||
                 (ep->bound != NULL && ep->bound->bits != 0) || !sched_may_switch(cpu, caller))) {
        return NULL;
    }
    copy_registers(t, caller);
    answered(t, caller);
    t->last_caller = 0;
    t->state = THREAD_RECV;
    t->waits_on = &ep->obj;
    queue_add(&ep->receivers, t);
    sched_switch(cpu, caller);
    return &caller->ctx;
}

bool endpoint_notify(struct endpoint *ep, uint64_t bits)
{
    struct thread *r = ep->receivers.first;
    if (r == NULL) {
        return false;
    }
    queue_remove(&ep->receivers, r);
    deliver_bits(r, bits);
    sched_wake(r, NOS_OK);
    return true;
}

/* ---- ends ---- */

static void wake_all(struct wait_queue *q, nos_status_t st)
{
    while (q->first != NULL) {
        struct thread *t = q->first;
        queue_remove(q, t);
        sched_wake(t, st);
    }
}

void thread_wait_cancel(struct thread *t)
{
    switch ((enum thread_state)t->state) {
    case THREAD_READY:
        sched_unqueue(t);
        break;
    case THREAD_NOTE:
        CONTAINER_OF(t->waits_on, struct notification, obj)->waiter = NULL;
        break;
    case THREAD_CALL:
        queue_remove(&CONTAINER_OF(t->waits_on, struct endpoint, obj)->callers, t);
        break;
    case THREAD_RECV:
        queue_remove(&CONTAINER_OF(t->waits_on, struct endpoint, obj)->receivers, t);
        break;
    case THREAD_REPLY:
        t->server = NULL;
        t->reply_seq++;  // an answer on its way finds nobody
        break;
    case THREAD_RUNNING:
    case THREAD_SLEEP:
    case THREAD_DEAD:
        break;
    }
    t->waits_on = NULL;
}

void endpoint_server_died(const struct capsule *c)
{
    for (uint32_t i = 1; i < THREADS_MAX; i++) {
        struct thread *t = thread_at(i);
        if (t != NULL && t->state == THREAD_REPLY && t->server == c) {
            thread_wait_cancel(t);
            sched_wake(t, NOS_PEER_CLOSED);
        }
    }
}

void obj_handle_opened(struct obj *o, uint32_t rights)
{
    if (o->type == NOS_TYPE_ENDPOINT && (rights & NOS_RIGHT_RECV) != 0) {
        struct endpoint *ep = CONTAINER_OF(o, struct endpoint, obj);
        ep->servers++;
        ep->had_server = true;
    }
}

void obj_handle_closed(struct obj *o, uint32_t rights)
{
    if (o->type == NOS_TYPE_ENDPOINT && (rights & NOS_RIGHT_RECV) != 0) {
        struct endpoint *ep = CONTAINER_OF(o, struct endpoint, obj);
        if (--ep->servers == 0 && ep->bound != NULL) {  // the next server binds its own
            struct notification *n = ep->bound;
            ep->bound = NULL;
            n->bound = NULL;
            obj_put(&n->obj);
        }
        if (ep->servers == 0 && !ep->named) {
            wake_all(&ep->callers, NOS_PEER_CLOSED);
        }
    }
}

void endpoint_destroy(struct obj *o)
{
    struct endpoint *ep = CONTAINER_OF(o, struct endpoint, obj);
    KASSERT(ep->servers == 0 && ep->bound == NULL);
    wake_all(&ep->callers, NOS_PEER_CLOSED);
    wake_all(&ep->receivers, NOS_CANCELLED);
    cache_free(&endpoint_cache, ep);
}
