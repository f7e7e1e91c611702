/* The modules that bench loads. */
#include "modules/embed.inc"
    embed   embed_nil, "build/modules/nil.mod"
    embed   embed_loadee, "build/modules/loadee.mod"
    .section .note.GNU-stack, "", @progbits
