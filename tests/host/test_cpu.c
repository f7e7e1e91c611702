/* kernel/arch/x86_64/cpu.c, segments.c and fpu.c: what a processor must have, what is written to
 * its registers, and whose state is in the FPU's. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#define HOST_HAS_CAPSULES
#include "tests/host/kernel_host_impl.h"

#include "kernel/arch/x86_64/cpu.h"

/* ---- a processor: leaves that it answers, registers that it keeps ---- */

static struct {
    uint32_t leaf, sub;
    struct cpuid r;
} leaves[16];
static unsigned n_leaves;

static struct cpuid *leaf_is(uint32_t leaf, uint32_t sub)
{
    for (unsigned i = 0; i < n_leaves; i++) {
        if (leaves[i].leaf == leaf && leaves[i].sub == sub) {
            return &leaves[i].r;
        }
    }
    leaves[n_leaves].leaf = leaf;
    leaves[n_leaves].sub = sub;
    leaves[n_leaves].r = (struct cpuid){ 0 };
    return &leaves[n_leaves++].r;
}

static struct cpuid answers(uint32_t leaf, uint32_t sub)
{
    return *leaf_is(leaf, sub);
}

static struct {
    uint32_t msr;
    uint64_t value;
} msrs[128];
static unsigned n_msrs;
static uint64_t cr0, cr4, dr7;
static unsigned flushes, loads, pointers, opened;

static void msr_becomes(uint32_t msr, uint64_t value)
{
    msrs[n_msrs].msr = msr;
    msrs[n_msrs++].value = value;
}

static uint64_t msr_is(uint32_t msr)
{
    for (unsigned i = n_msrs; i-- > 0;) {
        if (msrs[i].msr == msr) {
            return msrs[i].value;
        }
    }
    return 0x5000;
}

static unsigned writes(uint32_t msr)
{
    unsigned n = 0;
    for (unsigned i = 0; i < n_msrs; i++) {
        n += msrs[i].msr == msr;
    }
    return n;
}

static uint64_t cr0_is(void)
{
    return cr0;
}

static void cr0_becomes(uint64_t v)
{
    cr0 = v;
}

static void cr4_becomes(uint64_t v)
{
    cr4 = v;
}

static void dr7_becomes(uint64_t v)
{
    dr7 = v;
}

static void caches_back(void)
{
    flushes++;
}

/* What was loaded. The compiler places it behind the gates: `none` stands where a gate too many
 * would. */
static struct {
    uint64_t none[2];
    struct descriptors gdt, idt;
} loaded;

static void tables_loaded(struct descriptors g, struct descriptors i)
{
    loaded.gdt = g;
    loaded.idt = i;
    loads++;
}

static const void *restored, *saved_to;

static void saves(void *to)
{
    assert_non_null(to);
    saved_to = to;
}

static void restores(const void *from)
{
    restored = from;
}

static void own_pointers(void)
{
    pointers++;
}

static void traps_off(void)
{
    cr0 &= ~(uint64_t)CR0_TS;
    opened++;
}

static unsigned said;

#include "tests/host/panic_host.h"

static void say(const char *format, ...)
{
    (void)format;
    said++;
}

#define cpuid(leaf, sub) answers(leaf, sub)
#define rdmsr msr_is
#define wrmsr msr_becomes
#define read_cr0 cr0_is
#define write_cr0 cr0_becomes
#define write_cr4 cr4_becomes
#define write_dr7 dr7_becomes
#define wbinvd caches_back
#define load_tables tables_loaded
#define fxsave saves
#define fxrstor restores
#define fpu_own_pointers own_pointers
#define clts traps_off
#define panic panics
#define klog say
#include "kernel/arch/x86_64/cpu.c"
#include "kernel/arch/x86_64/fpu.c"
#include "kernel/arch/x86_64/segments.c"
#undef panic
#undef klog

/* In this order, so that the one's end is not the other's start. */
const uint8_t interrupt_stubs[VECTORS - EXCEPTIONS][8], exception_stubs[EXCEPTIONS][16];
const uint8_t syscall_entry[1];

static struct cpu_report reported;
static struct mitigation wanted;

