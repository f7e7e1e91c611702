/* Endpoints, notifications and the scheduler, driven call by call: every call ends exactly once,
 * with the reply that was meant for it, a timeout or a closed peer; nothing wakes twice, nobody is
 * lost. */
#include "tests/host/ipc_host.h"

static void call_meets_receiver(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], NOS_DEADLINE_NEVER, &st));
    assert_true(call(client[0], 41, NOS_DEADLINE_NEVER, &st));
    assert_int_equal(server[0]->ctx.nr, 7ull << 32);  // stamped by the kernel
    assert_int_equal(server[0]->ctx.w[0], 41);
    assert_ptr_equal(&server[0]->ctx, sched_exit());  // direct switch
    uint64_t token = server[0]->ctx.dl;
    assert_int_equal(reply(server[0], token, 42), NOS_OK);
    assert_int_equal(client[0]->ctx.w[0], 42);
    assert_int_equal(client[0]->ctx.nr, 9ull << 32);
    assert_int_equal(reply(server[0], token, 43), NOS_NOT_FOUND);  // one answer
}

static void a_token_fits_one_call_of_one_server(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_true(call(client[0], 1, 0, &st));
    uint64_t token = server[0]->ctx.dl;
    assert_int_equal(reply(client[1], token, 0), NOS_NOT_FOUND);  // not the server's capsule
    assert_int_equal(reply(server[0], token + (1ull << 32), 0), NOS_NOT_FOUND);
    assert_int_equal(reply(server[0], token + 1, 0), NOS_NOT_FOUND);  // another thread
    assert_int_equal(reply(server[0], 0, 0), NOS_NOT_FOUND);
    assert_int_equal(reply(server[0], ~0ull, 0), NOS_NOT_FOUND);
    assert_int_equal(reply(server[1], token, 5), NOS_OK);  // any thread of the capsule
    assert_true(call(client[0], 2, 0, &st));
    assert_int_equal(reply(server[0], token, 0), NOS_NOT_FOUND);  // the call before
}

/* Who receives again without an answer has given none: its caller is told, once, and nobody else.
 */
static void who_is_left_unanswered_is_told(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_true(call(client[0], 1, 9000, &st));
    uint64_t token = server[0]->ctx.dl;
    assert_true(call(client[1], 2, 0, &st));
    assert_false(recv(server[0], NOS_DEADLINE_POLL, &st));  // takes client 1's message
    assert_int_equal(client[0]->state, THREAD_READY);
    assert_int_equal((int64_t)client[0]->ctx.nr, NOS_NO_ANSWER);
    assert_null(cpus[0].deadlines);
    assert_int_equal(reply(server[0], token, 0), NOS_NOT_FOUND);
    assert_ptr_equal(server[0]->client, client[1]);
    assert_int_equal(client[1]->state, THREAD_REPLY);
    assert_false(recv(server[0], NOS_DEADLINE_POLL, &st));  // nothing is there, and it has turned
    assert_int_equal(st, NOS_TIMED_OUT);
    assert_int_equal((int64_t)client[1]->ctx.nr, NOS_NO_ANSWER);
    assert_null(server[0]->client);
    assert_ptr_equal(server[0]->payer, &server_capsule);
}

/* Who is held waits on, whoever is taken after it; who is not the last one cannot be held. */
static void who_is_held_waits_on(void **state)
{
    nos_status_t st;
    (void)state;
    assert_int_equal(endpoint_hold(server[0], 0), NOS_NOT_FOUND);
    assert_true(recv(server[0], 0, &st));
    assert_true(call(client[0], 1, 0, &st));
    uint64_t token = server[0]->ctx.dl;
    assert_int_equal(endpoint_hold(server[0], token + (1ull << 32)), NOS_NOT_FOUND);
    assert_int_equal(endpoint_hold(server[1], token), NOS_NOT_FOUND);
    assert_ptr_equal(server[0]->client, client[0]);
    assert_int_equal(endpoint_hold(server[0], token), NOS_OK);
    assert_int_equal(endpoint_hold(server[0], token), NOS_NOT_FOUND);
    assert_ptr_equal(server[0]->payer, &server_capsule);
    assert_true(recv(server[0], 0, &st));
    assert_true(call(client[1], 2, 0, &st));
    assert_int_equal(reply(server[0], server[0]->client->token, 3), NOS_OK);
    assert_true(recv(server[0], 0, &st));
    assert_int_equal(client[0]->state, THREAD_REPLY);
    assert_int_equal(reply(server[0], token, 4), NOS_OK);
    assert_int_equal(client[0]->ctx.w[0], 4);
}

static void deadlines_end_each_wait(void **state)
{
    nos_status_t st;
    (void)state;
    assert_false(recv(server[0], NOS_DEADLINE_POLL, &st));
    assert_int_equal(st, NOS_TIMED_OUT);
    assert_false(call(client[0], 1, NOS_DEADLINE_POLL, &st));
    assert_int_equal(st, NOS_TIMED_OUT);
    assert_true(call(client[0], 1, 5000, &st));  // queued
    assert_true(call(client[1], 1, 4000, &st));
    host_now = 4500;
    sched_tick();
    assert_int_equal((int64_t)client[1]->ctx.nr, NOS_TIMED_OUT);
    assert_int_equal(client[0]->state, THREAD_CALL);
    assert_false(recv(server[0], 0, &st));  // takes client 0's message
    uint64_t token = server[0]->ctx.dl;
    host_now = 5000;
    sched_tick();  // its deadline also ends the wait for the answer
    assert_int_equal((int64_t)client[0]->ctx.nr, NOS_TIMED_OUT);
    assert_int_equal(reply(server[0], token, 1), NOS_NOT_FOUND);
    assert_null(cpus[0].deadlines);
}

