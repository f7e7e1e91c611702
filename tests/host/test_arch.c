/* The pure pieces of the x86_64 port: which UBSan check a ud1 names, reserved ports, other CPUs,
 * tick arithmetic. */
#include "kernel/arch/api/upcalls.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/insn.h"
#include "kernel/arch/x86_64/mitigate.h"
#include "kernel/arch/x86_64/ports.h"
#include "kernel/arch/x86_64/scale.h"
#include "kernel/arch/x86_64/smp.h"
#include "lib/compiler.h"
#include "tests/host/test.h"

/* ---- ud1 ---- */

static uint32_t illegal(const uint8_t *bytes, size_t len)
{
    uint8_t *exact = malloc(len == 0 ? 1 : len);  // ASan sees a byte past it
    memcpy(exact, bytes, len);
    uint32_t got = insn_illegal(span_of(exact, len));
    free(exact);
    return got;
}

static void test_ud1(void **state)
{
    static const uint8_t bounds[] = { 0x67, 0x0f, 0xb9, 0x40, 0x12 };
    static const uint8_t add[] = { 0x67, 0x0f, 0xb9, 0x00 };
    (void)state;
    assert_int_equal(illegal(bounds, sizeof bounds), ARCH_UBSAN | 0x12);
    assert_int_equal(illegal(add, sizeof add), ARCH_UBSAN);
    for (size_t n = 0; n < sizeof bounds; n++) {
        assert_int_equal(illegal(bounds, n), 0);
    }
    for (size_t n = 0; n < sizeof add; n++) {
        assert_int_equal(illegal(add, n), 0);
    }
}

static void test_not_ud1(void **state)
{
    static const uint8_t good[] = { 0x67, 0x0f, 0xb9, 0x40, 0x12 };
    static const uint8_t ud2[] = { 0x0f, 0x0b };
    (void)state;
    assert_int_equal(illegal(ud2, sizeof ud2), 0);
    for (size_t i = 0; i < 4; i++) {
        uint8_t bad[sizeof good];
        memcpy(bad, good, sizeof good);
        bad[i] ^= 0x80;
        assert_int_equal(illegal(bad, sizeof bad), 0);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(arch_fault_name(14, 3), "page fault");
    assert_string_equal(arch_fault_name(6, 0), "illegal instruction");
    assert_string_equal(arch_fault_name(6, ARCH_UBSAN | 0x12), "UBSan: index out of bounds");
    assert_string_equal(arch_fault_name(6, ARCH_UBSAN | 0x14), "UBSan: shift out of bounds");
    assert_string_equal(arch_fault_name(6, ARCH_UBSAN | 0x18), "UBSan: array length");
    assert_string_equal(arch_fault_name(6, ARCH_UBSAN | 0x19), "UBSan: unknown check");
    for (uint64_t v = 0; v < 300; v++) {
        assert_non_null(arch_fault_name(v, 0));
    }
}

/* ---- ports ---- */

static void test_ports_meet(void **state)
{
    static const struct port_range r[] = { { 0x20, 2 }, { 0xfff8, 8 } };
    (void)state;
    assert_false(ports_meet(r, 2, 0x1f, 1));
    assert_true(ports_meet(r, 2, 0x1f, 2));
    assert_true(ports_meet(r, 2, 0x21, 1));
    assert_false(ports_meet(r, 2, 0x22, 1));
    assert_true(ports_meet(r, 2, 0x10, 0x100));
    assert_true(ports_meet(r, 2, 0xffff, 1));
    assert_true(ports_meet(r, 0, 0xffff, 2));           // past the last port
    assert_true(ports_meet(r, 0, 0, 0));                // no port at all
    assert_true(ports_meet(r, 0, 1, UINT32_MAX));       // must not wrap
    assert_true(ports_meet(r, 0, 0xffff, 0xffff0001));  // nor to a small end
    assert_false(ports_meet(r, 0, 0, 0x10000));
}

static void test_ports_kernels_own(void **state)
{
    static const uint16_t reserved[] = { 0x00,  0x20,  0x21,  0x40,  0x43,  0x61,  0x70, 0x71,
                                         0x80,  0x92,  0xa0,  0xa1,  0xb2,  0xc0,  0xdf, 0x4d0,
                                         0x510, 0x514, 0x51b, 0xcf8, 0xcf9, 0xcfc, 0xcff };
    static const uint16_t open[] = { 0x60, 0x64, 0x2f8, 0x3f8, 0x3ff, 0x4000, 0xc000, 0xffff };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        assert_true(arch_port_reserved(reserved[i], 1));
    }
    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        assert_false(arch_port_reserved(open[i], 1));
    }
}

