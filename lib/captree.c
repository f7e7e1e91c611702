/* The derivation tree. */
#include "lib/captree.h"

#include <string.h>

#include "lib/render.h"

enum {
    INDENT = 2,
    COL_HANDLE = 30,
    COL_ORIGIN = 39,
    COL_STATE = 47,
    COL_RIGHTS = 56,
    COLUMNS = 80
};

static uint32_t depth_of(const struct nos_handle_info *h)
{
    uint32_t n = 0;
    while (n < CAPTREE_CELLS && h->cell[n] != 0) {
        n++;
    }
    return n;
}

static int order(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b ? 1 : 0;
}

/* Older cells first; what is above before what is below. */
static int compare(const struct captree_row *a, const struct captree_row *b)
{
    int c = order(a->h.object, b->h.object);
    for (uint32_t i = 0; c == 0 && i < CAPTREE_CELLS; i++) {
        c = order(a->h.cell[i] >> 32, b->h.cell[i] >> 32);
    }
    c = c != 0 ? c : order(a->capsule, b->capsule);
    return c != 0 ? c : order(a->h.handle, b->h.handle);
}

static bool is_above(const struct captree_row *a, const struct captree_row *b)
{
    uint32_t n = depth_of(&a->h);
    return a->h.object == b->h.object && n < depth_of(&b->h) &&
           memcmp(a->h.cell, b->h.cell, n * sizeof a->h.cell[0]) == 0;
}

/* Of all that are above, the nearest; of several that share a cell, the first. */
static void find_above(struct captree_row *rows, uint32_t i)
{
    rows[i].above = CAPTREE_TOP;
    rows[i].level = 0;
    for (uint32_t k = 0; k < i; k++) {
        uint32_t best = rows[i].above;
        if (is_above(&rows[k], &rows[i]) &&
            (best == CAPTREE_TOP || depth_of(&rows[k].h) > depth_of(&rows[best].h))) {
            rows[i].above = k;
            rows[i].level = rows[k].level + 1;
        }
    }
}

void captree_sort(struct captree_row *rows, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        struct captree_row row = rows[i];
        uint32_t k = i;
        for (; k > 0 && compare(&row, &rows[k - 1]) < 0; k--) {
            rows[k] = rows[k - 1];
        }
        rows[k] = row;
    }
    for (uint32_t i = 0; i < n; i++) {
        find_above(rows, i);
    }
}

bool captree_first(const struct captree_row *rows, uint32_t i)
{
    return i == 0 || rows[i].h.object != rows[i - 1].h.object;
}

void captree_object(struct fmt *f, const struct captree_row *row)
{
    fmt_str(f, render_type(row->h.type));
    fmt_char(f, ' ');
    render_handle_object(f, &row->h);
    fmt_char(f, '\n');
}

/* At least one blank, then blanks up to the column. */
static void column(struct fmt *f, size_t line, size_t col)
{
    fmt_char(f, ' ');
    fmt_pad(f, line, col);
}

static void put_state(struct fmt *f, const struct nos_handle_info *h, uint64_t now_ns)
{
    if ((h->flags & NOS_HANDLE_REVOKED) != 0) {
        fmt_str(f, "revoked");
    } else if (h->deadline_ns != 0) {
        fmt_str(f, h->deadline_ns <= now_ns ? "expired" : "until");
    } else {
        fmt_char(f, '-');
    }
}

/* Rights, turned over at a comma when the line is full. */
static void put_rights(struct fmt *f, size_t line, uint32_t rights)
{
    bool first = true;
    for (uint32_t bit = 0; bit < 32; bit++) {
        uint32_t one = rights & 1u << bit;
        char word[32];
        struct fmt w;
        if (one == 0 && !(rights == 0 && bit == 0)) {
            continue;
        }
        FMT_INIT(&w, word);
        render_rights(&w, one);
        fmt_str(f, first ? "" : ",");
        if (f->len - line + w.len + 1 > COLUMNS) {
            fmt_char(f, '\n');
            line = f->len;
            fmt_pad(f, line, COL_RIGHTS);
        }
        fmt_str(f, word);
        first = false;
    }
}

void captree_line(struct fmt *f, const struct captree_row *row, uint64_t now_ns)
{
    size_t line = f->len;

    fmt_pad(f, line, INDENT * (row->level + 1));
    fmt_name(f, row->name, sizeof row->name);
    fmt_char(f, '(');
    fmt_u64(f, row->capsule);
    fmt_char(f, ')');
    column(f, line, COL_HANDLE);
    fmt_hex(f, row->h.handle, 8);
    column(f, line, COL_ORIGIN);
    fmt_str(f, render_origin(row->h.origin));
    column(f, line, COL_STATE);
    put_state(f, &row->h, now_ns);
    column(f, line, COL_RIGHTS);
    put_rights(f, line, row->h.rights);
    if (row->h.badge != 0) {
        fmt_str(f, " badge ");
        fmt_hex(f, row->h.badge, 1);
    }
    fmt_char(f, '\n');
}
