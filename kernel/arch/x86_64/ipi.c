/*
 * CPUs asking each other. Whoever holds the kernel lock may ask a CPU to flush, to leave an address
 * space, to leave user mode or to zero its stack, and waits for its answer. The asked CPU is in
 * user mode, idle or in a bounded step, where the interrupt comes through; or it waits for the
 * kernel lock, where it looks itself (arch_answer); or it is on its way from one of these to
 * another, which ends by itself. So every answer comes, and none needs the lock. One asks at a
 * time, because there is one lock.
 *
 * An idle CPU is not asked to flush: it is told, in its own record, that what it has loaded is
 * stale, and loads anew before it goes back to user mode.
 */
#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/ipi.h"

#include "kernel/arch/api/arch.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/irq.h"
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/arch/x86_64/paging.h"
#include "kernel/arch/x86_64/stacks.h"
#include "kernel/core/percpu.h"

enum { ASK_CATCH = 1, ASK_FLUSH = 2, ASK_LEAVE = 4, ASK_CLEAN = 8 };
enum {
    FLUSH_SINGLY = 32, /* pages; above it all of the space goes at once */
    STOP_SPINS = __STDC_HOSTED__ ? 2000 : 20000000 /* no test waits for a second */
};

static struct {
    uint64_t va, pages;
} flush_asked;
static uint32_t stopper; /* 1 + id of the CPU that ends the machine */

static void flush_here(uint64_t va, uint64_t pages)
{
    if (pages > FLUSH_SINGLY) {
        write_cr3(this_cpu()->root);  // kernel entries are global: they stay
        return;
    }
    for (uint64_t i = 0; i < pages; i++) {
        invlpg(va + i * PAGE_SIZE);
    }
}

static uint32_t answer(void)
{
    struct cpu *cpu = this_cpu();
    uint32_t asked = __atomic_load_n(&cpu->asked, __ATOMIC_ACQUIRE);
    if (asked == 0) {
        return 0;
    }
    if ((asked & ASK_FLUSH) != 0) {
        flush_here(flush_asked.va, flush_asked.pages);
    }
    if ((asked & ASK_LEAVE) != 0) {
        arch_space_switch(NULL);
    }
    if ((asked & ASK_CLEAN) != 0) {
        arch_stack_clean();
    }
    __atomic_store_n(&cpu->asked, 0, __ATOMIC_RELEASE);
    return asked;
}

void arch_answer(void)
{
    (void)answer();
}

static void ask(struct cpu *cpu, uint32_t what)
{
    __atomic_store_n(&cpu->asked, what, __ATOMIC_RELEASE);
    this_cpu()->ipis++;
    lapic_send(cpu->apic_id, VEC_ASK);
}

static void await(const struct cpu *cpu)
{
    while (__atomic_load_n(&cpu->asked, __ATOMIC_ACQUIRE) != 0) {
        __builtin_ia32_pause();
    }
}

static void await_all(uint32_t mask)
{
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        await(&cpus[__builtin_ctz(rest)]);
    }
}

void arch_kick(unsigned cpu)
{
    this_cpu()->ipis++;
    lapic_send(cpus[cpu].apic_id, VEC_KICK);
}

void arch_catch(unsigned cpu)
{
    ask(&cpus[cpu], ASK_CATCH);
    await(&cpus[cpu]);
}

/* The other CPUs that have `root` loaded. */
static uint32_t others_on(uint64_t root)
{
    uint32_t mask = 0;
    for (uint32_t rest = cpus_running & ~this_cpu()->bit; rest != 0; rest &= rest - 1) {
        const struct cpu *cpu = &cpus[__builtin_ctz(rest)];
        mask |= cpu->root == root ? cpu->bit : 0;
    }
    return mask;
}

static void ask_all(uint32_t mask, uint32_t what)
{
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        ask(&cpus[__builtin_ctz(rest)], what);
    }
    await_all(mask);
}

void arch_flush(const struct arch_space *s, uint64_t va, uint32_t pages)
{
    uint32_t on = others_on(s->root.v);

    if (s->root.v == this_cpu()->root) {
        flush_here(va, pages);
    }
    if (UNLIKELY(on != 0)) {
        flush_asked.va = va;
        flush_asked.pages = pages;
        ask_all(on, ASK_FLUSH);
    }
}

void arch_space_leave(const struct arch_space *s)
{
    if (this_cpu()->root == s->root.v) {
        arch_space_switch(NULL);
    }
    ask_all(others_on(s->root.v), ASK_LEAVE);
}

void arch_forget_ended(void)
{
    struct cpu *self = this_cpu();
    self->stale = true;
    ask_all(cpus_running & ~self->bit, ASK_CLEAN);
}

bool ipi_take(uint8_t vector)
{
    return vector == VEC_KICK || (answer() & ASK_CATCH) != 0;
}

/* ---- the end ---- */

void arch_stop_others(void)
{
    const struct cpu *self = this_cpu();
    uint32_t others = cpus_running & ~self->bit;

    __atomic_store_n(&stopper, self->id + 1, __ATOMIC_SEQ_CST);
    for (uint32_t rest = others; rest != 0; rest &= rest - 1) {
        lapic_send(cpus[__builtin_ctz(rest)].apic_id, LAPIC_NMI);
    }
    for (uint32_t rest = others; rest != 0; rest &= rest - 1) {
        const struct cpu *cpu = &cpus[__builtin_ctz(rest)];
        for (unsigned i = 0; i < STOP_SPINS && __atomic_load_n(&cpu->halted, __ATOMIC_ACQUIRE) == 0;
             i++) {
            __builtin_ia32_pause();
        }
    }
}

void ipi_nmi(void)
{
    uint32_t by = __atomic_load_n(&stopper, __ATOMIC_ACQUIRE);
    if (by != 0 && by != this_cpu()->id + 1) {
        arch_park();
    }
}

_Noreturn void park(struct stacks *s, uint32_t *halted); /* start.S */

void arch_park(void)
{
    struct cpu *cpu = this_cpu();
    fpu_wipe();
    park(cpu_stacks[cpu->id], &cpu->halted);
}
