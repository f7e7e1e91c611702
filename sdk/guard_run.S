/* bool nos_guard_run(struct nos_guard *g, void (*run)(void *), void *arg): true when `run` came back.
 *
 * At a fault the kernel comes to label 1 with the stack as it is said here; of the other registers nothing is known. */
    .text
    .globl nos_guard_run
    .hidden nos_guard_run
    .type nos_guard_run, @function
nos_guard_run:
    pushq   %rbp
    movq    %rsp, %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    subq    $8, %rsp            /* 16-byte aligned at the call */

    movq    %rdi, %rbx
    movq    %rsp, 8(%rbx)       /* sp */
    leaq    1f(%rip), %rax
    movq    %rax, 0(%rbx)       /* ip: from here on it is guarded */
    movq    %rdx, %rdi
    call    *%rsi
    movq    $0, 0(%rbx)
    movl    $1, %eax

2:  addq    $8, %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    ret

1:  cld
    xorl    %eax, %eax
    jmp     2b
    .size nos_guard_run, . - nos_guard_run

    .section .note.GNU-stack, "", @progbits