enum {
    FADT_LEN = 132,
    SMI_CMD = 48,
    PM1A_EVT = 56,
    PM_TIMER = 76,
    PM1_EVT_LEN = 88,
    PM_TIMER_LEN = 91,
    RESET = 116
};

static void test_ports_fadt(void **state)
{
    uint8_t *fadt = calloc(1, FADT_LEN);
    struct port_range r[PORTS_ACPI_MAX];
    (void)state;
    assert_int_equal(ports_of_fadt(span_of(fadt, FADT_LEN), r), 0);
    store_le32(fadt + SMI_CMD, 0xb2);
    store_le32(fadt + PM1A_EVT, 0x600);
    fadt[PM1_EVT_LEN] = 4;
    store_le32(fadt + PM_TIMER, 0x608);
    fadt[PM_TIMER_LEN] = 4;
    fadt[RESET] = 1;
    store_le64(fadt + RESET + 4, 0xcf9);
    unsigned n = ports_of_fadt(span_of(fadt, FADT_LEN), r);
    assert_int_equal(n, 4);
    assert_true(ports_meet(r, n, 0x603, 1) && ports_meet(r, n, 0x60b, 1) &&
                ports_meet(r, n, 0xcf9, 1));
    assert_false(ports_meet(r, n, 0x604, 4));
    fadt[PM_TIMER_LEN] = 0;  // a block without a port in it
    assert_int_equal(ports_of_fadt(span_of(fadt, FADT_LEN), r), 3);
    fadt[PM_TIMER_LEN] = 4;
    ports_reserve(r, 3);
    assert_true(arch_port_reserved(0xb3, 1) && arch_port_reserved(0x5ff, 2));
    assert_false(arch_port_reserved(0x604, 4));
    ports_reserve(r, 0);
    assert_false(arch_port_reserved(0x600, 1));
    struct port_range many[PORTS_ACPI_MAX + 1];
    for (unsigned i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = (struct port_range){ (uint16_t)(0x5000 + i), 1 };
    }
    ports_reserve(many, ARRAY_LEN(many));  // as many as there is room for
    assert_true(arch_port_reserved(0x5000 + PORTS_ACPI_MAX - 1, 1));
    assert_false(arch_port_reserved(0x5000 + PORTS_ACPI_MAX, 1));
    ports_reserve(many, 0);
    store_le64(fadt + RESET + 4, 0x10cf9);  // not a port
    store_le32(fadt + PM_TIMER, 0x10000);   // nor this
    assert_int_equal(ports_of_fadt(span_of(fadt, FADT_LEN), r), 2);
    store_le64(fadt + RESET + 4, 0x100000cf9);  // a port in its low half alone
    assert_int_equal(ports_of_fadt(span_of(fadt, FADT_LEN), r), 2);
    store_le64(fadt + RESET + 4, 0xcf9);
    fadt[RESET] = 0;  // an address in memory
    assert_int_equal(ports_of_fadt(span_of(fadt, FADT_LEN), r), 2);
    fadt[RESET] = 1;
    store_le64(fadt + RESET + 4, 0xffff);  // the last port
    store_le32(fadt + PM_TIMER, 0xffff);
    fadt[PM_TIMER_LEN] = 1;
    n = ports_of_fadt(span_of(fadt, FADT_LEN), r);
    assert_int_equal(n, 4);
    assert_true(ports_meet(&r[1], 1, 0xffff, 1) && ports_meet(&r[3], 1, 0xffff, 1));
    free(fadt);
}

/* ---- what a debugger may write ---- */

