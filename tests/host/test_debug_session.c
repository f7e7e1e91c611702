/* kernel/runtime/debug.c: sessions of debuggers, from their beginning to each of their ends; and
 * what a trap is then. */
#include "tests/host/syscall_host.h"

#include "tests/host/audit_told.h"

#include "kernel/runtime/debug.c"

enum { N = 6 };
static struct capsule other[N];
static struct module a_module;
static struct thread thread[2]; /* of other[0] */
static unsigned holds, released, steps_on, steps_off, armed;

/* ---- the scheduler, the port, the space ---- */

void sched_hold(struct thread *t)
{
    t->held = 1;
    holds++;
}

void sched_release(struct thread *t)
{
    t->held = 0;
    released++;
}

void sched_arm_background(void)
{
    armed++;
}

void arch_context_step(struct arch_context *c, bool on)
{
    assert_true(c == &thread[0].ctx || c == &thread[1].ctx);
    steps_on += on;
    steps_off += !on;
}

static struct area code, shared, device;
static struct region a_region;
static struct obj a_device;
static uint8_t code_prot;
#define CODE 0x400000ull
#define SHARED 0x500000ull
#define DEVICE 0x600000ull
#define GUARD 0x700000ull
#define FRAME 0x10000ull

const struct area *space_find(const struct space *s, uint64_t va, bool *guard)
{
    (void)s;
    uint64_t page = va & ~(uint64_t)(PAGE_SIZE - 1);
    *guard = page == GUARD;
    return page == CODE || page == GUARD || page == NOS_KERNEL_BASE ? &code
           : page == SHARED                                         ? &shared
           : page == DEVICE                                         ? &device
                                                                    : NULL;
}

paddr_t arch_query(const struct arch_space *s, uint64_t va, unsigned *prot)
{
    (void)s;
    assert_int_equal(va % PAGE_SIZE, 0);
    *prot = code_prot;
    return (paddr_t){ code_prot == 0 ? 0 : FRAME };
}

static uint8_t *byte_at(uint64_t va)
{
    return (uint8_t *)phys_ptr((paddr_t){ FRAME }) + va % PAGE_SIZE;
}

static int fresh(void **state)
{
    fresh_caller(state);
    memset(&told, 0, sizeof told);
    memset(sessions, 0, sizeof sessions);
    memset(other, 0, sizeof other);
    memset(thread, 0, sizeof thread);
    memset(&a_module, 0, sizeof a_module);
    for (unsigned i = 0; i < N; i++) {
        other[i].id = 20 + i;
        other[i].state = NOS_CAPSULE_RUNNING;
        other[i].module = &a_module;
        other[i].threads = &thread[0];
    }
    thread[0].sibling = &thread[1];
    thread[0].capsule = thread[1].capsule = &other[0];
    thread[0].state = thread[1].state = THREAD_STOPPED;
    obj_init(&a_region.obj, NOS_TYPE_REGION);
    obj_init(&a_device, NOS_TYPE_DEVICE);
    shared.owner = &a_region.obj;
    device.owner = &a_device;
    code_prot = PROT_R | PROT_X;
    memset(byte_at(0), 0x90, PAGE_SIZE);
    holds = released = steps_on = steps_off = armed = 0;
    return 0;
}

static struct capsule *begun(unsigned i, uint64_t ttl)
{
    assert_int_equal(debug_may_begin(&other[i]), NOS_OK);
    debug_begin(&other[i], CALLER, ttl);
    return &other[i];
}

/* ---- begin and end ---- */

