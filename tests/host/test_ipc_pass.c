/* Handles in messages, one-way sends, what a call lends, cancelling, page faults as calls. */
#include "tests/host/ipc_host.h"

enum { ALL = NOS_RIGHT_ALL, LIMIT = 8, WITH_GRANT = NOS_RIGHT_CALL | NOS_RIGHT_GRANT };

static struct notification *note;
static struct region region;

static int setup_handles(void **state)
{
    setup(state);
    handle_table_init(&client_capsule.handles, LIMIT, NOS_CLASS_ALL);
    handle_table_init(&server_capsule.handles, LIMIT, NOS_CLASS_ALL);
    assert_int_equal(notify_create(&note), NOS_OK);
    region = (struct region){ .pages = 3, .owner = &client_capsule };
    obj_init(&region.obj, NOS_TYPE_REGION);
    given = NULL;
    may_give = NOS_OK;
    return 0;
}

static struct nos_ipc_buffer *buffer(struct thread *t)
{
    return (struct nos_ipc_buffer *)(void *)t->ipc_buf;
}

static uint32_t hold(struct capsule *c, struct obj *o, uint32_t rights)
{
    uint32_t h = 0;
    assert_int_equal(handle_add(&c->handles, o, rights, 0, NOS_ORIGIN_MADE, &h), NOS_OK);
    return h;
}

static struct handle_slot *slot_of(struct capsule *c, uint32_t h)
{
    struct handle_slot *s = NULL;
    return handle_get(&c->handles, h, HANDLE_TYPE_ANY, 0, &s) == NOS_OK ? s : NULL;
}

static void pass(struct thread *t, unsigned i, uint32_t h, uint32_t rights)
{
    buffer(t)->pass[i] = (struct nos_pass){ .handle = h, .rights = rights };
}

static nos_status_t call_with(struct thread *t, uint64_t n, uint32_t rights)
{
    become(t);
    t->ctx.arg1 = nos_msg_info(1, 0) | n << NOS_MSG_HANDLES_SHIFT;
    t->ctx.dl = 0;
    t->ctx.nr = 0x7777;
    return endpoint_call(ep, t, rights, THREAD_CALL);
}

static void listen(struct thread *t, uint32_t accept)
{
    nos_status_t st;
    buffer(t)->accept = accept;
    assert_true(recv(t, 0, &st));
}

static nos_status_t ended(const struct thread *t)
{
    assert_true(t->state == THREAD_READY || t->state == THREAD_RUNNING);
    return (nos_status_t)(int32_t)(uint32_t)t->ctx.nr;
}

/* ---- handles ---- */

static void a_copy_and_a_move(void **state)
{
    uint32_t a = hold(&client_capsule, &note->obj, ALL), b = hold(&client_capsule, &ep->obj, ALL);
    (void)state;
    slot_of(&client_capsule, b)->badge = 99;
    slot_of(&client_capsule, b)->deadline_ns = 5000;
    slot_of(&client_capsule, b)->depth = 2;
    listen(server[0], 2);
    pass(client[0], 0, a, NOS_RIGHT_SIGNAL);
    pass(client[0], 1, b, NOS_RIGHT_CALL | NOS_PASS_MOVE);
    assert_int_equal(call_with(client[0], 2, WITH_GRANT), NOS_OK);
    assert_int_equal(server[0]->ctx.arg1, nos_msg_info(1, 0) | 2 << NOS_MSG_HANDLES_SHIFT);
    struct handle_slot *s = slot_of(&server_capsule, buffer(server[0])->pass[0].handle);
    assert_ptr_equal(s->obj, &note->obj);
    assert_int_equal(s->rights, NOS_RIGHT_SIGNAL);
    assert_int_equal(s->origin, NOS_ORIGIN_MESSAGE);
    assert_int_equal(buffer(server[0])->pass[0].rights, NOS_RIGHT_SIGNAL);
    s = slot_of(&server_capsule, buffer(server[0])->pass[1].handle);
    assert_ptr_equal(s->obj, &ep->obj);
    assert_int_equal(s->badge, 99);
    assert_int_equal(s->deadline_ns, 5000);
    assert_int_equal(s->depth, 2);
    assert_non_null(slot_of(&client_capsule, a));
    assert_null(slot_of(&client_capsule, b));  // moved: it names nothing here
}

/* Each rule alone, the receiver waiting: it waits on, and nothing has moved. */
static void refused(uint64_t n, uint32_t rights, nos_status_t want)
{
    uint32_t held = client_capsule.handles.used, got = server_capsule.handles.used;
    assert_int_equal(call_with(client[0], n, rights), want);
    assert_int_equal(client[0]->state, THREAD_RUNNING);
    assert_int_equal(server[0]->state, THREAD_RECV);
    assert_ptr_equal(ep->receivers.first, server[0]);
    assert_int_equal(client_capsule.handles.used, held);
    assert_int_equal(server_capsule.handles.used, got);
}

