/* The programs that are started. */
#include "modules/embed.inc"
    embed   embed_chello, "build/modules/chello.mod"
    embed   embed_lua, "build/modules/lua.mod"
    .section .note.GNU-stack, "", @progbits
