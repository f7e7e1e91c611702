/*
 * Two grids: `want` is what the text asks for, `shown` is what the screen has. Scrolling only moves
 * `want`; drawing compares the two, so a line that scrolled onto an equal one costs nothing, and
 * the slow memory of a framebuffer is written for changed cells alone and never read.
 */
#include "modules/console/term.h"

#include <string.h>

enum state { PLAIN, ESCAPE, SEQUENCE, SWALLOW };
enum { DEFAULT_COLOUR = 7, BLANK = ' ', PARAM_MAX = 9999 };

static struct term_cell *at(struct term *t, uint32_t x, uint32_t y)
{
    return &t->want[y * t->cols + x];
}

static void touch(struct term *t, uint32_t from, uint32_t to)
{
    t->dirty_from = from < t->dirty_from ? from : t->dirty_from;
    t->dirty_to = to > t->dirty_to ? to : t->dirty_to;
    t->dirty_x = 0;
}

static void clear(struct term *t, uint32_t from, uint32_t to)  // cells, in reading order
{
    struct term_cell b = { BLANK, (uint8_t)((t->colour & 0xf0) | DEFAULT_COLOUR) };

    for (uint32_t i = from; i < to; i++) {
        t->want[i] = b;
    }
    touch(t, from / t->cols, (to + t->cols - 1) / t->cols);
}

size_t term_room(uint32_t cols, uint32_t rows)
{
    return (size_t)cols * rows * 2 * sizeof(struct term_cell);
}

bool term_init(struct term *t, uint32_t cols, uint32_t rows, mspan_t room)
{
    if (cols == 0 || rows == 0 || cols > TERM_COLS_MAX || rows > TERM_ROWS_MAX ||
        room.len < term_room(cols, rows)) {
        return false;
    }
    memset(t, 0, sizeof(*t));
    t->cols = cols;
    t->rows = rows;
    t->colour = DEFAULT_COLOUR;
    t->want = (struct term_cell *)(void *)room.data;
    t->shown = t->want + (size_t)cols * rows;
    memset(room.data, 0, room.len);
    t->shown_x = t->shown_y = UINT32_MAX;
    clear(t, 0, cols * rows);
    return true;
}

static void scroll(struct term *t)
{
    uint32_t last = (t->rows - 1) * t->cols;

    memmove(t->want, t->want + t->cols, last * sizeof(struct term_cell));
    clear(t, last, last + t->cols);
    touch(t, 0, t->rows);
}

static void line_feed(struct term *t)
{
    if (t->y + 1 < t->rows) {
        t->y++;
    } else {
        scroll(t);
    }
}

static void put(struct term *t, uint8_t code)
{
    if (t->x >= t->cols) {
        t->x = 0;
        line_feed(t);
    }
    uint8_t fore = (uint8_t)((t->colour & 0x0f) | (t->bold != 0 ? 8 : 0));
    uint8_t back = t->colour >> 4;
    unsigned colour = t->reversed ? (unsigned)fore << 4 | back : (unsigned)back << 4 | fore;

    *at(t, t->x, t->y) = (struct term_cell){ code, (uint8_t)colour };
    touch(t, t->y, t->y + 1);
    t->x++;
}

static void control(struct term *t, uint8_t c)
{
    if (c == '\r') {
        t->x = 0;
    } else if (c == '\n') {
        line_feed(t);
    } else if (c == '\b' && t->x > 0) {
        t->x = (t->x < t->cols ? t->x : t->cols) - 1;
    } else if (c == '\t') {
        uint32_t x = (t->x / TERM_TAB + 1) * TERM_TAB;
        t->x = x < t->cols ? x : t->cols - 1;
    } else if (c == 0x1b) {
        t->state = ESCAPE;
    }
}

static uint32_t param(const struct term *t, uint32_t i, uint32_t absent)
{
    return i < TERM_PARAMS && t->param[i] != 0 ? t->param[i] : absent;
}

