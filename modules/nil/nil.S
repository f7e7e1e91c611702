/* The smallest capsule: it ends at once; with an argument it sleeps for ever, so that its memory can be counted. */
    .text
    .globl nos_entry
    .hidden nos_entry
    .type nos_entry, @function
nos_entry:
    cmpb    $0, 72(%rdi)        /* struct nos_start: arg[0] */
    jne     1f
    xorl    %edi, %edi
    movl    $1, %eax            /* NOS_SYS_EXIT */
    syscall
1:  movq    $-1, %rdi
    movl    $4, %eax            /* NOS_SYS_SLEEP */
    syscall
    jmp     1b
    .size nos_entry, . - nos_entry
    .section .note.GNU-stack, "", @progbits
