/*
 * Secrets in registers alone: each function takes its words from memory, wipes them there, says that it
 * has (`planted`), and never comes back. rdi = the words.
 */
    .text
.macro WIPE base, count
    .set at, 0
    .rept \count
    movq $0, at(\base)
    .set at, at + 8
    .endr
.endm

    .globl plant_registers      /* 12 words */
plant_registers:
    movq %rdi, %r15
    movq 0(%r15), %rax
    movq 8(%r15), %rbx
    movq 16(%r15), %rcx
    movq 24(%r15), %rdx
    movq 32(%r15), %rsi
    movq 40(%r15), %rdi
    movq 48(%r15), %rbp
    movq 56(%r15), %r8
    movq 64(%r15), %r9
    movq 72(%r15), %r10
    movq 80(%r15), %r11
    movq 88(%r15), %r12
    WIPE %r15, 12
    lock incl planted(%rip)
1:  pause
    jmp 1b

    .globl plant_fpu            /* 32 words */
plant_fpu:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups 16 * \n(%rdi), %xmm\n
    .endr
    WIPE %rdi, 32
    lock incl planted(%rip)
1:  pause
    jmp 1b

    .globl plant_call           /* 8 words; rsi = endpoint that nobody serves, rdx = call number, rcx = info */
plant_call:
    movq %rdi, %rbp
    movl %esi, %edi
    movl %edx, %eax
    movq %rcx, %rsi
    xorl %ebx, %ebx
    movq 0(%rbp), %rdx
    movq 8(%rbp), %r10
    movq 16(%rbp), %r8
    movq 24(%rbp), %r9
    movq 32(%rbp), %r12
    movq 40(%rbp), %r13
    movq 48(%rbp), %r14
    movq 56(%rbp), %r15
    WIPE %rbp, 8
    lock incl planted(%rip)
    syscall
    ud2

    .globl crash_with           /* 32 words on its stack: registers hold some of them, too, when it dies */
crash_with:
    movq %rdi, %rsp
    movq 0(%rsp), %rax
    movq 8(%rsp), %rbx
    movq 16(%rsp), %rcx
    movq 24(%rsp), %rdx
    movq 32(%rsp), %rsi
    movq 40(%rsp), %rdi
    movq 48(%rsp), %rbp
    movq $0, 0
    ud2
