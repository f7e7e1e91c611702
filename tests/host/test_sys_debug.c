/* kernel/syscall/debug.c: what a debugger may ask of its capsule, and when. */
#include "tests/host/syscall_host.h"

#include "tests/host/audit_told.h"

#include "kernel/syscall/debug.c"

static struct obj node;
static struct capsule other;
static struct thread thread[3];
static struct debug *const session = (struct debug *)&node; /* only its being there counts */

/* ---- kernel/runtime/debug.c and the port ---- */

static nos_status_t may_begin, run_answer[3], set_answer, break_answer;
static uint32_t begun_by;
static uint64_t begun_for, break_at;
static bool break_on;
static unsigned begins, runs;
static enum nos_debug_how ran_how;
static uint8_t theirs[3 * PAGE_SIZE]; /* the capsule's memory: pages 1 and 2 of it at THEIRS */
#define THEIRS 0x200000ull
static unsigned readable, writable; /* bit n: page n */
static bool crossed;                /* pages 0 and 1 lie in each other's frame */
static struct breakpoint bp[NOS_DEBUG_BREAKS];

nos_status_t debug_may_begin(const struct capsule *c)
{
    assert_ptr_equal(c, &other);
    return may_begin;
}

void debug_begin(struct capsule *c, uint32_t actor, uint64_t ttl_ns)
{
    assert_ptr_equal(c, &other);
    begins++;
    begun_by = actor;
    begun_for = ttl_ns;
}

uint8_t *debug_byte(const struct capsule *c, uint64_t va, unsigned need)
{
    assert_ptr_equal(c, &other);
    uint64_t page = (va - THEIRS) / PAGE_SIZE;
    unsigned pages = need == PROT_W ? writable : readable;
    if (va < THEIRS || page > 2 || (pages >> page & 1) == 0) {
        return NULL;
    }
    return &theirs[(crossed && page < 2 ? 1 - page : page) * PAGE_SIZE + va % PAGE_SIZE];
}

struct breakpoint debug_break_nth(const struct capsule *c, unsigned i)
{
    assert_ptr_equal(c, &other);
    assert_true(i < NOS_DEBUG_BREAKS);
    return bp[i];
}

nos_status_t debug_break(struct capsule *c, uint64_t at, bool on)
{
    assert_ptr_equal(c, &other);
    break_at = at;
    break_on = on;
    return break_answer;
}

nos_status_t debug_run(struct thread *t, enum nos_debug_how how)
{
    runs |= 1u << (t - thread);
    ran_how = how;
    return run_answer[t - thread];
}

void arch_context_get(const struct arch_context *from, uint64_t regs[NOS_REG_COUNT])
{
    memset(regs, 0, sizeof(uint64_t[NOS_REG_COUNT]));
    regs[0] = from->ip;
}

static uint64_t regs_set[NOS_REG_COUNT];
static const struct arch_context *set_in;

nos_status_t arch_context_set(struct arch_context *in, const uint64_t regs[NOS_REG_COUNT])
{
    set_in = in;
    memcpy(regs_set, regs, sizeof regs_set);
    return set_answer;
}

/* Three threads, ids 5, 3 and 8 in the order of its list. */
static int fresh(void **state)
{
    static const uint32_t id[] = { 5, 3, 8 };
    fresh_caller(state);
    memset(&told, 0, sizeof told);
    memset(&other, 0, sizeof other);
    memset(thread, 0, sizeof thread);
    memset(bp, 0, sizeof bp);
    obj_init(&node, NOS_TYPE_NODE);
    obj_init(&other.obj, NOS_TYPE_CAPSULE);
    other.id = 9;
    other.state = NOS_CAPSULE_RUNNING;
    other.debug = session;
    other.image_base = 0x123000;
    other.threads = &thread[0];
    for (unsigned i = 0; i < 3; i++) {
        thread[i].index = id[i];
        thread[i].sibling = i < 2 ? &thread[i + 1] : NULL;
        thread[i].state = THREAD_STOPPED;
        thread[i].held = 1;
        thread[i].ctx.ip = 100 + id[i];
        run_answer[i] = NOS_OK;
    }
    host_capsule[1] = &other;
    may_begin = set_answer = break_answer = NOS_OK;
    begins = runs = 0;
    set_in = NULL;
    readable = writable = 7;
    crossed = false;
    for (size_t i = 0; i < sizeof theirs; i++) {
        theirs[i] = (uint8_t)(i ^ i >> 8);
    }
    return 0;
}

