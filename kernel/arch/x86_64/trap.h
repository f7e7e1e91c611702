/* Exceptions and interrupts: how the stubs of vectors.S call C. */
#pragma once

#include "kernel/arch/api/context.h"
#include "kernel/core/types.h"

struct trap_frame {  // pushed by vectors.S, the last eight words by the stub and the CPU
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector, error, ip, cs, flags, sp, ss;
};

/** From user mode: registers are in `ctx`. Gives the context to resume. */
struct arch_context *trap_user(struct arch_context *ctx, uint64_t vector, uint64_t error);

/** The context's address is none that user mode can have: its thread dies. Gives the context to
 * resume. */
struct arch_context *trap_bad_ip(struct arch_context *ctx);

/** From kernel mode; comes back only if the kernel can go on. */
void trap_kernel(struct trap_frame *f);

/** NMI, double fault, machine check, from anywhere; a debug exception from kernel mode. */
_Noreturn void trap_fatal(const struct trap_frame *f);
