/* kernel/syscall/device.c: ports, interrupts, power. */
#include "tests/host/syscall_host.h"

#include "tests/host/audit_told.h"

static unsigned said;
static char words[100];

static void say(const char *format, ...)
{
    va_list more;
    va_start(more, format);
    vsnprintf(words, sizeof words, format, more);
    va_end(more);
    said++;
}
#define klog say
#include "kernel/syscall/device.c"
#undef klog

static struct ports a_window;
static struct irq a_line;
static struct notification note[2];
static struct capsule driver;
static struct obj a_power;

/* ---- the machine ---- */

static uint64_t port_asked, port_value;
static unsigned ins, outs, unmasks;

uint64_t arch_port_in(uint16_t port, unsigned width)
{
    port_asked = (uint64_t)port << 8 | width;
    ins++;
    return 0xabcd;
}

void arch_port_out(uint16_t port, unsigned width, uint64_t value)
{
    port_asked = (uint64_t)port << 8 | width;
    port_value = value;
    outs++;
}

void arch_irq_unmask(unsigned line)
{
    assert_int_equal(line, 5);
    unmasks++;
}

static bool bound_now;
static unsigned unbound;

bool irq_is_bound(struct irq *q)
{
    return bound_now && q->note != NULL;
}

void irq_unbind(struct irq *q)
{
    unbound++;
    if (q->note != NULL) {
        obj_put(&q->note->obj);
        cell_put(q->via[0]);
        cell_put(q->via[1]);
    }
    q->note = NULL;
}

static jmp_buf off;
static unsigned order[4], n_order; /* of what the end does */

void log_serial(bool on)
{
    assert_true(on);
    order[n_order++] = 1;
}

void arch_stop_others(void)
{
    order[n_order++] = 2;
}

bool machine_wipe(void)
{
    order[n_order++] = 3;
    return true;
}

void arch_end(unsigned action)
{
    order[n_order++] = 10 + action;
    longjmp(off, 1);
}

static int fresh(void **state)
{
    fresh_caller(state);
    memset(&told, 0, sizeof told);
    memset(&a_line, 0, sizeof a_line);
    memset(note, 0, sizeof note);
    memset(&driver, 0, sizeof driver);
    obj_init(&a_window.obj, NOS_TYPE_PORTS);
    obj_init(&a_line.obj, NOS_TYPE_IRQ);
    obj_init(&a_power, NOS_TYPE_POWER);
    obj_init(&note[0].obj, NOS_TYPE_NOTIFICATION);
    obj_init(&note[1].obj, NOS_TYPE_NOTIFICATION);
    a_window.base = 0x60;
    a_window.count = 5;
    a_line.line = 5;
    driver.id = 30;
    driver.state = NOS_CAPSULE_RUNNING;
    host_capsule[1] = &driver;
    ins = outs = unmasks = unbound = n_order = said = 0;
    bound_now = true;
    return 0;
}

/* ---- ports ---- */

static void a_window_of_ports(void **state)
{
    static const struct {
        uint64_t port, width;
        bool fits;
    } rows[] = {
        { 0x60, 1, true },     { 0x60, 2, true },
        { 0x60, 4, true },     { 0x61, 4, true },
        { 0x62, 4, false },    { 0x63, 2, true },
        { 0x64, 2, false },    { 0x64, 1, true },
        { 0x65, 1, false },    { 0x66, 1, false },
        { 0x5f, 1, false },    { 0x5f, 2, false },
        { 0x60, 0, false },    { 0x60, 3, false },
        { 0x60, 8, false },    { 0x60, 5, false },
        { 0x10060, 1, false }, { UINT64_MAX, 1, false },
        { 0, 1, false },       { 0x60, 1ull << 32 | 1, false },
    };
    struct handle_slot slot = { .obj = &a_window.obj };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        nos_status_t want = rows[i].fits ? NOS_OK : NOS_INVALID;
        ins = outs = 0;
        args(0, rows[i].port, rows[i].width);
        assert_int_equal(sys_port_in(&me, saved, &slot), want);
        assert_int_equal(ins, rows[i].fits);
        assert_int_equal(saved->w[0], rows[i].fits ? 0xabcd : rows[i].width);
        args(0, rows[i].port, rows[i].width);
        saved->w[1] = 0x1122334455667788;
        assert_int_equal(sys_port_out(&me, saved, &slot), want);
        assert_int_equal(outs, rows[i].fits);
        if (rows[i].fits) {
            assert_int_equal(port_asked, rows[i].port << 8 | rows[i].width);
            assert_int_equal(port_value, 0x1122334455667788);
        }
    }
}

