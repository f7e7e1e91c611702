/* The last instructions of a thread: rdi = its stack's mapping or 0, rsi = a word to clear or 0, rdx = a lock that it holds, rcx = a
 * notification's handle or 0. After the first store others may free the stack, so none is used. */
#include "sdk/libc/thread_end.h"

    .section .text.nos_libc_thread_end, "ax", @progbits
    .globl nos_libc_thread_end
    .hidden nos_libc_thread_end
    .type nos_libc_thread_end, @function
nos_libc_thread_end:
    movq    %rsi, %rbx
    movq    %rdx, %rbp
    movq    %rcx, %r12
    testq   %rdi, %rdi
    jz      1f
    movl    $END_UNMAP, %eax
    syscall
1:  testq   %rbx, %rbx
    jz      2f
    movl    $0, (%rbx)
2:  movl    $0, (%rbp)
    testq   %r12, %r12
    jz      3f
    movq    %r12, %rdi
    movl    $END_WAKE, %esi
    movl    $END_SIGNAL, %eax
    syscall
3:  movl    $END_EXIT, %eax
    syscall
    ud2
    .size nos_libc_thread_end, . - nos_libc_thread_end

    .section .note.GNU-stack, "", @progbits
