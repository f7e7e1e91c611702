/* kernel/syscall/thread.c: ends, time, threads. */
#define sched_yield kernel_sched_yield  // the C library has one too
#include "tests/host/syscall_host.h"

#include "kernel/syscall/thread.c"

static struct thread other;

/* ---- the scheduler, and the end of capsules ---- */

static struct {
    unsigned ends, yields, blocks, kills, readies, bases, masks;
    uint64_t code, until;
    uint32_t base, mask;
    enum nos_capsule_state how;
} did;
static nos_status_t answer;
static uint64_t made_with[5];
static uint64_t tls;

void capsule_end(struct capsule *c, enum nos_capsule_state how, uint64_t code)
{
    assert_ptr_equal(c, &mine);
    did.ends++;
    did.how = how;
    did.code = code;
}

void kernel_sched_yield(void)
{
    did.yields++;
}

void sched_block(enum thread_state state, struct obj *on, uint64_t deadline_ns)
{
    assert_int_equal(state, THREAD_SLEEP);
    assert_null(on);
    did.blocks++;
    did.until = deadline_ns;
}

nos_status_t thread_create(struct capsule *c, uint64_t ip, uint64_t sp, uint64_t arg0,
                           uint64_t arg1, uint32_t priority, struct thread **out)
{
    assert_ptr_equal(c, &mine);
    memcpy(made_with, (uint64_t[]){ ip, sp, arg0, arg1, priority }, sizeof made_with);
    if (answer == NOS_OK) {
        obj_init(&other.obj, NOS_TYPE_THREAD);
        obj_get(&other.obj);  // the capsule's list
        *out = &other;
    }
    return answer;
}

void thread_kill(struct thread *t)
{
    did.kills++;
    if (t == &other) {
        obj_put(&t->obj);
    }
}

void sched_ready(struct thread *t)
{
    assert_ptr_equal(t, &other);
    did.readies++;
}

void loan_set_base(struct thread *t, uint32_t priority)
{
    assert_ptr_equal(t, &other);
    did.bases++;
    did.base = priority;
}

uint32_t sched_cpus_of(const struct capsule *c)
{
    assert_ptr_equal(c, &mine);
    return 0xe;
}

void sched_set_cpus(struct thread *t, uint32_t mask)
{
    assert_ptr_equal(t, &other);
    did.masks++;
    did.mask = mask;
}

nos_status_t thread_set_tls(struct thread *t, uint64_t base)
{
    assert_ptr_equal(t, &me);
    tls = base;
    return answer;
}

void capsule_describe(const struct capsule *c, struct nos_capsule_info *out)
{
    memset(out, 0x5a, sizeof *out);
    out->id = c->id;
}

static int fresh(void **state)
{
    fresh_caller(state);
    memset(&did, 0, sizeof did);
    memset(&other, 0, sizeof other);
    memset(made_with, 0xff, sizeof made_with);
    other.capsule = &mine;
    other.state = THREAD_SLEEP;
    answer = NOS_OK;
    mine.limits.priority = 10;
    return 0;
}

static void ends(void **state)
{
    (void)state;
    args(0x1234, 0, 0);
    assert_int_equal(sys_exit(&me, saved, NULL), NOS_OK);
    assert_int_equal(did.how, NOS_CAPSULE_EXITED);
    assert_int_equal(did.code, 0x1234);
    mine.n_threads = 2;
    assert_int_equal(sys_thread_exit(&me, saved, NULL), NOS_OK);
    assert_int_equal(did.ends, 1);
    assert_int_equal(did.kills, 1);
    mine.n_threads = 1;  // the last one
    assert_int_equal(sys_thread_exit(&me, saved, NULL), NOS_OK);
    assert_int_equal(did.ends, 2);
    assert_int_equal(did.kills, 1);
    assert_int_equal(did.how, NOS_CAPSULE_EXITED);
    assert_int_equal(did.code, 0);
}

static void time_passes(void **state)
{
    (void)state;
    assert_int_equal(sys_yield(&me, saved, NULL), NOS_OK);
    assert_int_equal(did.yields, 1);
    host_now = 12345;
    assert_int_equal(sys_clock(&me, saved, NULL), NOS_OK);
    assert_int_equal(saved->w[0], 12345);
    for (uint64_t until = 12344; until < 12346; until++) {  // until now is no wait
        args(until, 0, 0);
        assert_int_equal(sys_sleep(&me, saved, NULL), NOS_OK);
        assert_int_equal(did.blocks, 0);
    }
    args(12346, 0, 0);
    assert_int_equal(sys_sleep(&me, saved, NULL), NOS_OK);
    assert_int_equal(did.blocks, 1);
    assert_int_equal(did.until, 12346);
}

static nos_status_t create(uint64_t entry, uint64_t stack, uint64_t priority)
{
    args(entry, 0xa, stack);
    saved->w[1] = priority;
    return sys_thread_create(&me, saved, NULL);
}

