/* kernel/syscall/ipc.c: what the calls of endpoints and notifications make of their arguments,
 * before kernel/ipc does the work, and after. */
#include "tests/host/syscall_host.h"

#include "kernel/syscall/ipc.c"

static struct endpoint an_ep;
static struct notification a_note;
static struct thread a_client;

/* ---- kernel/ipc: what it was asked, what it answers ---- */

static struct {
    const void *on, *with;
    uint64_t word;
    uint32_t rights, state;
    unsigned calls;
} asked;
static nos_status_t answer;
static bool blocks;

nos_status_t endpoint_create(struct endpoint **out)
{
    if (answer == NOS_OK) {
        obj_init(&an_ep.obj, NOS_TYPE_ENDPOINT);
        *out = &an_ep;
    }
    return answer;
}

nos_status_t notify_create(struct notification **out)
{
    if (answer == NOS_OK) {
        obj_init(&a_note.obj, NOS_TYPE_NOTIFICATION);
        *out = &a_note;
    }
    return answer;
}

void notify_signal(struct notification *n, uint64_t bits)
{
    asked.on = n;
    asked.word = bits;
    asked.calls++;
}

nos_status_t notify_wait(struct notification *n, uint64_t deadline_ns, uint64_t *bits,
                         bool *blocked)
{
    asked.on = n;
    asked.word = deadline_ns;
    *bits = 0x55;
    if (blocks) {  // else as the caller has it
        *blocked = true;
    }
    return answer;
}

static via_t bound_by[2];

nos_status_t notify_bind(struct notification *n, struct endpoint *ep, const via_t via[2])
{
    asked.on = n;
    asked.with = ep;
    memcpy(bound_by, via, sizeof bound_by);
    asked.calls++;
    return answer;
}

nos_status_t endpoint_call(struct endpoint *ep, struct thread *t, uint32_t rights,
                           enum thread_state wait)
{
    asked.on = ep;
    asked.with = t;
    asked.rights = rights;
    asked.state = wait;
    asked.word = t->badge;
    return answer;
}

nos_status_t endpoint_recv(struct endpoint *ep, struct thread *t)
{
    asked.on = ep;
    asked.with = t;
    asked.calls++;
    t->state = blocks ? THREAD_RECV : THREAD_RUNNING;
    return answer;
}

nos_status_t endpoint_reply(struct thread *t, uint64_t token, struct thread **caller_of_it)
{
    asked.on = t;
    asked.word = token;
    asked.calls++;
    if (answer == NOS_OK) {
        *caller_of_it = &a_client;
    }
    return answer;
}

static nos_status_t answered; /* what endpoint_answer says */

nos_status_t endpoint_answer(struct thread *t, struct thread *to)
{
    assert_ptr_equal(t, &me);
    assert_ptr_equal(to, &a_client);
    return answered;
}

nos_status_t endpoint_hold(struct thread *t, uint64_t token)
{
    asked.on = t;
    asked.word = token;
    return answer;
}

nos_status_t thread_cancel(struct thread *t)
{
    asked.on = t;
    return answer;
}

static struct thread *readied, *handed;

void sched_ready(struct thread *t)
{
    assert_non_null(t);
    readied = t;
}

void sched_handoff(struct thread *t)
{
    assert_non_null(t);
    handed = t;
}

static int fresh(void **state)
{
    fresh_caller(state);
    memset(&asked, 0, sizeof asked);
    memset(&an_ep, 0, sizeof an_ep);
    memset(&a_note, 0, sizeof a_note);
    memset(&a_client, 0, sizeof a_client);
    obj_init(&an_ep.obj, NOS_TYPE_ENDPOINT);
    obj_init(&a_note.obj, NOS_TYPE_NOTIFICATION);
    obj_init(&a_client.obj, NOS_TYPE_THREAD);
    answer = answered = NOS_OK;
    blocks = false;
    readied = handed = NULL;
    return 0;
}

/* ---- making ---- */

