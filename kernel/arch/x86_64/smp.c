/*
 * The other CPUs, one after the other: INIT and start-up by the local APIC, a trampoline below 1
 * MiB, a look at features and time-stamp counter, then into the scheduler. One that does not come,
 * lacks a feature or counts another time is left off, and the log says so.
 *
 * Trampoline and its page tables lie in five pages that the boot information calls the loader's;
 * they are wiped here and given away with the loader's other frames. The page that can be executed
 * at its physical address is mapped in those tables only, and never writable.
 *
 * Spec: Intel SDM volume 3A, 8.4 (multiple-processor initialization).
 */
#include "kernel/arch/x86_64/smp.h"

#include <string.h>

#include "kernel/arch/api/upcalls.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/kernel_space.h"
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/arch/x86_64/paging.h"
#include "kernel/arch/x86_64/start.h"
#include "kernel/core/log.h"
#include "kernel/core/panic.h"

enum { LOW_PAGES = 5, LOW_END = 0xa0000 };
enum { SETTLE_NS = 10000000, AGAIN_NS = 1000000 };
#define ARRIVE_NS 5000000000ull
enum { TSC_ROUNDS = 8, TSC_SLACK_NS = 1000 };

struct words {  // the end of the trampoline
    uint32_t cr3;
    uint16_t pad, gdt_limit;
    uint32_t gdt;
    uint32_t far_ip;
    uint16_t far_cs, rsv;
    uint64_t stack, entry;
} PACKED;

extern const uint8_t trampoline[], trampoline_words[], trampoline_end[];
extern const uint8_t trampoline_gdt[], trampoline_long[];

/* Between the CPU that starts and the one that is started. */
enum step { WAITING, HERE, LACKING, TSC_ASK, TSC_READ, GO, OUT };
static struct {
    uint32_t step; /* enum step */
    uint32_t id;
    const char *lacks;
    uint64_t tsc;
} start;

static uint64_t low; /* physical; 0 = none */
static struct smp_others others;

static enum step step_now(void)
{
    return (enum step)__atomic_load_n(&start.step, __ATOMIC_ACQUIRE);
}

static void step_to(enum step s)
{
    __atomic_store_n(&start.step, s, __ATOMIC_RELEASE);
}

void smp_init(const struct acpi_madt *madt)
{
    cpus[0].apic_id = lapic_id();
    others = smp_select(madt, (uint8_t)cpus[0].apic_id);
}

void arch_cpus_reserve(struct nos_bootinfo *bi)
{
    for (uint32_t i = bi->n_mem; i-- > 0 && low == 0;) {
        struct nos_mem_range *r = &bi->mem[i];
        uint64_t end = r->base + r->len < LOW_END ? r->base + r->len : LOW_END;
        if (r->kind != NOS_MEM_FREE || end < r->base + (LOW_PAGES + 1) * PAGE_SIZE ||
            end != r->base + r->len || bi->n_mem == NOS_MEM_RANGES_MAX) {
            continue;
        }
        low = end - LOW_PAGES * PAGE_SIZE;
        r->len -= LOW_PAGES * PAGE_SIZE;
        memmove(r + 2, r + 1, (bi->n_mem - i - 1) * sizeof *r);
        r[1] = (struct nos_mem_range){ low, LOW_PAGES * PAGE_SIZE, NOS_MEM_LOADER, 0 };
        bi->n_mem++;
    }
}

/* The kernel's half, and the trampoline where it lies, to be read and executed. */
static void low_tables(void)
{
    uint64_t *t[LOW_PAGES];
    for (unsigned i = 0; i < LOW_PAGES; i++) {
        t[i] = phys_ptr((paddr_t){ low + i * PAGE_SIZE });
        memset(t[i], 0, PAGE_SIZE);
    }
    const uint64_t *kernel = phys_ptr(kernel_root);
    memcpy(t[1] + KERNEL_FIRST, kernel + KERNEL_FIRST,
           (TABLE_ENTRIES - KERNEL_FIRST) * sizeof *kernel);
    for (unsigned level = LEVEL_ROOT, i = 1; level > 1; level--, i++) {
        t[i][level_index(low, level)] =
            (low + (i + 1) * PAGE_SIZE) | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED;
    }
    t[LOW_PAGES - 1][level_index(low, 1)] = low | PTE_PRESENT | PTE_ACCESSED;
}

static _Noreturn void ap_main(void);

static uint32_t low_address(const uint8_t *part)
{
    return (uint32_t)(low + (uint64_t)(part - trampoline));
}