static void every_rule_of_passing(void **state)
{
    uint32_t a = hold(&client_capsule, &note->obj, ALL);
    uint32_t no_transfer = hold(&client_capsule, &note->obj, ALL & ~(uint32_t)NOS_RIGHT_TRANSFER);
    uint32_t no_dup = hold(&client_capsule, &note->obj, ALL & ~(uint32_t)NOS_RIGHT_DUP);
    uint32_t late = hold(&client_capsule, &note->obj, ALL);
    (void)state;
    slot_of(&client_capsule, late)->deadline_ns = host_now;
    listen(server[0], 2);
    pass(client[0], 0, a, ALL);
    pass(client[0], 1, a, ALL);
    pass(client[0], 2, a, ALL);
    refused(1, NOS_RIGHT_CALL, NOS_DENIED);       // no GRANT on the endpoint
    refused(3, WITH_GRANT, NOS_HANDLES_REFUSED);  // more than it takes
    pass(client[0], 1, no_transfer, ALL);
    refused(2, WITH_GRANT, NOS_DENIED);
    pass(client[0], 1, no_dup, ALL);
    refused(2, WITH_GRANT, NOS_DENIED);  // a copy
    pass(client[0], 1, late, ALL);
    refused(2, WITH_GRANT, NOS_EXPIRED);
    pass(client[0], 1, 0x10005, ALL);
    refused(2, WITH_GRANT, NOS_BAD_HANDLE);
    pass(client[0], 1, a, ALL | 1u << 30);
    refused(2, WITH_GRANT, NOS_BAD_MESSAGE);  // a bit that means nothing
    pass(client[0], 1, a, ALL | NOS_PASS_MOVE);
    refused(2, WITH_GRANT, NOS_BAD_HANDLE);  // the same, once to go
    server_capsule.handles.classes = NOS_CLASS_ALL & ~NOS_CLASS_IPC;
    pass(client[0], 1, a, ALL);
    refused(2, WITH_GRANT, NOS_NO_CLASS);
    server_capsule.handles.classes = NOS_CLASS_ALL;
    server_capsule.handles.limit = server_capsule.handles.used + 1;
    refused(2, WITH_GRANT, NOS_QUOTA);  // the second has no place: the first goes back
    server_capsule.handles.limit = LIMIT;
    uint32_t r = hold(&client_capsule, &region.obj, ALL);
    pass(client[0], 1, r, ALL | NOS_PASS_MOVE);
    may_give = NOS_QUOTA;
    refused(2, WITH_GRANT, NOS_QUOTA);  // it cannot pay for the region
    assert_null(given);
    may_give = NOS_OK;
    pass(client[0], 0, no_dup, ALL | NOS_PASS_MOVE);  // a move needs no DUP
    assert_int_equal(call_with(client[0], 2, WITH_GRANT), NOS_OK);
    assert_ptr_equal(given, &region);
    assert_ptr_equal(region.owner, &server_capsule);
}

/* One handle that is moved as it is: the short way does what the long one does, or nothing. */
static void not_short(struct handle_slot *s)
{
    struct handle_slot was = *s;
    struct handle_table from = client_capsule.handles, to = server_capsule.handles;
    assert_false(pass_one(client[0], server[0]));
    assert_memory_equal(&was, s, sizeof was);
    assert_memory_equal(&from, &client_capsule.handles, sizeof from);
    assert_memory_equal(&to, &server_capsule.handles, sizeof to);
}

static void what_the_short_pass_leaves(void **state)
{
    uint32_t h = hold(&client_capsule, &note->obj, ALL & ~(uint32_t)NOS_RIGHT_RECV);
    struct handle_slot *s = slot_of(&client_capsule, h);
    struct handle_table *to = &server_capsule.handles;
    (void)state;
    hold(&server_capsule, &note->obj, ALL);  // the table has its page
    listen(server[0], 1);
    pass(client[0], 0, h, NOS_RIGHT_SIGNAL);
    not_short(s);  // a copy
    pass(client[0], 0, h, NOS_RIGHT_SIGNAL | NOS_PASS_MOVE | 1 << 30);
    not_short(s);  // reserved bits
    pass(client[0], 0, h + 1, NOS_RIGHT_SIGNAL | NOS_PASS_MOVE);
    not_short(s);
    pass(client[0], 0, h, NOS_RIGHT_SIGNAL | NOS_PASS_MOVE);
    buffer(server[0])->accept = 0;
    not_short(s);
    buffer(server[0])->accept = 1;
    s->rights &= ~(uint32_t)NOS_RIGHT_TRANSFER;
    not_short(s);
    s->rights |= NOS_RIGHT_TRANSFER;
    s->deadline_ns = 1u << 30;
    not_short(s);
    s->deadline_ns = 0;
    s->epoch--;
    not_short(s);  // not looked at since a revocation
    s->epoch++;
    s->rights |= NOS_RIGHT_RECV;
    not_short(s);  // a server's handles are counted
    s->rights &= ~(uint32_t)NOS_RIGHT_RECV;
    s->type = 1u << NOS_TYPE_REGION;
    not_short(s);  // and so are a region's
    s->type = 1u << NOS_TYPE_NOTIFICATION;
    to->classes &= ~(uint32_t)NOS_CLASS_IPC;
    not_short(s);
    to->classes |= NOS_CLASS_IPC;
    to->limit = to->used;
    not_short(s);
    to->limit = LIMIT;
    uint16_t first = to->free;
    to->free = 0;
    not_short(s);
    to->free = first;
    assert_true(pass_one(client[0], server[0]));
}

static void a_short_pass(void **state)
{
    struct handle_slot brief, *s;
    uint32_t h = hold(&client_capsule, &note->obj, NOS_RIGHT_SIGNAL | NOS_RIGHT_TRANSFER), cut;
    (void)state;
    hold(&server_capsule, &note->obj, ALL);
    listen(server[0], 1);
    brief = *slot_of(&client_capsule, h);
    brief.badge = 77;
    assert_int_equal(handle_derive(&client_capsule.handles, &brief, &cut), NOS_OK);
    via_t via = slot_of(&client_capsule, cut)->via;
    uint32_t refs = note->obj.refs, held = client_capsule.handles.used,
             got = server_capsule.handles.used;
    pass(client[0], 0, cut, NOS_RIGHT_SIGNAL | NOS_RIGHT_CALL | NOS_PASS_MOVE);
    assert_true(pass_one(client[0], server[0]));
    assert_null(slot_of(&client_capsule, cut));
    assert_int_equal(note->obj.refs, refs);
    assert_int_equal(client_capsule.handles.used, held - 1);
    assert_int_equal(server_capsule.handles.used, got + 1);
    uint32_t there = buffer(server[0])->pass[0].handle;
    assert_int_equal(buffer(server[0])->pass[0].rights, NOS_RIGHT_SIGNAL);
    s = slot_of(&server_capsule, there);
    assert_ptr_equal(s->obj, &note->obj);
    assert_int_equal(s->rights, NOS_RIGHT_SIGNAL);
    assert_int_equal(s->type, 1u << NOS_TYPE_NOTIFICATION);
    assert_int_equal(s->origin, NOS_ORIGIN_MESSAGE);
    assert_int_equal(s->badge, 77);
    assert_int_equal(s->via, via);
    assert_int_equal(s->depth, brief.depth);
    assert_int_equal(handle_close(&server_capsule.handles, there), NOS_OK);
    assert_int_equal(note->obj.refs, refs - 1);
    assert_int_equal(cell_count(), 0);  // its reference went along, and with it
    uint32_t again = hold(&client_capsule, &note->obj, ALL);
    assert_int_equal(again & 0xffff, cut & 0xffff);
    assert_int_not_equal(again, cut);  // the place has another name
}

/* A slot at its last tag is not given out again: only the long way does that. */
static void a_last_tag(void **state)
{
    uint32_t h = 0;
    (void)state;
    hold(&server_capsule, &note->obj, ALL);
    listen(server[0], 1);
    for (uint32_t i = 0; i < 0xfffe; i++) {
        h = hold(&client_capsule, &note->obj, NOS_RIGHT_TRANSFER);
        if (h >> 16 == 0xfffe) {
            break;
        }
        assert_int_equal(handle_close(&client_capsule.handles, h), NOS_OK);
    }
    assert_int_equal(h >> 16, 0xfffe);
    pass(client[0], 0, h, NOS_PASS_MOVE);
    not_short(slot_of(&client_capsule, h));
    assert_int_equal(call_with(client[0], 1, WITH_GRANT), NOS_OK);
    assert_int_not_equal(hold(&client_capsule, &note->obj, ALL) & 0xffff, h & 0xffff);
}

/* The call itself: who may not grant moves nothing, and a handle may go through itself. */
static void a_short_call_with_a_handle(void **state)
{
    uint32_t h = hold(&client_capsule, &ep->obj, WITH_GRANT | NOS_RIGHT_TRANSFER);
    struct handle_slot *s = slot_of(&client_capsule, h);
    (void)state;
    hold(&server_capsule, &note->obj, ALL);
    listen(server[0], 1);
    s->badge = 99;
    pass(client[0], 0, h, NOS_RIGHT_CALL | NOS_PASS_MOVE);
    become(client[0]);
    client[0]->ctx.dl = 0;
    client[0]->ctx.arg1 = nos_msg_info(1, 0) | 2 << NOS_MSG_HANDLES_SHIFT;
    assert_null(endpoint_call_fast(ep, client[0], &client_capsule, s, 1));
    client[0]->ctx.arg1 = nos_msg_info(1, 9) | 1 << NOS_MSG_HANDLES_SHIFT;
    assert_null(endpoint_call_fast(ep, client[0], &client_capsule, s, 1));
    client[0]->ctx.arg1 = nos_msg_info(1, 0);
    assert_null(endpoint_call_fast(ep, client[0], &client_capsule, s, 1));
    client[0]->ctx.arg1 = nos_msg_info(1, 1) | 1 << NOS_MSG_HANDLES_SHIFT;
    s->rights &= ~(uint32_t)NOS_RIGHT_GRANT;
    assert_null(endpoint_call_fast(ep, client[0], &client_capsule, s, 1));
    assert_non_null(slot_of(&client_capsule, h));
    s->rights |= NOS_RIGHT_GRANT;
    client[0]->ctx.w[0] = 5;
    assert_ptr_equal(endpoint_call_fast(ep, client[0], &client_capsule, s, 1), &server[0]->ctx);
    assert_null(slot_of(&client_capsule, h));
    assert_int_equal(server[0]->ctx.arg0, 99);
    assert_int_equal(server[0]->ctx.w[0], 5);
    assert_int_equal(slot_of(&server_capsule, buffer(server[0])->pass[0].handle)->badge, 99);
}