static void death_wakes_everyone(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_true(call(client[0], 1, 0, &st));
    assert_true(call(client[1], 1, 0, &st));
    become(client[2]);
    server_capsule.state = NOS_CAPSULE_KILLED;
    while (server_capsule.threads != NULL) {
        thread_kill(server_capsule.threads);
    }
    assert_int_equal((int64_t)client[0]->ctx.nr, NOS_PEER_CLOSED);
    assert_int_equal(client[1]->state, THREAD_CALL);
    obj_handle_closed(&ep->obj, NOS_RIGHT_RECV);
    assert_int_equal((int64_t)client[1]->ctx.nr, NOS_PEER_CLOSED);
    assert_false(call(client[3], 1, 0, &st));
    assert_int_equal(st, NOS_PEER_CLOSED);
}

/* Another thread of the server closes the last handle while one waits to serve: callers hear that
 * it is closed, by the short way and by the long one. */
static void who_waits_to_serve_leaves_with_the_last_handle(void **state)
{
    const struct handle_slot slot = { .rights = NOS_RIGHT_CALL };
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    become(client[0]);
    client[0]->ctx.arg1 = nos_msg_info(1, 1);
    client[0]->ctx.dl = 0;
    obj_handle_closed(&ep->obj, NOS_RIGHT_RECV);
    assert_int_equal((int64_t)server[0]->ctx.nr, NOS_CANCELLED);
    assert_int_equal(server[0]->state, THREAD_READY);
    assert_null(endpoint_call_fast(ep, client[0], client[0]->capsule, &slot, 0));
    assert_null(endpoint_fault_fast(ep, client[0], 0x1000, 0));
    assert_false(call(client[0], 1, 0, &st));
    assert_int_equal(st, NOS_PEER_CLOSED);
}

static void a_named_endpoint_waits_for_the_next_server(void **state)
{
    nos_status_t st;
    (void)state;
    ep->named = true;
    assert_true(call(client[0], 1, 0, &st));
    obj_handle_closed(&ep->obj, NOS_RIGHT_RECV);
    assert_int_equal(client[0]->state, THREAD_CALL);
    obj_handle_opened(&ep->obj, NOS_RIGHT_RECV);
    assert_false(recv(server[1], 0, &st));
    assert_int_equal(server[1]->ctx.w[0], 1);
}

static void dead_callers_leave_the_queue(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(call(client[0], 10, 0, &st));
    assert_true(call(client[1], 11, 9000, &st));
    assert_true(call(client[2], 12, 0, &st));
    become(server[1]);
    obj_get(&client[1]->obj);  // as a handle would
    thread_kill(client[1]);
    assert_true(span_is_zero(span_of(&client[1]->ctx, sizeof client[1]->ctx)));
    obj_put(&client[1]->obj);
    assert_false(recv(server[0], 0, &st));
    assert_int_equal(server[0]->ctx.w[0], 10);
    assert_false(recv(server[0], 0, &st));
    assert_int_equal(server[0]->ctx.w[0], 12);
    assert_null(cpus[0].deadlines);
}

static void bad_messages(void **state)
{
    (void)state;
    static const uint64_t infos[] = { 65, 127, 1 << 7, 5 << 8, 7 << 8, 1 << 11, 1 << 15 };
    for (size_t i = 0; i < ARRAY_LEN(infos); i++) {
        become(client[0]);
        client[0]->ctx.arg1 = infos[i];
        client[0]->ctx.dl = 0;
        assert_int_equal(
            endpoint_call(ep, client[0], NOS_RIGHT_CALL | NOS_RIGHT_GRANT, THREAD_CALL),
            NOS_BAD_MESSAGE);
        assert_int_equal(endpoint_call(ep, client[0], NOS_RIGHT_CALL, THREAD_SEND),
                         NOS_BAD_MESSAGE);
        assert_int_equal(endpoint_reply(client[0], 1, &client[1]), NOS_BAD_MESSAGE);
        assert_int_equal(client[0]->state, THREAD_RUNNING);
    }
}

static void long_messages_come_whole(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    become(client[0]);
    client[0]->ctx.arg1 = nos_msg_info(3, 64);
    client[0]->ctx.dl = 0;
    for (uint64_t i = 0; i < 64; i++) {
        *(i < 8 ? &client[0]->ctx.w[i] : &client[0]->ipc_buf[i]) = 100 + i;
    }
    assert_int_equal(endpoint_call(ep, client[0], NOS_RIGHT_CALL, THREAD_CALL), NOS_OK);
    for (uint64_t i = 0; i < 64; i++) {
        assert_int_equal(i < 8 ? server[0]->ctx.w[i] : server[0]->ipc_buf[i], 100 + i);
    }
    assert_int_equal(server[0]->ipc_buf[7], 0);  // register words are not doubled in the buffer
}

