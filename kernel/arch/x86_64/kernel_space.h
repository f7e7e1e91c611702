/* The kernel's own address space. */
#pragma once

#include "kernel/core/types.h"

extern paddr_t kernel_root; /* top table; its upper half is every space's */

/** Stacks for another CPU, guard pages in place. NULL: no memory. */
struct stacks *kernel_stacks_new(void);
