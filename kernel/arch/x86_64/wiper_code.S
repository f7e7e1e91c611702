/*
 * The last code that runs on the machine. wiper.c copies it into a page of its own, which the wiper's
 * page tables map at its physical address. There a CPU no longer needs anything else of the kernel:
 *
 *   1. the kernel's half of the page tables goes, and every range of RAM is written with zeros through a
 *      window of 2 MiB;
 *   2. paging and long mode go, and with them the need for page tables;
 *   3. the kernel's image is written with zeros, wiper's tables and stacks in it, and then this page up to
 *      `last`;
 *   4. registers are cleared, and the machine ends as was asked.
 *
 * A CPU that only stops takes step 2, says so, and waits for an interrupt that never comes.
 */
#include "kernel/arch/x86_64/offsets.h"

#define HERE(label) (label - wiper)
#define SPINS 100000

    .section .rodata.wiper, "a"
    .p2align 4
    .globl wiper
    .globl wiper_low
    .globl wiper_gdt
    .globl wiper_words
    .globl wiper_end
    .code64
wiper:                              /* rdi = what (enum wiper_what), rsi, rdx = its two words */
    movl %edi, %ebp
    movl %esi, %r14d
    movl %edx, %r15d
    leaq wiper(%rip), %rbx
    testl %ebp, %ebp
    jz 5f

    xorl %eax, %eax
    movl root(%rip), %edx
    leaq 2048(%rdx), %rdi
    movl $256, %ecx
    rep stosq
    movl $0x220, %ecx               /* PAE, OSFXSR: without PGE nothing stays in the TLB */
    movq %rcx, %cr4
    movq %rdx, %cr3
    movl ranges(%rip), %esi
    movl window(%rip), %r8d
    movl window_entry(%rip), %r9d
    movabsq $0x80000000000000e3, %r11   /* a large page: NX, accessed, dirty, to be written */
1:  movq (%rsi), %rdx               /* from */
    movq 8(%rsi), %r10              /* to */
    testq %r10, %r10
    jz 5f
    addq $16, %rsi
2:  movq %r10, %rcx
    subq %rdx, %rcx
    jbe 1b
    movq %rdx, %rax
    andq $-0x200000, %rax
    movl %edx, %edi
    andl $0x1fffff, %edi
    orq %r11, %rax
    movq %rax, (%r9)
    invlpg (%r8)
    movl $0x200000, %eax
    subl %edi, %eax                 /* up to the window's end */
    cmpq %rax, %rcx
    cmovaq %rax, %rcx
    addq %rcx, %rdx
    addq %r8, %rdi
    shrl $3, %ecx
    xorl %eax, %eax
    rep stosq
    jmp 2b

5:  movl %r14d, %esi
    movl %r15d, %edx
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %r11d, %r11d
    xorl %r12d, %r12d
    xorl %r13d, %r13d
    xorl %r14d, %r14d
    xorl %r15d, %r15d
    lgdt gdtr(%rip)
    ljmpl *far(%rip)

    .code32
wiper_low:
    movl $16, %eax
    movl %eax, %ss
    movl %eax, %ds
    movl %eax, %es
    movl %edx, %esp                 /* no stack any more: eight registers are few */
    movl %cr0, %eax
    andl $0x7fffffff, %eax
    movl %eax, %cr0
    xorl %eax, %eax
    movl %eax, %cr2
    movl %eax, %cr3
    movl $0xc0000080, %ecx          /* EFER */
    xorl %edx, %edx
    wrmsr
    testl %ebp, %ebp
    jnz 6f
    movl $1, (%esi)                 /* stopped */
    xorl %ecx, %ecx
    xorl %ebx, %ebx
    xorl %esi, %esi
    xorl %esp, %esp
    jmp halt

6:  movl HERE(image)(%ebx), %edi
    movl %ebx, %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    rep stosl
    leal 4096(%ebx), %edi
    movl HERE(image_to)(%ebx), %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    rep stosl
    movl %ebx, %edi
    movl $(HERE(last) / 4), %ecx
    jmp last

    .p2align 3
wiper_gdt:
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
wiper_words:                        /* struct words in wiper.c */
gdtr:
    .word 23
    .quad 0                         /* physical address of wiper_gdt */
far:
    .long 0                         /* physical address of wiper_low */
    .word 8
root:
    .long 0
ranges:
    .long 0
window:
    .long 0
window_entry:
    .long 0
image:
    .long 0
image_to:
    .long 0

/* All that is left in the end. esi and esp are what ebp needs: WIPER_OFF a port and what it is given, twice;
 * WIPER_RESET a port and a byte, or a byte and its address. */
    .p2align 2
last:
    rep stosl
    wbinvd
    cmpl $2, %ebp
    jb say
    ja reset
    movl %esi, %edx
    movl %esi, %eax
    shrl $16, %edx
    jz 7f
    outw %ax, %dx
7:  movl %esp, %edx
    movl %esp, %eax
    shrl $16, %edx
    jz say
    outw %ax, %dx
    jmp wait
reset:
    movl %esi, %edx
    movl %esi, %eax
    shrl $16, %edx
    jz 8f
    outb %al, %dx
    jmp 9f
8:  testl %esp, %esp
    jz 9f
    movb %al, (%esp)
9:  movl $SPINS, %ecx
1:  inb $0x80, %al
    loop 1b
    movl $0xcf9, %edx
    movb $2, %al
    outb %al, %dx
    movb $6, %al
    outb %al, %dx
wait:
    movl $SPINS, %ecx               /* about a microsecond each, on anything */
1:  inb $0x80, %al
    loop 1b
    cmpl $3, %ebp
    jne say
    lidt (%ebx)                     /* zeros: an exception that cannot be delivered, twice */
    int3
say:
    leal HERE(text)(%ebx), %esi
    movl $(text_end - text), %ebp
10: movl $SPINS, %ecx
    movl $0x3fd, %edx
11: inb %dx, %al
    testb $0x20, %al
    loopz 11b
    movl $0x3f8, %edx
    lodsb
    outb %al, %dx
    decl %ebp
    jnz 10b
    xorl %eax, %eax
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %esp, %esp
halt:
    xorl %edx, %edx
12: hlt
    jmp 12b
text:
    .ascii "memory wiped; stopped\r\n"
text_end:
    .p2align 2
wiper_end:
