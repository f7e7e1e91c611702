/*
 * Device lines. A line that came stays quiet until its driver says so (irq_ack), or a driver that
 * cannot keep up would own the machine.
 *
 * For a level-triggered line that is a mask in the I/O APIC. An edge-triggered line cannot be
 * masked like that: edges that come while it is masked are lost for good, and a UART whose line
 * stays high makes no second one. So the line stays open, one more edge is remembered, and only
 * then is it masked; unmasking raises what was remembered. A broken device can cost two interrupts
 * per acknowledgement, not more.
 */
#include "kernel/arch/x86_64/irq.h"

#include "kernel/arch/api/upcalls.h"
#include "kernel/arch/x86_64/clock.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/ioapic.h"
#include "kernel/arch/x86_64/ipi.h"
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/core/lock.h"

static struct line {
    struct ioapic_pin pin;
    bool open;     // the kernel wants to hear of it
    bool masked;   // in the I/O APIC
    bool pending;  // an edge came while it was not open
} lines[ISA_LINES];
static struct ticket_lock lines_lock; /* leaf: an interrupt is taken before the kernel lock */

/* Both to vectors of our own, then every line masked: what still comes is spurious and has a gate.
 */
void irq_pic_off(void)
{
    static const uint8_t words[][2] = {
        { 0x11, 0x11 }, { VEC_PIC, VEC_PIC + 8 }, { 4, 2 }, { 1, 1 }, { 0xff, 0xff }
    };
    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        out8(i == 0 ? 0x20 : 0x21, words[i][0]);
        out8(i == 0 ? 0xa0 : 0xa1, words[i][1]);
    }
}

/* A line whose pin an override gave to another line has no pin: on most machines that is line 2,
 * the old cascade. */
static bool taken(const struct acpi_madt *madt, uint32_t line, uint32_t gsi)
{
    for (uint32_t i = 0; i < madt->n_override && i < ACPI_OVERRIDES; i++) {
        if (madt->override[i].irq != line && madt->override[i].gsi == gsi) {
            return true;
        }
    }
    return false;
}

void irq_init(const struct acpi_madt *madt)
{
    uint8_t cpu = lapic_id();

    ioapic_init(madt);
    for (unsigned i = 0; i < ISA_LINES; i++) {
        uint32_t gsi;
        uint16_t flags;
        acpi_route(madt, (uint8_t)i, &gsi, &flags);
        if (!taken(madt, i, gsi)) {
            lines[i].pin = ioapic_route(gsi, flags, (uint8_t)(VEC_LINE + i), cpu);
            lines[i].masked = true;
        }
    }
}

static void mask(struct line *l)
{
    if (!l->masked) {
        l->masked = true;
        ioapic_mask(&l->pin);
    }
}

/* True: the kernel wants this one. */
static bool line_came(struct line *l)
{
    bool wanted = l->open;
    l->open = false;
    if (ioapic_is_level(&l->pin)) {
        mask(l);  // before the end of interrupt, or it comes again at once
    } else if (!wanted) {
        l->pending = true;
        mask(l);
    }
    return wanted;
}

static struct line *line_of(unsigned line)
{
    return line < ISA_LINES && lines[line].pin.regs != NULL ? &lines[line] : NULL;
}

void arch_irq_mask(unsigned line)
{
    struct line *l = line_of(line);
    if (l != NULL) {
        leaf_lock(&lines_lock);
        l->open = false;
        l->pending = false;
        mask(l);
        leaf_unlock(&lines_lock);
    }
}

static void unmask(struct line *l, unsigned line)
{
    l->open = true;
    if (l->masked) {
        l->masked = false;
        ioapic_unmask(&l->pin);
    }
    if (l->pending) {
        l->pending = false;
        lapic_self((uint8_t)(VEC_LINE + line));
    }
}

void arch_irq_unmask(unsigned line)
{
    struct line *l = line_of(line);
    if (l == NULL) {
        return;
    }
    leaf_lock(&lines_lock);
    if (!l->open) {
        unmask(l, line);
    }
    leaf_unlock(&lines_lock);
}

bool irq_take(uint8_t vector, unsigned *line)
{
    struct line *l = line_of(vector - (unsigned)VEC_LINE);

    if (vector == VEC_TIMER) {
        lapic_eoi();
        *line = UP_LINE_TIMER;
        return clock_timer_due();
    }
    if (vector == VEC_KICK || vector == VEC_ASK) {
        *line = UP_LINE_KICK;
        bool look = ipi_take(vector);
        lapic_eoi();
        return look;
    }
    if (l != NULL && lapic_in_service(vector)) {
        *line = vector - (unsigned)VEC_LINE;
        leaf_lock(&lines_lock);
        bool wanted = line_came(l);
        leaf_unlock(&lines_lock);
        lapic_eoi();
        return wanted;
    }
    if (lapic_in_service(vector)) {
        lapic_eoi();
    }
    *line = UP_LINE_SPURIOUS;
    return true;
}