static void not_created(void **state)
{
    static const struct {
        uint64_t entry, stack, priority;
        nos_status_t want;
    } rows[] = {
        { 0x40000, 0x50000, 11, NOS_INVALID },
        { 0x40000, 0x50000, 1ull << 32, NOS_INVALID },
        { 0x40000, 0x50008, 10, NOS_INVALID },
        { 0x40000, 0x50001, 10, NOS_INVALID },
        { USER_MIN - 1, 0x50000, 10, NOS_BAD_ADDRESS },
        { USER_MAX, 0x50000, 10, NOS_BAD_ADDRESS },
        { NOS_KERNEL_BASE, 0x50000, 10, NOS_BAD_ADDRESS },
        { 0x40000, 0, 10, NOS_BAD_ADDRESS },
        { 0x40000, USER_MIN, 10, NOS_BAD_ADDRESS },
        { 0x40000, USER_MAX + 16, 10, NOS_BAD_ADDRESS },
        { 0x40000, NOS_KERNEL_BASE, 10, NOS_BAD_ADDRESS },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(create(rows[i].entry, rows[i].stack, rows[i].priority), rows[i].want);
        assert_int_equal(made_with[0], UINT64_MAX);
    }
    answer = NOS_NO_MEMORY;
    assert_int_equal(create(0x40000, 0x50000, 10), NOS_NO_MEMORY);
    assert_int_equal(saved->w[0], 0x50000);
    assert_int_equal(did.kills + did.readies, 0);
    answer = NOS_OK;
    uint32_t was = no_more_handles();
    assert_int_equal(create(0x40000, 0x50000, 10), NOS_QUOTA);
    assert_int_equal(did.kills, 1);
    assert_int_equal(did.readies, 0);
    assert_int_equal(went[NOS_TYPE_THREAD], 1);
    assert_int_equal(saved->w[0], 0x50000);
    mine.handles.limit = was;
}

static void created(void **state)
{
    static const uint64_t edges[][2] = { { USER_MIN, USER_MIN + 16 },
                                         { USER_MAX - 1, USER_MAX },
                                         { 0x40000, 0x50000 } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
        did.readies = 0;
        assert_int_equal(create(edges[i][0], edges[i][1], i == 0 ? 0 : 10), NOS_OK);
        assert_int_equal(made_with[0], edges[i][0]);
        assert_int_equal(made_with[1], edges[i][1]);
        assert_int_equal(made_with[2], 0xa);
        assert_int_equal(made_with[3], 0);
        assert_int_equal(made_with[4], i == 0 ? 0 : 10);
        assert_int_equal(did.readies, 1);
        assert_int_equal(did.kills, 0);
        assert_int_equal(other.obj.refs, 2);  // list and handle
        struct handle_slot s = given(&other.obj);
        assert_int_equal(s.rights, NOS_RIGHT_INSPECT | NOS_RIGHT_DUP | NOS_RIGHT_CONTROL);
        assert_int_equal(s.origin, NOS_ORIGIN_MADE);
        assert_int_equal(s.deadline_ns, 0);
    }
}

static nos_status_t set_to(uint64_t priority, uint64_t mask)
{
    struct handle_slot slot = { .obj = &other.obj };
    args(0, priority, mask);
    return sys_thread_set(&me, saved, &slot);
}

static void set_anew(void **state)
{
    (void)state;
    cpus_running = 0x7;
    assert_int_equal(set_to(11, 2), NOS_INVALID);
    assert_int_equal(set_to(1ull << 32, 2), NOS_INVALID);
    assert_int_equal(set_to(10, 3), NOS_INVALID);  // 1 is not its capsule's
    assert_int_equal(set_to(10, 1ull << 33 | 2), NOS_INVALID);
    assert_int_equal(set_to(10, 0), NOS_INVALID);
    assert_int_equal(set_to(10, 8), NOS_INVALID);  // does not run
    other.state = THREAD_DEAD;
    assert_int_equal(set_to(10, 2), NOS_BAD_STATE);
    assert_int_equal(did.bases + did.masks, 0);
    other.state = THREAD_RUNNING;
    assert_int_equal(set_to(10, 0xa), NOS_OK);
    assert_int_equal(did.base, 10);
    assert_int_equal(did.mask, 0xa);
    assert_int_equal(set_to(0, 2), NOS_OK);
    assert_int_equal(did.base, 0);
    assert_int_equal(did.mask, 2);
    assert_int_equal(did.bases, 2);
    assert_int_equal(did.masks, 2);
}

static void pointer(void **state)
{
    (void)state;
    args(0x1230, 0, 0);
    answer = NOS_BAD_ADDRESS;
    assert_int_equal(sys_thread_pointer(&me, saved, NULL), NOS_BAD_ADDRESS);
    assert_int_equal(tls, 0x1230);
}

static void looked_at(void **state)
{
    const struct nos_capsule_info *info = (const void *)user;
    (void)state;
    args(USER_AT, sizeof *info + 1, 0);
    assert_int_equal(sys_self_info(&me, saved, NULL), NOS_TOO_BIG);
    args(USER_AT, sizeof *info - 1, 0);
    assert_int_equal(sys_self_info(&me, saved, NULL), NOS_TOO_BIG);
    args(0, sizeof *info, 0);
    assert_int_equal(sys_self_info(&me, saved, NULL), NOS_BAD_ADDRESS);
    assert_int_equal(user[0], 0xee);
    args(USER_AT, sizeof *info, 0);
    assert_int_equal(sys_self_info(&me, saved, NULL), NOS_OK);
    assert_int_equal(info->id, CALLER);
    assert_int_equal(user[sizeof *info - 1], 0x5a);
    assert_int_equal(user[sizeof *info], 0xee);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, drop_caller)
    const struct CMUnitTest tests[] = {
        TEST(ends),     TEST(time_passes), TEST(not_created), TEST(created),
        TEST(set_anew), TEST(pointer),     TEST(looked_at),
    };
    return cmocka_run_group_tests_name("sys_thread", tests, NULL, NULL);
}
