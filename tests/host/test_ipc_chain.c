/* Servers behind servers, five deep: whose account and priority each works on, and what is left of
 * that when an answer comes, or a client, a server or a deadline goes. And priorities that are
 * changed later. */
#include "tests/host/ipc_host.h"

enum { DEEP = 5, OWN = 5, HIGH = 12 };

static struct capsule house[DEEP]; /* each server has a capsule of its own */
static struct thread *worker[DEEP], *caller;
static struct endpoint *door[DEEP];

static bool call_at(unsigned i, struct thread *t, uint64_t deadline)
{
    nos_status_t st;
    ep = door[i];
    return call(t, i, deadline, &st);
}

static nos_status_t answer(unsigned i, const struct thread *to)
{
    return reply(worker[i], to->token, i);
}

/* The caller calls the first, that one the second, and so on: all of them wait but the last. */
static int setup_chain(void **state)
{
    nos_status_t st;
    setup(state);
    caller = make(&client_capsule, HIGH);
    for (unsigned i = 0; i < DEEP; i++) {
        house[i] = (struct capsule){ .id = 20 + i, .state = NOS_CAPSULE_RUNNING };
        house[i].ipc_va = 0x10000;
        obj_init(&house[i].obj, NOS_TYPE_CAPSULE);
        worker[i] = make(&house[i], OWN);
        assert_int_equal(endpoint_create(&door[i]), NOS_OK);
        obj_handle_opened(&door[i]->obj, NOS_RIGHT_RECV);
        ep = door[i];
        assert_true(recv(worker[i], 0, &st));
    }
    assert_true(call_at(0, caller, 9000));
    for (unsigned i = 1; i < DEEP; i++) {
        assert_true(call_at(i, worker[i - 1], 0));
    }
    return 0;
}

static void pays(unsigned i, const struct capsule *payer, uint32_t priority)
{
    assert_ptr_equal(worker[i]->payer, payer);
    assert_int_equal(worker[i]->priority, priority);
    assert_int_equal(worker[i]->base_priority, OWN);
}

/* Nobody borrows or lends any more; one may be dead. */
static void all_square(unsigned but)
{
    for (unsigned i = 0; i < DEEP; i++) {
        if (i != but) {
            pays(i, &house[i], OWN);
            assert_int_equal(worker[i]->borrows, 0);
            assert_int_equal(worker[i]->lends, 0);
        }
    }
}

static void answers_give_back_one_by_one(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DEEP; i++) {
        pays(i, &client_capsule, HIGH);
    }
    for (unsigned i = DEEP; i-- > 0;) {
        assert_int_equal(answer(i, i == 0 ? caller : worker[i - 1]), NOS_OK);
        pays(i, &house[i], OWN);
        if (i > 0) {
            assert_int_equal(worker[i - 1]->ctx.w[0], i);
            pays(i - 1, &client_capsule, HIGH);
        }
    }
    assert_int_equal(caller->ctx.w[0], 0);
    all_square(DEEP);
}

/* The priority that was passed on stays with each until it has answered: it is taken back with the
 * answers. The account goes at once, all along: they work for server
 * `from` now. */
static void unwind(unsigned from)
{
    for (unsigned i = from; i < DEEP; i++) {
        assert_ptr_equal(worker[i]->payer, &house[from]);  // for whom the others work
    }
    for (unsigned i = DEEP; i-- > from + 1;) {
        assert_int_equal(answer(i, worker[i - 1]), NOS_OK);
        pays(i, &house[i], OWN);
    }
    all_square(DEEP);
}

static void the_client_dies(void **state)
{
    (void)state;
    uint64_t token = caller->token;
    become(client[0]);
    thread_kill(caller);
    unwind(0);
    assert_int_equal(reply(worker[0], token, 0), NOS_NOT_FOUND);
}

static void the_clients_deadline(void **state)
{
    (void)state;
    become(client[0]);
    host_now = 9000;
    sched_tick();
    assert_int_equal((int64_t)caller->ctx.nr, NOS_TIMED_OUT);
    unwind(0);
}

static void the_client_is_cancelled(void **state)
{
    (void)state;
    become(client[0]);
    assert_int_equal(thread_cancel(caller), NOS_OK);
    assert_int_equal((int64_t)caller->ctx.nr, NOS_CANCELLED);
    unwind(0);
}

/* The third of five: the second hears of it, with what it was lent; behind it all is on its own. */
static void a_server_between_dies(void **state)
{
    (void)state;
    become(client[0]);
    house[2].state = NOS_CAPSULE_KILLED;
    thread_kill(worker[2]);
    assert_int_equal((int64_t)worker[1]->ctx.nr, NOS_PEER_CLOSED);
    pays(0, &client_capsule, HIGH);
    pays(1, &client_capsule, HIGH);
    for (unsigned i = 3; i < DEEP; i++) {
        assert_ptr_equal(worker[i]->payer, &house[3]);
    }
    assert_int_equal(answer(4, worker[3]), NOS_OK);
    assert_int_equal(answer(1, worker[0]), NOS_OK);
    assert_int_equal(answer(0, caller), NOS_OK);
    assert_int_equal(caller->ctx.nr, (uint64_t)house[0].id << 32);
    all_square(2);
}

