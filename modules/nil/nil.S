/* The smallest capsule: it ends at once; with an argument it sleeps for ever, so that its
 * memory can be counted; with one that begins with `c` it crashes. */
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
1:  cmpb    $'c', 72(%rdi)
    je      3f
2:  movq    $-1, %rdi
    movl    $4, %eax            /* NOS_SYS_SLEEP */
    syscall
    jmp     2b
3:  ud2
    .size nos_entry, . - nos_entry
    .section .note.GNU-stack, "", @progbits
