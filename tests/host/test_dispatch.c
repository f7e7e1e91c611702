/* The front door, row by row of abi/syscalls.tbl: with one thing missing a handler is never
 * reached, and the status names what is missing; with all there it is. Also for class CoreExec,
 * which no capsule on a machine can lack. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include "kernel/memory/frame.c"
#include "kernel/object/cell.c"
#include "kernel/object/handle.c"
#include "kernel/object/object.c"
#include "kernel/syscall/dispatch.c"

static int reached, denied, crashed;
static uint8_t becomes = THREAD_RUNNING; /* what a handler makes of its thread */
static nos_status_t answer = NOS_OK;
static uint64_t sender; /* what a handler leaves in rax: whose message came at once */
static nos_status_t last_denied;
static uint32_t last_nr;
static unsigned armed; /* work in the background, announced */
struct ticket_lock big_lock;

/* A handler for each row but `null`, which is the dispatcher's own. */
#define HANDLER(name) \
    nos_status_t sys_##name(struct thread *self, struct arch_context *ctx, \
                            struct handle_slot *slot) \
    { \
        (void)slot; \
        reached++; \
        ctx->nr |= sender; \
        self->state = becomes; \
        return answer; \
    }
nos_status_t sys_null_of_the_table(struct thread *self, struct arch_context *ctx,
                                   struct handle_slot *slot);
#define sys_null sys_null_of_the_table
#define SYSCALL(nr, name, cls, types, rights, n_args, kind) HANDLER(name)
#include "kernel/syscall/table.inc"
#undef SYSCALL
#undef sys_null

static struct thread *killed_meanwhile;
static unsigned waits;

void kernel_lock_wait(uint32_t ticket)
{
    big_lock.serving = ticket;
    waits++;
    if (killed_meanwhile != NULL) {
        killed_meanwhile->state = THREAD_DEAD;
    }
}

bool up_reclaim(void)
{
    return false;
}

void cell_gone(void)
{
}

static void nothing(struct obj *o)
{
    (void)o;
}

void (*const obj_destroy[NOS_TYPE_COUNT])(struct obj *) = {
    nothing, nothing, nothing, nothing, nothing, nothing,
    nothing, nothing, nothing, nothing, nothing, nothing,
};

#include "tests/host/objects_host.h"

void audit_deny(uint32_t actor, uint32_t nr, nos_status_t status, const struct audit_ref *cause)
{
    (void)actor, (void)cause;
    denied++;
    last_nr = nr;
    last_denied = status;
}

void sched_arm_background(void)
{
    armed++;
}

void sched_arm_slice(struct cpu *cpu)
{
    (void)cpu;
}

static struct arch_context elsewhere; /* what another thread goes on with */

struct arch_context *sched_exit(void)
{
    return &elsewhere;
}

static unsigned signals;

void notify_signal(struct notification *n, uint64_t bits)
{
    (void)n, (void)bits;
    signals++;
}

static bool passes;

bool pass_one(struct thread *from, struct thread *to)
{
    (void)from, (void)to;
    return passes;
}

void arch_root_load(uint64_t root)
{
    (void)root;
}

void capsule_crash(struct thread *t, enum nos_crash why, uint64_t addr)
{
    (void)t, (void)addr;
    crashed += why == NOS_CRASH_FILTER;
}

static bool mapped;
static unsigned copies;

bool arch_copy_from_user(void *dst, uint64_t src, size_t len)
{
    (void)dst, (void)src, (void)len;
    copies++;
    return mapped;
}

bool arch_copy_to_user(uint64_t dst, const void *src, size_t len)
{
    (void)dst, (void)src, (void)len;
    copies++;
    return mapped;
}

/* ---- a capsule that holds one handle of each type ---- */

static struct capsule capsule;
static struct thread thread;
static struct endpoint an_endpoint; /* what the fast path looks into: nobody waits there */
static struct notification a_notification;
static struct obj plain[NOS_TYPE_COUNT];
static struct obj *object[NOS_TYPE_COUNT];
static uint32_t handle[NOS_TYPE_COUNT];

