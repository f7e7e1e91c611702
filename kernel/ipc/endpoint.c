/* Rendezvous. A call meets a waiting receiver, or queues; an answer names its caller by a token,
 * which fits one call of one thread only: index | number of the call << 32, and the thread must be
 * waiting for an answer of the replier's capsule. So a second answer, a late one and a forged one
 * all find nobody. */
#include "kernel/ipc/endpoint.h"

#include <string.h>

#include "kernel/core/panic.h"
#include "kernel/ipc/fast.h"
#include "kernel/ipc/loan.h"
#include "kernel/ipc/pass.h"
#include "kernel/memory/cache.h"

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

/* ---- messages ---- */

enum { INFO_WORDS = 0x7f, FAULT_WORDS = 5, FAULT_PENDING = 1 << 30 };

static bool info_ok(uint64_t info)
{
    return (info & NOS_MSG_RSV_MASK) == 0 && (info & INFO_WORDS) <= NOS_MSG_WORDS &&
           (info & INFO_HANDLES) <= NOS_MSG_HANDLES << NOS_MSG_HANDLES_SHIFT;
}

static void stamp_sender(struct thread *to, const struct thread *from, uint64_t badge,
                         uint64_t token)
{
    to->ctx.nr = (uint64_t)from->capsule->id << 32 | NOS_OK;
    to->ctx.arg0 = badge;
    to->ctx.dl = token;
}

/* Both sides' registers are saved, both IPC buffers are reachable through the direct map: nothing
 * here can fault. */
static void copy_words(const struct thread *from, struct thread *to, uint64_t words)
{
    for (uint64_t i = 0; i < NOS_MSG_REG_WORDS && i < words; i++) {
        to->ctx.w[i] = from->ctx.w[i];
    }
    if (words > NOS_MSG_REG_WORDS) {
        memcpy(to->ipc_buf + NOS_MSG_REG_WORDS, from->ipc_buf + NOS_MSG_REG_WORDS,
               (words - NOS_MSG_REG_WORDS) * sizeof(uint64_t));
    }
}

static void tell_fault(const struct thread *from, struct thread *to)
{
    to->ctx.arg1 = nos_msg_info(NOS_FAULT, FAULT_WORDS);
    to->ctx.w[0] = from->fault_addr;
    to->ctx.w[1] = from->ctx.ip;
    to->ctx.w[2] = from->fault & ~(uint32_t)FAULT_PENDING;
    to->ctx.w[3] = from->ctx.sp;
    to->ctx.w[4] = from->index;
}

/* A thread whose capsule handles its own faults would wait for itself. */
static nos_status_t deliver_fault(const struct thread *from, struct thread *to)
{
    if (from->capsule == to->capsule) {
        return NOS_INVALID;
    }
    tell_fault(from, to);
    return NOS_OK;
}

static nos_status_t deliver(struct thread *from, struct thread *to)
{
    uint64_t info = from->ctx.arg1;
    if (UNLIKELY(from->fault != 0)) {
        return deliver_fault(from, to);
    }
    if ((info & INFO_HANDLES) != 0) {
        nos_status_t st = pass_handles(from, to, info);
        if (st != NOS_OK) {
            return st;
        }
    }
    to->ctx.arg1 = info;
    copy_words(from, to, info & INFO_WORDS);
    return NOS_OK;
}

static void deliver_bits(struct thread *r, uint64_t bits)
{
    r->ctx.nr = NOS_OK;
    r->ctx.arg0 = 0;
    r->ctx.arg1 = NOS_MSG_NOTIFICATION | 1;
    r->ctx.w[0] = bits;
    r->ctx.dl = 0;
}

/* `r` has the message of `caller`, who waits for the answer from now on. */
static void taken(struct thread *caller, struct thread *r)
{
    caller->token += 1ull << 32;
    stamp_sender(r, caller, caller->badge, caller->token);
    loan_begin(caller, r);
}

/* ---- calls ---- */

static nos_status_t check_deadline(uint64_t deadline_ns)
{
    if (deadline_ns == NOS_DEADLINE_POLL) {
        return NOS_TIMED_OUT;
    }
    return deadline_ns != NOS_DEADLINE_NEVER && deadline_ns <= arch_clock_ns() ? NOS_TIMED_OUT
                                                                               : NOS_OK;
}

static bool closed(const struct endpoint *ep)
{
    return !ep->named && ep->had_server && ep->servers == 0;
}