static void a_region_of_another_is_only_shared(void **state)
{
    (void)state;
    region.owner = &server_capsule;
    uint32_t r = hold(&client_capsule, &region.obj, ALL);
    listen(server[0], 1);
    pass(client[0], 0, r, ALL | NOS_PASS_MOVE);
    assert_int_equal(call_with(client[0], 1, WITH_GRANT), NOS_OK);
    assert_null(given);
    assert_null(slot_of(&client_capsule, r));
}

/* What was queued is looked at again when it is taken: the next caller comes instead. */
static void a_handle_dies_in_the_queue(void **state)
{
    uint32_t a = hold(&client_capsule, &note->obj, ALL), b = hold(&client_capsule, &note->obj, ALL);
    nos_status_t st;
    (void)state;
    pass(client[0], 0, a, ALL);
    pass(client[1], 0, b, ALL);
    pass(client[1], 1, b, ALL);
    buffer(server[0])->accept = 1;
    assert_int_equal(call_with(client[0], 1, WITH_GRANT), NOS_OK);
    assert_int_equal(client[0]->state, THREAD_CALL);
    assert_int_equal(call_with(client[1], 2, WITH_GRANT), NOS_OK);
    assert_true(call(client[2], 7, 0, &st));
    become(client[3]);
    assert_int_equal(handle_close(&client_capsule.handles, a), NOS_OK);
    assert_false(recv(server[0], 0, &st));
    assert_int_equal(st, NOS_OK);
    assert_int_equal(ended(client[0]), NOS_BAD_HANDLE);
    assert_int_equal(ended(client[1]), NOS_HANDLES_REFUSED);
    assert_int_equal(server[0]->ctx.w[0], 7);
    assert_ptr_equal(server[0]->client, client[2]);
    pass(client[0], 0, a, ALL);
    assert_int_equal(call_with(client[0], 1, WITH_GRANT), NOS_BAD_HANDLE);  // and before it queues
}

static nos_status_t answer_with(struct thread *t, uint64_t n)
{
    become(t);
    t->ctx.arg1 = nos_msg_info(0, 0) | n << NOS_MSG_HANDLES_SHIFT;
    return endpoint_answer(t, t->client);
}

static void an_answer_carries_handles_if_the_caller_takes_them(void **state)
{
    uint32_t a = hold(&server_capsule, &note->obj, ALL);
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_true(call(client[0], 1, 0, &st));
    pass(server[0], 0, a, ALL | NOS_PASS_MOVE);
    assert_int_equal(answer_with(server[0], 1), NOS_HANDLES_REFUSED);
    assert_int_equal(client[0]->state, THREAD_REPLY);  // and can still be answered
    buffer(client[0])->accept = 1;
    assert_int_equal(answer_with(server[0], 1), NOS_OK);
    assert_ptr_equal(slot_of(&client_capsule, buffer(client[0])->pass[0].handle)->obj, &note->obj);
    assert_null(slot_of(&server_capsule, a));
}

/* ---- one way ---- */

static nos_status_t send(struct thread *t, uint64_t word, uint64_t deadline)
{
    become(t);
    t->ctx.arg1 = nos_msg_info(1, 1);
    t->ctx.w[0] = word;
    t->ctx.dl = deadline;
    t->ctx.nr = NOS_OK;
    t->badge = 5;
    return endpoint_call(ep, t, NOS_RIGHT_CALL, THREAD_SEND);
}

static void one_way(void **state)
{
    nos_status_t st;
    (void)state;
    assert_int_equal(send(client[0], 1, NOS_DEADLINE_POLL), NOS_TIMED_OUT);
    assert_true(recv(server[0], 0, &st));
    assert_int_equal(send(client[0], 1, NOS_DEADLINE_POLL), NOS_OK);
    assert_int_equal(client[0]->state, THREAD_RUNNING);  // it goes on
    assert_int_equal(server[0]->ctx.nr, 7ull << 32);
    assert_int_equal(server[0]->ctx.arg0, 5);
    assert_int_equal(server[0]->ctx.dl, 0);  // nobody waits for an answer
    assert_null(server[0]->client);
    assert_int_equal(send(client[0], 2, 9000), NOS_OK);
    assert_int_equal(client[0]->state, THREAD_SEND);
    assert_int_equal(send(client[1], 3, 4000), NOS_OK);
    host_now = 4000;
    sched_tick();
    assert_int_equal(ended(client[1]), NOS_TIMED_OUT);
    assert_false(recv(server[0], 0, &st));
    assert_int_equal(server[0]->ctx.w[0], 2);
    assert_int_equal(server[0]->ctx.dl, 0);
    assert_int_equal(ended(client[0]), NOS_OK);
    assert_int_equal(client[0]->deadline_ns, 0);
    assert_int_equal(send(client[2], 4, 0), NOS_OK);
    become(client[3]);
    obj_handle_closed(&ep->obj, NOS_RIGHT_RECV);
    assert_int_equal(ended(client[2]), NOS_PEER_CLOSED);
    assert_int_equal(send(client[2], 4, 0), NOS_PEER_CLOSED);
}

