/* What a message, a wait and a loan leave behind: the registers that do not change, the queues that
 * are whole again, who is charged and who is not. One row for each line of the path that only the
 * next call would miss. */
#include "tests/host/ipc_host.h"

static struct notification *note;
static struct region region[2];
static const struct handle_slot slot = { .badge = 1 };

static int setup_edge(void **state)
{
    setup(state);
    memset(cell_page, 0, sizeof cell_page);
    in_use = first_with_room = derived_keepers = 0;
    wanted = doing = NOTHING;
    client_capsule.next = NULL;
    client_capsule.fault_via = 0;
    handle_table_init(&client_capsule.handles, 1000, NOS_CLASS_ALL);
    handle_table_init(&server_capsule.handles, 1000, NOS_CLASS_ALL);
    assert_int_equal(notify_create(&note), NOS_OK);
    for (unsigned i = 0; i < 2; i++) {
        region[i] = (struct region){ .pages = 3 + i, .owner = &client_capsule };
        obj_init(&region[i].obj, NOS_TYPE_REGION);
    }
    given = NULL;
    may_give = NOS_OK;
    may_give_pages = may_give_regions = 0;
    return 0;
}

static struct nos_ipc_buffer *buffer(struct thread *t)
{
    return (struct nos_ipc_buffer *)(void *)t->ipc_buf;
}

static uint32_t hold(struct obj *o)
{
    uint32_t h = 0;
    assert_int_equal(handle_add(&client_capsule.handles, o, NOS_RIGHT_ALL, 0, NOS_ORIGIN_MADE, &h),
                     NOS_OK);
    return h;
}

static void pass(struct thread *t, unsigned i, uint32_t h, uint32_t more)
{
    buffer(t)->pass[i] = (struct nos_pass){ .handle = h, .rights = NOS_RIGHT_ALL | more };
}

/* `wait`: THREAD_CALL or THREAD_SEND. */
static nos_status_t say(struct thread *t, uint64_t info, uint64_t deadline, enum thread_state wait)
{
    become(t);
    t->ctx.arg1 = info;
    t->ctx.dl = deadline;
    t->ctx.nr = 0x7777;
    t->badge = 5;
    return endpoint_call(ep, t, NOS_RIGHT_CALL | NOS_RIGHT_GRANT, wait);
}

static uint64_t with_handles(uint64_t words, uint64_t n)
{
    return nos_msg_info(1, words) | n << NOS_MSG_HANDLES_SHIFT;
}

static void listen(struct thread *t, uint32_t accept)
{
    nos_status_t st;
    buffer(t)->accept = accept;
    assert_true(recv(t, 0, &st));
}

static void fill_words(struct thread *t, uint64_t from)
{
    for (uint64_t i = 0; i < NOS_MSG_WORDS; i++) {
        t->ipc_buf[i] = from + i;
        if (i < NOS_MSG_REG_WORDS) {
            t->ctx.w[i] = from + i;
        }
    }
}

/* ---- what a message touches ---- */

/* The long way: the words that were sent, and not one behind them. */
static void no_word_more_than_was_sent(void **state)
{
    static const uint64_t lengths[] = { 0, 1, 7, 8, 9, 63, 64 };
    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(lengths); k++) {
        listen(server[0], 0);
        fill_words(server[0], 1000);
        fill_words(client[0], 2000);
        assert_int_equal(say(client[0], nos_msg_info(1, lengths[k]), 0, THREAD_SEND), NOS_OK);
        for (uint64_t i = 0; i < NOS_MSG_WORDS; i++) {
            uint64_t want = (i < lengths[k] ? 2000 : 1000) + i;
            if (i < NOS_MSG_REG_WORDS) {
                assert_int_equal(server[0]->ctx.w[i], want);
                want = 1000 + i;  // register words are not in the buffer
            }
            assert_int_equal(server[0]->ipc_buf[i], want);
        }
    }
}

