/* Numbers that assembly and C must agree on; layout.c compares them with the C types. No C in here.
 */
#pragma once

/* struct arch_context */
#define CTX_NR 0
#define CTX_ARG0 8
#define CTX_ARG1 16
#define CTX_W0 24
#define CTX_W1 32
#define CTX_W2 40
#define CTX_W3 48
#define CTX_W4 56
#define CTX_W5 64
#define CTX_W6 72
#define CTX_W7 80
#define CTX_DL 88
#define CTX_FP 96
#define CTX_T0 104
#define CTX_T1 112
#define CTX_IP 120
#define CTX_FLAGS 128
#define CTX_SP 136
#define CTX_FAST 144

/* struct cpu, through gs */
#define CPU_KSTACK 8
#define CPU_SCRATCH 16
#define CPU_CTX 24

/* What the CPU and the stubs push: vector, error code, then the hardware's five words. */
#define PUSHED_VECTOR 0
#define PUSHED_ERROR 8
#define PUSHED_IP 16
#define PUSHED_CS 24
#define PUSHED_FLAGS 32
#define PUSHED_SP 40

/* Segment selectors. sysret wants user data right below user code. */
#define SEL_KERNEL_CODE 0x08
#define SEL_KERNEL_DATA 0x10
#define SEL_USER_DATA 0x1b
#define SEL_USER_CODE 0x23
#define SEL_TSS 0x28
#define SEL_SYSRET_BASE 0x13

/* Stacks: each lies above a page that is not mapped once the kernel has its own tables. */
#define STACK_GUARD 4096
#define STACK_KERNEL 20480
#define STACK_FAULT 8192
#define STACK_FAULTS_LEN (4 * (STACK_GUARD + STACK_FAULT))
#define STACK_KERNEL_TOP (STACK_GUARD + STACK_KERNEL)

/* Vectors. Stubs of interrupts all push VECTOR_IRQ, and their number as the error code. */
#define VECTOR_DB 1
#define VECTOR_IRQ 32

#define MSR_GS_BASE 0xc0000101