static int fresh(void **state)
{
    static bool once;
    (void)state;
    if (!once) {
        host_start();
        frame_init(&host_bi);
        once = true;
    }
    memset(&capsule, 0, sizeof capsule);
    memset(&thread, 0, sizeof thread);
    capsule.classes = NOS_CLASS_ALL;
    capsule.filter[0] = capsule.filter[1] = UINT64_MAX;
    handle_table_init(&capsule.handles, 64, NOS_CLASS_ALL);
    thread.capsule = &capsule;
    thread.state = THREAD_RUNNING;
    a_notification.bits = 1;  // there is nobody to wait for
    for (uint32_t t = 1; t < NOS_TYPE_COUNT; t++) {
        object[t] = t == NOS_TYPE_ENDPOINT       ? &an_endpoint.obj
                    : t == NOS_TYPE_NOTIFICATION ? &a_notification.obj
                                                 : &plain[t];
        obj_init(object[t], (enum nos_type)t);
        assert_int_equal(
            handle_add(&capsule.handles, object[t], NOS_RIGHT_ALL, 0, NOS_ORIGIN_MADE, &handle[t]),
            NOS_OK);
    }
    return 0;
}

static int clean(void **state)
{
    (void)state;
    handle_close_all(&capsule.handles);
    return 0;
}

static nos_status_t make_call(uint64_t nr, uint64_t h)
{
    reached = denied = crashed = 0;
    armed = 0;
    thread.ctx.nr = nr;
    thread.ctx.arg0 = h;
    (void)up_syscall(&thread.ctx);
    return (nos_status_t)(int64_t)thread.ctx.nr;
}

static void refused(uint64_t nr, uint64_t h, nos_status_t want)
{
    nos_status_t st = make_call(nr, h);
    assert_int_equal(armed, 1);  // to be written out
    assert_int_equal(last_nr, nr > UINT32_MAX ? UINT32_MAX : nr);
    if (st != want || reached != 0 || denied != 1 || last_denied != want) {
        fail_msg("call %u: %d, not %d; handler reached %d times, %d records", (unsigned)nr, st,
                 want, reached, denied);
    }
}

static uint32_t with_rights(uint32_t type, uint32_t rights)
{
    uint32_t h = 0;
    assert_int_equal(handle_add(&capsule.handles, object[type], rights, 0, NOS_ORIGIN_MADE, &h),
                     NOS_OK);
    return h;
}

static void one_row_handles(uint64_t nr, uint32_t types, uint32_t rights)
{
    for (uint32_t t = 1; t < NOS_TYPE_COUNT; t++) {
        if ((types >> t & 1) == 0) {
            refused(nr, handle[t], NOS_WRONG_TYPE);
            continue;
        }
        assert_int_equal(make_call(nr, handle[t]), NOS_OK);
        assert_int_equal(reached, 1);
        for (unsigned bit = 0; bit < 32; bit++) {
            if ((rights >> bit & 1) != 0) {
                uint32_t h = with_rights(t, NOS_RIGHT_ALL & ~(1u << bit));
                refused(nr, h, NOS_DENIED);
                assert_int_equal(handle_close(&capsule.handles, h), NOS_OK);
            }
        }
        refused(nr, handle[t] + 0x10000, NOS_BAD_HANDLE);
        refused(nr, handle[t] | 1ull << 32, NOS_BAD_HANDLE);
    }
    refused(nr, 0, NOS_BAD_HANDLE);
}

static void one_row(uint64_t nr, uint32_t cls, uint32_t types, uint32_t rights)
{
    uint32_t h = 0;

    for (uint32_t t = 1; t < NOS_TYPE_COUNT && h == 0; t++) {
        h = (types >> t & 1) != 0 ? handle[t] : 0;
    }
    assert_int_equal(__builtin_popcount(cls), 1);
    capsule.classes = NOS_CLASS_ALL & ~cls;
    refused(nr, h, NOS_NO_CLASS);
    capsule.classes = cls;
    assert_int_equal(make_call(nr, h), NOS_OK);
    capsule.filter[nr / 64] = ~(1ull << nr % 64);
    refused(nr, h, NOS_FILTERED);
    assert_int_equal(crashed, 0);
    capsule.kill_on_filter = true;
    refused(nr, h, NOS_FILTERED);
    assert_int_equal(crashed, 1);
    capsule.filter[nr / 64] = UINT64_MAX;
    capsule.classes = NOS_CLASS_ALL & ~cls;
    refused(nr, h, NOS_NO_CLASS);
    assert_int_equal(crashed, 0);  // for that one reason alone
    capsule.classes = cls;
    capsule.kill_on_filter = false;
    capsule.filter[nr / 64] = 1ull << nr % 64;
    assert_int_equal(make_call(nr, h), NOS_OK);
    capsule.filter[0] = capsule.filter[1] = UINT64_MAX;
    capsule.classes = NOS_CLASS_ALL;
    if (types != 0) {
        one_row_handles(nr, types, rights);
    }
}

