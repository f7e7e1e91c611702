/*
 * Off and reset. What the tables say is read once, at boot, while nothing has gone wrong yet;
 * afterwards it is a few port writes.
 *
 * Spec: ACPI 6.5, 4.8.3.2 (PM1 control), 4.8.3.6 (reset register), 7.4.2 (\_S5).
 */
#include "kernel/arch/x86_64/power.h"

#include "kernel/arch/api/arch.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/core/log.h"

enum {
    PM1_SCI_EN = 1,
    PM1_SLP_TYP = 7 << 10,
    PM1_SLP_EN = 1 << 13,
    SLP_TYP_SHIFT = 10,
    POLLS = 100000
};
enum {
    RESET_CONTROL = 0xcf9,
    RESET_PREPARE = 0x02,
    RESET_FULL = 0x06,
    ACTION_OFF = 1,
    ACTION_RESET = 2
};

static struct {
    bool can_switch_off;
    struct acpi_fadt fadt;
    struct acpi_s5 s5;
    volatile uint8_t *reset;  // NULL = no reset register in memory
} power;

void power_init(const struct acpi_mem *mem, const struct acpi_root *root)
{
    nos_status_t st = acpi_power(mem, root, &power.fadt, &power.s5);
    span_t table;

    power.can_switch_off = st == NOS_OK;
    if (st != NOS_OK) {
        klog("ACPI does not say how to switch this machine off (status %d)", st);
        if (acpi_find(mem, root, "FACP", 0, &table) != NOS_OK ||
            acpi_fadt(table, &power.fadt) != NOS_OK) {
            return;  // and nothing about a reset register
        }
    }
    if (power.fadt.has_reset && !power.fadt.reset_is_port) {
        power.reset = arch_device_map((paddr_t){ power.fadt.reset_addr }, 1);
    }
}

static void wait_a_little(void)
{
    for (unsigned i = 0; i < POLLS; i++) {
        (void)in8(0x80);  // about a microsecond each, on anything
    }
}

/* Firmware that still has the power registers to itself is asked for them. */
static void acpi_mode(const struct acpi_fadt *f)
{
    if ((in16(f->pm1a) & PM1_SCI_EN) != 0 || f->smi_cmd == 0 || f->acpi_enable == 0) {
        return;
    }
    out8((uint16_t)f->smi_cmd, f->acpi_enable);
    for (unsigned i = 0; i < POLLS && (in16(f->pm1a) & PM1_SCI_EN) == 0; i++) {
        __asm__ volatile("pause");
    }
}

static void sleep_now(uint16_t port, uint8_t type)
{
    uint16_t keep = (uint16_t)(in16(port) & ~(PM1_SLP_TYP | PM1_SLP_EN));
    uint16_t value = (uint16_t)(keep | type << SLP_TYP_SHIFT);
    out16(port, value);
    out16(port, value | PM1_SLP_EN);
}

static void switch_off(void)
{
    acpi_mode(&power.fadt);
    if (power.fadt.pm1b != 0) {
        sleep_now(power.fadt.pm1b, power.s5.slp_typb);
    }
    sleep_now(power.fadt.pm1a, power.s5.slp_typa);
    wait_a_little();
}

/* The CPU gives up when it can neither deliver an exception nor the double fault that follows. */
static void triple_fault(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } PACKED none = { 0, 0 };
    __asm__ volatile("lidt %0; int3" : : "m"(none));
}

static void reset(void)
{
    const struct acpi_fadt *f = &power.fadt;
    if (f->has_reset && f->reset_is_port) {
        out8((uint16_t)f->reset_addr, f->reset_value);
        wait_a_little();
    } else if (power.reset != NULL) {
        *power.reset = f->reset_value;
        wait_a_little();
    }
    out8(RESET_CONTROL, RESET_PREPARE);
    out8(RESET_CONTROL, RESET_FULL);
    wait_a_little();
    triple_fault();
}

nos_status_t arch_power(unsigned action)
{
    if (action == ACTION_OFF && power.can_switch_off) {
        switch_off();
    } else if (action == ACTION_RESET) {
        reset();
    }
    return NOS_NOT_SUPPORTED;
}