static void made(void **state)
{
    static const struct {
        nos_status_t (*call)(struct thread *, struct arch_context *, struct handle_slot *);
        struct obj *gives;
        uint32_t rights;
    } rows[] = {
        { sys_endpoint_create, &an_ep.obj,
          NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_INSPECT | NOS_RIGHT_CALL | NOS_RIGHT_RECV |
              NOS_RIGHT_GRANT },
        { sys_notify_create, &a_note.obj,
          NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_INSPECT | NOS_RIGHT_SIGNAL |
              NOS_RIGHT_WAIT },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fresh(state);
        args(0, 0, KEEP);
        assert_int_equal(rows[i].call(&me, saved, NULL), NOS_OK);
        assert_int_equal(rows[i].gives->refs, 1);  // the handle's
        assert_int_equal(rows[i].gives->payer, CALLER);
        assert_int_equal(mine.n_objects, 1);
        struct handle_slot *s = slot_of(saved->w[0]);
        assert_int_equal(s->rights, rows[i].rights);
        assert_int_equal(s->origin, NOS_ORIGIN_MADE);
        assert_int_equal(s->deadline_ns, 0);
        (void)given(rows[i].gives);
        assert_int_equal(went[rows[i].gives->type], 1);
        assert_int_equal(mine.n_objects, 0);

        args(0, 0, KEEP);
        uint32_t was = no_more_handles();
        assert_int_equal(rows[i].call(&me, saved, NULL), NOS_QUOTA);
        assert_int_equal(went[rows[i].gives->type], 2);  // nothing half-made stays
        assert_int_equal(mine.n_objects, 0);
        mine.handles.limit = was;
        mine.n_objects = mine.limits.objects;
        assert_int_equal(rows[i].call(&me, saved, NULL), NOS_QUOTA);
        assert_int_equal(went[rows[i].gives->type], 3);
        assert_int_equal(mine.n_objects, mine.limits.objects);
        assert_int_equal(mine.handles.used, 0);
        answer = NOS_NO_MEMORY;
        assert_int_equal(rows[i].call(&me, saved, NULL), NOS_NO_MEMORY);
        assert_int_equal(went[rows[i].gives->type], 3);
        assert_int_equal(saved->w[0], KEEP);
    }
}

/* ---- notifications ---- */

static void signalled(void **state)
{
    uint32_t h = hold(&a_note.obj, NOS_RIGHT_SIGNAL);
    (void)state;
    args(h, 0, 0);
    assert_int_equal(sys_notify_signal(&me, saved, slot_of(h)), NOS_INVALID);
    assert_int_equal(asked.calls, 0);
    args(h, 1ull << 63, 0);
    assert_int_equal(sys_notify_signal(&me, saved, slot_of(h)), NOS_OK);
    assert_ptr_equal(asked.on, &a_note);
    assert_int_equal(asked.word, 1ull << 63);
}

static void waited_for(void **state)
{
    uint32_t h = hold(&a_note.obj, NOS_RIGHT_WAIT);
    (void)state;
    args(h, 4000, KEEP);
    assert_int_equal(sys_notify_wait(&me, saved, slot_of(h)), NOS_OK);
    assert_ptr_equal(asked.on, &a_note);
    assert_int_equal(asked.word, 4000);
    assert_int_equal(saved->w[0], 0x55);
    args(h, 0, KEEP);
    blocks = true;  // who wakes it writes the bits
    assert_int_equal(sys_notify_wait(&me, saved, slot_of(h)), NOS_OK);
    assert_int_equal(saved->w[0], KEEP);
    blocks = false;
    answer = NOS_TIMED_OUT;
    assert_int_equal(sys_notify_wait(&me, saved, slot_of(h)), NOS_TIMED_OUT);
    assert_int_equal(saved->w[0], KEEP);
}

