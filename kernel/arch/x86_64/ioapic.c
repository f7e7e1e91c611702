/* Spec: Intel 82093AA data sheet. */
#include "kernel/arch/x86_64/ioapic.h"

#include "kernel/arch/api/arch.h"

enum { REG_SELECT = 0, REG_WINDOW = 0x10, WINDOW_LEN = 0x20, REG_VERSION = 1, REG_ENTRY = 0x10 };
enum { ENTRY_LOW_ACTIVE = 1 << 13, ENTRY_LEVEL = 1 << 15, ENTRY_MASKED = 1 << 16, PINS_MAX = 240 };
enum { INTI_POLARITY = 3, INTI_LOW = 3, INTI_TRIGGER = 3 << 2, INTI_LEVEL = 3 << 2 };

static struct {
    volatile uint8_t *regs;
    uint32_t gsi_base, pins;
} ioapics[ACPI_IOAPICS];

static uint32_t get(volatile uint8_t *regs, uint32_t reg)
{
    *(volatile uint32_t *)(regs + REG_SELECT) = reg;
    return *(volatile uint32_t *)(regs + REG_WINDOW);
}

static void set(volatile uint8_t *regs, uint32_t reg, uint32_t v)
{
    *(volatile uint32_t *)(regs + REG_SELECT) = reg;
    *(volatile uint32_t *)(regs + REG_WINDOW) = v;
}

void ioapic_init(const struct acpi_madt *madt)
{
    for (uint32_t i = 0; i < madt->n_ioapic && i < ACPI_IOAPICS; i++) {
        volatile uint8_t *regs = arch_device_map((paddr_t){ madt->ioapic[i].addr }, WINDOW_LEN);
        if (regs == NULL) {
            continue;
        }
        uint32_t pins = (get(regs, REG_VERSION) >> 16 & 0xff) + 1;
        if (pins > PINS_MAX) {  // all ones: nothing answers there
            continue;
        }
        ioapics[i].regs = regs;
        ioapics[i].gsi_base = madt->ioapic[i].gsi_base;
        ioapics[i].pins = pins;
        for (uint32_t pin = 0; pin < pins; pin++) {
            set(regs, REG_ENTRY + 2 * pin, ENTRY_MASKED);
        }
    }
}

struct ioapic_pin ioapic_route(uint32_t gsi, uint16_t flags, uint8_t vector, uint8_t cpu)
{
    struct ioapic_pin p = { 0 };

    for (unsigned i = 0; i < ACPI_IOAPICS && p.regs == NULL; i++) {
        if (ioapics[i].regs != NULL && gsi - ioapics[i].gsi_base < ioapics[i].pins) {
            p.regs = ioapics[i].regs;
            p.pin = gsi - ioapics[i].gsi_base;
        }
    }
    if (p.regs !=
        NULL) {  // the ISA bus is edge-triggered, active high, where the flags say "as the bus"
        p.low = vector | ((flags & INTI_POLARITY) == INTI_LOW ? (uint32_t)ENTRY_LOW_ACTIVE : 0) |
                ((flags & INTI_TRIGGER) == INTI_LEVEL ? (uint32_t)ENTRY_LEVEL : 0);
        ioapic_mask(&p);
        set(p.regs, REG_ENTRY + 2 * p.pin + 1, (uint32_t)cpu << 24);
    }
    return p;
}

bool ioapic_is_level(const struct ioapic_pin *p)
{
    return (p->low & ENTRY_LEVEL) != 0;
}

void ioapic_mask(const struct ioapic_pin *p)
{
    set(p->regs, REG_ENTRY + 2 * p->pin, p->low | ENTRY_MASKED);
}

void ioapic_unmask(const struct ioapic_pin *p)
{
    set(p->regs, REG_ENTRY + 2 * p->pin, p->low);
}
