/* The module that act.c spoils. No good copy of it is ever loaded, so none of it is known to the kernel. */
    .section .rodata.embed, "a", @progbits
    .globl embed_nil
    .hidden embed_nil
    .globl embed_nil_end
    .hidden embed_nil_end
    .balign 16
embed_nil:
    .incbin "build/modules/nil.mod"
embed_nil_end:
    .section .note.GNU-stack, "", @progbits
