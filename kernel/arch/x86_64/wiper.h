/* The end of the machine. Spec: docs/zero-state.md. */
#pragma once

#include "abi/bootinfo.h"
#include "kernel/core/types.h"

enum wiper_what { WIPER_PARK, WIPER_HALT, WIPER_OFF, WIPER_RESET }; /* numbers in wiper_code.S */

/** Its page tables, its code, and what it goes over: all RAM that the OS has ever used, and the
 * screen. Nothing of it changes afterwards. `root`: the kernel's top table. */
void wiper_init(const struct nos_bootinfo *bi, paddr_t root);

/** Zero everything and end the machine. `a`, `b`: how, see power.c. All other CPUs are parked. */
_Noreturn void wiper_enter(enum wiper_what what, uint32_t a, uint32_t b);
