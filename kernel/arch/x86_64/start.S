/*
 * The kernel's first instruction. The loader gives rdi = bootinfo and promises nothing about the
 * stack, so it is ours from the start: the boot CPU's only kernel stack, of which every later entry
 * uses the top again.
 */
#include "kernel/arch/x86_64/offsets.h"

    .section .text.kernel_entry, "ax"
    .globl kernel_entry
    .type kernel_entry, @function
kernel_entry:
    cli
    cld
    leaq stacks + STACK_KERNEL_TOP(%rip), %rsp
    xorl %ebp, %ebp             /* where a backtrace ends */
    call kernel_main
    ud2
    .size kernel_entry, . - kernel_entry