static void notifications(void **state)
{
    struct notification *n;
    uint64_t bits = 0;
    bool blocked = false;
    nos_status_t st;
    (void)state;
    assert_int_equal(notify_create(&n), NOS_OK);
    notify_signal(n, 3);
    notify_signal(n, 4);
    become(server[0]);
    assert_int_equal(notify_wait(n, 0, &bits, &blocked), NOS_OK);
    assert_int_equal(bits, 7);
    assert_int_equal(notify_wait(n, NOS_DEADLINE_POLL, &bits, &blocked), NOS_TIMED_OUT);
    assert_int_equal(notify_wait(n, 0, &bits, &blocked), NOS_OK);
    assert_true(blocked);
    become(server[1]);
    assert_int_equal(notify_wait(n, 0, &bits, &blocked), NOS_BUSY);
    notify_signal(n, 8);
    assert_int_equal(server[0]->ctx.w[0], 8);
    assert_int_equal(server[0]->ctx.nr, NOS_OK);
    assert_int_equal(n->bits, 0);

    assert_int_equal(notify_bind(n, ep, no_cell), NOS_OK);
    assert_int_equal(notify_bind(n, ep, no_cell), NOS_BUSY);
    assert_true(recv(server[1], 0, &st));
    notify_signal(n, 16);
    assert_int_equal(server[1]->ctx.arg0, 0);
    assert_int_equal(server[1]->ctx.arg1, NOS_MSG_NOTIFICATION | 1);
    assert_int_equal(server[1]->ctx.w[0], 16);
    notify_signal(n, 32);
    assert_true(call(client[0], 1, 0, &st));
    assert_false(recv(server[1], 0, &st));
    assert_int_equal(server[1]->ctx.w[0], 32);  // bits before callers
    obj_put(&n->obj);
}

static const struct handle_slot slot = { .badge = 0xbad9e, .via = 0x77 };

static void start_fast(struct thread *t, uint64_t words)
{
    become(t);
    t->ctx.arg1 = nos_msg_info(1, words);
    t->ctx.dl = 0;
}

/* The short way does the same as the long one, or nothing at all. */
static void the_fast_path(void **state)
{
    struct notification *n;
    nos_status_t st;
    (void)state;
    start_fast(client[0], 1);
    assert_null(
        endpoint_call_fast(ep, client[0], &client_capsule, &slot, 0));  // nobody waits there
    assert_true(recv(server[0], 0, &st));
    start_fast(client[0], 9);
    assert_null(
        endpoint_call_fast(ep, client[0], &client_capsule, &slot, 0));  // a word in the buffer
    start_fast(client[0], 1);
    client[0]->ctx.arg1 |= NOS_MSG_NOTIFICATION;
    assert_null(endpoint_call_fast(ep, client[0], &client_capsule, &slot, 0));
    start_fast(client[0], 1);
    client[0]->ctx.dl = 5000;
    assert_null(endpoint_call_fast(ep, client[0], &client_capsule, &slot, 0));
    start_fast(client[0], 1);
    struct thread *high = make(&client_capsule, 9), *equal = make(&client_capsule, 5);
    sched_ready(high);
    cpus[0].resched = false;
    assert_null(endpoint_call_fast(ep, client[0], &client_capsule, &slot, 0));
    sched_unqueue(high);
    sched_ready(equal);  // who is as urgent gets its turn: the long way sees to that
    assert_null(endpoint_call_fast(ep, client[0], &client_capsule, &slot, 0));
    sched_unqueue(equal);
    server[0]->cpus = 2;
    assert_null(endpoint_call_fast(ep, client[0], &client_capsule, &slot, 0));
    server[0]->cpus = CPUS_ALL;
    client[0]->priority = 6;  // it lends that: counted by the long way
    assert_null(endpoint_call_fast(ep, client[0], &client_capsule, &slot, 0));
    client[0]->priority = 5;
    client[0]->ctx.arg1 |= 1ull << NOS_MSG_HANDLES_SHIFT;
    assert_null(endpoint_call_fast(ep, client[0], &client_capsule, &slot, 0));
    start_fast(client[0], 1);
    cpus[0].fpu_owner = client[1];
    assert_null(endpoint_call_fast(ep, client[0], &client_capsule, &slot, 0));
    cpus[0].fpu_owner = NULL;
    server[0]->fpu = (struct arch_fpu *)(void *)buffers;
    assert_null(endpoint_call_fast(ep, client[0], &client_capsule, &slot, 0));
    server[0]->fpu = NULL;
    client[0]->ctx.w[0] = 77;
    assert_ptr_equal(endpoint_call_fast(ep, client[0], &client_capsule, &slot, 0), &server[0]->ctx);
    assert_ptr_equal(cpus[0].current, server[0]);
    assert_int_equal(client[0]->state, THREAD_REPLY);
    assert_int_equal(server[0]->ctx.nr, 7ull << 32);
    assert_int_equal(server[0]->ctx.w[0], 77);
    assert_int_equal(server[0]->ctx.arg0, 0xbad9e);
    assert_int_equal(server[0]->ctx.dl, client[0]->token);
    assert_int_equal(client[0]->via, 0x77);
    assert_ptr_equal(client[0]->worker, server[0]);
    assert_ptr_equal(server[0]->payer, &client_capsule);
    assert_null(ep->receivers.first);
    assert_null(ep->receivers.last);

    start_fast(server[0], 1);
    assert_ptr_equal(server[0]->client, client[0]);
    assert_true(call(client[1], 5, 0, &st));  // somebody else is queued: no wait, so the long way
    start_fast(server[0], 1);
    assert_null(endpoint_reply_recv_fast(ep, server[0], &server_capsule, &slot, 0));
    become(client[2]);
    thread_kill(client[1]);
    assert_int_equal(notify_create(&n), NOS_OK);
    assert_int_equal(notify_bind(n, ep, no_cell), NOS_OK);
    notify_signal(n, 2);
    start_fast(server[0], 1);
    assert_null(endpoint_reply_recv_fast(ep, server[0], &server_capsule, &slot,
                                         0));  // bits are there to be taken
    n->bits = 0;
    server[0]->ctx.dl = 5000;
    assert_null(endpoint_reply_recv_fast(ep, server[0], &server_capsule, &slot, 0));
    start_fast(server[0], 9);
    assert_null(endpoint_reply_recv_fast(ep, server[0], &server_capsule, &slot, 0));
    start_fast(server[0], 1);
    assert_null(
        endpoint_reply_recv_fast(ep, server[0], &server_capsule, &slot, 0));  // client 2 is ready
    sched_unqueue(client[2]);
    client[0]->fault = 1;
    assert_null(endpoint_reply_recv_fast(ep, server[0], &server_capsule, &slot, 0));
    client[0]->fault = 0;
    client[0]->lends = 1;
    assert_null(endpoint_reply_recv_fast(ep, server[0], &server_capsule, &slot, 0));
    client[0]->lends = 0;
    server[0]->payer = &server_capsule;  // the loan has run out: the clock must be read
    assert_null(endpoint_reply_recv_fast(ep, server[0], &server_capsule, &slot, 0));
    server[0]->payer = &client_capsule;
    server[0]->ctx.w[0] = 78;
    assert_ptr_equal(endpoint_reply_recv_fast(ep, server[0], &server_capsule, &slot, 0),
                     &client[0]->ctx);
    assert_int_equal(client[0]->ctx.w[0], 78);
    assert_int_equal(client[0]->ctx.nr, 9ull << 32);
    assert_int_equal(server[0]->state, THREAD_RECV);
    assert_null(server[0]->client);
    assert_ptr_equal(ep->receivers.first, server[0]);

    assert_ptr_equal(server[0]->payer, &server_capsule);
    assert_int_equal(client[0]->ctx.dl, 0);
    assert_ptr_equal(ep->receivers.last, server[0]);
    become(server[0]);  // a receiver with a deadline leaves its list: the long way
    queue_remove(&ep->receivers, server[0]);
    assert_true(recv(server[0], 9000, &st));
    start_fast(client[0], 1);
    assert_null(endpoint_call_fast(ep, client[0], &client_capsule, &slot, 0));
    assert_true(call(client[0], 1, 9000, &st));  // and so does a caller with one
    start_fast(server[0], 1);
    assert_null(endpoint_reply_recv_fast(ep, server[0], &server_capsule, &slot, 0));
}

