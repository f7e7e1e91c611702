/* What the IPC path meets seldom: no memory, ends of a table, another thread in the way. One case
 * for each branch that the larger tests of the path never take. */
#include "tests/host/ipc_host.h"
#include "tests/host/exhaust.h"

static struct notification *note;
static struct region region;
static const struct handle_slot slot = { .badge = 1 };

static int setup_rare(void **state)
{
    setup(state);
    memset(cell_page, 0, sizeof cell_page);
    in_use = first_with_room = derived_keepers = 0;
    wanted = doing = NOTHING;
    debuggers_left = 0;
    handle_table_init(&client_capsule.handles, 1000, NOS_CLASS_ALL);
    handle_table_init(&server_capsule.handles, 1000, NOS_CLASS_ALL);
    assert_int_equal(notify_create(&note), NOS_OK);
    region = (struct region){ .pages = 3, .owner = &client_capsule };
    obj_init(&region.obj, NOS_TYPE_REGION);
    given = NULL;
    return 0;
}

static void no_memory_for_an_object(void **state)
{
    struct endpoint *e;
    struct notification *n;
    unsigned made = 0;
    (void)state;
    exhaust(0);
    while (endpoint_create(&e) == NOS_OK) {  // what the page has that is there
        assert_true(++made < 1000);
    }
    assert_int_equal(endpoint_create(&e), NOS_NO_MEMORY);
    for (made = 0; notify_create(&n) == NOS_OK;) {
        assert_true(++made < 1000);
    }
    assert_int_equal(notify_create(&n), NOS_NO_MEMORY);
}

static void a_deadline_that_has_passed(void **state)
{
    nos_status_t st;
    (void)state;
    assert_false(call(client[0], 1, host_now, &st));
    assert_int_equal(st, NOS_TIMED_OUT);
    assert_false(recv(server[0], host_now - 1, &st));
    assert_int_equal(st, NOS_TIMED_OUT);
    assert_null(ep->callers.first);
    assert_null(ep->receivers.first);
    assert_true(call(client[0], 1, host_now + 1, &st));
}

/* A server may still come. */
static void an_endpoint_that_nobody_served_yet(void **state)
{
    struct endpoint *old = ep;
    nos_status_t st;
    (void)state;
    assert_int_equal(endpoint_create(&ep), NOS_OK);
    assert_true(call(client[0], 1, 0, &st));
    assert_int_equal(client[0]->state, THREAD_CALL);
    obj_handle_opened(&ep->obj, NOS_RIGHT_RECV);
    obj_handle_closed(&ep->obj, NOS_RIGHT_RECV);  // it came and went
    assert_int_equal((int64_t)client[0]->ctx.nr, NOS_PEER_CLOSED);
    assert_false(call(client[1], 1, 0, &st));
    assert_int_equal(st, NOS_PEER_CLOSED);
    ep = old;
}

static void a_bad_answer_answers_nobody(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_true(call(client[0], 1, 0, &st));
    become(server[0]);
    server[0]->ctx.arg1 = nos_msg_info(0, 1) | NOS_MSG_NOTIFICATION;
    assert_int_equal(endpoint_answer(server[0], client[0]), NOS_BAD_MESSAGE);
    assert_int_equal(client[0]->state, THREAD_REPLY);
    assert_ptr_equal(client[0]->worker, server[0]);
    assert_int_equal(reply(server[0], client[0]->token, 2), NOS_OK);
    assert_int_equal(client[0]->ctx.w[0], 2);
}

static void a_fault_through_a_dead_handle(void **state)
{
    struct cell_account payer = { .limit = 8 };
    (void)state;
    become(client[0]);
    assert_int_equal(cell_new(&payer, 0, &client_capsule.fault_via), NOS_OK);
    cell_revoke(client_capsule.fault_via);
    assert_false(endpoint_fault(ep, client[0], 0x1000, NOS_FAULT_WRITE));
    assert_int_equal(client[0]->fault, 0);
    assert_int_equal(client[0]->state, THREAD_RUNNING);
    client_capsule.fault_via = 0;
    assert_true(endpoint_fault(ep, client[0], 0x1000, NOS_FAULT_WRITE));  // through none
    assert_int_equal(client[0]->state, THREAD_CALL);
}

