/* The calls a CPU port makes into the kernel. `ctx` is the context that entry.S saved into: the
 * current thread's. Each of the first three returns the context to resume, perhaps another
 * thread's; before returning they have switched address space and FPU, so the port only restores
 * registers. */
#pragma once

#include "kernel/arch/api/arch.h"

struct arch_context *up_syscall(struct arch_context *ctx);

enum fault_kind {
    FAULT_PAGE,
    FAULT_DIVIDE,
    FAULT_ILLEGAL,
    FAULT_UB,
    FAULT_PROTECTION,
    FAULT_STACK,
    FAULT_ALIGN,
    FAULT_FPU,
    FAULT_DEBUG, /* a step; the address is where it goes on */
    FAULT_BREAK, /* a breakpoint; the same */
    FAULT_UNEXPECTED
};
struct fault {
    enum fault_kind kind;
    uint64_t addr; /* PAGE: address touched */
    bool write, exec, present;
    uint64_t code; /* vector << 32 | hardware error code */
};
struct arch_context *up_fault(struct arch_context *ctx, const struct fault *f); /* in user mode */

/* An interrupt in user mode: up_irq_user; while idle or in an arch_irq_window: up_irq. `line` is
 * the ISA line, or UP_LINE_TIMER, or UP_LINE_KICK from another CPU, or UP_LINE_SPURIOUS for a
 * vector nobody asked for. The port has masked the line and sent EOI. */
enum { UP_LINE_TIMER = 32, UP_LINE_SPURIOUS = 33, UP_LINE_KICK = 34 };
struct arch_context *up_irq_user(struct arch_context *ctx, unsigned line);
void up_irq(unsigned line);

/* Nothing runs on this CPU (arch_rest): wait for work with the kernel lock, and give it back. The
 * context to leave through. */
struct arch_context *up_idle(void);

/* First FPU use of the current thread: give it a state (the port then loads it). false: no memory,
 * kill it. */
struct arch_fpu *up_fpu_first_use(void);

/* For an illegal instruction `code` says which: 0 = some instruction, ARCH_UBSAN | kind = a failed
 * UBSan check of clang (kind: clang's SanitizerHandler). arch_fault_name has the words. */
#define ARCH_UBSAN 0x100u

/* Fault in kernel mode that no fix-up covers, NMI, double fault, machine check: does not come back.
 */
_Noreturn void up_kernel_fault(
    uint64_t vector, uint64_t code, uint64_t addr,
    const uint64_t *regs /* 20: rax rbx rcx rdx rsi rdi rbp r8..r15 rip cs rflags rsp ss */);

/* Page-table frames: zeroed, charged to nobody's quota here (the space layer counts them). 0 = none
 * left. */
paddr_t up_table_alloc(void);
void up_table_free(paddr_t p);

/* The first C function: called by entry.S on the boot stack, `bi` in the direct map. */
_Noreturn void kernel_main(struct nos_bootinfo *bi);

/* The first C function of every other CPU, on its own stack, set up like the first one. */
_Noreturn void up_cpu_started(void);