/* A server that ends with its last RECV handle leaves the endpoint to the next, who binds its own
 * notification. */
static void binding_ends_with_the_server(void **state)
{
    struct notification *n, *next;
    nos_status_t st;
    (void)state;
    ep->named = true;
    assert_int_equal(notify_create(&n), NOS_OK);
    assert_int_equal(notify_create(&next), NOS_OK);
    assert_int_equal(notify_bind(n, ep, no_cell), NOS_OK);
    assert_int_equal(n->obj.refs, 2);
    assert_int_equal(notify_bind(next, ep, no_cell), NOS_BUSY);
    obj_put(&n->obj);  // its handle; the endpoint still holds it
    assert_true(recv(server[0], 0, &st));
    notify_signal(n, 4);
    assert_int_equal(server[0]->ctx.w[0], 4);
    uint32_t out = notification_cache.used;
    obj_handle_closed(&ep->obj, NOS_RIGHT_RECV);
    assert_null(ep->bound);
    assert_int_equal(notification_cache.used, out - 1);
    obj_handle_opened(&ep->obj, NOS_RIGHT_RECV);
    assert_int_equal(notify_bind(next, ep, no_cell), NOS_OK);
}

static void a_dead_waiter_is_forgotten(void **state)
{
    struct notification *n;
    uint64_t bits = 0;
    bool blocked = false;
    (void)state;
    assert_int_equal(notify_create(&n), NOS_OK);
    become(client[0]);
    assert_int_equal(notify_wait(n, 5000, &bits, &blocked), NOS_OK);
    become(client[1]);
    thread_kill(client[0]);
    assert_null(n->waiter);
    assert_null(cpus[0].deadlines);
    notify_signal(n, 1);  // nobody to wake: the bits stay
    assert_int_equal(n->bits, 1);
    become(client[1]);
    n->bits = 0;
    assert_int_equal(notify_wait(n, 5000, &bits, &blocked), NOS_OK);
    host_now = 5000;
    sched_tick();
    assert_null(n->waiter);
    assert_int_equal((int64_t)client[1]->ctx.nr, NOS_TIMED_OUT);
}

/* Another thread closes the last handle of what a thread waits for: the wait ends, the kernel goes
 * on. */
static void the_awaited_notification_goes(void **state)
{
    struct notification *n;
    uint64_t bits = 0;
    bool blocked = false;
    (void)state;
    assert_int_equal(notify_create(&n), NOS_OK);
    become(client[0]);
    assert_int_equal(notify_wait(n, 9000, &bits, &blocked), NOS_OK);
    assert_true(blocked);
    become(client[1]);
    obj_put(&n->obj);
    assert_int_equal(client[0]->state, THREAD_READY);
    assert_int_equal((int64_t)client[0]->ctx.nr, NOS_CANCELLED);
    assert_null(client[0]->waits_on);
    assert_null(cpus[0].deadlines);
}