static void every_row(void **state)
{
    (void)state;
#define SYSCALL(nr, name, cls, types, rights, n_args, kind) one_row(nr, cls, types, rights);
#include "kernel/syscall/table.inc"
#undef SYSCALL
}

/* Of what a handler answers, what says that somebody may not is recorded, and nothing else. */
static void answers(void **state)
{
    (void)state;
    for (int st = 0; st > -40; st--) {
        bool refusal = st <= NOS_BAD_SYSCALL && st >= NOS_REVOKED;
        answer = (nos_status_t)st;
        assert_int_equal(make_call(NOS_SYS_EXIT, 0), st);
        assert_int_equal(reached, 1);
        assert_int_equal(denied, refusal);
        assert_int_equal(armed, refusal);
    }
    answer = NOS_OK;
    sender = 5ull << 32;
    (void)make_call(NOS_SYS_EXIT, 0);
    assert_int_equal(thread.ctx.nr, sender);
    sender = 0;
}

/* `null` takes no lock. */
static void nothing_at_all(void **state)
{
    uint32_t was = big_lock.next;
    (void)state;
    assert_int_equal(make_call(NOS_SYS_NULL, 0), NOS_OK);
    assert_int_equal(big_lock.next, was);
}

static void no_such_call(void **state)
{
    const uint64_t none[] = { NOS_SYS_COUNT, 127, 128, 1ull << 32, 1ull << 63, UINT64_MAX };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        refused(none[i], 0, NOS_BAD_SYSCALL);
    }
}

static void dead_handles(void **state)
{
    uint32_t brief, h;
    struct handle_slot like, *s;
    (void)state;
    assert_int_equal(handle_add(&capsule.handles, object[NOS_TYPE_NOTIFICATION], NOS_RIGHT_ALL,
                                host_now, NOS_ORIGIN_MADE, &brief),
                     NOS_OK);
    refused(NOS_SYS_NOTIFY_SIGNAL, brief, NOS_EXPIRED);
    assert_int_equal(
        handle_get(&capsule.handles, handle[NOS_TYPE_NOTIFICATION], HANDLE_TYPE_ANY, 0, &s),
        NOS_OK);
    like = *s;
    assert_int_equal(handle_derive(&capsule.handles, &like, &h), NOS_OK);
    assert_int_equal(make_call(NOS_SYS_NOTIFY_SIGNAL, h), NOS_OK);
    assert_int_equal(handle_get(&capsule.handles, h, HANDLE_TYPE_ANY, 0, &s), NOS_OK);
    thread.via = 0;
    assert_int_equal(make_call(NOS_SYS_NOTIFY_BIND, h), NOS_OK);
    assert_int_equal(thread.via, s->via);  // should it wait: cut with the handle
    cell_revoke(s->via);
    refused(NOS_SYS_NOTIFY_SIGNAL, h, NOS_REVOKED);
    assert_int_equal(make_call(NOS_SYS_NOTIFY_SIGNAL, handle[NOS_TYPE_NOTIFICATION]), NOS_OK);
}

/* Nothing outside of user space is ever tried; inside, the copy itself says whether it was there.
 */
static void copies_of_user_memory(void **state)
{
    static const struct {
        uint64_t at;
        size_t len;
        bool user;
    } rows[] = {
        { USER_MIN, 8, true },
        { USER_MAX - 8, 8, true },
        { USER_MAX, 0, true },
        { USER_MAX - 8, 9, false },
        { USER_MAX, 1, false },
        { USER_MIN - 1, 8, false },
        { 0, 8, false },
        { 0, 0, false },
        { NOS_KERNEL_BASE, 8, false },
        { UINT64_MAX - 3, 8, false },
        { USER_MIN, SIZE_MAX, false },
    };
    uint8_t bytes[8] = { 0 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (unsigned there = 0; there < 2; there++) {
            nos_status_t want = rows[i].user && there ? NOS_OK : NOS_BAD_ADDRESS;
            mapped = there != 0;
            copies = 0;
            assert_int_equal(copy_in(bytes, rows[i].at, rows[i].len), want);
            assert_int_equal(copy_out(rows[i].at, bytes, rows[i].len), want);
            assert_int_equal(copies, rows[i].user ? 2 : 0);
        }
    }
}