static struct handle_slot slot = { .obj = &other.obj };

/* ---- begin ---- */

static nos_status_t open_for(uint64_t id, uint64_t ttl)
{
    args(0, id, ttl);
    return sys_debug_open(&me, saved, NULL);
}

static void opened(void **state)
{
    const uint64_t longest = NOS_DEBUG_SECONDS_MAX * 1000000000ull;
    (void)state;
    assert_int_equal(open_for(9, 0), NOS_INVALID);
    assert_int_equal(open_for(9, longest + 1), NOS_INVALID);
    assert_int_equal(open_for(CALLER, 1), NOS_INVALID);  // itself
    assert_int_equal(open_for(10, 1), NOS_NOT_FOUND);
    assert_int_equal(open_for(1ull << 32 | 9, 1), NOS_NOT_FOUND);
    assert_int_equal(open_for(UINT32_MAX, 1), NOS_NOT_FOUND);
    may_begin = NOS_DENIED;
    assert_int_equal(open_for(9, 1), NOS_DENIED);
    may_begin = NOS_OK;
    uint32_t was = no_more_handles();
    assert_int_equal(open_for(9, 1), NOS_QUOTA);
    assert_int_equal(saved->w[0], 1);
    assert_int_equal(begins, 0);
    mine.handles.limit = was;
    assert_int_equal(open_for(9, longest), NOS_OK);
    struct handle_slot s = given(&other.obj);
    assert_int_equal(s.rights, NOS_RIGHT_DUP | NOS_RIGHT_INSPECT | NOS_RIGHT_DEBUG);
    assert_int_equal(s.deadline_ns, host_now + longest);
    assert_int_equal(s.origin, NOS_ORIGIN_MADE);
    assert_int_equal(begins, 1);
    assert_int_equal(begun_by, CALLER);
    assert_int_equal(begun_for, longest);
    assert_int_equal(told.causes, 1);
    assert_ptr_equal(told.cause[0], &mine.record);
    other.id = UINT32_MAX;  // the last there can be
    assert_int_equal(open_for(UINT32_MAX, longest), NOS_OK);
    given(&other.obj);
}

/* ---- threads ---- */

static nos_status_t look_at(uint64_t from, uint64_t at, uint64_t len)
{
    args(0, from, at);
    saved->w[1] = len;
    return sys_debug_thread(&me, saved, &slot);
}

static void threads_in_order(void **state)
{
    enum { LEN = sizeof(struct nos_debug_thread) };
    struct nos_debug_thread *out = (void *)user;
    static uint8_t fpu[NOS_DEBUG_FPU];
    (void)state;
    assert_int_equal(look_at(0, USER_AT, LEN - 1), NOS_TOO_BIG);
    assert_int_equal(look_at(0, USER_AT, LEN + 1), NOS_TOO_BIG);
    assert_int_equal(look_at(0, 8, LEN), NOS_BAD_ADDRESS);
    assert_int_equal(look_at(9, USER_AT, LEN), NOS_NOT_FOUND);
    assert_int_equal(look_at(1ull << 32, USER_AT, LEN), NOS_NOT_FOUND);
    other.debug = NULL;
    assert_int_equal(look_at(0, USER_AT, LEN), NOS_BAD_STATE);
    assert_int_equal(user[0], 0xee);
    other.debug = session;
    static const uint64_t from[][2] = {
        { 0, 3 }, { 3, 3 }, { 4, 5 }, { 5, 5 }, { 6, 8 }, { 8, 8 }
    };
    for (size_t i = 0; i < ARRAY_LEN(from); i++) {
        assert_int_equal(look_at(from[i][0], USER_AT, LEN), NOS_OK);
        assert_int_equal(out->id, from[i][1]);
        assert_int_equal(out->regs[0], 100 + from[i][1]);
        assert_int_equal(out->image_base, 0x123000);
        assert_int_equal(out->flags, NOS_DEBUG_HELD);
        assert_int_equal(out->doing, THREAD_STOPPED);
        assert_int_equal(out->fpu[0], 0);
        assert_int_equal(out->why, 0);
    }
    memset(fpu, 0xf9, sizeof fpu);
    thread[1].fpu = (struct arch_fpu *)fpu;
    thread[1].held = 0;
    thread[1].state = THREAD_SLEEP;
    thread[1].stop_why = 4;
    thread[1].stop_addr = 0x999;
    assert_int_equal(look_at(0, USER_AT, LEN), NOS_OK);
    assert_int_equal(out->flags, NOS_DEBUG_HAS_FPU);
    assert_int_equal(out->doing, THREAD_SLEEP);
    assert_int_equal(out->why, 4);
    assert_int_equal(out->addr, 0x999);
    assert_memory_equal(out->fpu, fpu, sizeof fpu);
    assert_int_equal(user[LEN], 0xee);
}