/* ---- interrupts ---- */

static nos_status_t bind(uint32_t q, uint64_t n, uint64_t bits)
{
    args(q, n, bits);
    return sys_irq_bind(&me, saved, slot_of(q));
}

static void bound(void **state)
{
    uint32_t q = hold_cell(&a_line.obj, NOS_RIGHT_WAIT),
             n = hold_cell(&note[0].obj, NOS_RIGHT_SIGNAL),
             weak = hold(&note[0].obj, NOS_RIGHT_ALL & ~NOS_RIGHT_SIGNAL);
    (void)state;
    assert_int_equal(bind(q, n, 0), NOS_INVALID);
    assert_int_equal(bind(q, weak, 1), NOS_DENIED);
    assert_int_equal(bind(q, q, 1), NOS_WRONG_TYPE);
    assert_int_equal(unmasks + unbound, 0);
    a_line.pending = true;
    assert_int_equal(bind(q, n, 0x40), NOS_OK);
    assert_ptr_equal(a_line.note, &note[0]);
    assert_int_equal(a_line.binder, CALLER);
    assert_int_equal(a_line.bits, 0x40);
    assert_int_equal(a_line.via[0], slot_of(q)->via);
    assert_int_equal(a_line.via[1], slot_of(n)->via);
    assert_false(a_line.pending);
    assert_int_equal(unmasks, 1);
    assert_int_equal(unbound, 1);
    assert_int_equal(note[0].obj.refs, 1 + 2 + 1);
    assert_int_equal(bind(q, n, 0x80), NOS_OK);  // again, to the same: other bits
    assert_int_equal(a_line.bits, 0x80);
    assert_int_equal(note[0].obj.refs, 1 + 2 + 1);
    assert_int_equal(handle_close(&mine.handles, q), NOS_OK);
    assert_int_equal(handle_close(&mine.handles, n), NOS_OK);
    assert_int_equal(cell_count(), 2);  // the binding's
    irq_unbind(&a_line);
}

/* A line that another has: as long as he runs, and somebody listens. */
static void taken_over(void **state)
{
    uint32_t q = hold(&a_line.obj, NOS_RIGHT_WAIT), n = hold(&note[0].obj, NOS_RIGHT_SIGNAL);
    (void)state;
    for (unsigned why = 0; why < 5; why++) {
        if (a_line.note != NULL) {
            irq_unbind(&a_line);
        }
        a_line.note = &note[1];
        a_line.binder = 30;
        obj_get(&note[1].obj);
        bound_now = true;
        driver.state = NOS_CAPSULE_RUNNING;
        switch (why) {
        case 0:
            assert_int_equal(bind(q, n, 1), NOS_BUSY);
            assert_ptr_equal(a_line.note, &note[1]);
            assert_int_equal(a_line.binder, 30);
            assert_int_equal(unmasks, 0);
            continue;
        case 1:
            bound_now = false;  // its handle was cut
            break;
        case 2:
            note[1].obj.refs = 1;  // nobody else has it
            break;
        case 3:
            a_line.binder = 31;  // gone
            break;
        default:
            driver.state = NOS_CAPSULE_CRASHED;
            break;
        }
        assert_int_equal(bind(q, n, 1), NOS_OK);
        assert_ptr_equal(a_line.note, &note[0]);
        assert_int_equal(a_line.binder, CALLER);
        obj_init(&note[1].obj, NOS_TYPE_NOTIFICATION);
    }
    irq_unbind(&a_line);
    assert_int_equal(note[0].obj.refs, 2);
}

