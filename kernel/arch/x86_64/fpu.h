/* FPU state of threads: arch_fpu_switch and the trap that makes a first state. */
#pragma once

#include "kernel/arch/api/arch.h"

void fpu_init(void);

/** No byte of any thread's is left in the registers of this CPU. */
void fpu_wipe(void);

/** Load a thread's first state and let it use the FPU. */
void fpu_load(const struct arch_fpu *f);