/* To the receiver that waits, or into the queue. */
static nos_status_t meet(struct endpoint *ep, struct thread *t, enum thread_state wait,
                         uint64_t deadline)
{
    struct thread *r = ep->receivers.first;
    if (r == NULL) {
        queue_add_urgent(&ep->callers, t);
        sched_block(wait, &ep->obj, deadline);
        return NOS_OK;
    }
    nos_status_t st = deliver(t, r);
    if (st != NOS_OK) {
        return st;  // the receiver waits on
    }
    queue_remove(&ep->receivers, r);
    sched_unwait(r);
    r->waits_on = NULL;
    if (wait == THREAD_SEND) {
        stamp_sender(r, t, t->badge, 0);
        sched_ready(r);
        return NOS_OK;
    }
    taken(t, r);
    sched_block(THREAD_REPLY, NULL, deadline);
    sched_handoff(r);
    return NOS_OK;
}

nos_status_t endpoint_call(struct endpoint *ep, struct thread *t, uint32_t rights,
                           enum thread_state wait)
{
    uint64_t info = t->ctx.arg1, deadline = t->ctx.dl;
    bool takes_time = wait == THREAD_CALL || ep->receivers.first == NULL;
    nos_status_t st = NOS_OK;

    if (UNLIKELY(!info_ok(info))) {
        return NOS_BAD_MESSAGE;
    }
    if ((info & INFO_HANDLES) != 0 && (rights & NOS_RIGHT_GRANT) == 0) {
        return NOS_DENIED;
    }
    if (UNLIKELY(closed(ep))) {
        return NOS_PEER_CLOSED;
    }
    if ((info & INFO_HANDLES) != 0 && ep->receivers.first == NULL) {
        st = pass_check(t, info);  // now, too: not only when somebody comes to take them
    }
    if (st == NOS_OK && takes_time) {
        st = check_deadline(deadline);
    }
    return st == NOS_OK ? meet(ep, t, wait, deadline) : st;
}

/* What `caller` had queued is with `t`; or it is told why not. */
static bool take_queued(struct endpoint *ep, struct thread *caller, struct thread *t)
{
    queue_remove(&ep->callers, caller);
    caller->waits_on = NULL;
    nos_status_t st = deliver(caller, t);
    if (st == NOS_OK && caller->state == THREAD_CALL) {
        caller->state = THREAD_REPLY;  // its deadline, if any, goes on
        taken(caller, t);
        return true;
    }
    if (st == NOS_OK) {
        stamp_sender(t, caller, caller->badge, 0);
    }
    sched_wake(caller, st);
    return st == NOS_OK;
}

/* Who was neither answered nor held is not going to be answered: an error of the server's that
 * would else be a client that waits for ever. */
static void leave_unanswered(struct thread *t)
{
    struct thread *caller = t->client;
    if (caller != NULL) {
        thread_wait_cancel(caller);
        sched_wake(caller, NOS_NO_ANSWER);
    }
}

nos_status_t endpoint_hold(struct thread *t, uint64_t token)
{
    if (t->client == NULL || t->client->token != token) {
        return NOS_NOT_FOUND;
    }
    loan_leave(t);
    return NOS_OK;
}

nos_status_t endpoint_recv(struct endpoint *ep, struct thread *t)
{
    struct notification *n = ep->bound;

    t->serves = true;
    leave_unanswered(t);
    if (n != NULL && n->bits != 0 && notify_is_bound(n)) {
        deliver_bits(t, n->bits);
        n->bits = 0;
        return NOS_OK;
    }
    while (ep->callers.first != NULL) {
        if (take_queued(ep, ep->callers.first, t)) {
            return NOS_OK;
        }
    }
    nos_status_t st = check_deadline(t->ctx.dl);
    if (st == NOS_OK) {
        queue_add(&ep->receivers, t);
        sched_block(THREAD_RECV, &ep->obj, t->ctx.dl);
    }
    return st;
}

/* ---- answers ---- */

/* Whom a token names, if it still waits for an answer of this capsule to that call; NULL. */
static struct thread *token_caller(const struct thread *t, uint64_t token)
{
    struct thread *caller = thread_at((uint32_t)token);
    bool fits = caller != NULL && caller->state == THREAD_REPLY && caller->token == token &&
                caller->worker->capsule == t->capsule;
    return LIKELY(fits) ? caller : NULL;
}