static void move(struct term *t, int64_t dx, int64_t dy)
{
    int64_t x = (int64_t)(t->x < t->cols ? t->x : t->cols - 1) + dx, y = (int64_t)t->y + dy;

    x = x < 0 ? 0 : x;
    y = y < 0 ? 0 : y;
    t->x = x < t->cols ? (uint32_t)x : t->cols - 1;
    t->y = y < t->rows ? (uint32_t)y : t->rows - 1;
}

static void erase_line(struct term *t, uint32_t how)
{
    uint32_t row = t->y * t->cols, x = t->x < t->cols ? t->x : t->cols - 1;

    if (how == 0) {
        clear(t, row + x, row + t->cols);
    } else if (how == 1) {
        clear(t, row, row + x + 1);
    } else if (how == 2) {
        clear(t, row, row + t->cols);
    }
}

static void erase_screen(struct term *t, uint32_t how)
{
    uint32_t here = t->y * t->cols + (t->x < t->cols ? t->x : t->cols - 1);

    if (how == 0) {
        clear(t, here, t->cols * t->rows);
    } else if (how == 1) {
        clear(t, 0, here + 1);
    } else if (how == 2) {
        clear(t, 0, t->cols * t->rows);
    }
}

static void graphics_one(struct term *t, uint32_t p)
{
    uint8_t fore = t->colour & 0x0f, back = t->colour & 0xf0;

    if (p == 0) {
        t->bold = 0;
        t->reversed = false;
        t->colour = DEFAULT_COLOUR;
    } else if (p == 1 || p == 22) {
        t->bold = p == 1;
    } else if (p == 7 || p == 27) {
        t->reversed = p == 7;
    } else if (p >= 30 && p <= 37) {
        t->colour = (uint8_t)(back | (p - 30));
    } else if (p >= 90 && p <= 97) {
        t->colour = (uint8_t)(back | (p - 90 + 8));
    } else if (p == 39) {
        t->colour = back | DEFAULT_COLOUR;
    } else if (p >= 40 && p <= 47) {
        t->colour = (uint8_t)(fore | (p - 40) << 4);
    } else if (p >= 100 && p <= 107) {
        t->colour = (uint8_t)(fore | (p - 100 + 8) << 4);
    } else if (p == 49) {
        t->colour = fore;
    }
}

static void graphics(struct term *t)
{
    for (uint32_t i = 0; i <= t->n_param && i < TERM_PARAMS; i++) {
        graphics_one(t, t->param[i]);
    }
}

static void sequence_end(struct term *t, uint8_t c)
{
    uint32_t n = param(t, 0, 1);

    t->state = PLAIN;
    switch (c) {
    case 'A':
        move(t, 0, -(int64_t)n);
        break;
    case 'B':
        move(t, 0, n);
        break;
    case 'C':
        move(t, n, 0);
        break;
    case 'D':
        move(t, -(int64_t)n, 0);
        break;
    case 'H':
    case 'f':
        t->x = t->y = 0;
        move(t, (int64_t)param(t, 1, 1) - 1, (int64_t)n - 1);
        break;
    case 'J':
        erase_screen(t, t->param[0]);
        break;
    case 'K':
        erase_line(t, t->param[0]);
        break;
    case 'm':
        graphics(t);
        break;
    default:
        break;  // a sequence this terminal does not know: it has been swallowed whole
    }
}

static void sequence(struct term *t, uint8_t c)
{
    if (c >= '0' && c <= '9') {
        if (t->n_param < TERM_PARAMS) {
            uint32_t p = t->param[t->n_param] * 10 + (uint32_t)(c - '0');
            t->param[t->n_param] = p < PARAM_MAX ? p : PARAM_MAX;
        }
    } else if (c == ';') {
        t->n_param = t->n_param < TERM_PARAMS ? (uint8_t)(t->n_param + 1) : TERM_PARAMS;
    } else if (c >= 0x40 && c <= 0x7e) {
        sequence_end(t, c);
    } else if (c < 0x20) {
        t->state = PLAIN;
        control(t, c);
    } else {
        t->state = SWALLOW;  // private markers: ESC [ ? 25 l and the like
    }
}

static void escape(struct term *t, uint8_t c)
{
    if (c == '[') {
        memset(t->param, 0, sizeof(t->param));
        t->n_param = 0;
        t->state = SEQUENCE;
    } else {
        t->state = PLAIN;
    }
}

