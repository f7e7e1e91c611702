/* vfork comes back twice: to the child, which goes on in the caller's frame, then, when that has ended or has become another program,
 * to the caller. So what the caller counts on is kept apart from the stack, which the child uses meanwhile. */

    .bss
    .balign 8
frame:
    .skip   64

    .section .text.vfork, "ax", @progbits
    .globl vfork
    .type vfork, @function
vfork:
    subq    $8, %rsp
    call    nos_libc_vfork_begin
    addq    $8, %rsp
    testq   %rax, %rax
    jnz     1f
    popq    %rdx
    leaq    frame(%rip), %rcx
    movq    %rbx, (%rcx)
    movq    %rbp, 8(%rcx)
    movq    %r12, 16(%rcx)
    movq    %r13, 24(%rcx)
    movq    %r14, 32(%rcx)
    movq    %r15, 40(%rcx)
    movq    %rsp, 48(%rcx)
    movq    %rdx, 56(%rcx)
    jmp     *%rdx
1:  movq    %rax, %rdi
    jmp     __syscall_ret
    .size vfork, . - vfork

/* rdi = what the caller is told. */
    .globl nos_libc_vfork_return
    .hidden nos_libc_vfork_return
    .type nos_libc_vfork_return, @function
nos_libc_vfork_return:
    leaq    frame(%rip), %rcx
    movq    (%rcx), %rbx
    movq    8(%rcx), %rbp
    movq    16(%rcx), %r12
    movq    24(%rcx), %r13
    movq    32(%rcx), %r14
    movq    40(%rcx), %r15
    movq    48(%rcx), %rsp
    movq    %rdi, %rax
    jmp     *56(%rcx)
    .size nos_libc_vfork_return, . - nos_libc_vfork_return

    .section .note.GNU-stack, "", @progbits