struct mitigation mitigate(const struct cpu_report *r)
{
    reported = *r;
    return wanted;
}

static int fresh(void **state)
{
    (void)state;
    host_start();
    n_leaves = n_msrs = flushes = loads = pointers = opened = said = 0;
    memset(&loaded, 0, sizeof loaded);
    cr0 = CR0_TS;
    cr4 = dr7 = 0;
    no_simd = pointers_leak = false;
    exit_fast = ARCH_FAST;
    wanted = (struct mitigation){ 0 };
    restored = saved_to = NULL;
    leaf_is(0, 0)->a = 7;
    leaf_is(0, 0)->b = INTEL_B;
    *leaf_is(1, 0) = (struct cpuid){ .c = UINT32_MAX, .d = UINT32_MAX };
    *leaf_is(7, 0) = (struct cpuid){ .a = 2, .b = UINT32_MAX, .c = UINT32_MAX, .d = UINT32_MAX };
    *leaf_is(0x80000001, 0) = (struct cpuid){ .d = UINT32_MAX };
    leaf_is(0x80000000, 0)->a = 0x80000021;
    return 0;
}

/* ---- what it must have ---- */

static void features(void **state)
{
    static const struct {
        uint32_t leaf;
        char reg;
        unsigned bit;
        const char *name;
    } rows[] = {
        { 1, 'd', 4, "TSC" },          { 1, 'd', 5, "MSR" },     { 1, 'd', 9, "APIC" },
        { 1, 'd', 13, "PGE" },         { 1, 'd', 16, "PAT" },    { 1, 'd', 24, "FXSR" },
        { 1, 'd', 26, "SSE2" },        { 1, 'c', 30, "RDRAND" }, { 7, 'b', 7, "SMEP" },
        { 7, 'b', 20, "SMAP" },        { 7, 'c', 2, "UMIP" },    { 0x80000001, 'd', 11, "SYSCALL" },
        { 0x80000001, 'd', 20, "NX" },
    };
    assert_null(cpu_lacks());
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fresh(state);
        struct cpuid *r = leaf_is(rows[i].leaf, 0);
        *(rows[i].reg == 'b' ? &r->b : rows[i].reg == 'c' ? &r->c : &r->d) = ~(1u << rows[i].bit);
        assert_string_equal(cpu_lacks(), rows[i].name);
        cpus[0].self = NULL;
        if (setjmp(panicked) == 0) {
            arch_cpu_init();
            fail_msg("a processor without %s", rows[i].name);
        }
        assert_non_null(strstr(panic_text, rows[i].name));
        assert_int_equal(loads, 0);
        assert_int_equal(msr_is(MSR_GS_BASE), (uint64_t)&cpus[0]);  // for the panic
        assert_ptr_equal(cpus[0].self, &cpus[0]);
    }
    fresh(state);
    leaf_is(0, 0)->a = 6;  // leaf 7 is not there: what it says is another leaf's
    assert_string_equal(cpu_lacks(), "SMEP");
}

/* ---- what is written to it ---- */