/* The same for an endpoint, from both sides, when no handle with RECV is left to tell them earlier.
 */
static void the_awaited_endpoint_goes(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 9000, &st));
    become(client[0]);
    obj_handle_closed(&ep->obj, NOS_RIGHT_RECV);
    obj_put(&ep->obj);
    assert_int_equal(server[0]->state, THREAD_READY);
    assert_int_equal((int64_t)server[0]->ctx.nr, NOS_CANCELLED);
    assert_null(cpus[0].deadlines);
}

/* A server keeps a token while its caller dies, and a new thread comes to lie in the same place of
 * the table. */
static void a_token_does_not_fit_the_next_thread_of_that_index(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_true(call(client[0], 1, 0, &st));
    uint64_t token = server[0]->ctx.dl;
    become(client[1]);
    thread_kill(client[0]);
    search_from = (uint32_t)token;
    struct thread *next = make(&client_capsule, 5);
    assert_int_equal(next->index, (uint32_t)token);
    assert_true(recv(server[0], 0, &st));
    assert_true(call(next, 2, 0, &st));
    assert_int_equal(reply(server[0], token, 3), NOS_NOT_FOUND);
    assert_int_equal(next->state, THREAD_REPLY);
    assert_int_equal(reply(server[0], server[0]->client->token, 4), NOS_OK);
    assert_int_equal(next->ctx.w[0], 4);
}

static void a_thread_gives_its_buffer_back(void **state)
{
    (void)state;
    become(client[1]);
    dropped = 0;
    thread_kill(client[2]);
    assert_int_equal(dropped, 1);
    client_capsule.state = NOS_CAPSULE_KILLED;  // the space goes as a whole
    thread_kill(client[3]);
    assert_int_equal(dropped, 1);
}

static void priorities_and_turns(void **state)
{
    (void)state;
    struct thread *high = make(&server_capsule, 9);
    become(client[0]);
    sched_ready(client[1]);
    sched_ready(high);
    assert_ptr_equal(sched_exit(), &high->ctx);
    sched_block(THREAD_SLEEP, NULL, 2000);
    assert_ptr_equal(sched_exit(), &client[1]->ctx);  // client 0 was preempted: it went to the tail
    sched_yield();
    assert_ptr_equal(sched_exit(), &client[0]->ctx);
    host_now = 2000;
    sched_tick();
    assert_ptr_equal(sched_exit(), &high->ctx);
    assert_int_equal(high->ctx.nr, NOS_OK);
}

/* A random walk. Each client has at most one call out; its word is unique, and the answer is word
 * + 1. */
static void random_walk(void **state)
{
    static uint64_t sent[CLIENTS], tokens[256], words[256];
    static bool left[CLIENTS];
    uint64_t next_word = 1, answered = 0, timed_out = 0, unanswered = 0, n = 0;
    nos_status_t st;
    (void)state;
    srand(5);
    for (int step = 0; step < 400000; step++) {
        int i = rand() % CLIENTS, k = rand() % SERVERS;
        host_now += (uint64_t)rand() % 3;
        if (rand() % 16 == 0) {
            sched_tick();
        }
        if (rand() % 2 == 0 && (client[i]->state == THREAD_READY ||
                                client[i]->state == THREAD_RUNNING || client[i]->state == 0)) {
            if (sent[i] != 0) {  // the last call has ended, exactly once
                st = (nos_status_t)(uint32_t)client[i]->ctx.nr;
                assert_true(left[i] ? st == NOS_NO_ANSWER : st == NOS_OK || st == NOS_TIMED_OUT);
                assert_true(st != NOS_OK || client[i]->ctx.w[0] == sent[i] + 1);
                unanswered += left[i] ? 1 : 0;
                answered += st == NOS_OK;
                timed_out += st == NOS_TIMED_OUT;
            }
            sent[i] = next_word;
            left[i] = false;
            next_word += 2;
            if (!call(client[i], sent[i],
                      rand() % 3 == 0 ? 0 : host_now + (uint64_t)rand() % 40 + 2, &st)) {
                client[i]->ctx.nr = (uint64_t)(int64_t)st;
            }
        } else if (server[k]->state != THREAD_RECV) {
            if (server[k]->ctx.nr == 7ull << 32 && server[k]->ctx.dl != 0) {
                tokens[n % 256] = server[k]->ctx.dl;
                words[n++ % 256] = server[k]->ctx.w[0];
                server[k]->ctx.dl = 0;
            }
            uint64_t reach = rand() % 4 == 0 ? 60 : 6;
            uint64_t pick = n == 0 ? 0 : (n - 1 - (uint64_t)rand() % (n < reach ? n : reach)) % 256;
            if (rand() % 2 == 0 && n != 0) {
                st = reply(server[k], tokens[pick],
                           words[pick] + 1);  // perhaps for the second time, or too late
                assert_true(st == NOS_OK || st == NOS_NOT_FOUND);
                server[k]->ctx.nr = 0x7777;
                continue;
            }
            for (int c = 0; c < CLIENTS; c++) {  // held, or left
                left[c] = left[c] || server[k]->client == client[c];
                if (server[k]->client == client[c] && rand() % 2 == 0) {
                    left[c] = false;
                    assert_int_equal(endpoint_hold(server[k], client[c]->token), NOS_OK);
                }
            }
            if (!recv(server[k], rand() % 2 == 0 ? NOS_DEADLINE_POLL : host_now + 20, &st) &&
                st != NOS_OK) {
                server[k]->ctx.nr = (uint64_t)(int64_t)st;
            }
        }
    }
    print_message("answered %lu, timed out %lu, left %lu\n", answered, timed_out, unanswered);
    assert_true(answered > 1000);
    assert_true(unanswered > 1000);
    assert_true(timed_out > 1000);
}