static void the_most_urgent_caller_first(void **state)
{
    static const uint32_t priorities[] = { 3, 9, 3, 20, 9 };
    static const uint64_t order[] = { 3, 1, 4, 0, 2 };
    nos_status_t st;
    (void)state;
    for (uint64_t i = 0; i < ARRAY_LEN(priorities); i++) {
        struct thread *t = make(&client_capsule, priorities[i]);
        assert_true(call(t, i, 0, &st));
    }
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        assert_false(recv(server[0], 0, &st));
        assert_int_equal(server[0]->ctx.w[0], order[i]);
    }
}

/* ---- loans ---- */

static struct thread *urgent(uint32_t priority)
{
    return make(&client_capsule, priority);
}

static void a_call_lends_and_the_answer_takes_back(void **state)
{
    struct thread *high = urgent(12);
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_true(call(high, 1, 0, &st));
    assert_ptr_equal(server[0]->payer, &client_capsule);
    assert_int_equal(server[0]->priority, 12);
    assert_int_equal(server[0]->base_priority, 5);
    assert_int_equal(reply(server[0], high->token, 1), NOS_OK);
    assert_ptr_equal(server[0]->payer, &server_capsule);
    assert_int_equal(server[0]->priority, 5);
    assert_int_equal(server[0]->borrows, 0);
    assert_int_equal(high->lends, 0);
}

static void the_highest_of_several(void **state)
{
    struct thread *t[] = { urgent(8), urgent(12), urgent(12), urgent(10) };
    uint64_t token[4];
    nos_status_t st;
    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_true(call(t[i], 1, 0, &st));
    }
    for (int i = 0; i < 4; i++) {  // 12 12 10 8
        assert_false(recv(server[0], 0, &st));
        assert_int_equal(server[0]->priority, 12);
        if (i < 3) {
            assert_int_equal(endpoint_hold(server[0], server[0]->client->token), NOS_OK);
        }
    }
    for (int i = 0; i < 4; i++) {
        token[i] = t[i]->token;
    }
    assert_ptr_equal(server[0]->client, t[0]);
    assert_int_equal(reply(server[0], token[1], 1), NOS_OK);
    assert_int_equal(server[0]->priority, 12);
    assert_ptr_equal(server[0]->payer, &client_capsule);  // its last caller still waits
    become(client[0]);
    assert_int_equal(thread_cancel(t[2]), NOS_OK);
    assert_int_equal(server[0]->priority, 10);
    thread_kill(t[3]);
    assert_int_equal(server[0]->priority, 8);
    assert_int_equal(reply(server[0], token[0], 1), NOS_OK);
    assert_int_equal(server[0]->priority, 5);
    assert_ptr_equal(server[0]->payer, &server_capsule);
}

/* client -> server 0 -> server 1: what is lent is passed on, and taken back down the chain. */
static void a_chain(void **state)
{
    struct thread *high = urgent(12);
    struct endpoint *first = ep, *second;
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_true(call(high, 1, 5000, &st));
    assert_int_equal(endpoint_create(&second), NOS_OK);
    obj_handle_opened(&second->obj, NOS_RIGHT_RECV);
    ep = second;
    assert_true(recv(server[1], 0, &st));
    assert_true(call(server[0], 1, 0, &st));
    assert_ptr_equal(server[1]->payer, &client_capsule);
    assert_int_equal(server[1]->priority, 12);
    ep = first;
    become(client[0]);
    host_now = 5000;
    sched_tick();
    assert_int_equal(ended(high), NOS_TIMED_OUT);
    assert_ptr_equal(server[0]->payer, &server_capsule);
    assert_ptr_equal(server[1]->payer, &server_capsule);
    assert_int_equal(server[0]->priority, 5);
    assert_int_equal(server[1]->priority, 12);  // until it has answered
    assert_int_equal(reply(server[1], server[0]->token, 1), NOS_OK);
    assert_int_equal(server[1]->priority, 5);
}

static void who_turns_away_pays_itself(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_true(call(client[0], 1, 0, &st));
    assert_ptr_equal(server[0]->payer, &client_capsule);
    assert_int_equal(endpoint_hold(server[0], client[0]->token), NOS_OK);
    assert_null(server[0]->client);
    assert_ptr_equal(server[0]->payer, &server_capsule);
    assert_true(recv(server[0], 0, &st));  // client 0 waits on
    assert_null(server[0]->client);
    assert_ptr_equal(server[0]->payer, &server_capsule);
    assert_int_equal(client[0]->state, THREAD_REPLY);
    assert_int_equal(reply(server[1], client[0]->token, 1), NOS_OK);
}

static void who_inherited_leaves_nobody_waiting(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_true(call(client[0], 1, 0, &st));
    become(client[1]);
    thread_kill(server[0]);
    assert_ptr_equal(client[0]->worker, server[1]);
    thread_kill(server[1]);  // it has never received anything itself
    assert_int_equal(ended(client[0]), NOS_PEER_CLOSED);
}

