/* The symbol lump. Checked in full once; after that a look-up is a binary search over fixed rows.
 */
#include "lib/symbols.h"

enum { HEADER = 8, SYMBOLS_MAX = 1 << 18 };

/* A name at `off`: 1..SYMBOL_NAME_MAX printable characters and a zero. */
static bool name_at(span_t names, uint32_t off, span_t *out)
{
    size_t n = 0;
    uint8_t c;

    while (n <= SYMBOL_NAME_MAX && span_u8(names, off + n, &c)) {
        if (c == 0) {
            return n > 0 && span_cut(names, off, n, out);
        }
        if (c <= 0x20 || c >= 0x7f) {
            return false;
        }
        n++;
    }
    return false;
}

static bool row_at(const struct symbols *s, uint32_t i, uint32_t *addr, uint32_t *size,
                   uint32_t *name)
{
    span_t row;
    if (!span_cut(s->rows, (size_t)i * SYMBOL_ROW, SYMBOL_ROW, &row)) {
        return false;
    }
    *addr = load_le32(row.data);
    *size = load_le32(row.data + 4);
    *name = load_le32(row.data + 8);
    return true;
}

nos_status_t symbols_parse(span_t lump, struct symbols *out)
{
    struct symbols s;
    uint32_t rsv, addr, size, name_off, before = 0;
    span_t name;

    if (!span_le32(lump, 0, &s.n) || !span_le32(lump, 4, &rsv) || rsv != 0 || s.n > SYMBOLS_MAX ||
        !span_cut(lump, HEADER, (size_t)s.n * SYMBOL_ROW, &s.rows) ||
        !span_from(lump, HEADER + s.rows.len, &s.names)) {
        return NOS_SYMBOLS_FORMAT;
    }
    for (uint32_t i = 0; i < s.n; i++) {
        if (!row_at(&s, i, &addr, &size, &name_off) || (i > 0 && addr <= before) ||
            !name_at(s.names, name_off, &name)) {
            return NOS_SYMBOLS_FORMAT;
        }
        before = addr;
    }
    *out = s;
    return NOS_OK;
}

bool symbols_find(const struct symbols *s, uint64_t addr, span_t *name, uint64_t *off)
{
    uint32_t lo = 0, hi = s->n, start, size, name_off;

    while (lo < hi) {  // first row that starts after addr
        uint32_t mid = lo + (hi - lo) / 2;
        if (!row_at(s, mid, &start, &size, &name_off)) {
            return false;
        }
        if (start <= addr) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    if (lo == 0 || !row_at(s, lo - 1, &start, &size, &name_off) ||
        (size != 0 && addr - start >= size) || !name_at(s->names, name_off, name)) {
        return false;
    }
    *off = addr - start;
    return true;
}
