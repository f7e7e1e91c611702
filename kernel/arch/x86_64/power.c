/*
 * Off and reset. What the tables say is read once, at boot, while nothing has gone wrong yet;
 * afterwards it is a few port writes. Those that end the machine are the wiper's, when memory is
 * clean: here is made what it needs.
 *
 * Spec: ACPI 6.5, 4.8.3.2 (PM1 control), 4.8.3.6 (reset register), 7.4.2 (\_S5).
 */
#include "kernel/arch/x86_64/power.h"

#include "kernel/arch/api/arch.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/wiper.h"
#include "kernel/core/log.h"

enum {
    PM1_SCI_EN = 1,
    PM1_SLP_TYP = 7 << 10,
    PM1_SLP_EN = 1 << 13,
    SLP_TYP_SHIFT = 10,
    POLLS = 100000
};
static struct {
    bool can_switch_off;
    struct acpi_fadt fadt;
    struct acpi_s5 s5;
} power;

void power_init(const struct acpi_mem *mem, const struct acpi_root *root)
{
    nos_status_t st = acpi_power(mem, root, &power.fadt, &power.s5);
    span_t table;

    power.can_switch_off = st == NOS_OK;
    if (st != NOS_OK) {
        klog("ACPI does not say how to switch this machine off (status %d)", st);
        if (acpi_find(mem, root, "FACP", 0, &table) == NOS_OK) {
            (void)acpi_fadt(table, &power.fadt);  // it may still have a reset register
        }
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

/* The type of sleep now; what sends it to sleep is left for the wiper: a port and what it gets. */
static uint32_t sleep_word(uint16_t port, uint8_t type)
{
    if (port == 0) {
        return 0;
    }
    uint16_t keep = (uint16_t)(in16(port) & ~(PM1_SLP_TYP | PM1_SLP_EN));
    uint16_t value = (uint16_t)(keep | type << SLP_TYP_SHIFT);
    out16(port, value);
    return (uint32_t)port << 16 | value | PM1_SLP_EN;
}

static _Noreturn void switch_off(void)
{
    uint32_t a = 0, b = 0;
    if (power.can_switch_off) {
        acpi_mode(&power.fadt);
        b = sleep_word(power.fadt.pm1b, power.s5.slp_typb);
        a = sleep_word(power.fadt.pm1a, power.s5.slp_typa);
    }
    wiper_enter(WIPER_OFF, b, a);
}

/* A reset register that the wiper cannot reach (above 4 GiB) is as none: it has other ways. */
static _Noreturn void reset(void)
{
    const struct acpi_fadt *f = &power.fadt;
    bool port = f->has_reset && f->reset_is_port;
    bool memory = f->has_reset && !f->reset_is_port && f->reset_addr >> 32 == 0;
    wiper_enter(WIPER_RESET, (port ? (uint32_t)f->reset_addr << 16 : 0) | f->reset_value,
                memory ? (uint32_t)f->reset_addr : 0);
}

void arch_end(unsigned action)
{
    fpu_wipe();
    if (action == NOS_POWER_OFF) {
        switch_off();
    }
    if (action == NOS_POWER_RESET) {
        reset();
    }
    wiper_enter(WIPER_HALT, 0, 0);
}