static void test_debugger_registers(void **state)
{
    struct arch_context c = { .ip = 0x4000, .flags = FLAG_FIXED | FLAG_IF, .fast = ARCH_FAST };
    struct arch_context was = c;
    uint64_t regs[NOS_REG_COUNT], good[NOS_REG_COUNT];
    (void)state;
    arch_context_get(&c, good);
    assert_memory_equal(&c, &was, sizeof c);
    assert_int_equal(good[NOS_REG_rcx], 0x4000);  // as a system call leaves it
    for (unsigned bit = 0; bit < 64; bit++) {     // CF PF AF ZF SF, DF OF, AC, ID; TF is dropped
        bool may = (0x240cd5ull >> bit & 1) != 0 || bit == 8;
        memcpy(regs, good, sizeof regs);
        regs[NOS_REG_rflags] ^= 1ull << bit;
        c = was;
        assert_int_equal(arch_context_set(&c, regs), may ? NOS_OK : NOS_INVALID);
        if (!may) {
            assert_memory_equal(&c, &was, sizeof c);
            continue;
        }
        assert_int_equal(c.flags, regs[NOS_REG_rflags] & ~(uint64_t)FLAG_TF);
        assert_int_equal(c.fast, 0);  // all registers are restored on the way out
    }
    static const uint64_t outside[] = { USER_MAX, USER_MAX + 1, 1ull << 47, UINT64_MAX };
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        memcpy(regs, good, sizeof regs);
        regs[NOS_REG_rip] = outside[i];
        c = was;
        assert_int_equal(arch_context_set(&c, regs), NOS_INVALID);
        assert_memory_equal(&c, &was, sizeof c);
    }
}

static void test_debugger_steps(void **state)
{
    struct arch_context c = { .ip = 0x4000, .flags = FLAG_FIXED | FLAG_IF, .fast = ARCH_FAST };
    uint64_t regs[NOS_REG_COUNT];
    (void)state;
    arch_context_step(&c, true);
    assert_int_equal(c.flags, FLAG_FIXED | FLAG_IF | FLAG_TF);
    assert_int_equal(c.fast, 0);
    assert_int_equal(c.t0, 0x4000);
    assert_int_equal(c.t1, FLAG_FIXED | FLAG_IF);
    c.t0 = 7;
    arch_context_get(&c, regs);
    assert_int_equal(regs[NOS_REG_rcx], 7);                        // interrupted: its own
    assert_int_equal(regs[NOS_REG_rflags], FLAG_FIXED | FLAG_IF);  // the step is not its business
    arch_context_step(&c, false);
    assert_int_equal(c.flags, FLAG_FIXED | FLAG_IF);
    assert_int_equal(c.t0, 7);
    c.flags |= FLAG_TF;  // a step into a system call
    c.fast = ARCH_FAST;
    arch_context_get(&c, regs);
    assert_int_equal(regs[NOS_REG_r11], FLAG_FIXED | FLAG_IF);
    assert_int_equal(regs[NOS_REG_rflags], FLAG_FIXED | FLAG_IF);
}

/* Cut anywhere: what is whole counts, and nothing else. */
static void test_ports_fadt_short(void **state)
{
    static const uint8_t lens[] = { 88, 88, 89, 89, 90, 91, 92, 93 }; /* of the eight blocks */
    (void)state;
    for (size_t n = 0; n <= FADT_LEN; n++) {
        struct port_range r[PORTS_ACPI_MAX];
        uint8_t full[FADT_LEN] = { 0 }, *fadt = malloc(n == 0 ? 1 : n);
        unsigned whole = (n >= SMI_CMD + 4) + (n >= RESET + 12);
        store_le32(full + SMI_CMD, 0xb2);
        full[RESET] = 1;
        store_le64(full + RESET + 4, 0xcf9);
        for (unsigned i = 0; i < ARRAY_LEN(lens); i++) {
            store_le32(full + PM1A_EVT + 4 * i, 0x600 + 16 * i);
            full[lens[i]] = 4;
            whole += n > lens[i];
        }
        memcpy(fadt, full, n);
        assert_int_equal(ports_of_fadt(span_of(fadt, n), r), whole);
        free(fadt);
    }
}

/* ---- ticks and nanoseconds ---- */

static void test_scale(void **state)
{
    static const uint64_t rates[] = { 1,          1000,       24000000,  999976288,
                                      1000000000, 2100000000, 6000000000 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        uint64_t mult = scale_to_ns(rates[i]);
        uint64_t day = rates[i] * 86400;
        uint64_t ns = scale(day, mult);
        assert_true(ns <= 86400 * NS_PER_S &&
                    ns > 86400 * NS_PER_S - 86400 * 10);  // 10 ns a second at most
        assert_true(scale(day + rates[i], mult) > ns);
    }
    assert_int_equal(scale(UINT64_MAX, scale_to_ns(NS_PER_S)),
                     UINT64_MAX);  // 584 years, no overflow
    assert_int_equal(scale(1000, scale_from_ns(NS_PER_S)), 1000);
    assert_int_equal(scale_from_ns(UINT32_MAX), UINT64_C(18446744069));
    assert_int_equal(scale_hz(525000, 894, 3579545), 2102081795);
}