/* The registers of a thread that faulted are its own: an answer only says where they go on. */
static nos_status_t answer_fault(const struct thread *t, struct thread *caller)
{
    uint64_t info = t->ctx.arg1, label = info >> NOS_MSG_LABEL_SHIFT;
    if ((info & INFO_HANDLES) != 0) {
        return NOS_HANDLES_REFUSED;
    }
    if (label == NOS_FAULT_RETRY) {
        caller->fault = 0;
    } else if (label == NOS_FAULT_GO && (info & INFO_WORDS) != 0) {
        caller->ctx.ip = t->ctx.w[0];  // the way out looks at it
        caller->fault = 0;
    } else {
        caller->cont = CONT_CRASH;
    }
    return NOS_OK;
}

nos_status_t endpoint_answer(struct thread *t, struct thread *caller)
{
    nos_status_t st;
    if (UNLIKELY(!info_ok(t->ctx.arg1))) {
        return NOS_BAD_MESSAGE;
    }
    if (UNLIKELY(caller->fault != 0)) {
        st = answer_fault(t, caller);
    } else {
        st = deliver(t, caller);
        if (st == NOS_OK) {
            stamp_sender(caller, t, 0, 0);
        }
    }
    if (st == NOS_OK) {
        loan_end(caller);
        sched_unwait(caller);
    }
    return st;
}

nos_status_t endpoint_reply(struct thread *t, uint64_t token, struct thread **out)
{
    struct thread *caller = token_caller(t, token);
    if (UNLIKELY(!info_ok(t->ctx.arg1))) {
        return NOS_BAD_MESSAGE;
    }
    *out = caller;
    return caller == NULL ? NOS_NOT_FOUND : endpoint_answer(t, caller);
}

/* ---- faults ---- */

bool endpoint_fault(struct endpoint *ep, struct thread *t, uint64_t addr, uint32_t kind)
{
    t->fault = kind | FAULT_PENDING;
    t->fault_addr = addr;
    t->badge = t->capsule->fault_badge;
    t->via = t->capsule->fault_via;
    if (cell_look(t->via) != CELL_ALIVE || closed(ep) ||
        meet(ep, t, THREAD_CALL, NOS_DEADLINE_NEVER) != NOS_OK) {
        t->fault = 0;
        return false;
    }
    return true;
}

struct arch_context *endpoint_fault_fast(struct endpoint *ep, struct thread *t, uint64_t addr,
                                         uint32_t kind)
{
    struct capsule *c = t->capsule;
    struct thread *r = ep->receivers.first;
    struct cpu *cpu = this_cpu();
    if (r == NULL || r->capsule == c || cell_look(c->fault_via) != CELL_ALIVE ||
        !fast_may_take(cpu, t, r)) {
        return NULL;
    }
    t->fault = kind | FAULT_PENDING;
    t->fault_addr = addr;
    t->via = c->fault_via;
    fast_stamp(r, c, c->fault_badge);
    fast_take(ep, t, r);
    tell_fault(t, r);
    return sched_load(cpu, r);
}

/* ---- notifications ---- */

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

void obj_handle_opened(struct obj *o, uint32_t rights)
{
    if (o->type == NOS_TYPE_ENDPOINT && (rights & NOS_RIGHT_RECV) != 0) {
        struct endpoint *ep = CONTAINER_OF(o, struct endpoint, obj);
        ep->servers++;
        ep->had_server = true;
    } else if (o->type == NOS_TYPE_CAPSULE && (rights & NOS_RIGHT_DEBUG) != 0) {
        CONTAINER_OF(o, struct capsule, obj)->debug_handles++;
    }
}

void obj_handle_closed(struct obj *o, uint32_t rights)
{
    if (o->type == NOS_TYPE_ENDPOINT && (rights & NOS_RIGHT_RECV) != 0) {
        struct endpoint *ep = CONTAINER_OF(o, struct endpoint, obj);
        if (--ep->servers == 0 && ep->bound != NULL) {  // the next server binds its own
            notify_unbind(ep->bound);
        }
        if (ep->servers == 0 && !ep->named) {  // so whoever waits here to serve may: no other look
            wake_all(&ep->callers, NOS_PEER_CLOSED);
            wake_all(&ep->receivers, NOS_CANCELLED);
        }
    } else if (o->type == NOS_TYPE_CAPSULE && (rights & NOS_RIGHT_DEBUG) != 0) {
        struct capsule *c = CONTAINER_OF(o, struct capsule, obj);
        if (--c->debug_handles == 0) {
            up_debugger_left(c);
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