static void another_thread_inherits_the_callers(void **state)
{
    struct thread *high = urgent(12);
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_true(call(high, 1, 0, &st));
    become(client[1]);
    thread_kill(server[0]);
    assert_int_equal(high->state, THREAD_REPLY);
    assert_ptr_equal(high->worker, server[1]);
    assert_int_equal(server[1]->priority, 5);  // no loan goes along
    assert_int_equal(reply(server[1], high->token, 6), NOS_OK);
    assert_int_equal(high->ctx.w[0], 6);
    assert_true(recv(server[1], 0, &st));
    assert_true(call(high, 1, 0, &st));
    become(client[1]);
    thread_kill(server[1]);  // the last: nobody is left to answer
    assert_int_equal(ended(high), NOS_PEER_CLOSED);
}

/* ---- cancel ---- */

static void cancel_ends_every_wait(void **state)
{
    uint64_t bits;
    bool blocked = false;
    nos_status_t st;
    (void)state;
    become(client[0]);
    assert_int_equal(thread_cancel(client[0]), NOS_BAD_STATE);
    sched_block(THREAD_SLEEP, NULL, 9000);
    become(client[1]);
    assert_int_equal(notify_wait(note, 9000, &bits, &blocked), NOS_OK);
    assert_true(call(client[2], 1, 9000, &st));
    assert_int_equal(send(client[3], 1, 0), NOS_OK);
    become(client[5]);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(thread_cancel(client[i]), NOS_OK);
        assert_int_equal(ended(client[i]), NOS_CANCELLED);
        assert_int_equal(client[i]->deadline_ns, 0);
        assert_int_equal(thread_cancel(client[i]), NOS_BAD_STATE);  // once
    }
    assert_null(ep->callers.first);
    assert_null(note->waiter);
    assert_true(recv(server[0], 0, &st));
    become(client[5]);
    assert_int_equal(thread_cancel(server[0]), NOS_OK);
    assert_int_equal(ended(server[0]), NOS_CANCELLED);
    assert_null(ep->receivers.first);
    assert_true(recv(server[0], 0, &st));
    assert_true(call(client[4], 1, 0, &st));
    uint64_t token = server[0]->ctx.dl;
    become(client[5]);
    assert_int_equal(thread_cancel(client[4]), NOS_OK);
    assert_int_equal(ended(client[4]), NOS_CANCELLED);
    assert_int_equal(reply(server[0], token, 1), NOS_NOT_FOUND);
}

/* ---- faults ---- */

static bool fault(struct thread *t, uint32_t kind)
{
    become(t);
    memset(&t->ctx, 0x5a, sizeof t->ctx);
    t->ctx.ip = 0x4000;
    t->ctx.sp = 0x8000;
    t->capsule->fault_badge = 11;
    return endpoint_fault(ep, t, 0xabc000, kind);
}

static nos_status_t answer_fault_with(struct thread *t, uint64_t label, uint64_t words)
{
    become(t);
    t->ctx.arg1 = nos_msg_info(label, words);
    t->ctx.w[0] = 0x4444;
    return endpoint_answer(t, t->client);
}

static void told_of_fault(const struct arch_context *c)
{
    assert_int_equal(c->nr, 7ull << 32);
    assert_int_equal(c->arg0, 11);
    assert_int_equal(c->arg1, nos_msg_info(NOS_FAULT, 5));
    assert_int_equal(c->w[0], 0xabc000);
    assert_int_equal(c->w[1], 0x4000);
    assert_int_equal(c->w[2], NOS_FAULT_WRITE);
    assert_int_equal(c->w[3], 0x8000);
    assert_int_equal(c->w[4], client[0]->index);
    assert_int_equal(c->dl, client[0]->token);
    assert_ptr_equal(server[0]->payer, &client_capsule);
}

static void a_fault_is_a_call(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_true(fault(client[0], NOS_FAULT_WRITE));
    told_of_fault(&server[0]->ctx);
    assert_ptr_equal(server[0]->payer, &client_capsule);
    assert_int_equal(thread_cancel(client[0]), NOS_BAD_STATE);
    server[0]->ctx.arg1 = nos_msg_info(NOS_FAULT_RETRY, 0) | 1 << NOS_MSG_HANDLES_SHIFT;
    become(server[0]);
    assert_int_equal(endpoint_answer(server[0], client[0]), NOS_HANDLES_REFUSED);
    assert_int_equal(answer_fault_with(server[0], NOS_FAULT_RETRY, 1), NOS_OK);
    assert_int_equal(client[0]->ctx.ip, 0x4000);
    assert_int_equal(client[0]->ctx.w[0], 0x5a5a5a5a5a5a5a5a);  // no register was touched
    assert_int_equal(client[0]->ctx.nr, 0x5a5a5a5a5a5a5a5a);
    assert_int_equal(client[0]->fault, 0);
    assert_int_equal(client[0]->cont, CONT_NONE);

    assert_true(fault(client[1], 0));  // queued, then taken
    assert_int_equal(client[1]->state, THREAD_CALL);
    assert_false(recv(server[0], 0, &st));
    assert_int_equal(server[0]->ctx.w[2], 0);
    assert_int_equal(answer_fault_with(server[0], NOS_FAULT_GO, 1), NOS_OK);
    assert_int_equal(client[1]->ctx.ip, 0x4444);
    assert_int_equal(client[1]->cont, CONT_NONE);

    static const uint64_t crash[][2] = { { 2, 1 }, { NOS_FAULT_GO, 0 }, { ~0ull >> 16, 1 } };
    for (size_t i = 0; i < ARRAY_LEN(crash); i++) {
        assert_true(fault(client[2], 0));
        assert_false(recv(server[0], 0, &st));
        client[2]->cont = CONT_NONE;
        assert_int_equal(answer_fault_with(server[0], crash[i][0], crash[i][1]), NOS_OK);
        assert_int_equal(client[2]->cont, CONT_CRASH);
        client[2]->state = THREAD_READY;
        sched_enqueue(&cpus[0], client[2]);
    }
}

