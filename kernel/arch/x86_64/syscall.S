/*
 * System calls in, everything out.
 *
 * The way in saves the user's registers straight into the current thread's context, whose words lie
 * as a message's do, and leaves none of them on the kernel stack. The way out loads every register
 * from the context that C chose, so no kernel value reaches user mode: rcx and r11 hold the user's
 * own ip and flags. 44 instructions in all, the call included.
 *
 * Between the first instruction and the change of stack, rsp is the user's or points into a
 * context. Nothing here can fault, interrupts are off, and what can still come (NMI, machine check,
 * debug) has stacks of its own.
 */
#include "kernel/arch/x86_64/offsets.h"

    .text
    .p2align 6
    .globl syscall_entry
syscall_entry:
    swapgs
    movq %rsp, %gs:CPU_SCRATCH
    movq %gs:CPU_CTX, %rsp
    movq %rax, CTX_NR(%rsp)
    movq %rdi, CTX_ARG0(%rsp)
    movq %rsi, CTX_ARG1(%rsp)
    movq %rdx, CTX_W0(%rsp)
    movq %r10, CTX_W1(%rsp)
    movq %r8, CTX_W2(%rsp)
    movq %r9, CTX_W3(%rsp)
    movq %r12, CTX_W4(%rsp)
    movq %r13, CTX_W5(%rsp)
    movq %r14, CTX_W6(%rsp)
    movq %r15, CTX_W7(%rsp)
    movq %rbx, CTX_DL(%rsp)
    movq %rbp, CTX_FP(%rsp)
    movq %rcx, CTX_IP(%rsp)
    movq %r11, CTX_FLAGS(%rsp)
    movq %gs:CPU_SCRATCH, %rax
    movq %rax, CTX_SP(%rsp)
    movq %rsp, %rdi
    movq %gs:CPU_KSTACK, %rsp
    xorl %ebp, %ebp             /* where a backtrace ends */
    call up_syscall
    /* falls through */

/* rax = the context to leave through */
    .globl exit_user
exit_user:
    movq CTX_IP(%rax), %rcx
    cmpq CTX_FAST(%rax), %rcx   /* USER_MAX or 0: sysret never sees an ip that is not canonical */
    jae exit_full
    movq CTX_FLAGS(%rax), %r11
    movq CTX_ARG0(%rax), %rdi
    movq CTX_ARG1(%rax), %rsi
    movq CTX_W0(%rax), %rdx
    movq CTX_W1(%rax), %r10
    movq CTX_W2(%rax), %r8
    movq CTX_W3(%rax), %r9
    movq CTX_W4(%rax), %r12
    movq CTX_W5(%rax), %r13
    movq CTX_W6(%rax), %r14
    movq CTX_W7(%rax), %r15
    movq CTX_DL(%rax), %rbx
    movq CTX_FP(%rax), %rbp
    movq CTX_SP(%rax), %rsp
    movq CTX_NR(%rax), %rax
    swapgs
    sysretq

/* An interrupted or a new thread: iret, which keeps rcx and r11. It too faults, in the kernel and
 * with the user's gs, when ip is not canonical; so that is looked at first. */
    .p2align 4
    .type exit_full, @function
exit_full:
    movq %gs:CPU_KSTACK, %rsp
    movabsq $0x00007ffffffff000, %rdx
    cmpq %rdx, %rcx
    jae exit_bad_ip
    movq exit_fast(%rip), %rdx
    movq %rdx, CTX_FAST(%rax)   /* so in user mode, always: syscall_entry counts on it */
    pushq $SEL_USER_DATA
    pushq CTX_SP(%rax)
    pushq CTX_FLAGS(%rax)
    pushq $SEL_USER_CODE
    pushq %rcx
    movq CTX_ARG0(%rax), %rdi
    movq CTX_ARG1(%rax), %rsi
    movq CTX_W0(%rax), %rdx
    movq CTX_W1(%rax), %r10
    movq CTX_W2(%rax), %r8
    movq CTX_W3(%rax), %r9
    movq CTX_W4(%rax), %r12
    movq CTX_W5(%rax), %r13
    movq CTX_W6(%rax), %r14
    movq CTX_W7(%rax), %r15
    movq CTX_DL(%rax), %rbx
    movq CTX_FP(%rax), %rbp
    movq CTX_T0(%rax), %rcx
    movq CTX_T1(%rax), %r11
    movq CTX_NR(%rax), %rax
    verw verw_selector(%rip)    /* empties a CPU's buffers of the kernel's data, where it can */
    swapgs
    iretq

    .type exit_bad_ip, @function
exit_bad_ip:
    movq %rax, %rdi
    call trap_bad_ip
    jmp exit_user

    .globl arch_enter_user
arch_enter_user:
    movq %rdi, %rax
    jmp exit_user

    .section .rodata.verw_selector, "a"
verw_selector:
    .word SEL_KERNEL_DATA
