/* What every CPU does at its start. */
#pragma once

#include "kernel/arch/x86_64/stacks.h"

/** The name of a required feature that the calling CPU lacks; NULL: it has all. */
const char *cpu_lacks(void);

/** Descriptor tables, control registers, MSRs, FPU of the calling CPU, which becomes cpus[id]. */
void cpu_init(unsigned id, const struct stacks *s);