static void the_last_debugger_leaves(void **state)
{
    struct obj *o = &client_capsule.obj;
    (void)state;
    obj_handle_opened(o, NOS_RIGHT_DEBUG);
    obj_handle_opened(o, NOS_RIGHT_DEBUG | NOS_RIGHT_KILL);
    obj_handle_opened(o, NOS_RIGHT_KILL);
    assert_int_equal(client_capsule.debug_handles, 2);
    obj_handle_closed(o, NOS_RIGHT_KILL);
    obj_handle_closed(o, NOS_RIGHT_DEBUG);
    assert_int_equal(debuggers_left, 0);
    obj_handle_closed(o, NOS_RIGHT_DEBUG);
    assert_int_equal(debuggers_left, 1);
    assert_int_equal(client_capsule.debug_handles, 0);
}

/* ---- the short way ---- */

static struct arch_context *call_fast(struct thread *t, uint64_t words, uint32_t handles)
{
    static struct handle_slot may_grant = { .rights = NOS_RIGHT_CALL | NOS_RIGHT_GRANT };
    become(t);
    t->ctx.arg1 = nos_msg_info(1, words) | (uint64_t)handles << NOS_MSG_HANDLES_SHIFT;
    t->ctx.dl = 0;
    return endpoint_call_fast(ep, t, t->capsule, &may_grant, handles);
}

static void short_calls_among_several_servers(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_true(recv(server[1], 0, &st));
    server[0]->ctx.w[0] = 4711;
    client[0]->ctx.w[0] = 1;
    assert_ptr_equal(call_fast(client[0], 0, 0), &server[0]->ctx);
    assert_int_equal(server[0]->ctx.w[0], 4711);  // no word came
    assert_ptr_equal(ep->receivers.first, server[1]);
    assert_null(server[1]->prev);
    become(server[0]);
    server[0]->ctx.arg1 = nos_msg_info(0, 0);
    server[0]->ctx.dl = 0;
    assert_ptr_equal(endpoint_reply_recv_fast(ep, server[0], &server_capsule, &slot, 0),
                     &client[0]->ctx);
    assert_ptr_equal(ep->receivers.first, server[1]);  // in turn
    assert_ptr_equal(server[1]->next, server[0]);
    assert_ptr_equal(ep->receivers.last, server[0]);
}

static void a_short_handle_that_does_not_pass(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_null(call_fast(client[0], 1, 1));  // the buffer names no handle
    assert_int_equal(client[0]->state, THREAD_RUNNING);
    assert_ptr_equal(ep->receivers.first, server[0]);
    assert_non_null(call_fast(client[0], 1, 0));
    become(server[0]);
    server[0]->ctx.arg1 = nos_msg_info(0, 1) | 1 << NOS_MSG_HANDLES_SHIFT;
    server[0]->ctx.dl = 0;
    assert_null(endpoint_reply_recv_fast(ep, server[0], &server_capsule, &slot, 1));
    assert_int_equal(client[0]->state, THREAD_REPLY);

    uint32_t h = 0;
    assert_int_equal(handle_add(&server_capsule.handles, &note->obj,
                                NOS_RIGHT_ALL & ~(uint32_t)NOS_RIGHT_RECV, 0, NOS_ORIGIN_MADE, &h),
                     NOS_OK);
    assert_int_equal(handle_add(&client_capsule.handles, &note->obj, NOS_RIGHT_ALL, 0,
                                NOS_ORIGIN_MADE, &(uint32_t){ 0 }),
                     NOS_OK);  // its table has its page
    ((struct nos_ipc_buffer *)(void *)client[0]->ipc_buf)->accept = 1;
    ((struct nos_ipc_buffer *)(void *)server[0]->ipc_buf)->pass[0] =
        (struct nos_pass){ .handle = h, .rights = NOS_RIGHT_SIGNAL | NOS_PASS_MOVE };
    uint32_t held = client_capsule.handles.used;
    assert_ptr_equal(endpoint_reply_recv_fast(ep, server[0], &server_capsule, &slot, 1),
                     &client[0]->ctx);
    assert_int_equal(client_capsule.handles.used, held + 1);

    assert_int_equal(handle_add(&client_capsule.handles, &note->obj,
                                NOS_RIGHT_ALL & ~(uint32_t)NOS_RIGHT_RECV, 0, NOS_ORIGIN_MADE, &h),
                     NOS_OK);
    ((struct nos_ipc_buffer *)(void *)server[0]->ipc_buf)->accept = 1;
    ((struct nos_ipc_buffer *)(void *)client[0]->ipc_buf)->pass[0] =
        (struct nos_pass){ .handle = h, .rights = NOS_RIGHT_SIGNAL | NOS_PASS_MOVE };
    assert_ptr_equal(call_fast(client[0], 1, 1), &server[0]->ctx);  // and one that does
}

