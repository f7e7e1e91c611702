/*
 * Each CPU: which features it must have, control registers, model-specific registers, and its
 * name.
 *
 * Control registers are written whole, not amended, so that nothing firmware left on stays on: no
 * FSGSBASE, no protection keys, no CET, no performance counters in user mode, and no XSAVE, so that
 * the FXSAVE image is all the vector state there is.
 */
#include "kernel/arch/x86_64/cpu.h"

#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/mitigate.h"
#include "kernel/arch/x86_64/segments.h"
#include "kernel/arch/x86_64/start.h"
#include "kernel/core/panic.h"
#include "kernel/core/percpu.h"

struct need {
    uint32_t word;  // of `words` in cpu_lacks()
    uint32_t bit;
    const char *name;
};

enum { LEAF1_C, LEAF1_D, LEAF7_B, LEAF7_C, EXT1_D, WORDS };
static const struct need needs[] = {
    { LEAF1_D, 4, "TSC" },   { LEAF1_D, 5, "MSR" },     { LEAF1_D, 9, "APIC" },
    { LEAF1_D, 13, "PGE" },  { LEAF1_D, 16, "PAT" },    { LEAF1_D, 24, "FXSR" },
    { LEAF1_D, 26, "SSE2" }, { LEAF1_C, 30, "RDRAND" }, { LEAF7_B, 7, "SMEP" },
    { LEAF7_B, 20, "SMAP" }, { LEAF7_C, 2, "UMIP" },    { EXT1_D, 11, "SYSCALL" },
    { EXT1_D, 20, "NX" },
};

const char *cpu_lacks(void)
{
    uint32_t words[WORDS];
    struct cpuid one = cpuid(1, 0);
    struct cpuid seven = cpuid(0, 0).a >= 7 ? cpuid(7, 0) : (struct cpuid){ 0 };

    words[LEAF1_C] = one.c;
    words[LEAF1_D] = one.d;
    words[LEAF7_B] = seven.b;
    words[LEAF7_C] = seven.c;
    words[EXT1_D] = cpuid(0x80000001, 0).d;
    for (unsigned i = 0; i < ARRAY_LEN(needs); i++) {
        if ((words[needs[i].word] >> needs[i].bit & 1) == 0) {
            return needs[i].name;
        }
    }
    return NULL;
}

static void control_init(void)
{
    write_cr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG);
    write_cr4(CR4_DE | CR4_PAE | CR4_MCE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_UMIP |
              CR4_SMEP | CR4_SMAP);
    write_dr7(0x400);  // no breakpoint of the firmware's
}

/* Entry 4 (the PAT bit of a page alone) becomes write-combining; 0 to 3, which the loader's tables
 * use, stay as at reset: write-back, write-through, uncached unless the MTRRs say write-combining,
 * uncached. */
static void pat_init(void)
{
    wbinvd();
    wrmsr(MSR_PAT, 0x0007040100070406);
}

extern const uint8_t syscall_entry[];

static void syscall_init(void)
{
    wrmsr(MSR_STAR, (uint64_t)SEL_SYSRET_BASE << 48 | (uint64_t)SEL_KERNEL_CODE << 32);
    wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
    wrmsr(MSR_CSTAR, 0);
    wrmsr(MSR_FMASK, FLAG_TF | FLAG_IF | FLAG_DF | FLAG_NT | FLAG_AC);
    wrmsr(MSR_SYSENTER_CS, 0);
    wrmsr(MSR_EFER, EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
}

enum { LEAF7_ARCH_CAPS = 1 << 29, INTEL_B = 0x756e6547 /* "Genu" */ };

static struct cpu_report report(void)
{
    struct cpuid seven = cpuid(7, 0);
    uint32_t ext = cpuid(0x80000000, 0).a;
    return (struct cpu_report){
        .leaf7_d = seven.d,
        .leaf7_2_d = seven.a >= 2 ? cpuid(7, 2).d : 0,
        .ext8_b = ext >= 0x80000008 ? cpuid(0x80000008, 0).b : 0,
        .ext21_a = ext >= 0x80000021 ? cpuid(0x80000021, 0).a : 0,
        .arch_caps = (seven.d & LEAF7_ARCH_CAPS) != 0 ? rdmsr(MSR_ARCH_CAPS) : 0,
        .intel = cpuid(0, 0).b == INTEL_B,
    };
}

/* What exit_full leaves in a context as `fast`: 0 sends every exit through it, and its VERW. */
uint64_t exit_fast = ARCH_FAST;

static void mitigation_init(unsigned id)
{
    struct cpu_report r = report();
    struct mitigation m = mitigate(&r);

    if (m.spec_ctrl != 0) {
        wrmsr(MSR_SPEC_CTRL, m.spec_ctrl);
    }
    if (m.efer != 0) {
        wrmsr(MSR_EFER, rdmsr(MSR_EFER) | m.efer);
    }
    if (m.clear_buffers) {
        exit_fast = 0;
    }
    if (id == 0 && m.meltdown) {
        klog("this processor does not report RDCL_NO: capsules may read memory (Meltdown)");
    }
}

/* The same on every CPU. The caller has looked at its features. */
void cpu_init(unsigned id, const struct stacks *s)
{
    struct cpu *cpu = &cpus[id];

    segments_init(id, s);  // loads gs, and with that its base
    wrmsr(MSR_FS_BASE, 0);
    wrmsr(MSR_GS_BASE, (uint64_t)cpu);
    wrmsr(MSR_KERNEL_GS_BASE, 0);
    cpu->self = cpu;
    cpu->id = id;
    cpu->bit = 1u << id;
    cpu->kstack_top = (uint64_t)(s->kernel + STACK_KERNEL);
    control_init();
    pat_init();
    syscall_init();
    mitigation_init(id);
    fpu_init();
}

void arch_cpu_init(void)
{
    wrmsr(MSR_GS_BASE, (uint64_t)&cpus[0]);  // a panic below uses it
    cpus[0].self = &cpus[0];
    const char *lacks = cpu_lacks();
    if (lacks != NULL) {
        panic("the processor lacks %s (status %d)", lacks, NOS_BOOT_CPU);
    }
    cpu_init(0, &stacks);
}

void arch_cpu_name(char out[48])
{
    memset(out, 0, 48);
    if (cpuid(0x80000000, 0).a < 0x80000004) {
        memcpy(out, "x86-64", 6);
        return;
    }
    for (uint32_t i = 0; i < 3; i++) {
        struct cpuid r = cpuid(0x80000002 + i, 0);
        memcpy(out + (size_t)16 * i, &r, 16);
    }
    out[47] = 0;
}

void arch_halt(void)
{
    for (;;) {
        __asm__ volatile("cli; hlt" : : : "memory");
    }
}