/* Indices stay low, so that a walk over all threads is short. */
static void threads_keep_to_low_numbers(void **state)
{
    (void)state;
    uint32_t top = thread_top, third = client[2]->index;
    struct thread *more = make(&client_capsule, 5);
    assert_int_equal(more->index, top);
    assert_int_equal(thread_top, top + 1);
    thread_kill(client[2]);
    assert_int_equal(thread_top, top + 1);
    thread_kill(more);
    assert_int_equal(thread_top, top);
    client[2] = make(&client_capsule, 5);
    assert_int_equal(client[2]->index, third);
    more = make(&client_capsule, 5);
    assert_int_equal(more->index, top);
}

/* ---- cuts ---- */

static struct cell_account payer;

static via_t cell(via_t above)
{
    via_t via = 0;
    payer.limit = 100;
    assert_int_equal(cell_new(&payer, above, &via), NOS_OK);
    return via;
}

static int setup_cuts(void **state)
{
    setup(state);
    memset(&payer, 0, sizeof payer);
    memset(cell_page, 0, sizeof cell_page);
    in_use = first_with_room = derived_keepers = 0;
    wanted = doing = NOTHING;
    client_capsule.next = &server_capsule;
    handle_table_init(&client_capsule.handles, 100, NOS_CLASS_ALL);
    handle_table_init(&server_capsule.handles, 100, NOS_CLASS_ALL);
    return 0;
}

static void sweep(void)
{
    uint64_t at = 0;
    for (unsigned steps = 0; !revoke_step(&at); steps++) {
        assert_true(steps < 100);
    }
}

static void in_the_background(void)
{
    for (unsigned steps = 0; revoke_background_step(); steps++) {
        assert_true(steps < 100);
    }
    assert_false(revoke_pending());
}

static bool waits(struct thread *t)
{
    return t->ctx.nr == 0x7777;
}

/* One thread in each kind of wait, through `via`: queued to call, to send, taken, serving, waiting
 * for bits. */
static uint64_t everyone_waits(via_t via, struct endpoint *other, struct notification *n)
{
    nos_status_t st;
    uint64_t bits, token;
    bool blocked = false;
    assert_true(recv(server[0], 0, &st));
    assert_true(call(client[1], 1, 0, &st));
    token = server[0]->ctx.dl;
    assert_true(call(client[0], 1, 90000, &st));
    become(client[4]);
    client[4]->ctx.arg1 = nos_msg_info(1, 1);
    client[4]->ctx.dl = 0;
    client[4]->ctx.nr = 0x7777;
    assert_int_equal(endpoint_call(ep, client[4], NOS_RIGHT_CALL, THREAD_SEND), NOS_OK);
    become(client[2]);
    client[2]->ctx.dl = 0;
    client[2]->ctx.nr = 0x7777;
    assert_int_equal(endpoint_recv(other, client[2]), NOS_OK);
    become(client[3]);
    client[3]->ctx.nr = 0x7777;
    assert_int_equal(notify_wait(n, 0, &bits, &blocked), NOS_OK);
    for (unsigned i = 0; i < 5; i++) {
        assert_true(waits(client[i]));
        client[i]->via = via;
    }
    become(client[5]);
    return token;
}

static void a_cut_wakes_who_waits_through_it(void **state)
{
    struct endpoint *other;
    struct notification *n;
    (void)state;
    assert_int_equal(endpoint_create(&other), NOS_OK);
    assert_int_equal(notify_create(&n), NOS_OK);
    via_t top = cell(0), child = cell(top), low = cell(child), beside = cell(top);
    uint64_t token = everyone_waits(low, other, n);
    client[5]->ctx.nr = 0x7777;
    client[5]->via = low;  // runs: what it used last is no matter
    cell_revoke(beside);
    sweep();
    for (unsigned i = 0; i < 6; i++) {
        assert_true(waits(client[i]));
    }
    cell_revoke(child);
    pruned = NULL;
    sweep();
    assert_non_null(pruned);  // exports go too
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal((int64_t)client[i]->ctx.nr, NOS_REVOKED);
        assert_int_equal(client[i]->state, THREAD_READY);
    }
    assert_true(waits(client[5]));
    assert_int_equal(client[5]->state, THREAD_RUNNING);
    assert_null(cpus[0].deadlines);
    assert_null(ep->callers.first);
    assert_null(other->receivers.first);
    assert_null(n->waiter);
    assert_int_equal(reply(server[0], token, 1), NOS_NOT_FOUND);
}

/* A module that is being verified, a capsule that is being started; but not what took no handle,
 * and not the revoker. */
