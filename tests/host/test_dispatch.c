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
static nos_status_t last_denied;
struct ticket_lock big_lock;

/* A handler for each row but `null`, which is the dispatcher's own. */
#define HANDLER(name) \
    nos_status_t sys_##name(struct thread *self, struct arch_context *ctx, \
                            struct handle_slot *slot) \
    { \
        (void)self, (void)ctx, (void)slot; \
        reached++; \
        return NOS_OK; \
    }
nos_status_t sys_null_of_the_table(struct thread *self, struct arch_context *ctx,
                                   struct handle_slot *slot);
#define sys_null sys_null_of_the_table
#define SYSCALL(nr, name, cls, types, rights, n_args, kind) HANDLER(name)
#include "kernel/syscall/table.inc"
#undef SYSCALL
#undef sys_null

void kernel_lock_wait(uint32_t ticket)
{
    (void)ticket;
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

bool obj_ended(const struct obj *o)
{
    (void)o;
    return false;
}

void obj_handle_opened(struct obj *o, uint32_t rights)
{
    (void)o, (void)rights;
}

void obj_handle_closed(struct obj *o, uint32_t rights)
{
    (void)o, (void)rights;
}

void audit_deny(uint32_t actor, uint32_t nr, nos_status_t status, const struct audit_ref *cause)
{
    (void)actor, (void)nr, (void)cause;
    denied++;
    last_denied = status;
}

void sched_arm_background(void)
{
}

void sched_arm_slice(struct cpu *cpu)
{
    (void)cpu;
}

struct arch_context *sched_exit(void)
{
    return NULL;
}

void notify_signal(struct notification *n, uint64_t bits)
{
    (void)n, (void)bits;
}

bool pass_one(struct thread *from, struct thread *to)
{
    (void)from, (void)to;
    return false;
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

bool arch_copy_from_user(void *dst, uint64_t src, size_t len)
{
    (void)dst, (void)src, (void)len;
    return false;
}

bool arch_copy_to_user(uint64_t dst, const void *src, size_t len)
{
    (void)dst, (void)src, (void)len;
    return false;
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
    thread.ctx.nr = nr;
    thread.ctx.arg0 = h;
    (void)up_syscall(&thread.ctx);
    return (nos_status_t)(int64_t)thread.ctx.nr;
}

static void refused(uint64_t nr, uint64_t h, nos_status_t want)
{
    nos_status_t st = make_call(nr, h);
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
    cell_revoke(s->via);
    refused(NOS_SYS_NOTIFY_SIGNAL, h, NOS_REVOKED);
    assert_int_equal(make_call(NOS_SYS_NOTIFY_SIGNAL, handle[NOS_TYPE_NOTIFICATION]), NOS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_row, fresh, clean),
        cmocka_unit_test_setup_teardown(no_such_call, fresh, clean),
        cmocka_unit_test_setup_teardown(dead_handles, fresh, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
