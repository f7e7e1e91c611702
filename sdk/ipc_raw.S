/* The message calls. They use fourteen registers, so they are written here, once, and not as inline assembly that
 * each caller's register allocator would have to fit around.
 *
 * void nos_ipc_raw(struct nos_ipc_regs *r): load the registers of abi/ipc.h from r, call, store them back. */
    .text
    .globl nos_ipc_raw
    .hidden nos_ipc_raw
    .type nos_ipc_raw, @function
nos_ipc_raw:
    pushq   %rbp
    movq    %rsp, %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    pushq   %rdi

    movq    %rdi, %rcx
    movq    0(%rcx), %rax
    movq    8(%rcx), %rdi
    movq    16(%rcx), %rsi
    movq    24(%rcx), %rbx
    movq    32(%rcx), %rdx
    movq    40(%rcx), %r10
    movq    48(%rcx), %r8
    movq    56(%rcx), %r9
    movq    64(%rcx), %r12
    movq    72(%rcx), %r13
    movq    80(%rcx), %r14
    movq    88(%rcx), %r15
    syscall

    popq    %rcx
    movq    %rax, 0(%rcx)
    movq    %rdi, 8(%rcx)
    movq    %rsi, 16(%rcx)
    movq    %rbx, 24(%rcx)
    movq    %rdx, 32(%rcx)
    movq    %r10, 40(%rcx)
    movq    %r8, 48(%rcx)
    movq    %r9, 56(%rcx)
    movq    %r12, 64(%rcx)
    movq    %r13, 72(%rcx)
    movq    %r14, 80(%rcx)
    movq    %r15, 88(%rcx)

    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    ret
    .size nos_ipc_raw, . - nos_ipc_raw

    .section .note.GNU-stack, "", @progbits