static struct arch_context *fault_answer(uint64_t label)
{
    become(server[0]);
    server[0]->ctx.arg1 = nos_msg_info(label, 1);
    server[0]->ctx.dl = 0;
    return endpoint_reply_fault_fast(ep, server[0], &slot);
}

static void a_short_answer_to_a_fault(void **state)
{
    nos_status_t st;
    (void)state;
    client_capsule.fault_via = 0;
    assert_true(recv(server[0], 0, &st));
    become(client[0]);
    assert_non_null(endpoint_fault_fast(ep, client[0], 0x1000, NOS_FAULT_WRITE));
    assert_int_equal(notify_bind(note, ep, no_cell), NOS_OK);
    notify_signal(note, 2);
    assert_null(fault_answer(NOS_FAULT_RETRY));  // bits are there to be taken
    note->bits = 0;
    client[0]->cpus = 2;
    assert_null(fault_answer(NOS_FAULT_RETRY));  // it may not run here
    client[0]->cpus = CPUS_ALL;
    assert_ptr_equal(fault_answer(NOS_FAULT_RETRY), &client[0]->ctx);  // bound, and no bits
    notify_unbind(note);
    become(client[0]);
    assert_non_null(endpoint_fault_fast(ep, client[0], 0x1000, NOS_FAULT_WRITE));
    assert_ptr_equal(fault_answer(NOS_FAULT_RETRY), &client[0]->ctx);  // not bound
}

/* ---- handles in messages ---- */

static void a_handle_that_stays_and_goes(void **state)
{
    struct nos_ipc_buffer *from = (struct nos_ipc_buffer *)(void *)client[0]->ipc_buf;
    nos_status_t st;
    uint32_t h = 0;
    (void)state;
    assert_int_equal(
        handle_add(&client_capsule.handles, &note->obj, NOS_RIGHT_ALL, 0, NOS_ORIGIN_MADE, &h),
        NOS_OK);
    ((struct nos_ipc_buffer *)(void *)server[0]->ipc_buf)->accept = 4;
    assert_true(recv(server[0], 0, &st));
    for (unsigned moved = 0; moved < 2; moved++) {  // a copy of what moves, in either order
        become(client[0]);
        from->pass[0] = (struct nos_pass){ .handle = h, .rights = moved == 0 ? NOS_PASS_MOVE : 0 };
        from->pass[1] = (struct nos_pass){ .handle = h, .rights = moved == 1 ? NOS_PASS_MOVE : 0 };
        client[0]->ctx.arg1 = nos_msg_info(1, 0) | 2 << NOS_MSG_HANDLES_SHIFT;
        client[0]->ctx.dl = 0;
        assert_int_equal(
            endpoint_call(ep, client[0], NOS_RIGHT_CALL | NOS_RIGHT_GRANT, THREAD_CALL),
            NOS_BAD_HANDLE);
        assert_int_equal(server_capsule.handles.used, 0);
    }
    become(client[0]);
    from->pass[0] = from->pass[1] = (struct nos_pass){ .handle = h, .rights = NOS_RIGHT_SIGNAL };
    client[0]->ctx.arg1 = nos_msg_info(1, 0) | 2 << NOS_MSG_HANDLES_SHIFT;
    client[0]->ctx.dl = 0;
    assert_int_equal(endpoint_call(ep, client[0], NOS_RIGHT_CALL | NOS_RIGHT_GRANT, THREAD_CALL),
                     NOS_OK);  // two copies are two handles
    assert_int_equal(server_capsule.handles.used, 2);
}