static void a_handle_as_an_argument(void **state)
{
    struct handle_slot *s = NULL;
    uint64_t h = handle[NOS_TYPE_REGION];
    (void)state;
    assert_int_equal(arg_handle(&thread, h, NOS_TYPE_REGION, NOS_RIGHT_MAP, &s), NOS_OK);
    assert_ptr_equal(s->obj, object[NOS_TYPE_REGION]);
    assert_int_equal(arg_handle(&thread, h | 1ull << 32, NOS_TYPE_REGION, 0, &s), NOS_BAD_HANDLE);
    assert_int_equal(arg_handle(&thread, h, NOS_TYPE_ENDPOINT, 0, &s), NOS_WRONG_TYPE);
}

/* Where the CPU goes on after a call: with the thread that made it, unless there is a reason. */
static void who_goes_on(void **state)
{
    struct cpu *cpu = this_cpu();
    (void)state;
    waits = 0;
    thread.ctx.nr = NOS_SYS_EXIT;
    assert_ptr_equal(up_syscall(&thread.ctx), &thread.ctx);
    assert_int_equal(waits, 0);  // it was its turn
    for (unsigned reason = 0; reason < 4; reason++) {
        thread.ctx.nr = NOS_SYS_EXIT;
        cpu->resched = reason == 0;
        thread.payer = reason == 1 ? &capsule : NULL;
        thread.cont = reason == 2 ? CONT_VERIFY : CONT_NONE;
        becomes = reason == 3 ? THREAD_SLEEP : THREAD_RUNNING;
        answer = NOS_BUSY;
        assert_ptr_equal(up_syscall(&thread.ctx), &elsewhere);
        assert_int_equal((int64_t)thread.ctx.nr, reason == 3 ? NOS_OK : NOS_BUSY);
        cpu->resched = false;
        thread.payer = NULL;
        thread.cont = CONT_NONE;
        thread.state = becomes = THREAD_RUNNING;
        answer = NOS_OK;
    }
}

/* Another CPU had the lock, and may have used it to kill who waits: for calls in general, and for
 * those that have a way of their own. */
static void a_wait_for_the_lock(void **state)
{
    const struct {
        uint64_t nr, h;
    } calls[] = { { NOS_SYS_EXIT, 0 },
                  { NOS_SYS_IPC_CALL, handle[NOS_TYPE_ENDPOINT] },
                  { NOS_SYS_NOTIFY_SIGNAL, handle[NOS_TYPE_NOTIFICATION] },
                  { NOS_SYS_YIELD, 0 } };
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(calls); i++) {
        bool killed = i % 2 != 0;
        waits = 0;
        big_lock.next++;  // held
        killed_meanwhile = killed ? &thread : NULL;
        reached = 0;
        thread.state = THREAD_RUNNING;
        thread.ctx.nr = calls[i / 2].nr;
        thread.ctx.arg0 = calls[i / 2].h;
        thread.ctx.arg1 = 1;
        assert_ptr_equal(up_syscall(&thread.ctx), killed ? &elsewhere : &thread.ctx);
        assert_int_equal(waits, 1);
        assert_int_equal(reached, !killed);  // no call of the dead
        assert_int_equal(big_lock.serving, big_lock.next);
    }
    killed_meanwhile = NULL;
}

/* ---- the short ways ---- */

static struct thread other;

static int fresh_other(void **state)
{
    fresh(state);
    memset(&other, 0, sizeof other);
    other.capsule = other.payer = thread.payer = &capsule;
    other.cpus = thread.cpus = CPUS_ALL;
    other.priority = other.base_priority = thread.priority = thread.base_priority = 5;
    other.state = THREAD_NOTE;
    struct cpu *cpu = this_cpu();
    cpu->current = &thread;
    cpu->payer = &capsule;
    cpu->resched = false;
    cpu->ready_mask = 0;
    memset(cpu->ready, 0, sizeof cpu->ready);
    a_notification.bits = 0;
    a_notification.waiter = NULL;
    a_notification.bound = NULL;
    signals = 0;
    return 0;
}

