/* Interrupt lines: from a vector to a line, and the promise that a line is quiet until it is
 * unmasked. */
#pragma once

#include "lib/acpi.h"

enum irq_vector {
    VEC_PIC = 0x20,   // the 8259 pair, fully masked; only its spurious interrupts could come here
    VEC_LINE = 0x30,  // ISA lines 0..15, by way of the I/O APIC
    VEC_TIMER = 0x40,
    VEC_KICK = 0x41,      // from another CPU: look at your queues
    VEC_ASK = 0x42,       // from another CPU, which waits until this one has answered
    VEC_SPURIOUS = 0xff,  // the local APIC's
};
enum { ISA_LINES = 16 };

/** Mask the 8259 pair. Before lapic_init: a request of theirs that is up when the local APIC stops
 * listening is never withdrawn, and arrives later as an interrupt without a vector. */
void irq_pic_off(void);

/** Mask and route every line. */
void irq_init(const struct acpi_madt *madt);

/** Vector `vector` came: acknowledge it. True: tell the kernel about `*line`. */
bool irq_take(uint8_t vector, unsigned *line);
