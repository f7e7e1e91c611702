/*
 * The clock is the TSC, the timer the local APIC's. Both are measured once, in the same quarter of
 * a millisecond, against a counter whose rate is known: the ACPI timer, else the PIT. The window
 * begins and ends where the reference steps, so its length is known to the time of one read; of a
 * few steps the one read most quickly counts. Where CPUID states the TSC's rate and agrees to 2 %,
 * that is exact and wins.
 *
 * Spec: ACPI 6.5, 4.8.3.3; Intel 8254 data sheet; Intel SDM, CPUID leaf 15h.
 */
#include "kernel/arch/x86_64/clock.h"

#include "kernel/arch/api/arch.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/arch/x86_64/scale.h"
#include "kernel/core/panic.h"
#include "kernel/core/percpu.h"

enum {
    PM_HZ = 3579545,
    PM_MASK = 0xffffff,
    PIT_HZ = 1193182,
    PIT_MASK = 0xffff,
    WINDOW_US = 250,
    STEPS = 12,
    POLLS = 1 << 22
};
enum { PIT_2 = 0x42, PIT_CONTROL = 0x43, PIT_GATE = 0x61, PIT_LATCH_2 = 0x80, PIT_2_MODE_0 = 0xb0 };

struct reference {
    uint16_t port;  // of the ACPI timer; 0 = the PIT
    uint32_t hz, mask;
};
struct reading {
    uint64_t tsc;
    uint32_t timer, ref;
};

static uint64_t tsc_base, tsc_hz, tsc_mult;
static uint64_t timer_mult;
static uint64_t timer_reach;  // ns that one shot can span

static uint32_t ref_read(const struct reference *r)
{
    if (r->port != 0) {
        return in32(r->port) & r->mask;
    }
    out8(PIT_CONTROL, PIT_LATCH_2);
    uint32_t low = in8(PIT_2);
    uint32_t high = in8(PIT_2);
    return (0xffff - (high << 8 | low)) & r->mask;  // it counts down
}

static void pit_start(void)
{
    out8(PIT_GATE, (uint8_t)((in8(PIT_GATE) & ~2) | 1));  // gate on, speaker off
    out8(PIT_CONTROL, PIT_2_MODE_0);
    out8(PIT_2, 0xff);
    out8(PIT_2, 0xff);
}

/* Both clocks at the next step of the reference; `*doubt`: TSC ticks in which the step may have
 * been. */
static bool read_step(const struct reference *r, struct reading *out, uint64_t *doubt)
{
    uint64_t before = rdtsc();
    uint32_t last = ref_read(r);
    for (unsigned i = 0; i < POLLS; i++) {
        uint64_t at = rdtsc();
        uint32_t now = ref_read(r);
        if (now != last) {
            *out = (struct reading){ rdtsc(), lapic_timer_left(), now };
            *doubt = rdtsc() - before;
            return true;
        }
        before = at;
    }
    return false;
}

/* The best of a few: firmware or a hypervisor may take the CPU away between two reads. */
static bool read_sharp(const struct reference *r, struct reading *out)
{
    uint64_t best = UINT64_MAX, doubt;
    struct reading one;

    for (unsigned i = 0; i < STEPS; i++) {
        if (!read_step(r, &one, &doubt)) {
            return false;
        }
        if (doubt < best) {
            best = doubt;
            *out = one;
        }
    }
    return true;
}

static bool measure(const struct reference *r, struct reading *took)
{
    uint32_t window = (uint32_t)((uint64_t)r->hz * WINDOW_US / 1000000);
    struct reading a, b;

    if (!read_sharp(r, &a)) {
        return false;
    }
    do {
        if (!read_sharp(r, &b)) {
            return false;
        }
    } while (((b.ref - a.ref) & r->mask) < window);
    *took = (struct reading){ b.tsc - a.tsc, a.timer - b.timer, (b.ref - a.ref) & r->mask };
    return took->tsc != 0 && took->timer != 0;
}

/* The TSC's rate as CPUID states it; 0 = it does not. */
static uint64_t stated_hz(void)
{
    if (cpuid(0, 0).a < 0x15) {
        return 0;
    }
    struct cpuid r = cpuid(0x15, 0);
    return r.a == 0 || r.b == 0 ? 0 : (uint64_t)r.c * r.b / r.a;
}

static void set_rates(uint64_t hz, uint64_t timer_hz)
{
    uint64_t stated = stated_hz();
    if (stated > hz - hz / 50 && stated < hz + hz / 50) {
        uint64_t off = stated > hz ? stated - hz : hz - stated;  // below 2 %: the product fits
        off = timer_hz * off / hz;
        timer_hz = stated > hz ? timer_hz + off : timer_hz - off;
        hz = stated;
    }
    KASSERT(hz != 0 && timer_hz != 0 && timer_hz <= UINT32_MAX);
    tsc_hz = hz;
    tsc_mult = scale_to_ns(hz);
    timer_mult = scale_from_ns(timer_hz);
    timer_reach = UINT32_MAX * NS_PER_S / timer_hz;
}

void clock_init(uint16_t pm_timer, uint64_t base)
{
    struct reference pm = { pm_timer, PM_HZ, PM_MASK }, pit = { 0, PIT_HZ, PIT_MASK };
    const struct reference *used = &pm;
    struct reading took;

    lapic_timer(UINT32_MAX);
    bool ok = pm_timer != 0 && measure(&pm, &took);
    if (!ok) {
        used = &pit;
        pit_start();
        ok = measure(&pit, &took);
    }
    lapic_timer(0);
    if (!ok) {
        panic("neither the ACPI timer nor the PIT counts: no time");
    }
    tsc_base = base;
    set_rates(scale_hz(took.tsc, took.ref, used->hz), scale_hz(took.timer, took.ref, used->hz));
}

uint64_t arch_clock_ns(void)
{
    return scale(rdtsc() - tsc_base, tsc_mult);
}

void arch_clock_params(uint64_t *hz, uint64_t *mult, uint64_t *base)
{
    *hz = tsc_hz;
    *mult = tsc_mult;
    *base = tsc_base;
}

void arch_timer_arm(uint64_t deadline_ns)
{
    uint64_t now = arch_clock_ns();
    this_cpu()->timer_due = deadline_ns;
    if (deadline_ns == 0) {
        lapic_timer(0);
        return;
    }
    uint64_t wait = deadline_ns > now ? deadline_ns - now : 0;
    wait = wait < timer_reach
               ? wait
               : timer_reach;  // further off than one shot: clock_timer_due arms the next
    uint64_t count = scale(wait, timer_mult) + 1;
    lapic_timer(count < UINT32_MAX ? (uint32_t)count : UINT32_MAX);
}

bool clock_timer_due(void)
{
    struct cpu *cpu = this_cpu();
    if (cpu->timer_due == 0) {
        return false;  // switched off when it was already on its way
    }
    if (arch_clock_ns() < cpu->timer_due) {
        arch_timer_arm(cpu->timer_due);
        return false;
    }
    cpu->timer_due = 0;
    return true;
}