static nos_status_t set_one(uint64_t id, uint64_t at, uint64_t len)
{
    args(0, id, at);
    saved->w[1] = len;
    return sys_debug_set(&me, saved, &slot);
}

static void registers(void **state)
{
    enum { LEN = sizeof(uint64_t[NOS_REG_COUNT]) };
    (void)state;
    for (unsigned i = 0; i < LEN; i++) {
        user[i] = (uint8_t)i;
    }
    assert_int_equal(set_one(3, USER_AT, LEN - 8), NOS_TOO_BIG);
    assert_int_equal(set_one(3, USER_AT, LEN + 8), NOS_TOO_BIG);
    assert_int_equal(set_one(3, 8, LEN), NOS_BAD_ADDRESS);
    assert_int_equal(set_one(4, USER_AT, LEN), NOS_NOT_FOUND);  // exactly that one
    assert_int_equal(set_one(9, USER_AT, LEN), NOS_NOT_FOUND);
    other.debug = NULL;
    assert_int_equal(set_one(3, USER_AT, LEN), NOS_BAD_STATE);
    other.debug = session;
    thread[1].state = THREAD_RUNNING;
    assert_int_equal(set_one(3, USER_AT, LEN), NOS_BAD_STATE);
    thread[1].state = THREAD_STOPPED;
    thread[1].cont = CONT_SPAWN;
    assert_int_equal(set_one(3, USER_AT, LEN), NOS_BAD_STATE);
    assert_null(set_in);
    thread[1].cont = CONT_NONE;
    assert_int_equal(set_one(3, USER_AT, LEN), NOS_OK);
    assert_ptr_equal(set_in, &thread[1].ctx);
    assert_memory_equal(regs_set, user, LEN);
    set_answer = NOS_INVALID;
    assert_int_equal(set_one(5, USER_AT, LEN), NOS_INVALID);
}

/* ---- memory ---- */

static nos_status_t read_at(uint64_t at, uint64_t to, uint64_t len)
{
    args(0, at, to);
    saved->w[1] = len;
    return sys_debug_read(&me, saved, &slot);
}

static nos_status_t write_at(uint64_t at, uint64_t from, uint64_t len)
{
    args(0, at, from);
    saved->w[1] = len;
    return sys_debug_write(&me, saved, &slot);
}

static void what_cannot_be_had(void **state)
{
    nos_status_t (*const calls[])(uint64_t, uint64_t, uint64_t) = { read_at, write_at };
    static const uint64_t most[] = { NOS_DEBUG_READ_MAX, NOS_DEBUG_WRITE_MAX };
    (void)state;
    for (unsigned w = 0; w < 2; w++) {
        assert_int_equal(calls[w](THEIRS, USER_AT, 0), NOS_TOO_BIG);
        assert_int_equal(calls[w](THEIRS, USER_AT, most[w] + 1), NOS_TOO_BIG);
        other.debug = NULL;
        assert_int_equal(calls[w](THEIRS, USER_AT, 1), NOS_BAD_STATE);
        other.debug = session;
        assert_int_equal(calls[w](THEIRS - 1, USER_AT, 1), NOS_BAD_ADDRESS);
        assert_int_equal(calls[w](NOS_KERNEL_BASE, USER_AT, 1), NOS_BAD_ADDRESS);
        assert_int_equal(calls[w](UINT64_MAX, USER_AT, 2), NOS_BAD_ADDRESS);
        *(w == 0 ? &readable : &writable) = 1;
        assert_int_equal(calls[w](THEIRS + PAGE_SIZE, USER_AT, 1), NOS_BAD_ADDRESS);
        assert_int_equal(calls[w](THEIRS + PAGE_SIZE - 1, USER_AT, 2), NOS_BAD_ADDRESS);
        assert_int_equal(calls[w](THEIRS + PAGE_SIZE - 1, USER_AT, 1), NOS_OK);  // up to its end
        *(w == 0 ? &readable : &writable) = 2;
        assert_int_equal(calls[w](THEIRS + PAGE_SIZE - 1, USER_AT, 2), NOS_BAD_ADDRESS);
        assert_int_equal(calls[w](THEIRS + PAGE_SIZE, 8, 1), NOS_BAD_ADDRESS);
        assert_int_equal(calls[w](THEIRS + PAGE_SIZE, USER_AT, 1), NOS_OK);
    }
    assert_int_equal(user[1], 0xee);
}