static struct arch_context *at_once(uint64_t nr, enum nos_type type, uint64_t arg1)
{
    reached = 0;
    thread.ctx.nr = nr;
    thread.ctx.arg0 = handle[type];
    thread.ctx.arg1 = arg1;
    thread.ctx.dl = 0;
    struct arch_context *next = up_syscall(&thread.ctx);
    assert_int_equal(big_lock.serving, big_lock.next);  // given back, whichever way it went
    return next;
}

static void signal_at_once(void **state)
{
    struct notification *n = &a_notification;
    struct arch_context *self = &thread.ctx;
    (void)state;
    assert_ptr_equal(at_once(NOS_SYS_NOTIFY_SIGNAL, NOS_TYPE_NOTIFICATION, 6), self);
    assert_int_equal(n->bits, 6);
    assert_int_equal(thread.ctx.nr, NOS_OK);
    assert_ptr_equal(at_once(NOS_SYS_NOTIFY_SIGNAL, NOS_TYPE_NOTIFICATION, 0), self);
    assert_int_equal(reached, 1);  // no bit: the long way says what that is
    n->bits = 0;
    n->bound = &an_endpoint;
    assert_ptr_equal(at_once(NOS_SYS_NOTIFY_SIGNAL, NOS_TYPE_NOTIFICATION, 1), self);
    assert_int_equal(signals, 1);
    n->bound = NULL;
    n->waiter = &other;
    other.waits_on = &n->obj;
    other.ctx.nr = NOS_SYS_NOTIFY_WAIT;
    other.deadline_ns = 5;
    assert_ptr_equal(at_once(NOS_SYS_NOTIFY_SIGNAL, NOS_TYPE_NOTIFICATION, 1), self);
    assert_int_equal(thread.ctx.nr, NOS_OK);
    other.deadline_ns = 0;
    other.cpus = 2;  // not here
    assert_ptr_equal(at_once(NOS_SYS_NOTIFY_SIGNAL, NOS_TYPE_NOTIFICATION, 1), self);
    assert_int_equal(signals, 3);
    assert_ptr_equal(n->waiter, &other);
    other.cpus = CPUS_ALL;
    assert_ptr_equal(at_once(NOS_SYS_NOTIFY_SIGNAL, NOS_TYPE_NOTIFICATION, 9), self);
    assert_int_equal(signals, 3);
    assert_null(n->waiter);
    assert_int_equal(thread.ctx.nr, NOS_OK);
    assert_null(other.waits_on);
    assert_int_equal(other.ctx.nr, NOS_OK);
    assert_int_equal(other.ctx.w[0], 9);
    assert_int_equal(other.state, THREAD_READY);
    fresh_other(state);
    n->waiter = &other;
    other.priority = 9;  // it goes first
    assert_ptr_equal(at_once(NOS_SYS_NOTIFY_SIGNAL, NOS_TYPE_NOTIFICATION, 9), &elsewhere);
}

static void wait_at_once(void **state)
{
    struct notification *n = &a_notification;
    struct handle_slot *s;
    (void)state;
    assert_int_equal(
        handle_get(&capsule.handles, handle[NOS_TYPE_NOTIFICATION], HANDLE_TYPE_ANY, 0, &s),
        NOS_OK);
    s->via = 0x51;  // cut with it
    assert_ptr_equal(at_once(NOS_SYS_NOTIFY_WAIT, NOS_TYPE_NOTIFICATION, 0), &elsewhere);
    assert_int_equal(thread.via, 0x51);
    assert_ptr_equal(thread.waits_on, &n->obj);
    s->via = 0;
    assert_int_equal(reached, 0);
    assert_int_equal(thread.state, THREAD_NOTE);
    assert_ptr_equal(n->waiter, &thread);
    fresh_other(state);
    n->bits = 1;
    becomes = THREAD_NOTE;  // as the handler finds
    assert_int_equal(
        handle_get(&capsule.handles, handle[NOS_TYPE_NOTIFICATION], HANDLE_TYPE_ANY, 0, &s),
        NOS_OK);
    s->via = 0x52;
    assert_ptr_equal(at_once(NOS_SYS_NOTIFY_WAIT, NOS_TYPE_NOTIFICATION, 0), &elsewhere);
    assert_int_equal(thread.via, 0x52);
    s->via = 0;
    fresh_other(state);
    n->bits = 1;
    becomes = THREAD_RUNNING;
    answer = NOS_BUSY;
    assert_ptr_equal(at_once(NOS_SYS_NOTIFY_WAIT, NOS_TYPE_NOTIFICATION, 0), &thread.ctx);
    assert_int_equal((int64_t)thread.ctx.nr, NOS_BUSY);
    answer = NOS_OK;
}

