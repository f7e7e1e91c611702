/* The local interrupt controller, by memory-mapped registers (xAPIC). */
#pragma once

#include "kernel/core/types.h"

/** Firmware's state away, everything masked but NMI, spurious vector set. `base`: physical. Errors:
 * NO_MEMORY. */
MUST_CHECK nos_status_t lapic_init(uint64_t base);

uint8_t lapic_id(void);
void lapic_eoi(void);
bool lapic_in_service(uint8_t vector);

/** Raise `vector` at this CPU itself. */
void lapic_self(uint8_t vector);

/** One shot of `count` timer ticks -> VEC_TIMER; 0 = off. */
void lapic_timer(uint32_t count);
uint32_t lapic_timer_left(void);