static void read_from(void **state)
{
    static const struct {
        uint64_t at, len;
    } rows[] = { { 0, 1 },
                 { 0, PAGE_SIZE },
                 { 100, PAGE_SIZE },
                 { PAGE_SIZE - 1, 2 },
                 { PAGE_SIZE - 8, 16 },
                 { 2 * PAGE_SIZE - 1, 1 } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        memset(user, 0xee, sizeof user);
        assert_int_equal(read_at(THEIRS + rows[i].at, USER_AT, rows[i].len), NOS_OK);
        assert_memory_equal(user, theirs + rows[i].at, rows[i].len);
        assert_int_equal(user[rows[i].len], 0xee);
    }
    assert_int_equal(read_at(THEIRS + 100, USER_AT + sizeof user - 50, 60), NOS_BAD_ADDRESS);
    assert_int_equal(read_at(THEIRS + PAGE_SIZE - 4, USER_AT + sizeof user - 6, 8),
                     NOS_BAD_ADDRESS);
    bp[2] = (struct breakpoint){ .at = THEIRS + 101, .was = 0xb1 };  // that byte has room
    assert_int_equal(read_at(THEIRS + 100, USER_AT + sizeof user - 50, 60), NOS_BAD_ADDRESS);
}

/* What is one piece to the capsule lies in two frames. */
static void two_frames(void **state)
{
    uint8_t *const last = theirs + 2 * PAGE_SIZE - 4, *const first = theirs;
    (void)state;
    crossed = true;
    memset(last, 0xa1, 4);
    memset(first, 0xa2, 4);
    assert_int_equal(read_at(THEIRS + PAGE_SIZE - 4, USER_AT, 8), NOS_OK);
    assert_memory_equal(user, last, 4);
    assert_memory_equal(user + 4, first, 4);
    uint8_t next = theirs[2 * PAGE_SIZE];
    memset(user, 0xc1, 4);
    memset(user + 4, 0xc2, 4);
    assert_int_equal(write_at(THEIRS + PAGE_SIZE - 4, USER_AT, 8), NOS_OK);
    assert_memory_equal(last, user, 4);
    assert_memory_equal(first, user + 4, 4);
    assert_int_equal(theirs[2 * PAGE_SIZE], next);
}

/* The capsule's own bytes, not the breakpoints that stand there. */
static void breakpoints_are_not_seen(void **state)
{
    (void)state;
    bp[0] = (struct breakpoint){ .at = THEIRS + 100, .was = 0xb1 };
    bp[NOS_DEBUG_BREAKS - 1] = (struct breakpoint){ .at = THEIRS + 109, .was = 0xb2 };
    bp[5] = (struct breakpoint){ .at = THEIRS + 99, .was = 0xb3 };
    bp[6] = (struct breakpoint){ .at = THEIRS + 110, .was = 0xb4 };
    assert_int_equal(read_at(THEIRS + 100, USER_AT, 10), NOS_OK);
    assert_int_equal(user[0], 0xb1);
    assert_memory_equal(user + 1, theirs + 101, 8);
    assert_int_equal(user[9], 0xb2);
    assert_int_equal(user[10], 0xee);
    bp[0] = (struct breakpoint){ .at = THEIRS + PAGE_SIZE + 1, .was = 0xb5 };
    assert_int_equal(read_at(THEIRS + PAGE_SIZE - 2, USER_AT, 4), NOS_OK);
    assert_int_equal(user[3], 0xb5);
    bp[0] = (struct breakpoint){ 0 };  // none, and none at address 0
    memset(bp, 0, sizeof bp);
    assert_int_equal(read_at(THEIRS, USER_AT, 4), NOS_OK);
    assert_memory_equal(user, theirs, 4);
}