/* The short way: whole groups, and none that was not begun. */
static void no_group_more_than_was_sent(void **state)
{
    static const struct {
        uint64_t words, come;
    } rows[] = { { 0, 0 }, { 1, 4 }, { 4, 4 }, { 5, 8 }, { 8, 8 } };
    uint64_t last = 0;
    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        listen(server[0], 0);
        fill_words(server[0], 1000);
        server[0]->ctx.arg1 = 0x55;
        fill_words(client[0], 2000);
        become(client[0]);
        client[0]->ctx.arg1 = nos_msg_info(3, rows[k].words);
        client[0]->ctx.dl = 0;
        assert_ptr_equal(endpoint_call_fast(ep, client[0], &client_capsule, &slot, 0),
                         &server[0]->ctx);
        assert_int_equal(server[0]->ctx.arg1, nos_msg_info(3, rows[k].words));
        for (uint64_t i = 0; i < NOS_MSG_REG_WORDS; i++) {
            assert_int_equal(server[0]->ctx.w[i], (i < rows[k].come ? 2000 : 1000) + i);
        }
        assert_int_not_equal(server[0]->ctx.dl, last);  // each call has a token of its own
        assert_int_equal(reply(server[0], last, 1), NOS_NOT_FOUND);
        last = server[0]->ctx.dl;
        assert_int_equal(reply(server[0], last, 1), NOS_OK);
    }
}

static void as_many_handles_as_there_may_be(void **state)
{
    uint32_t h = hold(&note->obj);
    (void)state;
    listen(server[0], NOS_MSG_HANDLES);
    for (unsigned i = 0; i < NOS_MSG_HANDLES; i++) {
        pass(client[0], i, h, 0);
    }
    assert_int_equal(say(client[0], with_handles(0, NOS_MSG_HANDLES), 0, THREAD_CALL), NOS_OK);
    assert_int_equal(server_capsule.handles.used, NOS_MSG_HANDLES);
}

static void bits_are_no_call(void **state)
{
    nos_status_t st;
    (void)state;
    assert_int_equal(notify_bind(note, ep, no_cell), NOS_OK);
    for (unsigned waits = 0; waits < 2; waits++) {
        server[0]->ctx.arg0 = 0x55;
        if (waits == 0) {
            notify_signal(note, 6);
        }
        assert_int_equal(recv(server[0], 9000, &st), waits);
        if (waits != 0) {
            become(client[0]);
            notify_signal(note, 6);
            assert_int_equal(server[0]->state, THREAD_READY);
            assert_null(server[0]->waits_on);
        }
        assert_int_equal(server[0]->ctx.w[0], 6);
        assert_int_equal(server[0]->ctx.nr, NOS_OK);
        assert_int_equal(server[0]->ctx.arg0, 0);
        assert_int_equal(server[0]->ctx.dl, 0);
        assert_false(recv(server[0], NOS_DEADLINE_POLL, &st));  // once
        assert_int_equal(st, NOS_TIMED_OUT);
    }
    notify_unbind(note);
}

static void who_waits_for_bits_is_ready(void **state)
{
    struct endpoint *other;
    uint64_t bits = 0;
    bool blocked = false;
    (void)state;
    become(client[0]);
    assert_int_equal(notify_wait(note, host_now, &bits, &blocked), NOS_TIMED_OUT);
    assert_false(blocked);
    assert_int_equal(notify_wait(note, host_now + 1, &bits, &blocked), NOS_OK);
    assert_true(blocked);
    become(client[1]);
    notify_signal(note, 1);
    assert_int_equal(client[0]->state, THREAD_READY);
    assert_int_equal(endpoint_create(&other), NOS_OK);
    assert_int_equal(notify_bind(note, ep, no_cell), NOS_OK);
    assert_int_equal(notify_bind(note, other, no_cell), NOS_BUSY);  // to one at a time
    assert_ptr_equal(note->bound, ep);
    assert_null(other->bound);
    notify_unbind(note);
}

/* ---- when ---- */

static void no_time_to_wait(void **state)
{
    nos_status_t st;
    (void)state;
    listen(server[0], 0);
    assert_false(call(client[0], 1, host_now, &st));  // an answer takes time, however near it is
    assert_int_equal(st, NOS_TIMED_OUT);
    assert_int_equal(server[0]->state, THREAD_RECV);
    become(client[1]);
    assert_int_equal(thread_cancel(server[0]), NOS_OK);
    host_now = 0;  // who polls waits for no time, be it the first of all
    assert_false(call(client[0], 1, NOS_DEADLINE_POLL, &st));
    assert_int_equal(st, NOS_TIMED_OUT);
    assert_false(recv(server[0], NOS_DEADLINE_POLL, &st));
    assert_int_equal(st, NOS_TIMED_OUT);
}

