/* kernel/arch/x86_64/irq.c and port_io.c: a line stays quiet until its driver says so, and loses no
 * edge by it. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#define HOST_HAS_CAPSULES
#include "tests/host/kernel_host_impl.h"

#include "kernel/arch/x86_64/cpu.h"

/* ---- ports ---- */

static struct {
    uint16_t port;
    uint64_t value;
    unsigned width;
} io[32];
static unsigned n_io;

static void wrote(uint16_t port, uint64_t value, unsigned width)
{
    io[n_io].port = port;
    io[n_io].value = value;
    io[n_io++].width = width;
}

static uint32_t reads(uint16_t port, unsigned width)
{
    wrote(port, 0, width);
    return 0xf0f1f2f3u >> (32 - 8 * width);
}

static void wrote8(uint16_t port, uint8_t value)
{
    wrote(port, value, 1);
}

static void wrote16(uint16_t port, uint16_t value)
{
    wrote(port, value, 2);
}

static void wrote32(uint16_t port, uint32_t value)
{
    wrote(port, value, 4);
}

static uint8_t read8(uint16_t port)
{
    return (uint8_t)reads(port, 1);
}

static uint16_t read16(uint16_t port)
{
    return (uint16_t)reads(port, 2);
}

static uint32_t read32(uint16_t port)
{
    return reads(port, 4);
}
#define out8 wrote8
#define out16 wrote16
#define out32 wrote32
#define in8 read8
#define in16 read16
#define in32 read32
#include "kernel/arch/x86_64/irq.c"
#include "kernel/arch/x86_64/port_io.c"

/* ---- controllers ---- */

static volatile uint8_t regs[1];
static unsigned masks[16], unmasks[16], eois, inits;
static uint32_t level, served; /* bit n: line n is level-triggered, is in service */
static int self_sent;
static bool due, look, no_pins;
static uint8_t asked;

void ioapic_init(const struct acpi_madt *madt)
{
    assert_non_null(madt);
    inits++;
}

struct ioapic_pin ioapic_route(uint32_t gsi, uint16_t flags, uint8_t vector, uint8_t cpu)
{
    assert_int_equal(cpu, 3);
    assert_int_equal(flags, vector == VEC_LINE ? 5 : 0);
    return (struct ioapic_pin){ .regs = no_pins ? NULL : regs,
                                .pin = gsi,
                                .low = vector - (uint32_t)VEC_LINE };
}

bool ioapic_is_level(const struct ioapic_pin *p)
{
    return (level >> p->low & 1) != 0;
}

void ioapic_mask(const struct ioapic_pin *p)
{
    assert_int_equal(lines_lock.next, lines_lock.serving + 1);
    masks[p->low]++;
}

void ioapic_unmask(const struct ioapic_pin *p)
{
    assert_int_equal(lines_lock.next, lines_lock.serving + 1);
    unmasks[p->low]++;
}

uint8_t lapic_id(void)
{
    return 3;
}

void lapic_eoi(void)
{
    eois++;
}

bool lapic_in_service(uint8_t vector)
{
    return vector >= VEC_LINE && vector < VEC_LINE + 32 && (served >> (vector - VEC_LINE) & 1) != 0;
}

void lapic_self(uint8_t vector)
{
    self_sent = vector;
}

bool clock_timer_due(void)
{
    return due;
}

bool ipi_take(uint8_t vector)
{
    asked = vector;
    assert_int_equal(eois, 0);  // answered first
    return look;
}

/* Line 0 is at pin 2, as on most machines: so line 2 has none. */
void acpi_route(const struct acpi_madt *madt, uint8_t irq, uint32_t *gsi, uint16_t *flags)
{
    bool moved = madt->n_override != 0 && irq == 0;
    *gsi = moved ? 2 : irq;
    *flags = irq == 0 ? 5 : 0;
}

static struct acpi_madt madt;