/* Inside one capsule nobody gives a region to anybody. */
static void a_region_moved_to_a_thread_of_ones_own(void **state)
{
    struct nos_ipc_buffer *from = (struct nos_ipc_buffer *)(void *)client[0]->ipc_buf;
    nos_status_t st;
    uint32_t h = 0;
    (void)state;
    assert_int_equal(
        handle_add(&client_capsule.handles, &region.obj, NOS_RIGHT_ALL, 0, NOS_ORIGIN_MADE, &h),
        NOS_OK);
    ((struct nos_ipc_buffer *)(void *)client[1]->ipc_buf)->accept = 1;
    assert_true(recv(client[1], 0, &st));
    become(client[0]);
    from->pass[0] = (struct nos_pass){ .handle = h, .rights = NOS_RIGHT_ALL | NOS_PASS_MOVE };
    client[0]->ctx.arg1 = nos_msg_info(1, 0) | 1 << NOS_MSG_HANDLES_SHIFT;
    client[0]->ctx.dl = 0;
    may_give = NOS_QUOTA;  // nobody asks
    assert_int_equal(endpoint_call(ep, client[0], NOS_RIGHT_CALL | NOS_RIGHT_GRANT, THREAD_CALL),
                     NOS_OK);
    may_give = NOS_OK;
    assert_null(given);
    assert_ptr_equal(region.owner, &client_capsule);
    assert_int_equal(client_capsule.handles.used, 1);

    uint32_t kept = ((struct nos_ipc_buffer *)(void *)client[1]->ipc_buf)->pass[0].handle;
    ((struct nos_ipc_buffer *)(void *)server[0]->ipc_buf)->accept = 1;  // and to somebody else
    assert_true(recv(server[0], 0, &st));
    become(client[2]);
    ((struct nos_ipc_buffer *)(void *)client[2]->ipc_buf)->pass[0] =
        (struct nos_pass){ .handle = kept, .rights = NOS_RIGHT_ALL | NOS_PASS_MOVE };
    client[2]->ctx.arg1 = nos_msg_info(1, 0) | 1 << NOS_MSG_HANDLES_SHIFT;
    client[2]->ctx.dl = 0;
    assert_int_equal(endpoint_call(ep, client[2], NOS_RIGHT_CALL | NOS_RIGHT_GRANT, THREAD_CALL),
                     NOS_OK);
    assert_ptr_equal(given, &region);
    assert_ptr_equal(region.owner, &server_capsule);
}

/* ---- cancelling, cuts ---- */

static void nothing_to_cancel(void **state)
{
    static const uint8_t states[] = { THREAD_READY, THREAD_RUNNING, THREAD_STOPPED, THREAD_DEAD };
    struct thread t = { 0 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        t.state = states[i];
        assert_int_equal(thread_cancel(&t), NOS_BAD_STATE);
        assert_int_equal(t.state, states[i]);
    }
    t.waits_on = &note->obj;
    thread_wait_cancel(&t);  // dead: it waits for nothing
    assert_null(t.waits_on);
    nos_status_t st;
    assert_true(recv(server[0], 0, &st));
    assert_int_equal(thread_cancel(server[0]), NOS_OK);
    assert_int_equal((int64_t)server[0]->ctx.nr, NOS_CANCELLED);
}