/* A receiver that takes none says so before what is named is looked at. */
static void what_is_looked_at_first(void **state)
{
    (void)state;
    listen(server[0], 0);
    pass(client[0], 0, 0x10005, 0);
    assert_int_equal(say(client[0], with_handles(0, 1), 0, THREAD_CALL), NOS_HANDLES_REFUSED);
    buffer(server[0])->accept = 1;
    assert_int_equal(say(client[0], with_handles(0, 1), 0, THREAD_CALL), NOS_BAD_HANDLE);
}

/* ---- sends ---- */

static void a_send_wakes_who_takes_it(void **state)
{
    nos_status_t st;
    (void)state;
    listen(server[0], 0);
    assert_int_equal(say(client[0], nos_msg_info(1, 1), 0, THREAD_SEND), NOS_OK);
    assert_int_equal(server[0]->state, THREAD_READY);
    assert_null(server[0]->waits_on);
    sched_block(THREAD_SLEEP, NULL, 9000);
    assert_ptr_equal(sched_exit(), &server[0]->ctx);

    assert_int_equal(say(client[1], nos_msg_info(1, 1), 0, THREAD_SEND), NOS_OK);  // queued
    assert_false(recv(server[0], 9000, &st));
    assert_int_equal(server[0]->ctx.nr, 7ull << 32);
    assert_int_equal(server[0]->ctx.arg0, 5);
    assert_int_equal(server[0]->ctx.dl, 0);
    assert_null(client[1]->waits_on);
}

/* A send that fails when it is taken leaves the receiver as it was: it polls, so it goes on. */
static void a_send_that_fails_late(void **state)
{
    uint32_t h = hold(&note->obj);
    nos_status_t st;
    (void)state;
    pass(client[0], 0, h, 0);
    buffer(server[0])->accept = 1;
    assert_int_equal(say(client[0], with_handles(0, 1), 0, THREAD_SEND), NOS_OK);
    become(client[1]);
    assert_int_equal(handle_close(&client_capsule.handles, h), NOS_OK);
    assert_false(recv(server[0], NOS_DEADLINE_POLL, &st));
    assert_int_equal(st, NOS_TIMED_OUT);
    assert_int_equal(server[0]->state, THREAD_RUNNING);
    assert_int_equal(server[0]->ctx.nr, 0x7777);
    assert_int_equal((int64_t)client[0]->ctx.nr, NOS_BAD_HANDLE);
}

/* ---- answers ---- */

static void a_refused_answer_changes_no_register(void **state)
{
    nos_status_t st;
    (void)state;
    listen(server[0], 0);
    assert_true(call(client[0], 1, 9000, &st));
    assert_null(server[0]->waits_on);
    struct arch_context was = client[0]->ctx;
    become(server[0]);
    server[0]->ctx.arg1 = with_handles(1, 1);
    assert_int_equal(endpoint_answer(server[0], client[0]), NOS_HANDLES_REFUSED);
    assert_memory_equal(&was, &client[0]->ctx, sizeof was);
    assert_int_equal(reply(server[0], client[0]->token, 1), NOS_OK);
    assert_null(client[0]->worker);  // nobody works for it any more
    assert_true(call(client[1], 1, 0, &st));
    assert_int_equal(client[1]->state, THREAD_CALL);
    assert_false(recv(server[0], 0, &st));
    assert_int_equal(client[1]->state, THREAD_REPLY);
    assert_null(client[1]->waits_on);  // for an answer: of whom, `worker` says
}

static struct arch_context *answer_short(uint64_t info)
{
    become(server[0]);
    server[0]->ctx.arg1 = info;
    server[0]->ctx.dl = 0;
    return endpoint_reply_recv_fast(ep, server[0], &server_capsule, &slot, 0);
}

static struct arch_context *call_short(struct thread *t)
{
    become(t);
    t->ctx.arg1 = nos_msg_info(1, 1);
    t->ctx.dl = 0;
    return endpoint_call_fast(ep, t, &client_capsule, &slot, 0);
}

