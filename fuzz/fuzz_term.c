/* The terminal: whatever is written, in pieces, the grid stays one, nothing is drawn outside of it,
 * and what was drawn is in the end what should be seen. Then another version goes on from its
 * place, which is believed in nothing. */
#include "fuzz/fuzz.h"
#include "modules/console/term.h"

enum { COLS = 12, ROWS = 5 };

static void sound(const struct term *t)
{
    PROMISE(t->cols == COLS && t->rows == ROWS && t->x <= t->cols && t->y < t->rows);
    PROMISE(t->n_param <= TERM_PARAMS && t->dirty_to <= t->rows);
}

/* Everything that is to be drawn: bounded, inside, and then nothing is left. */
static void draw(struct term *t)
{
    struct term_draw d;
    unsigned n = 0;

    while (term_next(t, &d)) {
        PROMISE(d.x < COLS && d.y < ROWS && ++n <= 2 * COLS * ROWS);
    }
    // the cell under the cursor was drawn with swapped colours, all others as they are wanted
    for (size_t i = 0; i < COLS * ROWS; i++) {
        bool cursor = i == (size_t)t->shown_y * COLS + t->shown_x;
        PROMISE(cursor || memcmp(&t->want[i], &t->shown[i], sizeof t->want[i]) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct term t, next;
    span_t in = span_of(data, size), part, one;
    size_t room = term_room(COLS, ROWS);
    uint8_t *mem = malloc(room), *other = malloc(room);
    uint32_t place[TERM_PLACE];

    PROMISE(mem != NULL && other != NULL && term_init(&t, COLS, ROWS, mspan_of(mem, room)));
    PROMISE(term_init(&next, COLS, ROWS, mspan_of(other, room)));
    memset(place, 0, sizeof place);
    if (size > sizeof place) {  // a place that was made up, with cells or without
        PROMISE(span_take(&in, sizeof place, &part));
        memcpy(place, part.data, sizeof place);
        if (term_resume(&next, place, term_cells(&t))) {
            sound(&next);
            term_write(&next, SPAN_LIT("\x1b[7mab\n\x1b[2J"));
            sound(&next);
            draw(&next);
        }
    }
    while (span_take(&in, 1, &one)) {
        size_t len = one.data[0] % 64u;
        bool whole = span_take(&in, len < in.len ? len : in.len, &part);
        PROMISE(whole);
        term_write(&t, part);
        sound(&t);
        if (one.data[0] >= 128) {
            draw(&t);
        }
    }
    term_place(&t, place);
    PROMISE(term_init(&next, COLS, ROWS, mspan_of(other, room)));
    PROMISE(term_resume(&next, place, term_cells(&t)));
    sound(&next);
    draw(&next);
    draw(&t);
    PROMISE(memcmp(t.want, next.want, COLS * ROWS * sizeof *t.want) == 0);
    free(mem);
    free(other);
    return 0;
}