static void registers(void **state)
{
    (void)state;
    arch_cpu_init();
    assert_int_equal(cr4, 0x3 << 20 | 1 << 11 | 3 << 9 | 1 << 7 | 1 << 6 | 1 << 5 | 1 << 3);
    assert_int_equal(cr0 & ~(uint64_t)CR0_TS, 0x80010033);
    assert_true((cr0 & CR0_TS) != 0);  // the FPU's first use traps
    assert_true(cpus[0].fpu_traps);
    assert_int_equal(dr7, 0x400);
    assert_int_equal(flushes, 1);
    assert_int_equal(msr_is(MSR_PAT), 0x0007040100070406);
    assert_int_equal(msr_is(MSR_STAR),
                     (uint64_t)SEL_SYSRET_BASE << 48 | (uint64_t)SEL_KERNEL_CODE << 32);
    assert_int_equal(msr_is(MSR_LSTAR), (uint64_t)syscall_entry);
    assert_int_equal(msr_is(MSR_CSTAR), 0);
    assert_int_equal(msr_is(MSR_FMASK), 0x44700);
    assert_int_equal(msr_is(MSR_SYSENTER_CS), 0);
    assert_int_equal(msr_is(MSR_EFER), 0xd01);
    assert_int_equal(msr_is(MSR_GS_BASE), (uint64_t)&cpus[0]);
    assert_int_equal(msr_is(MSR_KERNEL_GS_BASE), 0);
    assert_int_equal(msr_is(MSR_FS_BASE), 0);
    assert_int_equal(writes(MSR_SPEC_CTRL), 0);  // nothing is asked for
    assert_int_equal(writes(MSR_EFER), 1);
    assert_int_equal(exit_fast, ARCH_FAST);
    assert_ptr_equal(cpus[0].self, &cpus[0]);
    assert_int_equal(cpus[0].kstack_top, (uint64_t)(stacks.kernel + STACK_KERNEL));
    assert_int_equal(loads, 1);
    assert_int_equal(loaded.gdt.base, (uint64_t)tables[0].gdt);
    static struct stacks second;
    memset(&cpus[3], 0, sizeof cpus[3]);
    cpu_init(3, &second);
    assert_int_equal(loads, 2);
    assert_int_equal(loaded.gdt.base, (uint64_t)tables[3].gdt);
    assert_int_equal(msr_is(MSR_GS_BASE), (uint64_t)&cpus[3]);
    assert_int_equal(cpus[3].id, 3);
    assert_int_equal(cpus[3].bit, 8);
    assert_ptr_equal(cpus[3].self, &cpus[3]);
    assert_int_equal(cpus[3].kstack_top, (uint64_t)(second.kernel + STACK_KERNEL));
}

static void side_channels(void **state)
{
    (void)state;
    wanted = (struct mitigation){
        .spec_ctrl = 5, .efer = 0x8000, .clear_buffers = true, .meltdown = true
    };
    arch_cpu_init();
    assert_int_equal(msr_is(MSR_SPEC_CTRL), 5);
    assert_int_equal(msr_is(MSR_EFER), 0x8d01);
    assert_int_equal(exit_fast, 0);
    assert_int_equal(said, 1);
    static struct stacks second;
    cpu_init(1, &second);
    assert_int_equal(said, 1);  // once
    wanted.meltdown = false;
    arch_cpu_init();
    assert_int_equal(said, 1);
}

static void what_it_reports(void **state)
{
    for (unsigned full = 0; full < 2; full++) {
        fresh(state);
        leaf_is(7, 0)->a = full ? 2 : 1;
        leaf_is(7, 0)->d = full ? 1u << 29 | 3 : 3;
        leaf_is(7, 2)->d = 0x72;
        leaf_is(0x80000000, 0)->a = full ? 0x80000021 : 0x80000007;
        leaf_is(0x80000008, 0)->b = 0x88;
        leaf_is(0x80000021, 0)->a = 0x21;
        leaf_is(0, 0)->b = full ? INTEL_B : 0;
        arch_cpu_init();
        assert_int_equal(reported.leaf7_d, full ? 1u << 29 | 3 : 3);
        assert_int_equal(reported.leaf7_2_d, full ? 0x72 : 0);
        assert_int_equal(reported.ext8_b, full ? 0x88 : 0);
        assert_int_equal(reported.ext21_a, full ? 0x21 : 0);
        assert_int_equal(reported.arch_caps, full ? 0x5000 : 0);
        assert_int_equal(reported.intel, full);
    }
    fresh(state);
    leaf_is(0x80000000, 0)->a = 0x80000008;  // the one is there, the other not
    leaf_is(0x80000008, 0)->b = 0x88;
    leaf_is(0x80000021, 0)->a = 0x21;
    arch_cpu_init();
    assert_int_equal(reported.ext8_b, 0x88);
    assert_int_equal(reported.ext21_a, 0);
}