static struct arch_context *fault_at_once(struct thread *t)
{
    become(t);
    t->ctx.ip = 0x4000;
    t->ctx.sp = 0x8000;
    return endpoint_fault_fast(ep, t, 0xabc000, NOS_FAULT_WRITE);
}

static void no_short_fault(void)
{
    assert_null(fault_at_once(client[0]));
    assert_int_equal(client[0]->fault, 0);
    assert_int_equal(client[0]->state, THREAD_RUNNING);
}

static const struct handle_slot served = { .via = 0x55 };

static struct arch_context *answer_at_once(uint64_t label, uint64_t words)
{
    become(server[0]);
    server[0]->ctx.arg1 = nos_msg_info(label, words);
    server[0]->ctx.w[0] = 0x4444;
    server[0]->ctx.dl = 0;
    return endpoint_reply_fault_fast(ep, server[0], &served);
}

static void a_fault_at_once(void **state)
{
    nos_status_t st;
    (void)state;
    client_capsule.fault_badge = 11;
    client_capsule.fault_via = 0;
    no_short_fault();  // nobody waits
    assert_true(recv(server[1], 0, &st));
    server[1]->capsule = &client_capsule;
    no_short_fault();  // for itself
    server[1]->capsule = &server_capsule;
    client_capsule.fault_via = 0x100000001;
    no_short_fault();  // a cell that has gone
    client_capsule.fault_via = 0;
    client[0]->priority = 6;
    no_short_fault();  // it would lend that
    client[0]->priority = 5;
    server[1]->deadline_ns = 1;
    no_short_fault();
    server[1]->deadline_ns = 0;
    queue_remove(&ep->receivers, server[1]);
    assert_true(recv(server[0], 0, &st));
    assert_ptr_equal(fault_at_once(client[0]), &server[0]->ctx);
    told_of_fault(&server[0]->ctx);
    assert_int_equal(client[0]->state, THREAD_REPLY);
    assert_ptr_equal(server[0]->payer, &client_capsule);

    client[0]->ctx.w[0] = 0x5a5a;
    assert_null(answer_at_once(2, 1));
    assert_null(answer_at_once(NOS_FAULT_GO, 0));
    assert_null(answer_at_once(NOS_FAULT_RETRY, 9));
    assert_null(answer_at_once(NOS_FAULT_RETRY, 0 | 1 << NOS_MSG_HANDLES_SHIFT));
    client[0]->lends = 1;
    assert_null(answer_at_once(NOS_FAULT_RETRY, 0));
    client[0]->lends = 0;
    assert_int_not_equal(client[0]->fault, 0);
    assert_ptr_equal(answer_at_once(NOS_FAULT_GO, 1), &client[0]->ctx);
    assert_int_equal(client[0]->ctx.ip, 0x4444);
    assert_int_equal(client[0]->ctx.w[0], 0x5a5a);  // no register was touched
    assert_int_equal(client[0]->fault, 0);
    assert_int_equal(server[0]->state, THREAD_RECV);
    assert_int_equal(server[0]->via, 0x55);
    assert_ptr_equal(server[0]->payer, &server_capsule);
    assert_non_null(fault_at_once(client[0]));
    assert_ptr_equal(answer_at_once(NOS_FAULT_RETRY, 0), &client[0]->ctx);
    assert_int_equal(client[0]->ctx.ip, 0x4000);
}

/* Whatever ends such a wait but an answer, the thread goes on to its crash, its registers whole. */
static void nobody_handles_the_fault(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(fault(client[0], 0));
    become(client[1]);
    obj_handle_closed(&ep->obj, NOS_RIGHT_RECV);
    assert_int_equal(client[0]->state, THREAD_READY);
    assert_int_equal(client[0]->cont, CONT_CRASH);
    assert_int_equal(client[0]->ctx.nr, 0x5a5a5a5a5a5a5a5a);
    assert_false(fault(client[1], 0));  // closed: at once
    assert_int_equal(client[1]->fault, 0);
    obj_handle_opened(&ep->obj, NOS_RIGHT_RECV);
    assert_true(recv(server[0], 0, &st));
    assert_true(fault(client[2], 0));
    become(client[1]);
    server_capsule.state = NOS_CAPSULE_KILLED;
    thread_kill(server[0]);
    assert_int_equal(client[2]->cont, CONT_CRASH);
}

