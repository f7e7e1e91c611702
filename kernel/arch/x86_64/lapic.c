/* Spec: Intel SDM volume 3A, chapter 11 (APIC). */
#include "kernel/arch/x86_64/lapic.h"

#include "kernel/arch/api/arch.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/irq.h"

enum lapic_reg {
    REG_ID = 0x20,
    REG_TPR = 0x80,
    REG_EOI = 0xb0,
    REG_SPURIOUS = 0xf0,
    REG_ISR = 0x100,
    REG_ESR = 0x280,
    REG_ICR_LOW = 0x300,
    REG_ICR_HIGH = 0x310,
    REG_LVT_TIMER = 0x320,
    REG_LVT_THERMAL = 0x330,
    REG_LVT_PERF = 0x340,
    REG_LVT_LINT0 = 0x350,
    REG_LVT_LINT1 = 0x360,
    REG_LVT_ERROR = 0x370,
    REG_TIMER_INIT = 0x380,
    REG_TIMER_NOW = 0x390,
    REG_TIMER_DIVIDE = 0x3e0,
};
enum {
    LVT_MASKED = 1 << 16,
    LVT_NMI = 4 << 8,
    APIC_ON = 1 << 8,
    DIVIDE_BY_1 = 0xb,
    ICR_SELF = 1 << 18,
    ICR_PENDING = 1 << 12,
    BASE_ENABLE = 1 << 11,
    BASE_X2APIC = 1 << 10,
    SPINS = 100000,
};

static volatile uint8_t *regs;

static uint32_t get(enum lapic_reg r)
{
    return *(volatile uint32_t *)(regs + r);
}

static void set(enum lapic_reg r, uint32_t v)
{
    *(volatile uint32_t *)(regs + r) = v;
}

/* x2APIC mode is left by way of "off": there is no direct way back. */
static void enable(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);
    if ((base & BASE_X2APIC) != 0) {
        base &= ~(uint64_t)(BASE_ENABLE | BASE_X2APIC);
        wrmsr(MSR_APIC_BASE, base);
    }
    wrmsr(MSR_APIC_BASE, base | BASE_ENABLE);
}

nos_status_t lapic_init(uint64_t base)
{
    regs = arch_device_map((paddr_t){ base }, PAGE_SIZE);
    if (regs == NULL) {
        return NOS_NO_MEMORY;
    }
    lapic_init_cpu();
    return NOS_OK;
}

void lapic_init_cpu(void)
{
    enable();
    set(REG_SPURIOUS, APIC_ON | VEC_SPURIOUS);
    set(REG_TPR, 0);
    set(REG_LVT_TIMER, LVT_MASKED);
    set(REG_LVT_THERMAL, LVT_MASKED);
    set(REG_LVT_PERF, LVT_MASKED);
    set(REG_LVT_LINT0, LVT_MASKED);  // the 8259's way in
    set(REG_LVT_LINT1, LVT_NMI);
    set(REG_LVT_ERROR, LVT_MASKED);
    set(REG_ESR, 0);
    set(REG_TIMER_DIVIDE, DIVIDE_BY_1);
    set(REG_TIMER_INIT, 0);
    set(REG_LVT_TIMER, VEC_TIMER);
    lapic_eoi();  // whatever firmware left in service
}

uint8_t lapic_id(void)
{
    return (uint8_t)(get(REG_ID) >> 24);
}

void lapic_eoi(void)
{
    set(REG_EOI, 0);
}

bool lapic_in_service(uint8_t vector)
{
    uint32_t word = get((enum lapic_reg)(REG_ISR + vector / 32 * 16));
    return (word >> vector % 32 & 1) != 0;
}

static void icr_free(void)
{
    for (unsigned i = 0; i < SPINS && (get(REG_ICR_LOW) & ICR_PENDING) != 0; i++) {
        __asm__ volatile("pause");
    }
}

void lapic_send(uint32_t apic_id, uint32_t what)
{
    icr_free();
    set(REG_ICR_HIGH, apic_id << 24);
    set(REG_ICR_LOW, what);
}

void lapic_self(uint8_t vector)
{
    icr_free();
    set(REG_ICR_LOW, (uint32_t)ICR_SELF | vector);
}

void lapic_timer(uint32_t count)
{
    set(REG_TIMER_INIT, count);
}

uint32_t lapic_timer_left(void)
{
    return get(REG_TIMER_NOW);
}
