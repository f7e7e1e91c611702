/* A debugger's hold: in whatever state a thread is, it runs no further, by no way; what it waits
 * for still comes; let go, it goes on where it was. */
#include "tests/host/ipc_host.h"

static struct thread *holder(void)
{
    return client[0];
}

/* Whoever runs now leaves the kernel: who runs then? */
static struct thread *next_one(void)
{
    struct arch_context *ctx = sched_exit();
    return CONTAINER_OF(ctx, struct thread, ctx);
}

static void assert_stopped(const struct thread *t)
{
    assert_int_equal(t->state, THREAD_STOPPED);
    assert_int_equal(t->cpus, 0);
    for (unsigned p = 0; p < PRIORITIES; p++) {
        for (const struct thread *q = cpus[0].ready[p].first; q != NULL; q = q->next) {
            assert_ptr_not_equal(q, t);
        }
    }
}

static void assert_goes_on(struct thread *t)
{
    uint32_t cpus_before = t->held;
    become(client[5]);
    sched_release(t);
    assert_int_equal(t->state, THREAD_READY);
    assert_int_equal(t->cpus, cpus_before);
    assert_int_equal(t->held, 0);
    struct thread *runs = NULL;
    for (unsigned i = 0; runs != t && i < CLIENTS + SERVERS; i++) {  // others may stand before it
        sched_yield();
        runs = next_one();
    }
    assert_ptr_equal(runs, t);
}

static void test_ready(void **state)
{
    struct thread *t = holder();
    (void)state;
    become(client[5]);
    sched_ready(t);
    sched_hold(t);
    assert_stopped(t);
    sched_hold(t);  // twice is once
    assert_stopped(t);
    assert_goes_on(t);
}

static void test_running(void **state)
{
    struct thread *t = holder();
    (void)state;
    become(client[1]);
    sched_ready(client[2]);
    become(t);
    sched_hold(t);
    assert_int_equal(t->state, THREAD_RUNNING);  // until it leaves
    assert_ptr_not_equal(next_one(), t);
    assert_stopped(t);
    assert_goes_on(t);
}

static void test_sleeping(void **state)
{
    struct thread *t = holder();
    (void)state;
    become(t);
    sched_block(THREAD_SLEEP, NULL, host_now + 100);
    sched_hold(t);
    assert_int_equal(t->state, THREAD_SLEEP);
    become(client[5]);
    client[5]->base_priority = client[5]->priority = 1;  // the sleeper would take the CPU
    host_now += 200;
    assert_null(sched_tick_fast());
    sched_tick();
    assert_stopped(t);
    assert_int_equal(t->ctx.nr, NOS_OK);
    assert_goes_on(t);
}

static void test_receiver(void **state)
{
    struct handle_slot slot = { .obj = &ep->obj, .rights = NOS_RIGHT_CALL };
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    sched_hold(server[0]);
    assert_int_equal(server[0]->state, THREAD_RECV);
    become(client[1]);
    client[1]->ctx.arg1 = nos_msg_info(1, 1);
    client[1]->ctx.dl = 0;
    assert_null(endpoint_call_fast(ep, client[1], &client_capsule, &slot, 0));
    assert_true(call(client[1], 0x1234, 0, &st));
    assert_stopped(server[0]);
    assert_true(server[0]->ctx.w[0] == 0x1234);  // it has the message
    assert_int_equal(client[1]->state, THREAD_REPLY);
    assert_goes_on(server[0]);
}

static void test_caller(void **state)
{
    struct handle_slot slot = { .obj = &ep->obj, .rights = NOS_RIGHT_RECV };
    struct thread *t = holder();
    nos_status_t st;
    (void)state;
    assert_true(recv(server[0], 0, &st));
    assert_true(call(t, 1, 0, &st));
    sched_hold(t);
    assert_int_equal(t->state, THREAD_REPLY);
    become(server[0]);
    server[0]->ctx.arg1 = nos_msg_info(0, 1);
    server[0]->ctx.dl = 0;
    assert_null(endpoint_reply_recv_fast(ep, server[0], &server_capsule, &slot, 0));
    assert_int_equal(reply(server[0], t->token, 0x99), NOS_OK);
    assert_stopped(t);
    assert_true(t->ctx.w[0] == 0x99);
    assert_goes_on(t);
}

static void test_notified(void **state)
{
    struct thread *t = holder();
    struct notification *n;
    uint64_t bits;
    bool blocked = false;
    (void)state;
    assert_int_equal(notify_create(&n), NOS_OK);
    become(t);
    assert_int_equal(notify_wait(n, NOS_DEADLINE_NEVER, &bits, &blocked), NOS_OK);
    assert_true(blocked);
    sched_hold(t);
    become(client[5]);
    assert_false(sched_ready_fast(&cpus[0], t));
    notify_signal(n, 4);
    assert_stopped(t);
    assert_true(t->ctx.w[0] == 4);
    assert_goes_on(t);
}

/* What others may do to a held thread does not let it go. */
static void test_others(void **state)
{
    struct thread *t = holder();
    (void)state;
    become(client[5]);
    sched_ready(t);
    sched_hold(t);
    sched_set_cpus(t, 1);
    sched_reprioritise(t, 9);
    assert_stopped(t);
    assert_int_equal(t->held, 1);
    assert_int_equal(thread_cancel(t), NOS_BAD_STATE);
    assert_stopped(t);
    sched_reprioritise(t, 5);
    assert_goes_on(t);
    assert_int_equal(t->cpus, 1);
}

static void test_killed(void **state)
{
    struct thread *t = holder();
    (void)state;
    become(client[5]);
    sched_ready(t);
    sched_hold(t);
    obj_get(&t->obj);
    thread_kill(t);
    assert_int_equal(t->state, THREAD_DEAD);
    obj_put(&t->obj);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ready, setup),    cmocka_unit_test_setup(test_running, setup),
        cmocka_unit_test_setup(test_sleeping, setup), cmocka_unit_test_setup(test_receiver, setup),
        cmocka_unit_test_setup(test_caller, setup),   cmocka_unit_test_setup(test_notified, setup),
        cmocka_unit_test_setup(test_others, setup),   cmocka_unit_test_setup(test_killed, setup),
    };
    return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
