/* Text into a fixed buffer. Everything goes through fmt_char, so there is one place that can reach
 * the end. */
#include "lib/fmt.h"

static const char digits_lower[] = "0123456789abcdef";

void fmt_init(struct fmt *f, char *buf, size_t cap)
{
    *f = (struct fmt){ .buf = buf, .cap = cap };
    if (cap != 0) {
        buf[0] = 0;
    }
}

void fmt_char(struct fmt *f, char c)
{
    if (f->cap == 0 || f->len >= f->cap - 1) {
        f->cut = true;
        return;
    }
    f->buf[f->len++] = c;
    f->buf[f->len] = 0;
}

void fmt_str(struct fmt *f, const char *s)
{
    while (s != NULL && *s != 0) {
        fmt_char(f, *s++);
    }
}

void fmt_span(struct fmt *f, span_t s)
{
    for (size_t i = 0; i < s.len; i++) {
        fmt_char(f, (char)s.data[i]);
    }
}

static void fmt_byte(struct fmt *f, uint8_t b)
{
    fmt_char(f, digits_lower[b >> 4]);
    fmt_char(f, digits_lower[b & 15]);
}

void fmt_safe(struct fmt *f, span_t s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (c >= 0x20 && c < 0x7f && c != '\\') {
            fmt_char(f, (char)c);
        } else {
            fmt_str(f, "\\x");
            fmt_byte(f, c);
        }
    }
}

void fmt_name(struct fmt *f, const char *s, size_t max)
{
    size_t n = 0;
    while (n < max && s[n] != 0) {
        n++;
    }
    fmt_safe(f, span_of(s, n));
}

void fmt_u64(struct fmt *f, uint64_t v)
{
    fmt_u64_right(f, v, 1);
}

void fmt_u64_right(struct fmt *f, uint64_t v, unsigned width)
{
    char text[20];
    unsigned n = 0;

    do {
        text[n++] = digits_lower[v % 10];
        v /= 10;
    } while (v != 0);
    for (unsigned i = n; i < width; i++) {
        fmt_char(f, ' ');
    }
    while (n > 0) {
        fmt_char(f, text[--n]);
    }
}

void fmt_i64(struct fmt *f, int64_t v)
{
    if (v < 0) {
        fmt_char(f, '-');
    }
    fmt_u64(f, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void fmt_hex(struct fmt *f, uint64_t v, unsigned digits)
{
    unsigned n = 1;
    while (n < 16 && v >> (4 * n) != 0) {
        n++;
    }
    n = n < digits ? digits : n;
    for (n = n < 16 ? n : 16; n > 0; n--) {
        fmt_char(f, digits_lower[v >> (4 * (n - 1)) & 15]);
    }
}

void fmt_bytes(struct fmt *f, span_t s)
{
    for (size_t i = 0; i < s.len; i++) {
        fmt_byte(f, s.data[i]);
    }
}

void fmt_short_id(struct fmt *f, const uint8_t id[32])
{
    fmt_bytes(f, span_of(id, 8));
}

void fmt_size(struct fmt *f, uint64_t bytes)
{
    static const char *const unit[] = { " B", " KiB", " MiB", " GiB", " TiB" };
    unsigned u = 0;
    uint64_t whole = bytes, part = 0;

    while (whole >= 1024 && u < 4) {
        part = whole % 1024;
        whole /= 1024;
        u++;
    }
    fmt_u64(f, whole);
    if (part != 0 && whole < 100) {
        fmt_char(f, '.');
        fmt_char(f, digits_lower[part * 10 / 1024]);
    }
    fmt_str(f, unit[u]);
}

void fmt_time(struct fmt *f, uint64_t ns)
{
    uint64_t ms = ns / 1000000;

    fmt_u64(f, ms / 1000);
    fmt_char(f, '.');
    fmt_char(f, digits_lower[ms / 100 % 10]);
    fmt_char(f, digits_lower[ms / 10 % 10]);
    fmt_char(f, digits_lower[ms % 10]);
}

void fmt_version(struct fmt *f, uint64_t version)
{
    fmt_u64(f, version >> 32);
    fmt_char(f, '.');
    fmt_u64(f, version >> 16 & 0xffff);
    fmt_char(f, '.');
    fmt_u64(f, version & 0xffff);
}

void fmt_pad(struct fmt *f, size_t from, size_t column)
{
    do {
        fmt_char(f, ' ');
    } while (!f->cut && f->len - from < column);
}

span_t fmt_text(const struct fmt *f)
{
    return span_of(f->buf, f->len);
}

static int digit_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

bool parse_u64(span_t s, uint64_t *out)
{
    bool hex = s.len > 2 && s.data[0] == '0' && (s.data[1] == 'x' || s.data[1] == 'X');
    unsigned base = hex ? 16 : 10;
    uint64_t v = 0;

    if (s.len == 0) {
        return false;
    }
    for (size_t i = hex ? 2 : 0; i < s.len; i++) {
        unsigned d = (unsigned)digit_value(s.data[i]);
        if (d >= base || __builtin_mul_overflow(v, (uint64_t)base, &v) ||
            __builtin_add_overflow(v, (uint64_t)d, &v)) {
            return false;
        }
    }
    *out = v;
    return true;
}
