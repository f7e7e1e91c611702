/*
 * The only code that touches user memory. A page fault between copy_begin and copy_end, on a user
 * address, goes on at copy_fault (trap.c). SMAP is lifted for these few instructions; the trap
 * itself puts it back, and so does each exit.
 *
 * Eight bytes a step; every byte is moved once, so what was checked after a copy is what was
 * copied.
 */
    .text
    .p2align 4
    .globl arch_copy_from_user
    .globl arch_copy_to_user
arch_copy_from_user:            /* (void *dst, uint64_t src, size_t len) */
arch_copy_to_user:              /* (uint64_t dst, const void *src, size_t len) */
    movq %rdx, %rcx
    shrq $3, %rcx
    andl $7, %edx
    movl $1, %eax
    stac
    .globl copy_begin
copy_begin:
    rep movsq
    movl %edx, %ecx
    rep movsb
    .globl copy_end
copy_end:
    clac
    ret

    .globl copy_fault
copy_fault:
    clac
    xorl %eax, %eax
    ret
