/* The boot CPU's data. */
#include "kernel/core/percpu.h"

struct cpu cpu_boot;