static void written_to(void **state)
{
    static const struct {
        uint64_t at, len;
    } rows[] = { { 0, 1 }, { 7, NOS_DEBUG_WRITE_MAX }, { PAGE_SIZE - 3, 9 }, { PAGE_SIZE - 1, 1 } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t before[2] = { rows[i].at == 0 ? 0 : theirs[rows[i].at - 1],
                              theirs[rows[i].at + rows[i].len] };
        memset(user, (int)(0x70 + i), 300);
        assert_int_equal(write_at(THEIRS + rows[i].at, USER_AT, rows[i].len), NOS_OK);
        assert_memory_equal(theirs + rows[i].at, user, rows[i].len);
        assert_int_equal(theirs[rows[i].at + rows[i].len], before[1]);
        if (rows[i].at != 0) {
            assert_int_equal(theirs[rows[i].at - 1], before[0]);
        }
    }
}

/* ---- breakpoints, running ---- */

static void broken_in(void **state)
{
    (void)state;
    args(0, 0x1234, 2);
    assert_int_equal(sys_debug_break(&me, saved, &slot), NOS_INVALID);
    args(0, 0x1234, 1);
    other.debug = NULL;
    assert_int_equal(sys_debug_break(&me, saved, &slot), NOS_BAD_STATE);
    assert_int_equal(break_at, 0);
    other.debug = session;
    for (unsigned on = 0; on < 2; on++) {
        args(0, 0x1234 + on, on);
        break_answer = on ? NOS_QUOTA : NOS_OK;
        assert_int_equal(sys_debug_break(&me, saved, &slot), break_answer);
        assert_int_equal(break_at, 0x1234 + on);
        assert_int_equal(break_on, on);
    }
}

static nos_status_t run_it(uint64_t id, uint64_t how)
{
    args(0, id, how);
    runs = 0;
    return sys_debug_run(&me, saved, &slot);
}

static void run_on(void **state)
{
    (void)state;
    assert_int_equal(run_it(0, NOS_DEBUG_PASS + 1), NOS_INVALID);
    assert_int_equal(run_it(4, NOS_DEBUG_GO), NOS_NOT_FOUND);
    assert_int_equal(run_it(9, NOS_DEBUG_GO), NOS_NOT_FOUND);
    other.debug = NULL;
    assert_int_equal(run_it(0, NOS_DEBUG_GO), NOS_BAD_STATE);
    other.debug = session;
    assert_int_equal(runs, 0);
    for (unsigned how = 0; how <= NOS_DEBUG_PASS; how++) {
        assert_int_equal(run_it(3, how), NOS_OK);
        assert_int_equal(runs, 2);
        assert_int_equal(ran_how, how);
        assert_int_equal(run_it(0, how), NOS_OK);
        assert_int_equal(runs, 7);
        assert_int_equal(ran_how, how);
    }
    run_answer[1] = NOS_BUSY;
    assert_int_equal(run_it(3, NOS_DEBUG_STEP), NOS_BUSY);
    assert_int_equal(run_it(0, NOS_DEBUG_GO), NOS_BUSY);
    assert_int_equal(runs, 3);  // no further
    run_answer[1] = NOS_OK;
    thread[2].state = THREAD_RUNNING;  // not stopped yet: none goes on before all have stopped
    assert_int_equal(run_it(0, NOS_DEBUG_GO), NOS_BUSY);
    assert_int_equal(runs, 0);
    assert_int_equal(run_it(0, NOS_DEBUG_STOP), NOS_OK);
    assert_int_equal(runs, 7);
    thread[2].held = 0;  // nobody wants it to
    assert_int_equal(run_it(0, NOS_DEBUG_GO), NOS_OK);
    assert_int_equal(runs, 7);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, drop_caller)
    const struct CMUnitTest tests[] = {
        TEST(opened),     TEST(threads_in_order),
        TEST(registers),  TEST(what_cannot_be_had),
        TEST(read_from),  TEST(breakpoints_are_not_seen),
        TEST(written_to), TEST(broken_in),
        TEST(run_on),     TEST(two_frames),
    };
    return cmocka_run_group_tests_name("sys_debug", tests, NULL, NULL);
}
