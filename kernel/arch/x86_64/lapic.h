/* The local interrupt controller, by memory-mapped registers (xAPIC). */
#pragma once

#include "kernel/core/types.h"

/** Firmware's state away, everything masked but NMI, spurious vector set. `base`: physical. Errors:
 * NO_MEMORY. */
MUST_CHECK nos_status_t lapic_init(uint64_t base);

/** The same for a CPU that has started since. */
void lapic_init_cpu(void);

/** Send to one other CPU: a vector, or one of these. Units: `apic_id` below 255. */
enum { LAPIC_NMI = 4 << 8, LAPIC_INIT = 0x4500, LAPIC_START = 0x4600 /* | page number */ };
void lapic_send(uint32_t apic_id, uint32_t what);

uint8_t lapic_id(void);
void lapic_eoi(void);
bool lapic_in_service(uint8_t vector);

/** Raise `vector` at this CPU itself. */
void lapic_self(uint8_t vector);

/** One shot of `count` timer ticks -> VEC_TIMER; 0 = off. */
void lapic_timer(uint32_t count);
uint32_t lapic_timer_left(void);