static void bound(void **state)
{
    uint32_t n = hold_cell(&a_note.obj, NOS_RIGHT_ALL), e = hold_cell(&an_ep.obj, NOS_RIGHT_RECV),
             weak = hold(&an_ep.obj, NOS_RIGHT_ALL & ~NOS_RIGHT_RECV);
    (void)state;
    args(n, weak, 0);
    assert_int_equal(sys_notify_bind(&me, saved, slot_of(n)), NOS_DENIED);
    args(n, n, 0);
    assert_int_equal(sys_notify_bind(&me, saved, slot_of(n)), NOS_WRONG_TYPE);
    args(n, 1ull << 32 | e, 0);
    assert_int_equal(sys_notify_bind(&me, saved, slot_of(n)), NOS_BAD_HANDLE);
    assert_int_equal(asked.calls, 0);
    args(n, e, 0);
    assert_int_equal(sys_notify_bind(&me, saved, slot_of(n)), NOS_OK);
    assert_ptr_equal(asked.on, &a_note);
    assert_ptr_equal(asked.with, &an_ep);
    assert_int_equal(bound_by[0], slot_of(n)->via);
    assert_int_equal(bound_by[1], slot_of(e)->via);
    answer = NOS_BUSY;
    assert_int_equal(sys_notify_bind(&me, saved, slot_of(n)), NOS_BUSY);
}

/* ---- messages ---- */

static void called(void **state)
{
    uint32_t h = hold(&an_ep.obj, NOS_RIGHT_CALL | NOS_RIGHT_GRANT);
    slot_of(h)->badge = 0xbad9e;
    for (unsigned i = 0; i < 4; i++) {
        memset(&asked, 0, sizeof asked);
        me.badge = 1;
        answer = i < 2 ? NOS_OK : NOS_PEER_CLOSED;
        nos_status_t st = i % 2 == 0 ? sys_ipc_call(&me, saved, slot_of(h))
                                     : sys_ipc_send(&me, saved, slot_of(h));
        assert_int_equal(st, answer);
        assert_ptr_equal(asked.on, &an_ep);
        assert_ptr_equal(asked.with, &me);
        assert_int_equal(asked.rights, NOS_RIGHT_CALL | NOS_RIGHT_GRANT);
        assert_int_equal(asked.state, i % 2 == 0 ? THREAD_CALL : THREAD_SEND);
        assert_int_equal(asked.word, 0xbad9e);
    }
    (void)state;
}

static void received(void **state)
{
    uint32_t h = hold(&an_ep.obj, NOS_RIGHT_RECV);
    (void)state;
    answer = NOS_BUSY;
    assert_int_equal(sys_ipc_recv(&me, saved, slot_of(h)), NOS_BUSY);
    assert_ptr_equal(asked.on, &an_ep);
    assert_ptr_equal(asked.with, &me);
    answer = NOS_NOT_FOUND;
    args(0xabc, 0, 0);
    assert_int_equal(sys_ipc_hold(&me, saved, NULL), NOS_NOT_FOUND);
    assert_ptr_equal(asked.on, &me);
    assert_int_equal(asked.word, 0xabc);
}

static void replied(void **state)
{
    (void)state;
    args(1, 0, 0);  // reserved
    saved->dl = 0x123456789;
    assert_int_equal(sys_ipc_reply(&me, saved, NULL), NOS_INVALID);
    assert_int_equal(asked.calls, 0);
    args(0, 0, 0);
    answer = NOS_NOT_FOUND;
    assert_int_equal(sys_ipc_reply(&me, saved, NULL), NOS_NOT_FOUND);
    assert_null(readied);
    answer = NOS_OK;
    assert_int_equal(sys_ipc_reply(&me, saved, NULL), NOS_OK);
    assert_ptr_equal(asked.on, &me);
    assert_int_equal(asked.word, 0x123456789);
    assert_ptr_equal(readied, &a_client);
}

/* With a caller to answer, or none; a message that comes at once, or a wait for one. */
static void replied_and_received(void **state)
{
    uint32_t h = hold(&an_ep.obj, NOS_RIGHT_RECV);
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        bool client = i % 2 != 0;
        blocks = i / 2 != 0;
        answer = i == 2 ? NOS_BUSY : NOS_OK;
        memset(&asked, 0, sizeof asked);
        readied = handed = NULL;
        me.state = THREAD_RUNNING;
        me.client = client ? &a_client : NULL;
        assert_int_equal(sys_ipc_reply_recv(&me, saved, slot_of(h)), answer);
        assert_ptr_equal(asked.on, &an_ep);
        assert_ptr_equal(asked.with, &me);
        assert_ptr_equal(handed, client && blocks ? &a_client : NULL);
        assert_ptr_equal(readied, client && !blocks ? &a_client : NULL);
    }
    answered = NOS_BAD_MESSAGE;
    me.state = THREAD_RUNNING;
    readied = handed = NULL;
    memset(&asked, 0, sizeof asked);
    assert_int_equal(sys_ipc_reply_recv(&me, saved, slot_of(h)), NOS_BAD_MESSAGE);
    assert_int_equal(asked.calls, 0);
    assert_null(readied);
    assert_null(handed);
}

