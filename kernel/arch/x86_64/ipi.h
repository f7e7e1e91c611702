/* What CPUs say to each other. Spec: docs/locking.md, "Between CPUs". */
#pragma once

#include "kernel/core/types.h"

/** VEC_KICK or VEC_ASK came. True: the kernel has to look. */
bool ipi_take(uint8_t vector);

/** An NMI came: does not come back if another CPU is ending the machine. */
void ipi_nmi(void);
