#pragma once
/* The test module's parts: registers and flags over each way into the kernel (regs.S), instructions
 * that must kill (deaths.S), copies at every edge of a page (copies.c), moves from CPU to CPU
 * (cpus.c). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"

/* Each gives the registers that did not come back as they were, bit 0 = rbx, rbp, rsi, rdi, rdx,
 * r8, r9, r10, r12 ... r15, rax, rcx, r11, bit 15 = flags. */
uint64_t regs_call(uint64_t flags, uint64_t nr, int64_t status);  // rcx = ip, r11 = flags
uint64_t regs_spin(uint64_t flags, uint64_t rounds);              // over interrupts
/* Bit i = xmm i, bit 16 = the x87 stack. */
uint64_t fpu_spin(uint64_t seed, uint64_t rounds);

/** The null call with that in rsp: its status, or 1 when rsp did not come back. */
int64_t call_at_stack(uint64_t rsp);
/** The null call with that selector in ds, es, fs and gs, as far as it can be loaded: its status.
 */
int64_t call_with_selector(uint64_t selector);
/** That call for ever, all flags set that user mode can set, registers as in regs_call. */
_Noreturn void calls_for_ever(uint64_t nr);

/** Execute `int n`. */
void interrupt_call(uint64_t n);
struct death {
    const char *name;
    void (*run)(void);
};
extern const struct death deaths[];
extern const size_t n_deaths;

/** Two threads' FPU states while both are moved over all CPUs: how many there are, what was wrong
 * of each thread's, and whether both ran wherever they were put. */
unsigned fpu_over_cpus(uint64_t wrong[2], bool *went);
/** Calls from each CPU to a server on each CPU: how many were answered, 0 if one answer was wrong.
 */
uint64_t calls_over_cpus(bool *went);

/** Copies in and out with each length and each distance from the end of a page: how many answers
 * were not as they must be. */
unsigned copy_edges(unsigned *tried);
