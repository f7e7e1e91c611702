/* Instructions that user mode must not get away with. */
    .macro death name, insn
    .text
    .p2align 4
1:  \insn
    ret
    .section .rodata.str1.1, "aMS", @progbits, 1
2:  .asciz  "\name"
    .section .data.rel.ro, "aw"
    .quad   2b, 1b
    .endm

    .section .data.rel.ro, "aw"
    .p2align 3
    .globl  deaths
    .hidden deaths
deaths:
    death   icebp, ".byte 0xf1"
    death   trap-flag, "pushfq; orq $0x100, (%rsp); popfq; nop; nop"
    death   trap-flag-call, "pushfq; orq $0x100, (%rsp); xorl %eax, %eax; popfq; syscall; nop"
    death   trap-flag-ss, "movl %ss, %ecx; pushfq; orq $0x100, (%rsp); popfq; movl %ecx, %ss; syscall; nop"
    death   jump-noncanonical, "movabsq $0x800000000000, %rax; jmp *%rax"
    death   jump-last-page, "movabsq $0x7ffffffff000, %rax; jmp *%rax"
    death   jump-kernel, "movabsq $0xffff800000100000, %rax; jmp *%rax"
    death   return-noncanonical, "movabsq $0xdead800000000000, %rax; pushq %rax; ret"
    death   stack-noncanonical, "movabsq $0x900000000000, %rsp; pushq %rax"
    death   stack-kernel, "movabsq $0xffff800000100000, %rsp; pushq %rax"
    death   iret-ring0, "xorl %ecx, %ecx; pushq $0x10; pushq %rsp; pushq $2; pushq $8; pushq %rcx; iretq"
    death   iret-interrupts-off, "pushfq; pushq $0x1b; pushq $0; pushq $2; pushq $0x08; pushq $0; iretq"
    death   far-return-ring0, "pushq $8; pushq $0; lretq"
    death   load-kernel-segment, "movl $0x10, %ecx; movl %ecx, %ss"
    death   load-tss, "movl $0x28, %ecx; ltr %cx"
    death   swapgs, swapgs
    death   sysret, sysretq
    death   sysenter, sysenter
    death   hlt, hlt
    death   cli, cli
    death   in, "inb $0x20, %al"
    death   out, "outb %al, $0x20"
    death   read-cr0, "movq %cr0, %rax"
    death   write-cr3, "movq %rax, %cr3"
    death   read-dr7, "movq %dr7, %rax"
    death   rdmsr, "movl $0xc0000101, %ecx; rdmsr"
    death   wrmsr, "movl $0xc0000101, %ecx; wrmsr"
    death   rdpmc, "xorl %ecx, %ecx; rdpmc"
    death   wrgsbase, "wrgsbase %rax"
    death   rdgsbase, "rdgsbase %rax"
    death   xgetbv, "xorl %ecx, %ecx; xgetbv"
    death   invlpg, "invlpg (%rsp)"
    death   lgdt, "lgdt (%rsp)"
    death   lidt, "lidt (%rsp)"
    death   sgdt, "sgdt -16(%rsp)"
    death   sidt, "sidt -16(%rsp)"
    death   sldt, "sldt %eax"
    death   str, "str %eax"
    death   smsw, "smsw %eax"
    death   clac, clac
    death   wbinvd, wbinvd
    death   monitor, monitor
    .section .data.rel.ro, "aw"
deaths_end:
    .section .rodata
    .p2align 3
    .globl  n_deaths
    .hidden n_deaths
n_deaths:
    .quad   (deaths_end - deaths) / 16

/* int n, ret, nop: four bytes each. */
    .text
    .globl  interrupt_call
    .hidden interrupt_call
    .type   interrupt_call, @function
interrupt_call:
    andl    $255, %edi
    leaq    3f(%rip), %rax
    leaq    (%rax, %rdi, 4), %rax
    jmp     *%rax
    .p2align 2
3:  .set    n, 0
    .rept   256
    .byte   0xcd, n, 0xc3, 0x90
    .set    n, n + 1
    .endr

    .section .note.GNU-stack, "", @progbits
