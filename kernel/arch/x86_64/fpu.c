/*
 * FPU and SSE state. A thread has none until it first touches the FPU; until then CR0.TS makes that
 * touch a trap. Whenever TS is set the registers hold the initial state, not the last owner's: a
 * trap alone would not keep another thread from reading them by speculation ("Lazy FP",
 * CVE-2018-3665).
 *
 * XSAVE is off, so the 512 bytes of FXSAVE are all the state there is; the FS base lies in what
 * they leave free.
 *
 * The kernel itself has no vector code but BLAKE3's, and lets that run only where the registers are
 * nobody's: so there is nothing to save, and what it leaves in them is wiped as a thread's state
 * is.
 */
#include "kernel/arch/x86_64/fpu.h"

#include <string.h>

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/core/percpu.h"

struct arch_fpu {  // Intel SDM volume 1, table 10-2
    uint16_t fcw, fsw;
    uint8_t ftw, rsv;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t regs[432];
    uint64_t tls; /* FS base, in what FXSAVE leaves to software */
    uint64_t spare[5];
} ALIGNED(16);
_Static_assert(sizeof(struct arch_fpu) == ARCH_FPU_SIZE, "hardware");

static struct arch_fpu initial;
static bool no_simd;        // some CPU lacks what BLAKE3's vector code uses
static bool pointers_leak;  // FXRSTOR keeps the x87 pointers unless an exception is pending

static void restore(const struct arch_fpu *f)
{
    if (pointers_leak) {
        fpu_own_pointers();
    }
    fxrstor(f);
    wrmsr(MSR_FS_BASE, f->tls);
}

static void trap_first_use(void)
{
    restore(&initial);
    write_cr0(read_cr0() | CR0_TS);
    this_cpu()->fpu_traps = true;  // CR0.TS, which is slow to read
}

void arch_fpu_init_state(struct arch_fpu *f)
{
    memset(f, 0, sizeof *f);
    f->fcw = 0x37f;
    f->mxcsr = 0x1f80;  // every exception masked
}

/* AMD saves and restores the pointers only with an exception pending, until a CPU says otherwise
 * (RstrFpErrPtrs: APM volume 3, CPUID 8000_0008 EBX[2]). */
static bool keeps_pointers(void)
{
    struct cpuid vendor = cpuid(0, 0);
    bool intel = vendor.b == 0x756e6547;
    bool mended = cpuid(0x80000000, 0).a >= 0x80000008 && (cpuid(0x80000008, 0).b & 4) != 0;
    return !intel && !mended;
}

void fpu_init(void)
{
    enum { SSSE3 = 1 << 9, SSE41 = 1 << 19 };
    no_simd = no_simd || (~cpuid(1, 0).c & (SSSE3 | SSE41)) != 0;
    pointers_leak = keeps_pointers();
    arch_fpu_init_state(&initial);
    trap_first_use();
}

static void open_registers(struct cpu *cpu)
{
    clts();
    cpu->fpu_traps = false;
}

void fpu_load(const struct arch_fpu *f)
{
    struct cpu *cpu = this_cpu();
    if (cpu->fpu_traps) {
        open_registers(cpu);
    }
    restore(f);
}

void fpu_wipe(void)
{
    clts();
    restore(&initial);
}

void arch_fpu_set_tls(struct arch_fpu *f, uint64_t base)
{
    f->tls = base;
    wrmsr(MSR_FS_BASE, base);
}

void arch_fpu_switch(struct arch_fpu *old, const struct arch_fpu *next)
{
    if (old != NULL) {
        fxsave(old);
    }
    if (next != NULL) {
        fpu_load(next);
    } else if (!this_cpu()->fpu_traps) {
        trap_first_use();
    }
}

void arch_simd_begin(void)
{
    struct cpu *cpu = this_cpu();
    if (cpu->fpu_traps && !no_simd) {
        open_registers(cpu);
        cpu->simd = true;
    }
}

void arch_simd_end(void)
{
    struct cpu *cpu = this_cpu();
    if (cpu->simd) {
        cpu->simd = false;
        trap_first_use();
    }
}
