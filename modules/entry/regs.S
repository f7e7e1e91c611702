/* Every register has a value of its own before the kernel is entered; afterwards each is compared. */
    .macro function name
    .globl \name
    .hidden \name
    .type \name, @function
\name:
    .endm

    .macro save
    pushq   %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    .endm

    .macro restore
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    .endm

    .macro each what
    \what   0, %rbx
    \what   1, %rbp
    \what   2, %rsi
    \what   3, %rdi
    \what   4, %rdx
    \what   5, %r8
    \what   6, %r9
    \what   7, %r10
    \what   8, %r12
    \what   9, %r13
    \what   10, %r14
    \what   11, %r15
    .endm

    .macro each_more what
    \what   12, %rax
    \what   13, %rcx
    \what   14, %r11
    .endm

    .macro put i, reg
    movq    pattern + 8 * \i(%rip), \reg
    .endm

    .macro same i, reg          /* differences gather at (%rsp) */
    cmpq    pattern + 8 * \i(%rip), \reg
    je      0f
    orq     $(1 << \i), (%rsp)
0:
    .endm

    .section .rodata
    .p2align 3
pattern:
    .set    i, 1
    .rept   16
    .quad   0x0123456789abcdef * i + 0x1111111111111111
    .set    i, i + 1
    .endr

    .text
/* Stack: differences, flags wanted, status wanted. */
function regs_call
    save
    pushq   %rdx
    pushq   %rdi
    pushq   $0
    movq    %rsi, %rax
    each    put
    pushq   8(%rsp)
    popfq
    syscall
1:  pushfq                      /* flags, differences, wanted */
    pushq   $2
    popfq                       /* DF off, AC off */
    pushq   %rcx
    leaq    1b(%rip), %rcx
    cmpq    %rcx, (%rsp)
    leaq    8(%rsp), %rsp
    popq    %rcx
    je      2f
    orq     $(1 << 13), (%rsp)
2:  cmpq    %r11, %rcx
    je      3f
    orq     $(1 << 14), (%rsp)
3:  xorq    8(%rsp), %rcx
    testq   $0x244dd5, %rcx     /* ID AC NT DF TF SF ZF AF PF CF */
    jz      4f
    orq     $(1 << 15), (%rsp)
4:  each    same
    cmpl    16(%rsp), %eax
    je      5f
    orq     $(1 << 12), (%rsp)
5:  popq    %rax
    addq    $16, %rsp
    restore
    ret

/* Stack: differences, flags wanted, rounds, flags found. */
function regs_spin
    save
    pushq   $0
    pushq   %rsi
    pushq   %rdi
    pushq   $0
    each    put
    each_more put
    pushq   8(%rsp)
    popfq
6:  decq    16(%rsp)
    jnz     6b
    pushfq
    pushq   $2
    popfq
    popq    24(%rsp)            /* counted from where rsp is after the pop */
    each    same
    each_more same
    movq    24(%rsp), %rcx
    xorq    8(%rsp), %rcx
    testq   $0x244500, %rcx     /* ID AC NT DF TF: the loop changes the others */
    jz      7f
    orq     $(1 << 15), (%rsp)
7:  popq    %rax
    addq    $24, %rsp
    restore
    ret

    .macro put_x i
    movq    %rdi, %xmm\i
    incq    %rdi
    .endm

    .macro same_x i
    movq    %xmm\i, %rcx
    cmpq    %rcx, %rdi
    je      0f
    orq     $(1 << \i), %rax
0:  incq    %rdi
    .endm

    .macro each_x what
    .irp    i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    \what   \i
    .endr
    .endm

function fpu_spin
    pushq   %rdi
    fninit
    fildll  (%rsp)
    each_x  put_x
8:  decq    %rsi
    jnz     8b
    xorl    %eax, %eax
    movq    (%rsp), %rdi
    each_x  same_x
    movq    (%rsp), %rdi
    fistpll (%rsp)
    popq    %rcx
    cmpq    %rcx, %rdi
    je      9f
    orq     $(1 << 16), %rax
9:  ret

function call_at_stack
    pushq   %rbx
    movq    %rsp, %rbx
    movq    %rdi, %rsp
    xorl    %eax, %eax
    syscall
    cmpq    %rdi, %rsp
    movq    %rbx, %rsp
    popq    %rbx
    je      10f
    movl    $1, %eax
10: cltq
    ret

function call_with_selector
    movl    %edi, %ds
    movl    %edi, %es
    movl    %edi, %fs
    movl    %edi, %gs
    xorl    %eax, %eax
    syscall
    xorl    %ecx, %ecx
    movl    %ecx, %ds
    movl    %ecx, %es
    movl    %ecx, %fs
    movl    %ecx, %gs
    cltq
    ret

function calls_for_ever
    pushq   %rdi
    each    put
    pushq   $0x244cd7           /* ID AC NT DF and the arithmetic ones */
11: movq    8(%rsp), %rax
    pushq   (%rsp)
    popfq
    syscall
    jmp     11b

    .section .note.GNU-stack, "", @progbits