static void its_name(void **state)
{
    char name[64];
    (void)state;
    memset(name, 0xee, sizeof name);
    for (uint32_t i = 0; i < 3; i++) {
        memset(leaf_is(0x80000002 + i, 0), (int)('a' + i), sizeof(struct cpuid));
    }
    leaf_is(0x80000000, 0)->a = 0x80000004;
    arch_cpu_name(name);
    assert_string_equal(name, "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccc");
    for (size_t i = 48; i < sizeof name; i++) {
        assert_int_equal((uint8_t)name[i], 0xee);
    }
    leaf_is(0x80000000, 0)->a = 0x80000003;
    arch_cpu_name(name);
    assert_string_equal(name, "x86-64");
    assert_int_equal(name[47], 0);
}

/* ---- segments ---- */

static uint64_t address_of(const uint32_t where[2])
{
    return (uint64_t)where[1] << 32 | where[0];
}

static void tables_of_a_cpu(void **state)
{
    static struct stacks second;
    (void)state;
    memset(idt, 0, sizeof idt);
    segments_init(2, &second);
    assert_int_equal(idt[0].type, 0);  // the first CPU fills them in
    const struct cpu_tables *t = &tables[2];
    assert_int_equal(loaded.gdt.base, (uint64_t)t->gdt);
    assert_int_equal(loaded.gdt.limit, sizeof t->gdt - 1);
    assert_int_equal(loaded.idt.base, (uint64_t)idt);
    assert_int_equal(loaded.idt.limit, 4095);
    assert_int_equal(t->gdt[0], 0);
    assert_int_equal(t->gdt[SEL_KERNEL_CODE / 8], 0x00209b0000000000);
    assert_int_equal(t->gdt[SEL_KERNEL_DATA / 8], 0x0000930000000000);
    assert_int_equal(t->gdt[SEL_USER_DATA / 8], 0x0000f30000000000);
    assert_int_equal(t->gdt[SEL_USER_CODE / 8], 0x0020fb0000000000);
    uint64_t low = t->gdt[SEL_TSS / 8], high = t->gdt[SEL_TSS / 8 + 1];
    assert_int_equal((low >> 16 & 0xffffff) | (low >> 56) << 24 | high << 32, (uint64_t)&t->tss);
    assert_int_equal(low & 0xffff, sizeof t->tss - 1);
    assert_int_equal(low >> 40 & 0xffff, 0x89);
    assert_int_equal(t->tss.io_map, sizeof t->tss);
    assert_int_equal(address_of(t->tss.rsp[0]), (uint64_t)(second.kernel + STACK_KERNEL));
    for (unsigned i = 0; i < STACK_FAULTS; i++) {
        assert_int_equal(address_of(t->tss.ist[i]),
                         (uint64_t)(second.fault[i].bytes + STACK_FAULT));
    }
}

static void gates(void **state)
{
    (void)state;
    segments_init(0, &stacks);
    for (unsigned i = 0; i < 256; i++) {
        const struct gate *g = &idt[i];
        const uint8_t *stub = i < 32 ? exception_stubs[i] : interrupt_stubs[i - 32];
        assert_int_equal((uint64_t)g->high << 32 | (uint64_t)g->mid << 16 | g->low, (uint64_t)stub);
        assert_int_equal(g->selector, SEL_KERNEL_CODE);
        assert_int_equal(g->type, i == 3 ? 0xee : 0x8e);  // int3 alone is user mode's
        unsigned own = i == 1    ? STACK_DEBUG + 1
                       : i == 2  ? STACK_NMI + 1
                       : i == 8  ? STACK_DOUBLE + 1
                       : i == 18 ? STACK_MACHINE + 1
                                 : 0;
        assert_int_equal(g->ist, own);
        assert_int_equal(g->rsv, 0);
    }
    assert_int_equal(loaded.none[0] | loaded.none[1], 0);
    assert_int_equal(address_of(tables[0].tss.rsp[0]), (uint64_t)(stacks.kernel + STACK_KERNEL));
}

/* ---- the FPU ---- */