/* Each reason alone: nothing else stands against the short answer. */
static void each_reason_against_a_short_answer(void **state)
{
    (void)state;
    become(server[0]);
    assert_null(answer_short(nos_msg_info(0, 1)));  // there is nobody to answer
    listen(server[0], 0);
    assert_non_null(call_short(client[0]));
    assert_null(answer_short(nos_msg_info(0, 9)));
    assert_null(answer_short(with_handles(0, 1)));
    assert_int_equal(notify_bind(note, ep, no_cell), NOS_OK);
    note->bits = 2;
    assert_null(answer_short(nos_msg_info(0, 8)));
    assert_int_equal(client[0]->state, THREAD_REPLY);
    note->bits = 0;
    client[0]->ctx.dl = 0x55;
    assert_ptr_equal(answer_short(nos_msg_info(0, 8)), &client[0]->ctx);
    assert_int_equal(client[0]->ctx.dl, 0);  // no token comes with an answer
    notify_unbind(note);
}

/* A client that was answered the short way waits for something else when its server dies. */
static void an_answered_client_is_nobodys(void **state)
{
    nos_status_t st;
    (void)state;
    listen(server[0], 0);
    assert_non_null(call_short(client[0]));
    assert_non_null(answer_short(nos_msg_info(0, 1)));
    become(client[1]);
    assert_int_equal(thread_cancel(server[0]), NOS_OK);
    assert_true(call(client[0], 1, 0, &st));
    become(client[1]);
    server_capsule.state = NOS_CAPSULE_KILLED;
    thread_kill(server[0]);
    assert_int_equal(client[0]->state, THREAD_CALL);
    assert_int_equal(client[0]->ctx.nr, 0x7777);
}

static void a_fault_that_goes_on_elsewhere_is_over(void **state)
{
    struct cell_account payer = { .limit = 8 };
    (void)state;
    assert_int_equal(cell_new(&payer, 0, &client_capsule.fault_via), NOS_OK);
    listen(server[0], 0);
    become(client[0]);
    client[0]->via = 0;
    assert_non_null(endpoint_fault_fast(ep, client[0], 0x1000, NOS_FAULT_WRITE));
    assert_int_equal(client[0]->via, client_capsule.fault_via);  // it waits through that one
    become(server[0]);
    server[0]->ctx.arg1 = nos_msg_info(NOS_FAULT_GO, 1);
    assert_int_equal(endpoint_answer(server[0], client[0]), NOS_OK);
    assert_int_equal(client[0]->fault, 0);
    cell_put(client_capsule.fault_via);
    client_capsule.fault_via = 0;
}

/* ---- queues that are whole again ---- */

static void alone_in_the_queue(struct thread *t)
{
    assert_ptr_equal(ep->receivers.first, t);
    assert_ptr_equal(ep->receivers.last, t);
    assert_null(t->next);
    assert_null(t->prev);
    assert_ptr_equal(t->waits_on, &ep->obj);
}

/* Taken from the front by the short way, back at the end by either: no link is left of before. */
static void back_at_the_end(void **state)
{
    nos_status_t st;
    (void)state;
    for (unsigned the_long_way = 0; the_long_way < 2; the_long_way++) {
        for (unsigned leaves = 0; leaves < 2; leaves++) {
            listen(server[0], 0);
            listen(server[1], 0);
            assert_ptr_equal(call_short(client[0]), &server[0]->ctx);
            server[0]->waits_on = &note->obj;
            if (the_long_way) {
                assert_int_equal(reply(server[0], client[0]->token, 1), NOS_OK);
                assert_true(recv(server[0], 0, &st));
            } else {
                assert_non_null(answer_short(nos_msg_info(0, 1)));
            }
            become(client[1]);
            assert_int_equal(thread_cancel(server[leaves]), NOS_OK);
            alone_in_the_queue(server[1 - leaves]);
            assert_int_equal(thread_cancel(server[1 - leaves]), NOS_OK);
            assert_null(ep->receivers.first);
            assert_null(ep->receivers.last);
            become(client[0]);  // and nobody else is ready: that is the short way's
            sched_unqueue(client[1]);
        }
    }
}