/* Callers of others, and threads that wait for something else, stay where they are. */
static void only_callers_of_the_old_move(void **state)
{
    struct capsule third = { .state = NOS_CAPSULE_RUNNING, .id = 11, .threads = server[1] };
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_true(call(client[0], 1, 0, &st));
    become(client[2]);
    thread_kill(client[3]);  // a hole in the table of threads
    assert_int_equal(capsule_clients_move(&client_capsule, &third), NOS_OK);
    assert_ptr_equal(client[0]->worker, server[0]);
    assert_int_equal(capsule_clients_move(&server_capsule, &third), NOS_OK);
    assert_ptr_equal(client[0]->worker, server[1]);
    assert_int_equal(capsule_clients_move(&third, &third), NOS_BAD_STATE);
}

static void a_cut_with_many_threads(void **state)
{
    struct thread *last = NULL;
    uint64_t at = 0;
    (void)state;
    client_capsule.next = NULL;
    while (thread_top <= THREADS_AT_ONCE + 1) {
        client_capsule.n_objects = client_capsule.n_threads = 0;
        last = make(&client_capsule, 5);
    }
    struct cell_account payer = { .limit = 8 };
    via_t via;
    assert_int_equal(cell_new(&payer, 0, &via), NOS_OK);
    last->state = THREAD_SLEEP;
    last->cont = CONT_VERIFY;
    last->via = via;
    jobs_dropped = 0;
    cell_revoke(via);
    assert_false(revoke_step(&at));
    assert_int_equal(at, THREADS_AT_ONCE);  // so many in one step
    assert_int_equal(jobs_dropped, 0);
    assert_false(revoke_step(&at));
    assert_int_equal(at, 1ull << CAPSULE_SHIFT);
    assert_int_equal(jobs_dropped, 1);
    last->via = 0;
    wanted = doing = NOTHING;
    cell_gone();
    assert_true(revoke_background_step());
    assert_int_equal(doing, WAITERS);  // not all threads were looked at
    assert_true(revoke_background_step());
    assert_int_equal(doing, NOTHING);  // and no handles, for that
    cell_put(via);
}

/* Who works for a caller that goes away pays for itself from then on, on whichever CPU it runs. */
static void an_account_on_another_cpu(void **state)
{
    struct thread *w = server[0];
    struct cpu *there = &cpus[1];
    (void)state;
    become(client[0]);
    for (unsigned own = 0; own < 2; own++) {
        w->state = THREAD_RUNNING;
        w->cpu = 1;
        w->payer = &client_capsule;
        there->current = w;
        there->payer = own ? &server_capsule : &client_capsule;
        loan_leave(w);
        assert_ptr_equal(w->payer, &server_capsule);
        assert_ptr_equal(there->payer, &server_capsule);
    }
    w->state = THREAD_REPLY;  // it waits for somebody who serves another by now, or for nobody
    w->worker = NULL;
    w->payer = &client_capsule;
    loan_leave(w);
    assert_ptr_equal(w->payer, &server_capsule);
    w->worker = server[1];
    server[1]->client = client[1];
    server[1]->payer = &client_capsule;
    loan_leave(w);
    assert_ptr_equal(server[1]->payer, &client_capsule);
    server[1]->client = w;  // its own worker loses the payer too
    loan_leave(w);
    assert_ptr_equal(server[1]->payer, &server_capsule);
    become(w);
    there->payer = NULL;
    loan_leave(w);  // here: the scheduler looks itself
    assert_null(there->payer);
}