static void whose_registers(void **state)
{
    static struct arch_fpu a, b;
    struct cpu *cpu = &cpus[0];
    (void)state;
    fpu_init();
    assert_ptr_equal(restored, &initial);
    assert_true(cpu->fpu_traps);
    assert_true((cr0 & CR0_TS) != 0);
    assert_int_equal(initial.fcw, 0x37f);
    assert_int_equal(initial.mxcsr, 0x1f80);
    restored = NULL;
    arch_fpu_switch(NULL, NULL);  // nobody's, and nobody's again
    assert_null(restored);
    a.tls = 0x1230;
    arch_fpu_switch(NULL, &a);
    assert_null(saved_to);
    assert_ptr_equal(restored, &a);
    assert_int_equal(msr_is(MSR_FS_BASE), 0x1230);
    assert_false(cpu->fpu_traps);
    assert_int_equal(cr0 & CR0_TS, 0);
    arch_fpu_switch(&a, &b);
    assert_int_equal(opened, 1);  // they are open: CR0 is slow to write
    assert_ptr_equal(saved_to, &a);
    assert_ptr_equal(restored, &b);
    assert_int_equal(msr_is(MSR_FS_BASE), 0);
    arch_fpu_set_tls(&b, 0x4560);
    assert_int_equal(b.tls, 0x4560);
    assert_int_equal(msr_is(MSR_FS_BASE), 0x4560);
    arch_fpu_switch(&b, NULL);  // what b had is in them no longer, and the next touch traps
    assert_ptr_equal(saved_to, &b);
    assert_ptr_equal(restored, &initial);
    assert_int_equal(msr_is(MSR_FS_BASE), 0);
    assert_true(cpu->fpu_traps);
    assert_true((cr0 & CR0_TS) != 0);
    restored = NULL;
    fpu_wipe();
    assert_int_equal(cr0 & CR0_TS, 0);
    assert_ptr_equal(restored, &initial);
}

/* AMD's keep the last owner's pointers, unless they say that they do not. */
static void x87_pointers(void **state)
{
    static const struct {
        uint32_t vendor, last, flags;
        bool leak;
    } rows[] = { { 0x756e6547, 0x80000008, 0, false },
                 { 0x68747541, 0x80000008, 0, true },
                 { 0x68747541, 0x80000008, 4, false },
                 { 0x68747541, 0x80000008, ~4u, true },
                 { 0x68747541, 0x80000007, 4, true } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fresh(state);
        leaf_is(0, 0)->b = rows[i].vendor;
        leaf_is(0x80000000, 0)->a = rows[i].last;
        leaf_is(0x80000008, 0)->b = rows[i].flags;
        fpu_init();
        assert_int_equal(pointers, rows[i].leak);
    }
}

/* The kernel's own vector code: where the registers are nobody's, on machines whose CPUs all can.
 */
static void kernel_vectors(void **state)
{
    static const uint32_t lacks[] = { 0, 1 << 9, 1 << 19 };
    static struct arch_fpu a;
    for (size_t i = 0; i < 3; i++) {
        fresh(state);
        leaf_is(1, 0)->c = (1u << 9 | 1u << 19) & ~lacks[i];  // and nothing else is asked for
        fpu_init();
        arch_simd_begin();
        assert_int_equal(cpus[0].simd, i == 0);
        assert_int_equal((cr0 & CR0_TS) == 0, i == 0);
        assert_int_equal(cpus[0].fpu_traps, i != 0);
        restored = NULL;
        arch_simd_end();
        assert_false(cpus[0].simd);
        assert_true(cpus[0].fpu_traps);
        assert_ptr_equal(restored, i == 0 ? &initial : NULL);  // nothing of it stays
    }
    leaf_is(1, 0)->c = UINT32_MAX;
    fpu_init();  // this one can; another could not
    arch_simd_begin();
    assert_false(cpus[0].simd);
    fresh(state);
    fpu_init();
    arch_fpu_switch(NULL, &a);  // a thread's state is in them
    arch_simd_begin();
    assert_false(cpus[0].simd);
}

int main(void)
{
    host_start();  // before anything reads gs
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        TEST(features),     TEST(registers),       TEST(side_channels), TEST(what_it_reports),
        TEST(its_name),     TEST(tables_of_a_cpu), TEST(gates),         TEST(whose_registers),
        TEST(x87_pointers), TEST(kernel_vectors),
    };
    return cmocka_run_group_tests_name("cpu", tests, NULL, NULL);
}