static void begins(void **state)
{
    (void)state;
    other[0].state = NOS_CAPSULE_EXITED;
    assert_int_equal(debug_may_begin(&other[0]), NOS_BAD_STATE);
    other[0].state = NOS_CAPSULE_RUNNING;
    other[0].threads = NULL;
    assert_int_equal(debug_may_begin(&other[0]), NOS_BAD_STATE);
    other[0].threads = &thread[0];
    other[0].no_debug = true;
    assert_int_equal(debug_may_begin(&other[0]), NOS_DENIED);
    other[0].no_debug = false;
    other[0].debug_handles = 1;
    assert_int_equal(debug_may_begin(&other[0]), NOS_BUSY);
    other[0].debug_handles = 0;
    assert_int_equal(told.records, 0);
    begun(0, 700);
    assert_non_null(other[0].debug);
    assert_true(other[0].had_debugger);
    assert_int_equal(holds, 2);
    assert_int_equal(armed, 1);
    assert_int_equal(told.kind, NOS_AUDIT_DEBUG);
    assert_int_equal(told.actor, CALLER);
    assert_int_equal(told.status, NOS_OK);
    assert_true(told.has_subject);
    assert_int_equal(told.a, 20);
    assert_int_equal(told.b, 700);
    assert_ptr_equal(told.text, a_module.name);
    assert_int_equal(told.causes, 1);
    assert_ptr_equal(told.cause[0], &other[0].record);
    for (unsigned i = 1; i < SESSIONS; i++) {
        begun(i, 700 + i);
        assert_ptr_not_equal(other[i].debug, other[i - 1].debug);
    }
    assert_int_equal(debug_may_begin(&other[SESSIONS]), NOS_BUSY);  // as many as there can be
    up_debugger_left(&other[2]);
    assert_int_equal(steps_on + steps_off, 0);  // who does not step is not touched
    assert_int_equal(debug_may_begin(&other[SESSIONS]), NOS_OK);
}

static void ends(void **state)
{
    static const nos_status_t why[] = { NOS_OK, NOS_PEER_CLOSED, NOS_EXPIRED };
    (void)state;
    up_debugger_left(&other[0]);  // it has none
    debug_capsule_ends(&other[0]);
    assert_int_equal(told.records, 0);
    for (unsigned i = 0; i < 3; i++) {
        fresh(state);
        begun(0, 10);
        assert_int_equal(debug_break(&other[0], CODE + 5, true), NOS_OK);
        thread[0].single_step = thread[0].crash_passes = true;
        thread[0].stop_why = 3;
        thread[1].single_step = true;
        thread[1].state = THREAD_RUNNING;  // met in debug_catches
        i == 0   ? up_debugger_left(&other[0])
        : i == 1 ? debug_capsule_ends(&other[0])
                 : assert_true(debug_step(host_now + 10));
        assert_null(other[0].debug);
        assert_int_equal(*byte_at(CODE + 5), 0x90);
        assert_int_equal(told.records, 2);
        assert_int_equal(told.kind, NOS_AUDIT_DEBUG);
        assert_int_equal(told.actor, 0);
        assert_int_equal(told.status, why[i]);
        assert_int_equal(told.a, 20);
        assert_int_equal(told.b, 0);
        assert_ptr_equal(told.text, a_module.name);
        assert_int_equal(told.causes, 1);
        assert_ptr_equal(told.cause[0], &other[0].record);
        assert_int_equal(released, 2);
        assert_int_equal(steps_off, 1);
        assert_false(thread[0].single_step);
        assert_true(thread[1].single_step);
        assert_false(thread[0].crash_passes);
        assert_int_equal(thread[0].stop_why, 0);
        assert_null(sessions[0].capsule);
        assert_true(other[0].had_debugger);
    }
}

static void their_time(void **state)
{
    (void)state;
    assert_int_equal(debug_due(), 0);
    assert_false(debug_step(UINT64_MAX));
    begun(0, 500);
    assert_int_equal(debug_due(), host_now + 500);
    begun(1, 300);
    begun(2, 400);
    assert_int_equal(debug_due(), host_now + 300);
    assert_false(debug_step(host_now + 299));
    assert_true(debug_step(host_now + 300));
    assert_null(other[1].debug);
    assert_non_null(other[0].debug);
    assert_int_equal(debug_due(), host_now + 400);
    assert_true(debug_step(host_now + 900));  // one a step
    assert_true(debug_step(host_now + 900));
    assert_false(debug_step(host_now + 900));
    assert_int_equal(debug_due(), 0);
}

/* ---- crashes and traps ---- */

