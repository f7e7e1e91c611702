/* The modules that bench loads: signed files, as they come from nonosctl. */
    .section .rodata.embed, "a", @progbits
    .macro embed name, file
    .globl \name
    .hidden \name
    .globl \name\()_end
    .hidden \name\()_end
    .balign 16
\name:
    .incbin "\file"
\name\()_end:
    .endm
    embed   embed_nil, "build/modules/nil.mod"
    embed   embed_loadee, "build/modules/loadee.mod"
    .section .note.GNU-stack, "", @progbits
