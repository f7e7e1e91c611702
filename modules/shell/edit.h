#pragma once
/*
 * One line of input on a terminal: bytes as typed go in, an event and the bytes that make the
 * terminal show the line come out. Pure: no terminal is read or written here. Wide lines scroll
 * sideways under the prompt, so a line never wraps and one carriage return always finds its start.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"

enum { EDIT_LINE = 256, EDIT_HISTORY = 32, EDIT_WIDTH = 79, EDIT_OUT = 512 };

enum edit_event {
    EDIT_NONE,
    EDIT_ENTER,     /* the line is finished; edit_line has it, edit_start begins the next one */
    EDIT_INTERRUPT, /* Ctrl-C: forget the line */
    EDIT_EOF,       /* Ctrl-D on an empty line */
    EDIT_COMPLETE,  /* Tab: the caller may edit_insert, then edit_refresh */
    EDIT_CLEAR,     /* Ctrl-L: the screen was cleared, the line is shown again */
};

struct edit {
    const char *prompt;
    char line[EDIT_LINE];                  /* zero-terminated */
    size_t len, at;                        /* bytes, cursor */
    char history[EDIT_HISTORY][EDIT_LINE]; /* ring; the newest is n_history - 1 */
    size_t n_history;                      /* ever added */
    size_t back;                           /* 0 = the line being written, n = n lines back */
    char draft[EDIT_LINE];                 /* the line being written while history is shown */
    uint8_t escape;                        /* state of an escape sequence */
    uint8_t param;
    bool after_cr;      /* \r came: a \n that follows belongs to it */
    char out[EDIT_OUT]; /* for the terminal; edit_take empties it */
    size_t out_len;
};

/** Borrows: `prompt`, as long as `e`. */
void edit_init(struct edit *e, const char *prompt);

/** Begin a line: show the prompt. */
void edit_start(struct edit *e);

MUST_CHECK enum edit_event edit_feed(struct edit *e, uint8_t byte);

/** Put text at the cursor, as far as it fits; shown at the next edit_refresh. */
void edit_insert(struct edit *e, span_t text);

/** Show prompt and line as they are now. */
void edit_refresh(struct edit *e);

/** What the terminal should get, since the last call. Valid until the next call of anything here.
 */
MUST_CHECK span_t edit_take(struct edit *e);

/** The n-th line that is remembered, 0 = the oldest; NULL when there are not so many. */
const char *edit_remembered(const struct edit *e, size_t n);

/** Remember a finished line; empty ones and repetitions of the last one are not. */
void edit_remember(struct edit *e, const char *line);
