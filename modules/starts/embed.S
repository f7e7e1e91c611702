/* The programs that are started: signed files, as they come from nonosctl. */
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
    embed   embed_chello, "build/modules/chello.mod"
    embed   embed_lua, "build/modules/lua.mod"
    .section .note.GNU-stack, "", @progbits