static void the_last_server_dies(void **state)
{
    (void)state;
    become(client[0]);
    house[4].state = NOS_CAPSULE_KILLED;
    thread_kill(worker[4]);
    assert_int_equal((int64_t)worker[3]->ctx.nr, NOS_PEER_CLOSED);
    for (unsigned i = 0; i < 4; i++) {
        pays(i, &client_capsule, HIGH);
    }
    for (unsigned i = 4; i-- > 0;) {
        assert_int_equal(answer(i, i == 0 ? caller : worker[i - 1]), NOS_OK);
    }
    all_square(4);
}

/* A fault in a server's capsule, handled by a pager: on the account that the faulting thread was
 * on. */
static void a_fault_on_a_lent_account(void **state)
{
    struct thread *pager = make(&server_capsule, OWN);
    nos_status_t st;
    (void)state;
    assert_int_equal(endpoint_create(&ep), NOS_OK);
    obj_handle_opened(&ep->obj, NOS_RIGHT_RECV);
    assert_true(recv(pager, 0, &st));
    become(worker[4]);
    assert_true(endpoint_fault(ep, worker[4], 0xabc000, NOS_FAULT_WRITE));
    assert_ptr_equal(pager->payer, &client_capsule);
    assert_int_equal(pager->priority, HIGH);
    become(pager);
    pager->ctx.arg1 = nos_msg_info(NOS_FAULT_RETRY, 0);
    assert_int_equal(endpoint_answer(pager, worker[4]), NOS_OK);
    assert_ptr_equal(pager->payer, &server_capsule);
    assert_int_equal(pager->priority, OWN);
    pays(4, &client_capsule, HIGH);
}

/* A server whose capsule has used its budget: it works for whoever calls it, on that account, and
 * no longer than that. */
static void a_server_without_time_of_its_own(void **state)
{
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    server_capsule.sched = (struct nos_sched){ .budget_us = 1000000, .period_us = 10000000 };
    server_capsule.budget.until_ns = host_now + 1000000000;
    sched_ready(client[1]);
    become(server[1]);
    sched_yield();
    assert_ptr_equal(sched_exit(), &client[1]->ctx);  // another of its threads is parked
    assert_true(server[1]->parked);
    assert_true(call(client[0], 41, 0, &st));
    assert_false(server[0]->parked);
    assert_ptr_equal(server[0]->payer, &client_capsule);
    assert_ptr_equal(sched_exit(), &server[0]->ctx);
    assert_int_equal(reply(server[0], server[0]->ctx.dl, 42), NOS_OK);
    assert_int_equal(client[0]->ctx.w[0], 42);
    assert_ptr_equal(server[0]->payer, &server_capsule);
    sched_yield();
    assert_ptr_not_equal(sched_exit(), &server[0]->ctx);
    assert_true(server[0]->parked);
}

/* ---- priorities that change ---- */

/* One's own, below and above what is lent: the higher counts, and one's own is what is left. */
static void own_and_lent(void **state)
{
    (void)state;
    loan_set_base(worker[4], 7);
    assert_int_equal(worker[4]->priority, HIGH);
    loan_set_base(worker[4], 20);
    assert_int_equal(worker[4]->priority, 20);
    loan_set_base(worker[4], 7);
    assert_int_equal(worker[4]->priority, HIGH);
    assert_int_equal(answer(4, worker[3]), NOS_OK);
    assert_int_equal(worker[4]->priority, 7);
}

/* A ready thread goes to its new queue at once; one that runs gives way to whoever is above it. */
static void ready_and_running(void **state)
{
    (void)state;
    struct thread *a = make(&client_capsule, 6), *b = make(&client_capsule, 6);
    become(client[0]);
    for (unsigned i = 1; i < CLIENTS; i++) {
        thread_kill(client[i]);
    }
    loan_set_base(client[0], 30);
    sched_ready(a);
    sched_ready(b);
    loan_set_base(b, 9);
    loan_set_base(client[0], 8);
    assert_true(cpus[0].resched);
    assert_ptr_equal(sched_exit(), &b->ctx);
    loan_set_base(b, 1);
    assert_ptr_equal(sched_exit(), &client[0]->ctx);
    loan_set_base(client[0], 2);
    assert_ptr_equal(sched_exit(), &a->ctx);
}

/* The place in an endpoint's queue is what the priority bought when the call was made. */
static void a_place_in_the_queue_stays(void **state)
{
    nos_status_t st;
    (void)state;
    assert_int_equal(endpoint_create(&ep), NOS_OK);
    obj_handle_opened(&ep->obj, NOS_RIGHT_RECV);
    assert_true(call(client[0], 1, 0, &st));
    assert_true(call(client[1], 2, 0, &st));
    loan_set_base(client[1], 9);
    assert_false(recv(server[0], 0, &st));
    assert_int_equal(server[0]->ctx.w[0], 1);
    assert_false(recv(server[0], 0, &st));
    assert_int_equal(server[0]->ctx.w[0], 2);
    assert_int_equal(server[0]->priority, 9);  // but what it lends is what it has now
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup_chain)
    const struct CMUnitTest tests[] = {
        TEST(answers_give_back_one_by_one),
        TEST(the_client_dies),
        TEST(the_clients_deadline),
        TEST(the_client_is_cancelled),
        TEST(a_server_between_dies),
        TEST(the_last_server_dies),
        TEST(a_fault_on_a_lent_account),
        cmocka_unit_test_setup(a_server_without_time_of_its_own, setup),
        TEST(own_and_lent),
        cmocka_unit_test_setup(ready_and_running, setup),
        TEST(a_place_in_the_queue_stays),
    };
    return cmocka_run_group_tests_name("ipc_chain", tests, NULL, NULL);
}