static void cancelled(void **state)
{
    uint32_t h = hold(&a_client.obj, NOS_RIGHT_CONTROL);
    (void)state;
    answer = NOS_BAD_STATE;
    assert_int_equal(sys_thread_cancel(&me, saved, slot_of(h)), NOS_BAD_STATE);
    assert_ptr_equal(asked.on, &a_client);
}

/* ---- page faults of a capsule, as calls ---- */

static void faults_go_elsewhere(void **state)
{
    static struct capsule other;
    memset(&other, 0, sizeof other);
    obj_init(&other.obj, NOS_TYPE_CAPSULE);
    uint32_t c = hold(&other.obj, NOS_RIGHT_CONTROL),
             e = hold_cell(&an_ep.obj, NOS_RIGHT_CALL | NOS_RIGHT_RECV),
             weak = hold(&an_ep.obj, NOS_RIGHT_ALL & ~NOS_RIGHT_CALL);
    uint32_t refs = an_ep.obj.refs;
    (void)state;
    slot_of(e)->badge = 3;
    args(c, weak, 0);
    assert_int_equal(sys_capsule_faults(&me, saved, slot_of(c)), NOS_DENIED);
    args(c, e, 0);
    assert_int_equal(sys_capsule_faults(&me, saved, slot_of(c)), NOS_BAD_STATE);
    assert_null(other.faults);
    other.state = NOS_CAPSULE_RUNNING;
    assert_int_equal(sys_capsule_faults(&me, saved, slot_of(c)), NOS_OK);
    assert_ptr_equal(other.faults, &an_ep);
    assert_int_equal(other.fault_badge, 3);
    assert_int_equal(other.fault_via, slot_of(e)->via);
    assert_int_equal(an_ep.obj.refs, refs + 1);
    assert_int_equal(sys_capsule_faults(&me, saved, slot_of(c)), NOS_BUSY);
    assert_int_equal(an_ep.obj.refs, refs + 1);
    assert_int_equal(handle_close(&mine.handles, e), NOS_OK);
    assert_int_equal(cell_count(), 1);  // it keeps the cell too
    cell_put(other.fault_via);
    assert_int_equal(cell_count(), 0);
}

/* Not to an endpoint that the capsule itself serves: it would wait for itself. */
static void faults_of_its_own(void **state)
{
    uint32_t c = hold(&mine.obj, NOS_RIGHT_CONTROL),
             serves = hold(&an_ep.obj, NOS_RIGHT_CALL | NOS_RIGHT_RECV),
             calls = hold(&an_ep.obj, NOS_RIGHT_CALL);
    (void)state;
    args(c, serves, 0);
    assert_int_equal(sys_capsule_faults(&me, saved, slot_of(c)), NOS_INVALID);
    assert_null(mine.faults);
    args(c, calls, 0);
    assert_int_equal(sys_capsule_faults(&me, saved, slot_of(c)), NOS_OK);
    assert_ptr_equal(mine.faults, &an_ep);
    assert_int_equal(mine.fault_via, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, drop_caller)
    const struct CMUnitTest tests[] = {
        TEST(made),
        TEST(signalled),
        TEST(waited_for),
        TEST(bound),
        TEST(called),
        TEST(received),
        TEST(replied),
        TEST(replied_and_received),
        TEST(cancelled),
        TEST(faults_go_elsewhere),
        TEST(faults_of_its_own),
    };
    return cmocka_run_group_tests_name("sys_ipc", tests, NULL, NULL);
}
