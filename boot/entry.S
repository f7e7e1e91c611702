/*
 * The firmware calls efi_main(image, system table) in the Microsoft convention: rcx, rdx. The time
 * stamp is taken before anything else and goes on as the third argument, so that "boot" in our
 * figures leaves nothing of ours out.
 */
    .text
    .globl efi_main
efi_main:
    movq %rdx, %r9          /* rdtsc overwrites rdx */
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    movq %rax, %r8
    movq %r9, %rdx
    jmp boot_main

/*
 * enter_kernel(cr3, entry, bootinfo): never returns. The page that holds it is the one page that is
 * identity mapped in the new tables, so it is alone in its section. No stack, no data: the kernel's
 * first instruction brings its own.
 *
 * Order matters. EFER.NXE before the tables, whose NX bits would be reserved without it. CR4 is
 * written whole, so that nothing the firmware left on (CET, PCID, protection keys) outlives it;
 * with PGE off the CR3 write leaves no firmware translation behind, global ones included.
 */
    .section .enter, "xr"
    .p2align 12
    .globl enter_kernel
enter_kernel:
    cli
    cld
    movq %rdx, %rsi         /* entry: rdmsr/wrmsr use rdx */
    movq %r8, %rdi          /* bootinfo: the kernel's first argument */
    movq %rcx, %rbx
    movl $0xc0000080, %ecx  /* EFER */
    rdmsr
    orl $0x800, %eax        /* NXE */
    wrmsr
    movl $0x20, %eax        /* PAE alone */
    movq %rax, %cr4
    movq %rbx, %cr3
    movl $0xa0, %eax        /* PAE, PGE */
    movq %rax, %cr4
    movq %cr0, %rax
    orq $0x10000, %rax      /* WP */
    movq %rax, %cr0
    xorl %ebp, %ebp         /* where a backtrace ends */
    jmpq *%rsi