/* ---- side channels ---- */

/* What processors of a kind report, and what that asks for. */
static void test_mitigations(void **state)
{
    enum { IBRS = 1, STIBP = 2, SSBD = 4, RRSBA = 1 << 6, BHI = 1 << 10 };
    static const struct {
        struct cpu_report r;
        struct mitigation want;
    } rows[] = {
        { { 0 }, { 0 } },                             // QEMU's own; an old AMD
        { { .intel = true }, { .meltdown = true } },  // an Intel that says nothing
        { { .intel = true, .leaf7_d = 1 << 10 },      // ... with new microcode
          { .meltdown = true, .clear_buffers = true } },
        { { .intel = true, .leaf7_d = 0xac000400, .arch_caps = 0x2b },  // Cascade Lake
          { .spec_ctrl = IBRS | STIBP | SSBD } },
        { { .intel = true, .leaf7_d = 0xac000400, .arch_caps = 0x0b },  // the same without MDS_NO
          { .spec_ctrl = IBRS | STIBP | SSBD, .clear_buffers = true } },
        { { .intel = true, .leaf7_d = 0xac000400, .leaf7_2_d = 0x14, .arch_caps = 0x2b },
          { .spec_ctrl = IBRS | STIBP | SSBD | RRSBA | BHI } },
        { { .intel = true, .leaf7_d = 0x20000400, .arch_caps = 0x21 | 1 << 17 },  // FB_CLEAR
          { .clear_buffers = true } },
        { { .intel = true, .leaf7_d = 0x20000400, .arch_caps = 0x21 | 1 << 28 },  // RFDS_CLEAR
          { .clear_buffers = true } },
        { { .ext8_b = 1 << 14 }, { 0 } },  // an AMD whose IBRS is not meant to stay on
        { { .ext8_b = 1 << 16 }, { 0 } },
        { { .ext8_b = 1 << 14 | 1 << 15 | 1 << 16 | 1 << 24, .ext21_a = 1 << 8 },  // Zen 4
          { .spec_ctrl = IBRS | STIBP | SSBD, .efer = 1 << 21 } },
        /* Everything but one: no bit stands for another. */
        { { .leaf7_d = ~(1u << 10) }, { .spec_ctrl = STIBP | SSBD } },
        { { .leaf7_2_d = ~(1u << 2) }, { .spec_ctrl = BHI } },
        { { .leaf7_2_d = ~(1u << 4) }, { .spec_ctrl = RRSBA } },
        { { .ext21_a = ~(1u << 8) }, { 0 } },
        { { .intel = true, .arch_caps = 1 << 5 }, { .meltdown = true } },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mitigation got = mitigate(&rows[i].r);
        assert_int_equal(got.spec_ctrl, rows[i].want.spec_ctrl);
        assert_int_equal(got.efer, rows[i].want.efer);
        assert_int_equal(got.clear_buffers, rows[i].want.clear_buffers);
        assert_int_equal(got.meltdown, rows[i].want.meltdown);
    }
}

/* ---- other CPUs ---- */

enum { SELF = 3, ENTRIES_AT = 44 };

struct listed {
    uint32_t id;
    bool x2apic, enabled;
};

/* The table that firmware would make of these, read by our parser. */
static struct smp_others others_of(const struct listed *cpu, size_t n)
{
    uint8_t *table = calloc(1, ENTRIES_AT + 16 * n), *at = table + ENTRIES_AT;
    struct acpi_madt m;

    memcpy(table, "APIC", 4);
    for (size_t i = 0; i < n; i++) {
        at[0] = cpu[i].x2apic ? 9 : 0;
        at[1] = cpu[i].x2apic ? 16 : 8;
        at[cpu[i].x2apic ? 8 : 4] = cpu[i].enabled ? 1 : 2;  // 2: can be enabled later
        if (cpu[i].x2apic) {
            store_le32(at + 4, cpu[i].id);
        } else {
            at[3] = (uint8_t)cpu[i].id;
        }
        at += at[1];
    }
    assert_int_equal(acpi_madt(span_of(table, (size_t)(at - table)), &m), NOS_OK);
    free(table);
    return smp_select(&m, SELF);
}

