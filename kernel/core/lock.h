/* The one kernel lock: a fair ticket lock, taken at entry, dropped at exit and around bounded steps.
 * Spec: docs/locking.md. */
#pragma once

#include "kernel/core/types.h"

void kernel_lock(void);
void kernel_unlock(void);
