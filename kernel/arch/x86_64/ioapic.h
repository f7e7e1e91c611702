/* I/O interrupt controllers: where device lines come in. */
#pragma once

#include "lib/acpi.h"

/** Map them and mask every pin. Those that cannot be mapped are left out. */
void ioapic_init(const struct acpi_madt *madt);

struct ioapic_pin {
    volatile uint8_t *regs;  // NULL = no such pin
    uint32_t pin;
    uint32_t low;  // the entry's low word, unmasked
};

/** The pin of global interrupt `gsi`, set up masked for `vector` at CPU `cpu`. `flags`: MPS INTI,
 * as in the MADT. */
struct ioapic_pin ioapic_route(uint32_t gsi, uint16_t flags, uint8_t vector, uint8_t cpu);

bool ioapic_is_level(const struct ioapic_pin *p);
void ioapic_mask(const struct ioapic_pin *p);
void ioapic_unmask(const struct ioapic_pin *p);