static void a_cut_with_many_handles(void **state)
{
    uint64_t at = 1ull << CAPSULE_SHIFT;
    unsigned steps = 0;
    uint32_t first = 0, h;
    (void)state;
    client_capsule.next = NULL;
    client_capsule.handles.cells.limit = 8;
    for (unsigned i = 0; i < 600; i++) {
        assert_int_equal(handle_add(&client_capsule.handles, &note->obj, NOS_RIGHT_ALL, 0,
                                    NOS_ORIGIN_MADE, &first),
                         NOS_OK);
    }
    struct handle_slot serves = { .obj = &ep->obj, .rights = NOS_RIGHT_RECV, .depth = 1 };
    assert_int_equal(handle_derive(&client_capsule.handles, &serves, &h), NOS_OK);
    assert_int_equal(handle_derived_keepers(), 1);
    struct handle_slot *s = NULL;
    assert_int_equal(handle_get(&client_capsule.handles, h, HANDLE_TYPE_ANY, 0, &s), NOS_OK);
    cell_revoke(s->via);
    uint32_t servers = ep->servers;
    for (; !revoke_step(&at); steps++) {
        assert_true(steps < 10);
    }
    assert_true(steps >= 3);  // 256 slots in one
    assert_int_equal(ep->servers, servers - 1);
    assert_int_equal(handle_derived_keepers(), 0);
    assert_int_equal(handle_close(&client_capsule.handles, h), NOS_OK);
    assert_int_equal(ep->servers, servers - 1);  // and not once more
}

static void news_while_a_cut_is_swept(void **state)
{
    (void)state;
    client_capsule.next = NULL;
    revoke_finish_later();
    assert_true(revoke_background_step());
    assert_int_equal(wanted, NOTHING);
    assert_true(revoke_pending());  // under way
    cell_gone();
    for (unsigned steps = 0; revoke_background_step(); steps++) {
        assert_true(steps < 10);
    }
    assert_false(revoke_pending());
}

static void a_notification_of_a_dead_binding(void **state)
{
    struct cell_account payer = { .limit = 8 };
    struct notification *next;
    via_t via[2] = { 0, 0 };
    (void)state;
    assert_int_equal(notify_create(&next), NOS_OK);
    assert_int_equal(cell_new(&payer, 0, &via[0]), NOS_OK);
    assert_int_equal(notify_bind(note, ep, via), NOS_OK);
    assert_int_equal(notify_bind(next, ep, no_cell), NOS_BUSY);
    cell_revoke(via[0]);
    assert_int_equal(notify_bind(next, ep, no_cell), NOS_OK);  // the first binding is none any more
    assert_null(note->bound);
    assert_ptr_equal(ep->bound, next);
    notify_unbind(next);
    cell_put(via[0]);
    become(client[0]);  // the sanitiser's end calls sched_yield, which is the kernel's here
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(no_memory_for_an_object, setup_rare),
        cmocka_unit_test_setup(a_deadline_that_has_passed, setup_rare),
        cmocka_unit_test_setup(an_endpoint_that_nobody_served_yet, setup_rare),
        cmocka_unit_test_setup(a_bad_answer_answers_nobody, setup_rare),
        cmocka_unit_test_setup(a_fault_through_a_dead_handle, setup_rare),
        cmocka_unit_test_setup(the_last_debugger_leaves, setup_rare),
        cmocka_unit_test_setup(short_calls_among_several_servers, setup_rare),
        cmocka_unit_test_setup(a_short_handle_that_does_not_pass, setup_rare),
        cmocka_unit_test_setup(a_short_answer_to_a_fault, setup_rare),
        cmocka_unit_test_setup(a_handle_that_stays_and_goes, setup_rare),
        cmocka_unit_test_setup(a_region_moved_to_a_thread_of_ones_own, setup_rare),
        cmocka_unit_test_setup(nothing_to_cancel, setup_rare),
        cmocka_unit_test_setup(only_callers_of_the_old_move, setup_rare),
        cmocka_unit_test_setup(a_cut_with_many_threads, setup_rare),
        cmocka_unit_test_setup(an_account_on_another_cpu, setup_rare),
        cmocka_unit_test_setup(a_cut_with_many_handles, setup_rare),
        cmocka_unit_test_setup(news_while_a_cut_is_swept, setup_rare),
        cmocka_unit_test_setup(a_notification_of_a_dead_binding, setup_rare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