static void who_dies_ready_is_on_no_queue(void **state)
{
    (void)state;
    struct thread *high = make(&client_capsule, 20);
    become(client[0]);
    sched_ready(high);
    assert_int_equal(cpus[0].ready_mask >> 20, 1);
    thread_kill(high);
    assert_int_equal(cpus[0].ready_mask >> 20, 0);
    assert_ptr_equal(sched_exit(), &client[0]->ctx);
}

/* ---- handles that are counted ---- */

union anything {
    struct obj obj;
    struct endpoint endpoint;
    struct capsule capsule;
};

/* Only an endpoint counts who serves, only a capsule who debugs. */
static void objects_that_count_nothing(void **state)
{
    static union anything it, was;
    (void)state;
    memset(&it, 0, sizeof it);
    obj_init(&it.obj, NOS_TYPE_REGION);
    was = it;
    obj_handle_opened(&it.obj, NOS_RIGHT_ALL);
    assert_memory_equal(&was, &it, sizeof it);
    obj_handle_closed(&it.obj, NOS_RIGHT_ALL);
    assert_memory_equal(&was, &it, sizeof it);
    assert_int_equal(ep->servers, 1);
    obj_handle_opened(&ep->obj, NOS_RIGHT_ALL & ~(uint32_t)NOS_RIGHT_RECV);
    assert_int_equal(ep->servers, 1);
}

static void one_server_of_two_leaves(void **state)
{
    nos_status_t st;
    (void)state;
    obj_handle_opened(&ep->obj, NOS_RIGHT_RECV);
    assert_int_equal(notify_bind(note, ep, no_cell), NOS_OK);
    assert_true(call(client[0], 1, 0, &st));
    obj_handle_closed(&ep->obj, NOS_RIGHT_RECV);
    assert_ptr_equal(ep->bound, note);
    assert_int_equal(client[0]->state, THREAD_CALL);
    obj_handle_closed(&ep->obj, NOS_RIGHT_RECV);
    assert_null(ep->bound);
    assert_int_equal((int64_t)client[0]->ctx.nr, NOS_PEER_CLOSED);
}

/* One that has a name keeps who waits when its server goes; if it goes itself, nobody waits on. */
static void an_endpoint_leaves_nobody_behind(void **state)
{
    nos_status_t st;
    (void)state;
    uint32_t out = endpoint_cache.used;
    for (unsigned receives = 0; receives < 2; receives++) {
        struct thread *t = receives ? server[0] : client[0];
        assert_int_equal(endpoint_create(&ep), NOS_OK);
        ep->named = true;
        assert_true(receives ? recv(t, 0, &st) : call(t, 1, 0, &st));
        become(client[1]);
        obj_put(&ep->obj);
        assert_int_equal(t->state, THREAD_READY);
        assert_int_equal((int64_t)t->ctx.nr, receives ? NOS_CANCELLED : NOS_PEER_CLOSED);
        assert_int_equal(endpoint_cache.used, out);
    }
}

/* ---- loans ---- */

static void who_is_no_more_urgent_lends_nothing(void **state)
{
    struct thread *low = make(&client_capsule, 4), *callers[] = { low, client[0] };
    nos_status_t st;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_true(recv(server[0], 0, &st));
        assert_true(call(callers[i], 1, 0, &st));
        assert_int_equal(callers[i]->lends, 0);
        assert_int_equal(server[0]->borrows, 0);
        assert_int_equal(reply(server[0], callers[i]->token, 1), NOS_OK);
    }
}

/* Neither another's CPU nor whoever an old worker serves by now is put on this account. */
static void accounts_of_others(void **state)
{
    struct thread *w = server[0];
    (void)state;
    become(client[0]);
    w->state = THREAD_SLEEP;
    w->cpu = 1;
    cpus[1].payer = &client_capsule;
    loan_leave(w);
    assert_ptr_equal(cpus[1].payer, &client_capsule);
    w->worker = server[1];  // of a call that is over
    server[1]->client = w;
    server[1]->payer = &client_capsule;
    loan_leave(w);
    assert_ptr_equal(server[1]->payer, &client_capsule);
    server[1]->client = NULL;
}

