/* A CPU's stacks. A stack that runs over hits its guard page: a double fault, which has a
 * stack of its own. */
#pragma once

#include <stdint.h>

#include "kernel/arch/x86_64/offsets.h"
#include "kernel/core/percpu.h"
#include "lib/compiler.h"

/* Exceptions that cannot trust the stack they find: each has its own (IST number = place here + 1),
 * so that none overwrites what another stands on. */
enum stack_name { STACK_DEBUG, STACK_NMI, STACK_DOUBLE, STACK_MACHINE, STACK_FAULTS };

struct fault_stack {
    uint8_t guard[STACK_GUARD];
    uint8_t bytes[STACK_FAULT];
};

struct stacks {
    uint8_t guard[STACK_GUARD];
    uint8_t kernel[STACK_KERNEL];
    struct fault_stack fault[STACK_FAULTS];
};

extern struct stacks stacks;                /* of the CPU that booted */
extern struct stacks *cpu_stacks[CPUS_MAX]; /* of each */