static void nobody_waits_for_itself(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_false(fault(server[1], 0));  // served by its own capsule
    assert_int_equal(server[0]->state, THREAD_RECV);
    become(client[0]);
    assert_int_equal(thread_cancel(server[0]), NOS_OK);
    assert_true(fault(server[1], 0));  // nobody waits yet
    assert_true(recv(server[0], 0, &st));
    assert_int_equal(server[1]->cont, CONT_CRASH);
}

/* ---- all of it, at random: what is lent is always the sum of who waits ---- */

static void check_loans(const struct thread *w)
{
    uint32_t borrows = 0;
    uint16_t lenders[PRIORITIES] = { 0 };
    for (uint32_t i = 1; i < THREADS_MAX; i++) {
        const struct thread *t = thread_at(i);
        if (t != NULL && t->state == THREAD_REPLY && t->worker == w && t->lends != 0) {
            lenders[t->lends]++;
            borrows |= 1u << t->lends;
        }
    }
    assert_int_equal(w->borrows, borrows);
    assert_memory_equal(w->lenders, lenders, sizeof lenders);
    uint32_t top = borrows == 0 ? 0 : 31u - (uint32_t)__builtin_clz(borrows);
    assert_int_equal(w->priority, top > w->base_priority ? top : w->base_priority);
    const struct thread *c = w->client;
    assert_true(c == NULL || (c->state == THREAD_REPLY && c->worker == w));
    assert_ptr_equal(w->payer, c == NULL ? w->capsule : c->payer);
}

static void loans_at_random(void **state)
{
    struct thread *t[CLIENTS];
    uint64_t answered = 0, cancelled = 0;
    nos_status_t st;
    (void)state;
    srand(11);
    for (int i = 0; i < CLIENTS; i++) {
        t[i] = urgent(2 + (uint32_t)i * 3);
    }
    for (int step = 0; step < 200000; step++) {
        struct thread *c = t[rand() % CLIENTS], *s = server[rand() % SERVERS];
        bool can = c->state == 0 || c->state == THREAD_READY || c->state == THREAD_RUNNING;
        host_now++;
        switch (rand() % 6) {
        case 0:
        case 1:
            if (can) {
                call(c, 1, rand() % 2 == 0 ? 0 : host_now + 9, &st);
            }
            break;
        case 2:
        case 3:
            if (s->state != THREAD_RECV) {
                recv(s, rand() % 2 == 0 ? NOS_DEADLINE_POLL : 0, &st);
            }
            break;
        case 4:
            if (s->state != THREAD_RECV && reply(s, c->token, 1) == NOS_OK) {
                answered++;
            }
            break;
        default:
            become(client[0]);
            if (rand() % 4 == 0 && thread_cancel(c) == NOS_OK) {
                cancelled++;
            }
            sched_tick();
            break;
        }
        check_loans(server[0]);
        check_loans(server[1]);
        assert_true(ep->callers.first == NULL || ep->receivers.first == NULL);
    }
    assert_true(answered > 1000);
    assert_true(cancelled > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_copy_and_a_move, setup_handles),
        cmocka_unit_test_setup(every_rule_of_passing, setup_handles),
        cmocka_unit_test_setup(what_the_short_pass_leaves, setup_handles),
        cmocka_unit_test_setup(a_short_pass, setup_handles),
        cmocka_unit_test_setup(a_last_tag, setup_handles),
        cmocka_unit_test_setup(a_short_call_with_a_handle, setup_handles),
        cmocka_unit_test_setup(a_region_of_another_is_only_shared, setup_handles),
        cmocka_unit_test_setup(a_handle_dies_in_the_queue, setup_handles),
        cmocka_unit_test_setup(an_answer_carries_handles_if_the_caller_takes_them, setup_handles),
        cmocka_unit_test_setup(one_way, setup_handles),
        cmocka_unit_test_setup(the_most_urgent_caller_first, setup_handles),
        cmocka_unit_test_setup(a_call_lends_and_the_answer_takes_back, setup_handles),
        cmocka_unit_test_setup(the_highest_of_several, setup_handles),
        cmocka_unit_test_setup(a_chain, setup_handles),
        cmocka_unit_test_setup(who_turns_away_pays_itself, setup_handles),
        cmocka_unit_test_setup(another_thread_inherits_the_callers, setup_handles),
        cmocka_unit_test_setup(who_inherited_leaves_nobody_waiting, setup_handles),
        cmocka_unit_test_setup(cancel_ends_every_wait, setup_handles),
        cmocka_unit_test_setup(a_fault_is_a_call, setup_handles),
        cmocka_unit_test_setup(a_fault_at_once, setup_handles),
        cmocka_unit_test_setup(nobody_handles_the_fault, setup_handles),
        cmocka_unit_test_setup(nobody_waits_for_itself, setup_handles),
        cmocka_unit_test_setup(loans_at_random, setup_handles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