static void plain(struct term *t, uint8_t c)
{
    if (t->utf8_left > 0 && (c & 0xc0) == 0x80) {
        t->utf8 = t->utf8 << 6 | (c & 0x3f);
        if (--t->utf8_left == 0) {
            put(t, t->utf8 >= 0xa0 && t->utf8 <= 0xff ? (uint8_t)t->utf8 : '?');
        }
        return;
    }
    t->utf8_left = 0;
    if (c < 0x20 || c == 0x7f) {
        control(t, c);
    } else if (c < 0x80) {
        put(t, c);
    } else if (c >= 0xc2 && c <= 0xf4) {
        t->utf8_left = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        t->utf8 = c & (0x3fu >> t->utf8_left);
    } else {
        put(t, '?');
    }
}

void term_write(struct term *t, span_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (t->state == PLAIN) {
            plain(t, c);
        } else if (t->state == ESCAPE) {
            escape(t, c);
        } else if (t->state == SEQUENCE) {
            sequence(t, c);
        } else if (c >= 0x40 && c <= 0x7e) {
            t->state = PLAIN;
        }
    }
}

static struct term_cell seen(const struct term *t, uint32_t x, uint32_t y)
{
    struct term_cell c = t->want[y * t->cols + x];
    uint32_t cursor = t->x < t->cols ? t->x : t->cols - 1;

    if (y == t->y && x == cursor) {
        c.colour = (uint8_t)(c.colour << 4 | c.colour >> 4);
    }
    return c;
}

/** The cursor left one row and entered another: both must be compared, though their text did not
 * change. */
static void touch_cursor(struct term *t)
{
    uint32_t x = t->x < t->cols ? t->x : t->cols - 1;

    if (t->shown_x == x && t->shown_y == t->y) {
        return;
    }
    if (t->shown_y < t->rows) {
        touch(t, t->shown_y, t->shown_y + 1);
    }
    touch(t, t->y, t->y + 1);
    t->shown_x = x;
    t->shown_y = t->y;
}

bool term_next(struct term *t, struct term_draw *out)
{
    touch_cursor(t);
    for (uint32_t y = t->dirty_from; y < t->dirty_to; y++) {
        for (uint32_t x = y == t->dirty_from ? t->dirty_x : 0; x < t->cols; x++) {
            struct term_cell want = seen(t, x, y), *shown = &t->shown[y * t->cols + x];
            if (shown->code != want.code || shown->colour != want.colour) {
                *shown = want;
                *out = (struct term_draw){ x, y, want };
                t->dirty_from = y;  // the row may have more
                t->dirty_x = x + 1;
                return true;
            }
        }
    }
    t->dirty_from = t->rows;
    t->dirty_to = 0;
    return false;
}

/* ---- from one version to the next ---- */

span_t term_cells(const struct term *t)
{
    return span_of(t->want, term_room(t->cols, t->rows));
}

void term_place(const struct term *t, uint32_t place[TERM_PLACE])
{
    const uint32_t now[TERM_PLACE] = { t->cols,
                                       t->rows,
                                       t->x,
                                       t->y,
                                       t->shown_x,
                                       t->shown_y,
                                       t->colour | (uint32_t)t->bold << 8,
                                       t->reversed ? 1 : 0 };
    memcpy(place, now, sizeof(now));
}

bool term_resume(struct term *t, const uint32_t place[TERM_PLACE], span_t cells)
{
    if (place[0] != t->cols || place[1] != t->rows || place[2] > t->cols || place[3] >= t->rows ||
        place[6] > 0xffff || place[7] > 1 || cells.len != term_room(t->cols, t->rows)) {
        return false;
    }
    memcpy(t->want, cells.data, cells.len);
    t->x = place[2];
    t->y = place[3];
    t->shown_x = place[4];
    t->shown_y = place[5];
    t->colour = (uint8_t)(place[6] & 0xff);
    t->bold = (uint8_t)(place[6] >> 8);
    t->reversed = place[7] == 1;
    return true;
}