static void message_at_once(void **state)
{
    (void)state;
    struct endpoint *e = &an_endpoint;
    other.state = THREAD_RECV;
    e->receivers.first = e->receivers.last = &other;
    assert_ptr_equal(at_once(NOS_SYS_IPC_CALL, NOS_TYPE_ENDPOINT, nos_msg_info(1, 1)), &other.ctx);
    assert_int_equal(thread.state, THREAD_REPLY);
    assert_ptr_equal(thread.worker, &other);
    fresh_other(state);
    other.state = THREAD_RECV;
    e->receivers.first = e->receivers.last = &other;
    passes = true;
    assert_ptr_equal(at_once(NOS_SYS_IPC_CALL, NOS_TYPE_ENDPOINT,
                             nos_msg_info(1, 1) | 1 << NOS_MSG_HANDLES_SHIFT),
                     &other.ctx);
    passes = false;
    e->receivers.first = e->receivers.last = NULL;

    fresh_other(state);
    other.state = THREAD_REPLY;
    other.worker = &thread;
    thread.client = &other;
    passes = true;  // an answer that carries a handle
    assert_ptr_equal(at_once(NOS_SYS_IPC_REPLY_RECV, NOS_TYPE_ENDPOINT,
                             nos_msg_info(1, 0) | 1 << NOS_MSG_HANDLES_SHIFT),
                     &other.ctx);
    passes = false;
    e->receivers.first = e->receivers.last = NULL;
    for (unsigned fault = 0; fault < 2; fault++) {  // an answer; to a fault it says where to go on
        fresh_other(state);
        other.state = THREAD_REPLY;
        other.worker = &thread;
        other.fault = fault;
        thread.client = &other;
        struct arch_context *next = at_once(NOS_SYS_IPC_REPLY_RECV, NOS_TYPE_ENDPOINT,
                                            nos_msg_info(fault ? NOS_FAULT_RETRY : 1, 0));
        assert_ptr_equal(next, &other.ctx);
        assert_int_equal(other.fault, 0);
        assert_int_equal(thread.state, THREAD_RECV);
        e->receivers.first = e->receivers.last = NULL;
    }
}

static void yield_at_once(void **state)
{
    struct cpu *cpu = this_cpu();
    (void)state;
    assert_ptr_equal(at_once(NOS_SYS_YIELD, NOS_TYPE_NONE, 0), &thread.ctx);
    assert_int_equal(reached, 1);  // nobody to give way to
    fresh_other(state);
    other.state = THREAD_READY;
    sched_append(&cpu->ready[5], &other);
    cpu->slice_armed = true;
    cpu->ready_mask = 1u << 5;
    assert_ptr_equal(at_once(NOS_SYS_YIELD, NOS_TYPE_NONE, 0), &other.ctx);
    assert_int_equal(reached, 0);
    assert_int_equal(thread.state, THREAD_READY);
    assert_int_equal(thread.ctx.nr, NOS_OK);
    assert_int_equal(other.state, THREAD_RUNNING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_row, fresh, clean),
        cmocka_unit_test_setup_teardown(answers, fresh, clean),
        cmocka_unit_test_setup_teardown(nothing_at_all, fresh, clean),
        cmocka_unit_test_setup_teardown(no_such_call, fresh, clean),
        cmocka_unit_test_setup_teardown(dead_handles, fresh, clean),
        cmocka_unit_test_setup_teardown(copies_of_user_memory, fresh, clean),
        cmocka_unit_test_setup_teardown(a_handle_as_an_argument, fresh, clean),
        cmocka_unit_test_setup_teardown(who_goes_on, fresh, clean),
        cmocka_unit_test_setup_teardown(a_wait_for_the_lock, fresh, clean),
        cmocka_unit_test_setup_teardown(signal_at_once, fresh_other, clean),
        cmocka_unit_test_setup_teardown(wait_at_once, fresh_other, clean),
        cmocka_unit_test_setup_teardown(message_at_once, fresh_other, clean),
        cmocka_unit_test_setup_teardown(yield_at_once, fresh_other, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
