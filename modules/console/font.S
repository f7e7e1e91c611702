/* The font as its package has it; psf_parse reads it at start. */
    .section .rodata.console_font, "a", @progbits
    .globl console_font
    .hidden console_font
    .globl console_font_end
    .hidden console_font_end
    .balign 8
console_font:
    .incbin "build/deps/font/terminus16-latin1.psf"
console_font_end:
    .section .note.GNU-stack, "", @progbits