static void a_cut_drops_what_is_being_made(void **state)
{
    static const enum continuation kinds[] = { CONT_VERIFY, CONT_SPAWN, CONT_ZERO, CONT_REVOKE };
    (void)state;
    via_t via = cell(0), alive = cell(0);
    become(client[5]);
    jobs_dropped = 0;
    for (unsigned i = 0; i < 5; i++) {
        sched_ready(client[i]);
        client[i]->via = i < 4 ? via : alive;
        client[i]->cont = kinds[i % 4];
        client[i]->ctx.nr = 0x7777;
    }
    cell_revoke(via);
    sweep();
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal((int64_t)client[i]->ctx.nr, i < 2 ? NOS_REVOKED : 0x7777);
        assert_int_equal(client[i]->cont, i < 2 ? CONT_NONE : kinds[i % 4]);
        assert_int_equal(client[i]->state, THREAD_READY);
    }
    assert_int_equal(jobs_dropped, 2);
}

/* The last handle with that cell is closed while threads wait through it. */
static void a_cell_that_goes_cancels(void **state)
{
    struct endpoint *other;
    struct notification *n;
    (void)state;
    assert_int_equal(endpoint_create(&other), NOS_OK);
    assert_int_equal(notify_create(&n), NOS_OK);
    via_t via = cell(0);
    everyone_waits(via, other, n);
    assert_false(revoke_pending());
    mapped_through_dead = 1;
    cell_put(via);
    assert_true(revoke_pending());
    in_the_background();
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal((int64_t)client[i]->ctx.nr, NOS_CANCELLED);
    }
    assert_int_equal(mapped_through_dead, 1);  // an area holds its cell: nothing to look for
    mapped_through_dead = 0;
}

/* Whoever revokes may be killed between two steps: all of it is done all the same, also when cells
 * go for ever meanwhile. */
static void a_revoker_that_dies(void **state)
{
    nos_status_t st;
    (void)state;
    via_t via = cell(0);
    assert_true(call(client[0], 1, 0, &st));
    client[0]->via = via;
    mapped_through_dead = 3;
    cell_revoke(via);
    cell_gone();
    assert_true(revoke_background_step());
    revoke_finish_later();
    for (unsigned i = 0; i < 100; i++) {
        cell_gone();
        assert_true(revoke_background_step());
    }
    assert_int_equal((int64_t)client[0]->ctx.nr, NOS_REVOKED);
    assert_int_equal(mapped_through_dead, 0);
    in_the_background();
}

/* Of a private endpoint whose only handle to serve with was cut, callers hear at once and later. */
static void a_server_that_is_cut_is_gone(void **state)
{
    struct handle_table *t = &server_capsule.handles;
    struct handle_slot *s;
    nos_status_t st;
    uint32_t h, derived;
    (void)state;
    ep->servers = 0;
    assert_int_equal(handle_add(t, &ep->obj, NOS_RIGHT_RECV | NOS_RIGHT_DUP, 0, 0, &h), NOS_OK);
    assert_int_equal(handle_get(t, h, HANDLE_TYPE_ANY, 0, &s), NOS_OK);
    struct handle_slot like = *s;
    assert_int_equal(handle_derive(t, &like, &derived), NOS_OK);
    assert_int_equal(handle_close(t, h), NOS_OK);
    assert_int_equal(ep->servers, 1);
    assert_int_equal(handle_derived_keepers(), 1);
    assert_true(call(client[0], 1, 0, &st));
    assert_int_equal(handle_get(t, derived, HANDLE_TYPE_ANY, 0, &s), NOS_OK);
    cell_revoke(s->via);
    become(client[1]);
    sweep();
    assert_int_equal((int64_t)client[0]->ctx.nr, NOS_PEER_CLOSED);
    assert_int_equal(ep->servers, 0);
    assert_int_equal(handle_derived_keepers(), 0);
    assert_false(call(client[1], 1, 0, &st));
    assert_int_equal(st, NOS_PEER_CLOSED);
    sweep();  // again, for another cut: it is not taken off twice
    assert_int_equal(handle_close(t, derived), NOS_OK);
    assert_int_equal(ep->servers, 0);
    assert_int_equal(cell_count(), 0);
    ep->named = true;  // and at a service's endpoint they wait for the next server
    assert_true(call(client[1], 1, 0, &st));
}

/* What was bound through a handle that is dead is not bound. */
static void a_binding_dies_with_its_handle(void **state)
{
    struct notification *n;
    nos_status_t st;
    (void)state;
    assert_int_equal(notify_create(&n), NOS_OK);
    for (unsigned which = 0; which < 2; which++) {
        via_t via[2] = { cell(0), cell(0) };
        assert_int_equal(notify_bind(n, ep, via), NOS_OK);
        assert_int_equal(notify_bind(n, ep, no_cell), NOS_BUSY);
        assert_true(recv(server[0], 0, &st));
        notify_signal(n, 1);
        assert_int_equal(server[0]->ctx.w[0], 1);
        assert_true(recv(server[0], 0, &st));
        cell_revoke(via[which]);
        notify_signal(n, 2);
        assert_true(waits(server[0]));
        assert_null(ep->bound);
        assert_int_equal(n->obj.refs, 1);
        assert_int_equal(n->bits, 2);
        thread_wait_cancel(server[0]);
        sched_wake(server[0], NOS_CANCELLED);
        cell_put(via[0]);
        cell_put(via[1]);
        assert_int_equal(cell_count(), 0);
        n->bits = 0;
        become(client[0]);
    }
    via_t via[2] = { cell(0), 0 };
    assert_int_equal(notify_bind(n, ep, via), NOS_OK);
    n->bits = 4;
    cell_revoke(via[0]);
    assert_true(recv(server[1], 0, &st));  // no bits for it
    assert_int_equal(notify_bind(n, ep, no_cell), NOS_OK);
    cell_put(via[0]);
    assert_int_equal(cell_count(), 0);
}