static void acknowledged(void **state)
{
    struct handle_slot slot = { .obj = &a_line.obj };
    (void)state;
    assert_int_equal(sys_irq_ack(&me, saved, &slot), NOS_BAD_STATE);
    assert_int_equal(unmasks, 0);
    a_line.pending = true;
    assert_int_equal(sys_irq_ack(&me, saved, &slot), NOS_OK);
    assert_int_equal(unmasks, 1);
    assert_int_equal(sys_irq_ack(&me, saved, &slot), NOS_BAD_STATE);
}

/* ---- power ---- */

static void not_off(void **state)
{
    static const struct {
        uint64_t action;
        uint32_t rights;
        nos_status_t want;
    } rows[] = {
        { 0, NOS_RIGHT_ALL, NOS_INVALID },
        { 3, NOS_RIGHT_ALL, NOS_INVALID },
        { 1ull << 32 | 1, NOS_RIGHT_ALL, NOS_INVALID },
        { NOS_POWER_OFF, NOS_RIGHT_ALL & ~NOS_RIGHT_OFF, NOS_DENIED },
        { NOS_POWER_RESET, NOS_RIGHT_ALL & ~NOS_RIGHT_RESET, NOS_DENIED },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct handle_slot slot = { .obj = &a_power, .rights = rows[i].rights };
        args(0, rows[i].action, 0);
        if (setjmp(off) != 0) {
            fail_msg("row %zu is the end of the machine", i);
        }
        assert_int_equal(sys_power(&me, saved, &slot), rows[i].want);
        assert_int_equal(n_order, 0);
        assert_int_equal(told.records, 0);
    }
}

static void ends(void **state)
{
    static const uint32_t right[] = {
        [NOS_POWER_OFF] = NOS_RIGHT_OFF, [NOS_POWER_RESET] = NOS_RIGHT_RESET
    };
    static struct capsule asker;
    static struct thread waits;
    waits = (struct thread){ .capsule = &asker, .state = THREAD_REPLY, .worker = &me };
    me.client = &waits;
    for (volatile unsigned action = NOS_POWER_OFF; action <= NOS_POWER_RESET; action++) {
        struct handle_slot slot = { .obj = &a_power, .rights = right[action] };
        n_order = 0;
        args(0, action, 0);
        if (setjmp(off) == 0) {
            (void)sys_power(&me, saved, &slot);
            fail_msg("it came back");
        }
        assert_int_equal(n_order, 4);
        assert_memory_equal(order, ((unsigned[]){ 1, 2, 3, 10 + action }), sizeof order);
        assert_int_equal(told.records, action);
        assert_int_equal(told.kind, NOS_AUDIT_POWER);
        assert_int_equal(told.actor, CALLER);
        assert_int_equal(told.status, NOS_OK);
        assert_false(told.has_subject);
        assert_int_equal(told.a, action);
        assert_int_equal(told.b, 0);
        assert_null(told.text);
        assert_int_equal(told.causes, 2);
        assert_ptr_equal(told.cause[0], &mine.record);
        assert_ptr_equal(told.cause[1], &asker.record);
        assert_int_equal(said, action);
        assert_string_equal(words, action == NOS_POWER_OFF
                                       ? "power: off, on behalf of capsule 7"
                                       : "power: reset, on behalf of capsule 7");
    }
    (void)state;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, drop_caller)
    const struct CMUnitTest tests[] = {
        TEST(a_window_of_ports), TEST(bound),   TEST(taken_over),
        TEST(acknowledged),      TEST(not_off), TEST(ends),
    };
    return cmocka_run_group_tests_name("sys_device", tests, NULL, NULL);
}
