/* Kernel sources on the host: include this first, then the kernel's .c files that are under test.
 * RAM is an anonymous mapping that stands where the direct map is; the CPU port is faked in
 * kernel_host.c's few functions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "abi/bootinfo.h"
#undef NOS_DIRECT_BASE
#define NOS_DIRECT_BASE 0x200000000000ull

enum { HOST_RAM = 64 << 20 };

#include "kernel/arch/api/upcalls.h"
#include "kernel/core/percpu.h"

/* ---- the fake port and the up-calls of layers that are not under test ---- */

static uint64_t host_now = 1000;
static uint64_t host_random_state = 1;
static struct nos_bootinfo host_bi;

void host_start(void); /* fresh RAM, gs -> cpus[0] */