static void test_other_cpus(void **state)
{
    static const struct {
        struct listed cpu[6];
        struct smp_others want;
    } rows[] = {
        { { { SELF, 0, 1 } }, { 0 } },
        { { { 0, 0, 1 }, { SELF, 0, 1 }, { 7, 0, 1 } }, { .n = 2, .apic_id = { 0, 7 } } },
        { { { 1, 0, 0 }, { SELF, 0, 1 }, { 2, 0, 1 } }, { .n = 1, .apic_id = { 2 } } },
        { { { 1, 0, 1 }, { 1, 0, 1 }, { 2, 0, 1 }, { 1, 0, 1 } }, { .n = 2, .apic_id = { 1, 2 } } },
        { { { 1, 0, 1 }, { 1, 1, 1 }, { SELF, 1, 1 } }, { .n = 1, .apic_id = { 1 } } },
        { { { 254, 0, 1 }, { 255, 0, 1 }, { 255, 1, 1 } },
          { .n = 1, .apic_id = { 254 }, .left_out = 2 } },
        { { { 5, 1, 1 }, { 256 + SELF, 1, 1 }, { UINT32_MAX, 1, 1 }, { 256 + 5, 1, 0 } },
          { .n = 1, .apic_id = { 5 }, .left_out = 2 } },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = 0;
        while (n < 6 && (rows[i].cpu[n].enabled || rows[i].cpu[n].id != 0)) {
            n++;
        }
        const struct smp_others *want = &rows[i].want, got = others_of(rows[i].cpu, n);
        if (got.n != want->n || got.left_out != want->left_out ||
            memcmp(got.apic_id, want->apic_id, sizeof(got.apic_id)) != 0) {
            fail_msg("row %zu: %u others, %u left out", i, got.n, got.left_out);
        }
    }
}

/* More than there is room for, here and in the parser's own list. */
static void test_too_many_cpus(void **state)
{
    struct listed cpu[100];
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        cpu[i] = (struct listed){ .id = i, .enabled = true };
    }
    for (uint32_t n = 1; n <= 100; n++) {
        struct smp_others o = others_of(cpu, n);
        uint32_t others = n > SELF ? n - 1 : n;
        assert_int_equal(o.n, others < CPUS_MAX - 1 ? others : CPUS_MAX - 1);
        assert_int_equal(o.n + o.left_out, others);
        for (uint32_t i = 0; i < o.n; i++) {
            assert_int_equal(o.apic_id[i], i < SELF ? i : i + 1);
        }
    }
}

static void test_tsc_agrees(void **state)
{
    static const struct {
        uint64_t before, at, after, slack;
        bool agrees;
    } rows[] = {
        { 1000, 1500, 2000, 100, true },
        { 1000, 1000, 2000, 100, true },
        { 1000, 2000, 2000, 100, true },
        { 1000, 900, 2000, 100, true },
        { 1000, 899, 2000, 100, false },
        { 1000, 2100, 2000, 100, true },
        { 1000, 2101, 2000, 100, false },
        { 1000, 0, 2000, 100, false },
        { 1000, 1000, 1000, 0, true },
        { 1000, 1001, 1000, 0, false },
        { 1000, 999, 1000, 0, false },
        { 1000, UINT64_MAX, 2000, 100, false },
        { 50, 10, 90, 100, true },               // below 0 with the slack
        { 50, UINT64_MAX - 49, 90, 100, true },  // 50 before 0: a counter that has just started
        { 50, UINT64_MAX - 50, 90, 100, false },
        { UINT64_MAX - 10, UINT64_MAX, 20, 5, true },  // over the end
        { UINT64_MAX - 10, 25, 20, 5, true },
        { UINT64_MAX - 10, 26, 20, 5, false },
        { UINT64_MAX - 10, UINT64_MAX - 15, 20, 5, true },
        { UINT64_MAX - 10, UINT64_MAX - 16, 20, 5, false },
        { 1ull << 40, 0, (1ull << 40) + 5000, 3000, false },  // one that was reset
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (tsc_agrees(rows[i].before, rows[i].at, rows[i].after, rows[i].slack) !=
            rows[i].agrees) {
            fail_msg("row %zu", i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mitigations),
        cmocka_unit_test(test_ud1),
        cmocka_unit_test(test_not_ud1),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_ports_meet),
        cmocka_unit_test(test_ports_kernels_own),
        cmocka_unit_test(test_debugger_registers),
        cmocka_unit_test(test_debugger_steps),
        cmocka_unit_test(test_ports_fadt),
        cmocka_unit_test(test_ports_fadt_short),
        cmocka_unit_test(test_scale),
        cmocka_unit_test(test_other_cpus),
        cmocka_unit_test(test_too_many_cpus),
        cmocka_unit_test(test_tsc_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