static int fresh(void **state)
{
    (void)state;
    host_start();
    memset(lines, 0, sizeof lines);
    memset(masks, 0, sizeof masks);
    memset(unmasks, 0, sizeof unmasks);
    memset(&madt, 0, sizeof madt);
    lines_lock = (struct ticket_lock){ 0 };
    eois = inits = n_io = 0;
    level = 0;
    served = UINT32_MAX;
    self_sent = -1;
    due = look = true;
    no_pins = false;
    madt.n_override = 1;
    madt.override[0].irq = 0;
    madt.override[0].gsi = 2;
    irq_init(&madt);
    return 0;
}

static unsigned line;

static bool came(unsigned which)
{
    line = 99;
    bool told = irq_take((uint8_t)(VEC_LINE + which), &line);
    assert_int_equal(lines_lock.next, lines_lock.serving);
    return told;
}

/* ---- at the start ---- */

static void old_controllers_off(void **state)
{
    static const uint16_t words[][2] = { { 0x20, 0x11 },        { 0xa0, 0x11 }, { 0x21, VEC_PIC },
                                         { 0xa1, VEC_PIC + 8 }, { 0x21, 4 },    { 0xa1, 2 },
                                         { 0x21, 1 },           { 0xa1, 1 },    { 0x21, 0xff },
                                         { 0xa1, 0xff } };
    (void)state;
    irq_pic_off();
    assert_int_equal(n_io, ARRAY_LEN(words));
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        assert_int_equal(io[i].port, words[i][0]);
        assert_int_equal(io[i].value, words[i][1]);
    }
}

static void every_line_masked(void **state)
{
    (void)state;
    assert_int_equal(inits, 1);
    for (unsigned i = 0; i < ISA_LINES; i++) {
        assert_int_equal(lines[i].pin.regs != NULL, i != 2);
        assert_int_equal(lines[i].masked, i != 2);
        assert_int_equal(lines[i].pin.pin, i == 0 ? 2 : i == 2 ? 0 : i);
        assert_false(lines[i].open);
    }
    memset(lines, 0, sizeof lines);
    madt.n_override = 0;
    irq_init(&madt);
    assert_ptr_equal(lines[2].pin.regs, regs);
    memset(lines, 0, sizeof lines);
    madt.n_override = ACPI_OVERRIDES + 1;  // more than were kept
    madt.override[0].gsi = 77;
    madt.override[ACPI_OVERRIDES - 1].irq = 9;
    madt.override[ACPI_OVERRIDES - 1].gsi = 5;
    irq_init(&madt);
    assert_null(lines[5].pin.regs);
    assert_ptr_equal(lines[6].pin.regs, regs);
}

/* ---- lines ---- */

static void a_level(void **state)
{
    (void)state;
    level = 1u << 7;
    arch_irq_unmask(7);
    assert_int_equal(unmasks[7], 1);
    arch_irq_unmask(7);  // twice is once
    assert_int_equal(unmasks[7], 1);
    assert_true(came(7));
    assert_int_equal(line, 7);
    assert_int_equal(masks[7], 1);
    assert_int_equal(eois, 1);
    assert_false(came(7));  // nobody waits for it
    assert_int_equal(masks[7], 1);
    assert_false(lines[7].pending);
    arch_irq_unmask(7);
    assert_int_equal(unmasks[7], 2);
    assert_int_equal(self_sent, -1);
}

/* One edge that comes while nobody listens is remembered, and comes when somebody does. */
static void an_edge(void **state)
{
    (void)state;
    arch_irq_unmask(4);
    assert_true(came(4));
    assert_int_equal(masks[4], 0);  // it stays open, or the next edge is lost
    assert_false(came(4));
    assert_int_equal(masks[4], 1);
    assert_true(lines[4].pending);
    assert_false(came(4));
    assert_int_equal(masks[4], 1);
    assert_int_equal(eois, 3);
    assert_int_equal(self_sent, -1);
    arch_irq_unmask(4);
    assert_int_equal(unmasks[4], 2);
    assert_int_equal(self_sent, VEC_LINE + 4);
    assert_false(lines[4].pending);
    assert_true(came(4));
    arch_irq_unmask(4);  // never masked meanwhile
    assert_int_equal(unmasks[4], 2);
    assert_true(lines[4].open);
}

