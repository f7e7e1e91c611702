/*
 * Where a CPU comes from: real mode, in a page below 1 MiB that smp.c has copied this into. One step
 * takes it into long mode, on page tables that hold the kernel's half and this one page, and then to its
 * stack and into C. A CPU without long mode or NX stops here: it never arrives.
 *
 * The words at the end are filled in for each CPU.
 */
#include "kernel/arch/x86_64/offsets.h"

#define HERE(label) (label - trampoline)

    .section .rodata.trampoline, "a"
    .p2align 4
    .globl trampoline
    .globl trampoline_words
    .globl trampoline_end
    .code16
trampoline:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    movl $0x80000001, %eax
    cpuid
    andl $0x20100000, %edx          /* long mode and NX */
    cmpl $0x20100000, %edx
    jne 1f
    lgdtl HERE(gdtr)
    movl $0xa0, %eax                /* PAE, PGE */
    movl %eax, %cr4
    movl HERE(trampoline_words), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx          /* EFER: LME, NXE */
    xorl %edx, %edx
    movl $0x900, %eax
    wrmsr
    movl $0x80010033, %eax          /* PG, WP, NE, ET, MP, PE; caches on */
    movl %eax, %cr0
    ljmpl *HERE(far)
1:  hlt
    jmp 1b

    .code64
    .globl trampoline_long
trampoline_long:
    xorl %eax, %eax
    movl %eax, %ss
    movl %eax, %ds
    movl %eax, %es
    movq stack(%rip), %rsp
    xorl %ebp, %ebp
    jmpq *entry(%rip)

    .p2align 3
    .globl trampoline_gdt
trampoline_gdt:
    .quad 0, 0x00209b0000000000
    .p2align 3
trampoline_words:                   /* struct words in smp.c */
    .long 0                         /* cr3 */
gdtr_pad:
    .word 0
gdtr:
    .word 15
    .long 0                         /* physical address of trampoline_gdt */
far:
    .long 0                         /* physical address of trampoline_long */
    .word 8
    .word 0
stack:
    .quad 0
entry:
    .quad 0
trampoline_end:
