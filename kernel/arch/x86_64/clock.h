/* The clock and the timer: calibration, and when an interrupt of the timer counts. */
#pragma once

#include "kernel/core/types.h"

/** Calibrate against the ACPI power-management timer at I/O port `pm_timer` (0 = none: the PIT).
 * Panics when neither counts. The clock reads 0 at TSC `base`. */
void clock_init(uint16_t pm_timer, uint64_t base);

/** The timer's interrupt came: is it due? If it is early, it is armed again. */
bool clock_timer_due(void);