static void a_crash(void **state)
{
    struct thread *t = &thread[0];
    (void)state;
    assert_false(debug_catches(t, NOS_CRASH_DEBUG, 1));  // nobody debugs it
    t->single_step = true;
    assert_true(debug_catches(t, NOS_CRASH_DEBUG, 1));  // the last step of a session that is over
    assert_false(t->single_step);
    assert_int_equal(steps_off, 1);
    t->single_step = true;
    assert_false(debug_catches(t, NOS_CRASH_READ_BAD, 1));
    assert_int_equal(holds, 0);
    begun(0, 100);
    holds = 0;
    t->crash_passes = true;
    assert_false(debug_catches(t, NOS_CRASH_READ_BAD, 1));
    t->crash_passes = false;
    assert_false(debug_catches(t, NOS_CRASH_FILTER, 1));
    assert_int_equal(holds, 0);
    assert_int_equal(t->stop_why, 0);
    t->single_step = true;
    steps_off = 0;
    assert_true(debug_catches(t, NOS_CRASH_READ_BAD, 0x1234));
    assert_int_equal(t->stop_why, NOS_CRASH_READ_BAD);
    assert_int_equal(t->stop_addr, 0x1234);
    assert_int_equal(holds, 2);
    assert_false(t->single_step);
    assert_int_equal(steps_off, 1);
}

static bool gone_at(uint64_t ip)
{
    thread[0].ctx.ip = ip;
    return debug_trap_is_gone(&thread[0]);
}

static void a_trap(void **state)
{
    const uint64_t at = CODE + 8, after = at + ARCH_BREAK_LEN;
    (void)state;
    *byte_at(at) = ARCH_BREAK;  // its own
    assert_false(gone_at(after));
    assert_int_equal(thread[0].ctx.ip, after);
    *byte_at(at) = 0x90;
    assert_false(gone_at(after));  // who never had a debugger: nothing was taken away
    assert_int_equal(thread[0].ctx.ip, after);
    begun(0, 100);
    assert_int_equal(debug_break(&other[0], at, true), NOS_OK);
    assert_false(gone_at(after));
    assert_int_equal(thread[0].ctx.ip, at);  // it stands where the breakpoint is
    assert_int_equal(debug_break(&other[0], at, false), NOS_OK);
    assert_true(gone_at(after));
    assert_int_equal(thread[0].ctx.ip, at);
    *byte_at(at + 16) = ARCH_BREAK;  // the capsule's own instruction
    assert_false(gone_at(after + 16));
    assert_int_equal(thread[0].ctx.ip, after + 16);
    assert_false(gone_at(0x900000));  // no code there
    up_debugger_left(&other[0]);
    assert_true(gone_at(after));
    assert_int_equal(thread[0].ctx.ip, at);
    assert_false(gone_at(after + 16));
    assert_int_equal(thread[0].ctx.ip, after + 16);
}

/* ---- memory ---- */

static void a_byte(void **state)
{
    const struct capsule *c = &other[0];
    (void)state;
    assert_ptr_equal(debug_byte(c, CODE + 7, PROT_R), byte_at(CODE + 7));
    assert_ptr_equal(debug_byte(c, CODE, PROT_X), byte_at(CODE));
    assert_null(debug_byte(c, CODE, PROT_W));
    code_prot = PROT_R | PROT_W;
    assert_ptr_equal(debug_byte(c, SHARED + 4095, PROT_W), byte_at(SHARED + 4095));
    assert_null(debug_byte(c, SHARED, PROT_X));
    assert_null(debug_byte(c, DEVICE, PROT_R));  // reading a device may change it
    assert_null(debug_byte(c, GUARD, PROT_R));
    assert_null(debug_byte(c, 0x900000, PROT_R));
    assert_null(debug_byte(c, NOS_KERNEL_BASE, PROT_R));  // whatever its space would say
    code_prot = 0;                                        // not there yet
    assert_null(debug_byte(c, CODE, PROT_R));
    assert_null(debug_byte(c, CODE, 0));
}

