/* What is measured, and nothing else between the two readings of the counter.
 *
 *   uint64_t bench_empty(void)                   the readings alone
 *   uint64_t bench_null(void)                    the null system call
 *   uint64_t bench_call(uint64_t ep, uint64_t info)  one message there and back
 *   void bench_serve(uint64_t ep)                answers each message with itself, for ever
 *   void bench_serve_pass(uint64_t ep, void *ipc_buffer)  the same; a handle that came goes back, moved
 *   uint64_t bench_serve_faults(uint64_t ep, uint64_t skip)  lets who faulted go on `skip` bytes later, until
 *                                                another message comes: gives its first word
 *   uint64_t bench_fault(uint64_t address)       reads there, and expects to go on behind the load
 *   void bench_watch(volatile uint64_t *at)      writes the counter there, for ever */
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

    .set    PASS_RIGHTS, 64 * 8 + 4     /* struct nos_ipc_buffer: pass[0].rights */
    .set    ACCEPT, 64 * 8 + 4 * 8

function bench_serve_pass
    pushq   %rdi
    pushq   %rsi
    movl    $1, ACCEPT(%rsi)
    xorl    %ebx, %ebx
    xorl    %esi, %esi
    movl    $22, %eax           /* NOS_SYS_IPC_RECV */
    syscall
1:  movq    (%rsp), %rcx
    orl     $0x80000000, PASS_RIGHTS(%rcx)  /* NOS_PASS_MOVE */
    movq    8(%rsp), %rdi
    xorl    %ebx, %ebx
    movl    $24, %eax           /* NOS_SYS_IPC_REPLY_RECV */
    syscall
    jmp     1b

    .set    FAULT_GO, 1 << 16 | 1   /* NOS_FAULT_GO, one word */
    .set    LABEL_FAULT, 0xfa17     /* NOS_FAULT */

function bench_serve_faults
    pushq   %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    pushq   %rsi
    pushq   %rdi
    xorl    %ebx, %ebx
    xorl    %esi, %esi
    movl    $22, %eax           /* NOS_SYS_IPC_RECV */
    syscall
    jmp     2f
1:  movq    (%rsp), %rdi
    movq    8(%rsp), %rdx
    addq    %r10, %rdx          /* the address of the load */
    movl    $FAULT_GO, %esi
    xorl    %ebx, %ebx
    movl    $24, %eax           /* NOS_SYS_IPC_REPLY_RECV */
    syscall
2:  shrq    $16, %rsi           /* NOS_MSG_LABEL_SHIFT */
    cmpq    $LABEL_FAULT, %rsi
    je      1b
    movq    %rdx, %rax
    addq    $16, %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    ret

function bench_fault
    ticks
    movq    %rax, %r8
    .globl  bench_fault_load
    .hidden bench_fault_load
bench_fault_load:
    movq    (%rdi), %rax
    .globl  bench_fault_on
    .hidden bench_fault_on
bench_fault_on:
    ticks
    subq    %r8, %rax
    ret

function bench_watch
1:  ticks
    movq    %rax, (%rdi)
    jmp     1b

    .section .note.GNU-stack, "", @progbits
