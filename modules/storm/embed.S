/* The module that act.c spoils. No good copy of it is ever loaded, so none of it is known to the kernel. */
#include "modules/embed.inc"
    embed   embed_nil, "build/modules/nil.mod"
    .section .note.GNU-stack, "", @progbits