static void masked_again(void **state)
{
    (void)state;
    arch_irq_unmask(4);
    assert_true(came(4));
    assert_false(came(4));
    arch_irq_mask(4);
    assert_false(lines[4].pending);  // what was remembered is forgotten
    assert_false(lines[4].open);
    assert_int_equal(masks[4], 1);
    arch_irq_unmask(4);
    assert_int_equal(self_sent, -1);
    arch_irq_mask(4);
    assert_int_equal(masks[4], 2);
    arch_irq_mask(4);
    assert_int_equal(masks[4], 2);
    assert_false(came(4));  // on its way when it was masked: nobody listens
}

static void no_such_line(void **state)
{
    (void)state;
    arch_irq_mask(2);
    arch_irq_unmask(2);
    arch_irq_mask(16);
    arch_irq_unmask(16);
    assert_int_equal(lines_lock.next, 0);
    for (unsigned which = 0; which < 2; which++) {
        eois = 0;
        assert_true(came(which == 0 ? 2 : 19));
        assert_int_equal(line, UP_LINE_SPURIOUS);
        assert_int_equal(eois, 1);
    }
    served = 0;  // the controller has nothing: no end to say
    eois = 0;
    arch_irq_unmask(4);
    assert_true(came(4));
    assert_int_equal(line, UP_LINE_SPURIOUS);
    assert_true(came(19));
    assert_int_equal(eois, 0);
    assert_true(lines[4].open);
    assert_true(irq_take(VEC_SPURIOUS, &line));
    assert_int_equal(line, UP_LINE_SPURIOUS);
    assert_true(irq_take(VEC_PIC + 7, &line));
    assert_int_equal(line, UP_LINE_SPURIOUS);
}

static void timer_and_other_cpus(void **state)
{
    (void)state;
    for (unsigned yes = 0; yes < 2; yes++) {
        due = look = yes != 0;
        eois = 0;
        assert_int_equal(irq_take(VEC_TIMER, &line), yes);
        assert_int_equal(line, UP_LINE_TIMER);
        assert_int_equal(eois, 1);
        for (unsigned v = VEC_KICK; v <= VEC_ASK; v++) {
            eois = 0;
            assert_int_equal(irq_take((uint8_t)v, &line), yes);
            assert_int_equal(line, UP_LINE_KICK);
            assert_int_equal(asked, v);
            assert_int_equal(eois, 1);
        }
    }
}

/* ---- ports of a window ---- */

static void widths(void **state)
{
    static const uint64_t got[] = { 0, 0xf0, 0xf0f1, 0, 0xf0f1f2f3 };
    static const uint64_t put[] = { 0, 0x88, 0x7788, 0, 0x55667788 };
    (void)state;
    for (unsigned width = 1; width <= 4; width *= 2) {
        n_io = 0;
        assert_int_equal(arch_port_in(0x60, width), got[width]);
        arch_port_out(0x64, width, 0x1122334455667788);
        assert_int_equal(io[0].port, 0x60);
        assert_int_equal(io[0].width, width);
        assert_int_equal(io[1].port, 0x64);
        assert_int_equal(io[1].width, width);
        assert_int_equal(io[1].value, put[width]);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        TEST(old_controllers_off),
        TEST(every_line_masked),
        TEST(a_level),
        TEST(an_edge),
        TEST(masked_again),
        TEST(no_such_line),
        TEST(timer_and_other_cpus),
        TEST(widths),
    };
    return cmocka_run_group_tests_name("irq", tests, NULL, NULL);
}