static void low_code(const struct stacks *s)
{
    uint8_t *page = phys_ptr((paddr_t){ low });
    struct words w = {
        .cr3 = (uint32_t)low + PAGE_SIZE,
        .gdt_limit = 15,
        .gdt = low_address(trampoline_gdt),
        .far_ip = low_address(trampoline_long),
        .far_cs = 8,
        .stack = (uint64_t)(s->kernel + STACK_KERNEL - 8),
        .entry = (uint64_t)ap_main,
    };
    memcpy(page, trampoline, (size_t)(trampoline_end - trampoline));
    memcpy(page + (trampoline_words - trampoline), &w, sizeof w);
}

static bool wait_for(enum step s, uint64_t ns)
{
    uint64_t end = arch_clock_ns() + ns;
    while (step_now() != s && step_now() != LACKING) {
        if (arch_clock_ns() > end) {
            return false;
        }
        __builtin_ia32_pause();
    }
    return true;
}

/* Its counter must read, between two readings of ours, something between them. */
static bool same_time(void)
{
    uint64_t hz, mult, base;
    arch_clock_params(&hz, &mult, &base);
    uint64_t slack = hz / (1000000000 / TSC_SLACK_NS);
    for (unsigned i = 0; i < TSC_ROUNDS; i++) {
        uint64_t before = rdtsc();
        step_to(TSC_ASK);
        if (!wait_for(TSC_READ, ARRIVE_NS) || !tsc_agrees(before, start.tsc, rdtsc(), slack)) {
            return false;
        }
    }
    return true;
}

static const char *start_one(uint8_t apic_id)
{
    lapic_send(apic_id, LAPIC_START | (uint32_t)(low >> PAGE_SHIFT));
    if (!wait_for(HERE, AGAIN_NS)) {
        lapic_send(apic_id, LAPIC_START | (uint32_t)(low >> PAGE_SHIFT));
    }
    if (!wait_for(HERE, ARRIVE_NS)) {
        return "does not start";
    }
    if (step_now() == LACKING) {
        return start.lacks;
    }
    return same_time() ? NULL : "its time-stamp counter is off";
}

static bool start_next(uint32_t id, uint8_t apic_id)
{
    cpu_stacks[id] = kernel_stacks_new();
    if (cpu_stacks[id] == NULL) {
        klog("CPU with APIC id %u left off: no memory", apic_id);
        return false;
    }
    start.id = id;
    step_to(WAITING);
    low_code(cpu_stacks[id]);
    const char *why = start_one(apic_id);
    if (why != NULL) {
        klog("CPU with APIC id %u left off: %s", apic_id, why);
        step_to(OUT);
        lapic_send(apic_id, LAPIC_INIT);  // wherever it is: back to where nothing runs
        return false;
    }
    cpus[id].apic_id = apic_id;
    cpus_running |= 1u << id;
    step_to(GO);
    while (step_now() != WAITING) {  // it is alive: it has just told the time
        __builtin_ia32_pause();
    }
    return true;
}

static void settle(uint64_t ns)
{
    uint64_t end = arch_clock_ns() + ns;
    while (arch_clock_ns() < end) {
        __builtin_ia32_pause();
    }
}

void arch_cpus_start(void)
{
    uint32_t next = 1;

    if (others.left_out != 0) {
        klog("%u CPUs left off: this kernel runs on %u", others.left_out, CPUS_MAX);
    }
    if (others.n == 0 || low == 0) {
        return;
    }
    low_tables();
    for (uint32_t i = 0; i < others.n; i++) {
        lapic_send(others.apic_id[i], LAPIC_INIT);
    }
    settle(SETTLE_NS);
    for (uint32_t i = 0; i < others.n; i++) {
        next += start_next(next, others.apic_id[i]);
    }
    for (unsigned i = 0; i < LOW_PAGES; i++) {
        memset(phys_ptr((paddr_t){ low + i * PAGE_SIZE }), 0, PAGE_SIZE);
    }
}

/* ---- on the CPU that is started ---- */

static _Noreturn void stay_out(void)
{
    for (;;) {
        __asm__ volatile("cli; hlt" : : : "memory");
    }
}

static void tell_time(void)
{
    for (enum step s = step_now(); s != GO; s = step_now()) {
        if (s == TSC_ASK) {
            start.tsc = rdtsc();
            step_to(TSC_READ);
        } else if (s == OUT) {
            stay_out();
        }
        __builtin_ia32_pause();
    }
}

static _Noreturn void ap_main(void)
{
    uint32_t id = start.id;
    start.lacks = cpu_lacks();
    if (start.lacks != NULL) {
        step_to(LACKING);
        stay_out();
    }
    cpu_init(id, cpu_stacks[id]);
    arch_space_switch(NULL);
    lapic_init_cpu();
    step_to(HERE);
    tell_time();
    step_to(WAITING);
    up_cpu_started();
}
