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

/* What the kernel was called for has ended: its frames hold the callee-saved registers of user mode. */
    .globl arch_rest
arch_rest:
    movq %gs:CPU_KSTACK, %rsp
    xorl %ebp, %ebp
    xorl %ebx, %ebx
    xorl %r12d, %r12d
    xorl %r13d, %r13d
    xorl %r14d, %r14d
    xorl %r15d, %r15d
    call up_idle
    jmp exit_user
    .size arch_rest, . - arch_rest

    .globl arch_stack_clean
arch_stack_clean:
    cld
    xorl %eax, %eax
    movq %gs:CPU_KSTACK, %rdi
    subq $STACK_KERNEL, %rdi
    movq %rsp, %rcx
    subq %rdi, %rcx
    shrq $3, %rcx
    rep stosq
    movq %rax, %gs:CPU_SCRATCH      /* a user's rax or rsp */
    ret
    .size arch_stack_clean, . - arch_stack_clean

/* The end of a CPU: its stacks are wiped, guard pages left out, and it goes to where it needs no memory of
 * the kernel's. It may stand on one of these stacks, so nothing here uses any. */
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
    leaq __ehdr_start(%rip), %rcx
    subq %rcx, %rsi
    addq wiper_image(%rip), %rsi
    xorl %edi, %edi             /* WIPER_PARK */
    jmp wiper_enter
    .size park, . - park

/* The wiper's page tables, and into it: rdi, rsi and rdx are its. Before it is set up nothing has run. */
    .globl wiper_enter
wiper_enter:
    cli
    cld
    movq wiper_root(%rip), %rax
    testq %rax, %rax
    jz 1f
    movq %rax, %cr3
    jmpq *wiper_at(%rip)
1:  hlt
    jmp 1b
    .size wiper_enter, . - wiper_enter
