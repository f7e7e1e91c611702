#pragma once
/*
 * A small terminal as a grid of cells: text and a few control sequences go in, cells that changed
 * come out. Pure: it draws nothing and owns no memory. Spec: docs/services.md, "The screen".
 *
 * Understood: UTF-8 up to U+00FF (others show as '?'), \r \n \b \t, ESC [ K, J, H, f, A-D with
 * numbers, and SGR 0 1 7 22 27 30-37 39 40-47 49 90-97 100-107. Other sequences are swallowed
 * whole.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"

enum { TERM_COLS_MAX = 512, TERM_ROWS_MAX = 256, TERM_PARAMS = 4, TERM_TAB = 8 };

struct term_cell {
    uint8_t code;   /* Latin-1; 0 = never drawn */
    uint8_t colour; /* foreground | background << 4, of 16 */
};

struct term {
    uint32_t cols, rows;
    uint32_t x, y; /* cursor; x may be cols: the next character wraps first */
    uint8_t colour, bold;
    bool reversed;
    uint8_t state; /* enum in term.c */
    uint8_t n_param;
    uint32_t param[TERM_PARAMS];
    uint32_t utf8, utf8_left;
    uint32_t shown_x, shown_y;     /* where the cursor is drawn */
    uint32_t dirty_from, dirty_to; /* rows that may differ: [from, to) */
    uint32_t dirty_x;              /* of the first of them, cells before this one were compared */
    struct term_cell *want;        /* cols x rows: what should be seen */
    struct term_cell *shown;       /* cols x rows: what was drawn last */
};

/** Bytes that term_init needs for a grid of that size. */
size_t term_room(uint32_t cols, uint32_t rows);

/** Borrows: `room`, term_room() bytes. False when the grid is empty or above the limits. */
MUST_CHECK bool term_init(struct term *t, uint32_t cols, uint32_t rows, mspan_t room);

void term_write(struct term *t, span_t text);

/* To go on where another one was: its cells, wanted and shown, and where it wrote. A sequence that
 * had only begun is not among that. */
enum { TERM_PLACE = 8 /* words */ };
span_t term_cells(const struct term *t);
void term_place(const struct term *t, uint32_t place[TERM_PLACE]);

/** Of a grid that was just initialised. False, and nothing changed, when they are not of its size.
 */
MUST_CHECK bool term_resume(struct term *t, const uint32_t place[TERM_PLACE], span_t cells);

struct term_draw {
    uint32_t x, y;
    struct term_cell cell; /* with the cursor, when it is here, as swapped colours */
};

/** The next cell to draw; false when the screen shows what it should. It counts as drawn from then
 * on. */
MUST_CHECK bool term_next(struct term *t, struct term_draw *out);
