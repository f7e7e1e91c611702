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

/* The end of a CPU: its stacks are wiped, guard pages left out, its registers too, and it waits for an
 * interrupt that never comes. It may stand on one of these stacks, so nothing here uses any. */
    .globl park
park:                           /* (struct stacks *s, uint32_t *halted) */
    cli
    cld
    xorl %eax, %eax
    addq $STACK_GUARD, %rdi
    movl $(STACK_KERNEL / 8), %ecx
    rep stosq
    movl $(STACK_FAULTS_LEN / (STACK_GUARD + STACK_FAULT)), %edx
1:  addq $STACK_GUARD, %rdi
    movl $(STACK_FAULT / 8), %ecx
    rep stosq
    decl %edx
    jnz 1b
    xorl %ebx, %ebx
    xorl %ebp, %ebp
    xorl %edi, %edi
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %r11d, %r11d
    xorl %r12d, %r12d
    xorl %r13d, %r13d
    xorl %r14d, %r14d
    xorl %r15d, %r15d
    movl $1, (%rsi)
    xorl %esi, %esi
2:  hlt
    jmp 2b
    .size park, . - park