/* ---- regions ---- */

static void only_what_is_given_is_paid_for(void **state)
{
    static struct region looks_like;
    uint32_t h[] = { hold(&region[0].obj), hold(&region[1].obj), hold(&note->obj) };
    (void)state;
    looks_like = (struct region){ .owner = &client_capsule };
    obj_init(&looks_like.obj, NOS_TYPE_NOTIFICATION);
    uint32_t other = hold(&looks_like.obj);
    may_give = NOS_QUOTA;
    listen(server[0], 3);
    pass(client[0], 0, h[0], 0);               // shared
    pass(client[0], 1, h[2], NOS_PASS_MOVE);   // not a region
    pass(client[0], 2, other, NOS_PASS_MOVE);  // nor is this
    assert_int_equal(say(client[0], with_handles(0, 3), 0, THREAD_SEND), NOS_OK);
    assert_null(given);
    may_give = NOS_OK;
    listen(server[0], 2);
    pass(client[0], 0, h[0], NOS_PASS_MOVE);
    pass(client[0], 1, h[1], NOS_PASS_MOVE);
    assert_int_equal(say(client[0], with_handles(0, 2), 0, THREAD_SEND), NOS_OK);
    assert_int_equal(may_give_pages, 7);
    assert_int_equal(may_give_regions, 2);
}

/* ---- cuts ---- */

static void the_background_is_told_once(void **state)
{
    (void)state;
    background_news = 0;
    cpus[0].background_ns = 0;
    host_background_due = 1;
    cell_gone();
    assert_int_equal(background_news, 1);
    assert_int_not_equal(cpus[0].background_ns, 0);
    background_news = 0;
    cell_gone();
    assert_int_equal(background_news, 0);
    host_background_due = 0;
}

static void each_sweep_begins_with_the_threads(void **state)
{
    struct cell_account payer = { .limit = 8 };
    nos_status_t st;
    via_t via;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_true(call(client[0], 1, 0, &st));
        assert_int_equal(cell_new(&payer, 0, &via), NOS_OK);
        client[0]->via = via;
        cell_revoke(via);
        revoke_finish_later();
        become(client[1]);
        for (unsigned steps = 0; revoke_background_step(); steps++) {
            assert_true(steps < 10);
        }
        assert_int_equal((int64_t)client[0]->ctx.nr, NOS_REVOKED);
        client[0]->via = 0;
        cell_put(via);
    }
}

/* Where no derived handle keeps anything, no table is walked: a step for each capsule. */
static void no_walk_without_a_keeper(void **state)
{
    uint64_t at = 1ull << CAPSULE_SHIFT;
    (void)state;
    for (unsigned i = 0; i < 600; i++) {
        hold(&note->obj);
    }
    assert_int_equal(handle_derived_keepers(), 0);
    assert_false(revoke_step(&at));
    assert_true(revoke_step(&at));
    become(client[0]);  // the sanitiser's end calls sched_yield, which is the kernel's here
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup_edge)
    const struct CMUnitTest tests[] = {
        TEST(no_word_more_than_was_sent),
        TEST(no_group_more_than_was_sent),
        TEST(as_many_handles_as_there_may_be),
        TEST(bits_are_no_call),
        TEST(who_waits_for_bits_is_ready),
        TEST(no_time_to_wait),
        TEST(what_is_looked_at_first),
        TEST(a_send_wakes_who_takes_it),
        TEST(a_send_that_fails_late),
        TEST(a_refused_answer_changes_no_register),
        TEST(each_reason_against_a_short_answer),
        TEST(an_answered_client_is_nobodys),
        TEST(a_fault_that_goes_on_elsewhere_is_over),
        TEST(back_at_the_end),
        TEST(who_dies_ready_is_on_no_queue),
        TEST(objects_that_count_nothing),
        TEST(one_server_of_two_leaves),
        TEST(an_endpoint_leaves_nobody_behind),
        TEST(who_is_no_more_urgent_lends_nothing),
        TEST(accounts_of_others),
        TEST(only_what_is_given_is_paid_for),
        TEST(the_background_is_told_once),
        TEST(each_sweep_begins_with_the_threads),
        TEST(no_walk_without_a_keeper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