/* Who waits for an answer of one capsule waits for another's: under the same token, lending
 * nothing, and none of the successor's own threads. */
static void callers_follow_to_a_successor(void **state)
{
    static struct capsule next;
    nos_status_t st;
    (void)state;
    next = (struct capsule){ .id = 11, .state = NOS_CAPSULE_RUNNING, .ipc_va = 0x10000 };
    obj_init(&next.obj, NOS_TYPE_CAPSULE);
    assert_int_equal(capsule_clients_move(&server_capsule, &next), NOS_BAD_STATE);  // no thread
    struct thread *heir = make(&next, 5), *own = make(&next, 5);
    struct thread *urgent = make(&client_capsule, 9);
    assert_int_equal(capsule_clients_move(&server_capsule, &server_capsule), NOS_BAD_STATE);
    assert_true(recv(server[0], 0, &st));
    assert_true(call(urgent, 1, 0, &st));
    uint64_t token = server[0]->ctx.dl;
    assert_int_equal(server[0]->priority, 9);
    assert_int_equal(endpoint_hold(server[0], token), NOS_OK);
    assert_true(recv(server[0], 0, &st));
    assert_true(call(own, 2, 0, &st));
    uint64_t of_own = server[0]->ctx.dl;
    assert_true(call(client[0], 3, 0, &st));  // queued: the endpoint's, nobody's yet
    assert_int_equal(capsule_clients_move(&server_capsule, &next), NOS_OK);
    assert_int_equal(server[0]->priority, 5);
    assert_int_equal(client[0]->state, THREAD_CALL);
    assert_int_equal(reply(server[0], token, 0), NOS_NOT_FOUND);
    assert_int_equal(reply(heir, of_own, 0), NOS_NOT_FOUND);
    assert_int_equal(reply(heir, token, 42), NOS_OK);
    assert_int_equal(urgent->ctx.w[0], 42);
    assert_int_equal(urgent->ctx.nr, 11ull << 32);
    assert_int_equal(reply(server[0], of_own, 43), NOS_OK);
    assert_int_equal(own->ctx.w[0], 43);
}

/* The successor ends: whoever had been handed on to it is told. */
static void a_successor_owes_them_an_answer(void **state)
{
    static struct capsule next;
    nos_status_t st;
    (void)state;
    next = (struct capsule){ .id = 11, .state = NOS_CAPSULE_RUNNING, .ipc_va = 0x10000 };
    obj_init(&next.obj, NOS_TYPE_CAPSULE);
    struct thread *heir = make(&next, 5);
    assert_true(recv(server[0], 0, &st));
    assert_true(call(client[0], 1, 0, &st));
    assert_int_equal(capsule_clients_move(&server_capsule, &next), NOS_OK);
    become(client[1]);
    next.state = NOS_CAPSULE_KILLED;
    thread_kill(heir);
    assert_int_equal((int64_t)client[0]->ctx.nr, NOS_PEER_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(callers_follow_to_a_successor, setup),
        cmocka_unit_test_setup(a_successor_owes_them_an_answer, setup),
        cmocka_unit_test_setup(call_meets_receiver, setup),
        cmocka_unit_test_setup(a_token_fits_one_call_of_one_server, setup),
        cmocka_unit_test_setup(who_is_left_unanswered_is_told, setup),
        cmocka_unit_test_setup(who_is_held_waits_on, setup),
        cmocka_unit_test_setup(deadlines_end_each_wait, setup),
        cmocka_unit_test_setup(death_wakes_everyone, setup),
        cmocka_unit_test_setup(who_waits_to_serve_leaves_with_the_last_handle, setup),
        cmocka_unit_test_setup(a_named_endpoint_waits_for_the_next_server, setup),
        cmocka_unit_test_setup(dead_callers_leave_the_queue, setup),
        cmocka_unit_test_setup(bad_messages, setup),
        cmocka_unit_test_setup(long_messages_come_whole, setup),
        cmocka_unit_test_setup(notifications, setup),
        cmocka_unit_test_setup(the_fast_path, setup),
        cmocka_unit_test_setup(binding_ends_with_the_server, setup),
        cmocka_unit_test_setup(a_dead_waiter_is_forgotten, setup),
        cmocka_unit_test_setup(the_awaited_notification_goes, setup),
        cmocka_unit_test_setup(the_awaited_endpoint_goes, setup),
        cmocka_unit_test_setup(a_token_does_not_fit_the_next_thread_of_that_index, setup),
        cmocka_unit_test_setup(a_thread_gives_its_buffer_back, setup),
        cmocka_unit_test_setup(priorities_and_turns, setup),
        cmocka_unit_test_setup(random_walk, setup),
        cmocka_unit_test_setup(threads_keep_to_low_numbers, setup),
        cmocka_unit_test_setup(a_cut_wakes_who_waits_through_it, setup_cuts),
        cmocka_unit_test_setup(a_cut_drops_what_is_being_made, setup_cuts),
        cmocka_unit_test_setup(a_cell_that_goes_cancels, setup_cuts),
        cmocka_unit_test_setup(a_revoker_that_dies, setup_cuts),
        cmocka_unit_test_setup(a_server_that_is_cut_is_gone, setup_cuts),
        cmocka_unit_test_setup(a_binding_dies_with_its_handle, setup_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
