/*
 * One stub for each of the 256 vectors, and the ways from a stub to C.
 *
 * From user mode the registers go into the current thread's context, as at a system call. From
 * kernel mode (a fault in a user copy, an interrupt in a window, or a bug) they go onto the stack.
 * Gates clear IF and TF but neither DF nor AC, and user mode owns both: an AC that stayed set would
 * lift SMAP.
 */
#include "kernel/arch/x86_64/offsets.h"

#define HAS_ERROR_CODE 0x60227d00   /* vectors 8, 10-14, 17, 21, 29, 30 */
#define HAS_OWN_STACK  0x00040106   /* vectors 1, 2, 8, 18 */

    .text
    .p2align 4
    .globl exception_stubs
exception_stubs:
    .set vector, 0
    .rept 32
    .p2align 4
    .if !((HAS_ERROR_CODE >> vector) & 1)
    pushq $0
    .endif
    pushq $vector
    .if (HAS_OWN_STACK >> vector) & 1
    jmp own_stack
    .else
    jmp trap
    .endif
    .set vector, vector + 1
    .endr

/* The number is pushed as a signed byte: every stub is 7 bytes long. C takes its low 8 bits. */
    .p2align 4
    .globl interrupt_stubs
interrupt_stubs:
    .set vector, 32
    .rept 96
    .p2align 3
    pushq $vector
    jmp interrupt
    .set vector, vector + 1
    .endr
    .set vector, -128
    .rept 128
    .p2align 3
    pushq $vector
    jmp interrupt
    .set vector, vector + 1
    .endr

    .p2align 4
    .type interrupt, @function
interrupt:
    pushq $VECTOR_IRQ
    .type trap, @function
trap:
    testb $3, PUSHED_CS(%rsp)
    jz from_kernel
    swapgs
    .type from_user, @function
from_user:
    cld
    clac
    movq %rax, %gs:CPU_SCRATCH
    movq %gs:CPU_CTX, %rax
    movq %rdi, CTX_ARG0(%rax)
    movq %rsi, CTX_ARG1(%rax)
    movq %rdx, CTX_W0(%rax)
    movq %r10, CTX_W1(%rax)
    movq %r8, CTX_W2(%rax)
    movq %r9, CTX_W3(%rax)
    movq %r12, CTX_W4(%rax)
    movq %r13, CTX_W5(%rax)
    movq %r14, CTX_W6(%rax)
    movq %r15, CTX_W7(%rax)
    movq %rbx, CTX_DL(%rax)
    movq %rbp, CTX_FP(%rax)
    movq %rcx, CTX_T0(%rax)
    movq %r11, CTX_T1(%rax)
    movq %gs:CPU_SCRATCH, %rcx
    movq %rcx, CTX_NR(%rax)
    movq PUSHED_IP(%rsp), %rcx
    movq %rcx, CTX_IP(%rax)
    movq PUSHED_FLAGS(%rsp), %rcx
    movq %rcx, CTX_FLAGS(%rax)
    movq PUSHED_SP(%rsp), %rcx
    movq %rcx, CTX_SP(%rax)
    movq $0, CTX_FAST(%rax)
    movq %rax, %rdi
    movq PUSHED_VECTOR(%rsp), %rsi
    movq PUSHED_ERROR(%rsp), %rdx
    movq %gs:CPU_KSTACK, %rsp
    xorl %ebp, %ebp
    call trap_user
    jmp exit_user

.macro PUSH_ALL
    pushq %r15
    pushq %r14
    pushq %r13
    pushq %r12
    pushq %r11
    pushq %r10
    pushq %r9
    pushq %r8
    pushq %rbp
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rbx
    pushq %rax
.endm

    .type from_kernel, @function
from_kernel:
    cld
    clac
    PUSH_ALL
    movq %rsp, %rdi
    call trap_kernel
    popq %rax
    popq %rbx
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    popq %rbp
    popq %r8
    popq %r9
    popq %r10
    popq %r11
    popq %r12
    popq %r13
    popq %r14
    popq %r15
    addq $PUSHED_IP, %rsp
    iretq

/* These can come between any two instructions of the kernel, so the code segment does not say whose
 * gs it is: the base does, because no user can set a negative one. A debug exception in user mode
 * is an ordinary fault. */
    .type own_stack, @function
own_stack:
    cld
    clac
    cmpq $VECTOR_DB, PUSHED_VECTOR(%rsp)
    jne 1f
    testb $3, PUSHED_CS(%rsp)
    jz 1f
    swapgs
    jmp from_user
1:  PUSH_ALL
    movl $MSR_GS_BASE, %ecx
    rdmsr
    testl %edx, %edx
    js 2f
    swapgs
2:  movq %rsp, %rdi
    call trap_fatal
    ud2