static void breakpoints(void **state)
{
    struct capsule *c = begun(0, 100);
    (void)state;
    assert_int_equal(debug_break(c, CODE + 1, false), NOS_NOT_FOUND);
    assert_int_equal(debug_break(c, 0, false), NOS_NOT_FOUND);
    assert_int_equal(debug_break(c, 0, true), NOS_BAD_ADDRESS);
    assert_int_equal(debug_break(c, 0x900000, true), NOS_BAD_ADDRESS);
    assert_int_equal(debug_break(c, SHARED, true), NOS_BAD_ADDRESS);  // another maps it too
    assert_int_equal(*byte_at(SHARED), 0x90);
    for (unsigned i = 0; i < NOS_DEBUG_BREAKS; i++) {
        *byte_at(CODE + i) = (uint8_t)(i + 1);
        assert_int_equal(debug_break(c, CODE + i, true), NOS_OK);
        assert_int_equal(*byte_at(CODE + i), ARCH_BREAK);
        assert_int_equal(debug_break_nth(c, i).at, CODE + i);
        assert_int_equal(debug_break_nth(c, i).was, i + 1);
    }
    assert_int_equal(debug_break(c, CODE + 3, true), NOS_OK);  // it is there
    assert_int_equal(debug_break_nth(c, 3).was, 4);
    assert_int_equal(debug_break(c, CODE + 100, true), NOS_QUOTA);
    assert_int_equal(*byte_at(CODE + 100), 0x90);
    assert_int_equal(debug_break(c, CODE + 3, false), NOS_OK);
    assert_int_equal(*byte_at(CODE + 3), 4);
    assert_int_equal(debug_break_nth(c, 3).at, 0);
    assert_int_equal(debug_break(c, CODE + 3, false), NOS_NOT_FOUND);
    assert_int_equal(debug_break(c, CODE + 100, true), NOS_OK);  // in its place
    assert_int_equal(debug_break_nth(c, 3).at, CODE + 100);
    code_prot = 0;
    assert_int_equal(debug_break(c, CODE + 100, false), NOS_OK);  // though its page is gone
    assert_int_equal(*byte_at(CODE + 100), ARCH_BREAK);
    code_prot = PROT_R | PROT_X;
    up_debugger_left(c);
    for (unsigned i = 0; i < NOS_DEBUG_BREAKS; i++) {
        assert_int_equal(*byte_at(CODE + i), i + 1);
    }
}

/* ---- running ---- */

static void runs(void **state)
{
    struct thread *t = &thread[0];
    (void)state;
    t->held = 0;
    assert_int_equal(debug_run(t, NOS_DEBUG_GO), NOS_OK);
    assert_int_equal(released, 0);
    assert_int_equal(debug_run(t, NOS_DEBUG_STOP), NOS_OK);
    assert_int_equal(holds, 1);
    t->state = THREAD_RUNNING;  // still on its way
    t->stop_why = 7;
    assert_int_equal(debug_run(t, NOS_DEBUG_STEP), NOS_BUSY);
    assert_int_equal(steps_on + released, 0);
    assert_int_equal(t->stop_why, 7);
    t->state = THREAD_STOPPED;
    static const struct {
        enum nos_debug_how how;
        bool was, step, passes;
        unsigned on, off;
    } rows[] = {
        { NOS_DEBUG_GO, false, false, false, 0, 0 },  { NOS_DEBUG_GO, true, false, false, 0, 1 },
        { NOS_DEBUG_STEP, false, true, false, 1, 0 }, { NOS_DEBUG_STEP, true, true, false, 1, 0 },
        { NOS_DEBUG_PASS, false, false, true, 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        t->held = 1;
        t->stop_why = 7;
        t->single_step = rows[i].was;
        t->crash_passes = !rows[i].passes;
        released = steps_on = steps_off = 0;
        assert_int_equal(debug_run(t, rows[i].how), NOS_OK);
        assert_int_equal(t->single_step, rows[i].step);
        assert_int_equal(t->crash_passes, rows[i].passes);
        assert_int_equal(t->stop_why, 0);
        assert_int_equal(released, 1);
        assert_int_equal(steps_on, rows[i].on);
        assert_int_equal(steps_off, rows[i].off);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, drop_caller)
    const struct CMUnitTest tests[] = {
        TEST(begins), TEST(ends),   TEST(their_time),  TEST(a_crash),
        TEST(a_trap), TEST(a_byte), TEST(breakpoints), TEST(runs),
    };
    return cmocka_run_group_tests_name("debug_session", tests, NULL, NULL);
}
