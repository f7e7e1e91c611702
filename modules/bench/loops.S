/* What is measured, and nothing else between the two readings of the counter.
 *
 *   uint64_t bench_empty(void)                   the readings alone
 *   uint64_t bench_null(void)                    the null system call
 *   uint64_t bench_call(uint64_t ep, uint64_t info)  one message there and back
 *   void bench_serve(uint64_t ep)                answers each message with itself, for ever */
    .macro ticks                /* counter into rax; rdx is lost */
    rdtsc
    shlq    $32, %rdx
    orq     %rdx, %rax
    .endm

    .macro function name
    .globl \name
    .hidden \name
    .type \name, @function
\name:
    .endm

    .text
function bench_empty
    ticks
    movq    %rax, %r8
    ticks
    subq    %r8, %rax
    ret

function bench_null
    pushq   %rbx
    ticks
    movq    %rax, %r8
    xorl    %eax, %eax          /* NOS_SYS_NULL */
    syscall
    ticks
    subq    %r8, %rax
    popq    %rbx
    ret

function bench_call
    pushq   %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    ticks
    movq    %rax, %rbp
    movl    $21, %eax           /* NOS_SYS_IPC_CALL */
    xorl    %ebx, %ebx          /* no deadline */
    syscall
    movq    %rax, %rcx          /* status */
    ticks
    subq    %rbp, %rax
    testl   %ecx, %ecx
    jz      1f
    movq    $-1, %rax
1:  popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    ret

function bench_serve
    pushq   %rdi
    xorl    %ebx, %ebx
    xorl    %esi, %esi
    movl    $22, %eax           /* NOS_SYS_IPC_RECV */
    syscall
1:  movq    (%rsp), %rdi
    xorl    %ebx, %ebx
    movl    $24, %eax           /* NOS_SYS_IPC_REPLY_RECV */
    syscall
    jmp     1b

    .section .note.GNU-stack, "", @progbits
