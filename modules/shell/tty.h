#pragma once
/*
 * What is typed while a program runs in the foreground: a line at a time, with echo; Backspace,
 * Ctrl-U and Ctrl-W take back, Ctrl-D on an empty line is the end of what is typed, Ctrl-C is not
 * the program's. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"

enum { TTY_LINE = 512, TTY_OUT = 512 };

enum tty_event {
    TTY_NONE,
    TTY_ENTER,     /* tty_line has what is to be sent */
    TTY_INTERRUPT, /* Ctrl-C */
    TTY_EOF        /* Ctrl-D; tty_line has what is to be sent before, perhaps nothing */
};

struct tty {
    char line[TTY_LINE];
    size_t len;
    bool after_cr;
    char out[TTY_OUT]; /* for the terminal; tty_take empties it */
    size_t out_len;
};

MUST_CHECK enum tty_event tty_feed(struct tty *t, uint8_t byte);

/** The line, with its line feed; forgotten with the next byte that is fed. */
MUST_CHECK span_t tty_line(struct tty *t);

MUST_CHECK span_t tty_take(struct tty *t);
