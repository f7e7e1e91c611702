/* First instruction of a capsule: rdi = struct nos_start, rsp at the top of a 16-byte aligned stack. */
    .section .text.nos_entry, "ax", @progbits
    .globl nos_entry
    .hidden nos_entry
    .type nos_entry, @function
nos_entry:
    xorl    %ebp, %ebp          /* ends every backtrace */
    call    nos_begin           /* does not return */
    ud2
    .size nos_entry, . - nos_entry

/* A thread's first instruction: rdi = address of struct nos_thread, rsi = its IPC buffer. */
    .globl nos_thread_entry
    .hidden nos_thread_entry
    .type nos_thread_entry, @function
nos_thread_entry:
    xorl    %ebp, %ebp
    call    nos_thread_begin
    ud2
    .size nos_thread_entry, . - nos_thread_entry

    .section .note.GNU-stack, "", @progbits
