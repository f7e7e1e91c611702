/* One small formatter. What it does not know it prints as it stands: a log line is never worth a
 * fault. */
#include "kernel/core/format.h"

static void put(struct sink *s, char c)
{
    if (s->at < s->end) {
        *s->at++ = c;
    }
}

static void put_number(struct sink *s, uint64_t v, unsigned base, unsigned width, char pad)
{
    char digits[20];
    unsigned n = 0;
    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v != 0);
    for (unsigned i = n; i < width; i++) {
        put(s, pad);
    }
    while (n != 0) {
        put(s, digits[--n]);
    }
}

static void put_text(struct sink *s, const char *text, size_t max)
{
    for (size_t i = 0; i < max && text[i] != 0; i++) {
        put(s, text[i]);
    }
}

struct spec {
    bool is_long, is_bounded;
    char pad;
    unsigned width;
};

static const char *parse_spec(const char *f, struct spec *out)
{
    *out = (struct spec){ .pad = ' ' };
    if (*f == '0') {
        out->pad = '0';
        f++;
    }
    for (; *f >= '0' && *f <= '9'; f++) {
        out->width = out->width * 10 + (unsigned)(*f - '0');
    }
    if (f[0] == '.' && f[1] == '*') {
        out->is_bounded = true;
        f += 2;
    }
    for (; *f == 'l'; f++) {
        out->is_long = true;
    }
    return f;
}

static void put_signed(struct sink *s, int64_t v, const struct spec *p)
{
    if (v < 0) {
        put(s, '-');
    }
    put_number(s, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, p->width, p->pad);
}

void format_to(struct sink *s, const char *f, va_list args)
{
    struct spec p;
    for (; *f != 0; f++) {
        if (*f != '%') {
            put(s, *f);
            continue;
        }
        f = parse_spec(f + 1, &p);
        size_t bound = p.is_bounded ? (size_t)va_arg(args, int) : (size_t)-1;
        switch (*f) {
        case 's':
            put_text(s, va_arg(args, const char *), bound);
            break;
        case 'c':
            put(s, (char)va_arg(args, int));
            break;
        case 'd':
            put_signed(s, p.is_long ? va_arg(args, int64_t) : va_arg(args, int), &p);
            break;
        case 'u':
        case 'x':
            put_number(s, p.is_long ? va_arg(args, uint64_t) : va_arg(args, unsigned),
                       *f == 'u' ? 10 : 16, p.width, p.pad);
            break;
        case 'p':
            put_number(s, (uint64_t)va_arg(args, void *), 16, 16, '0');
            break;
        case 0:
            return;
        default:
            put(s, *f);
        }
    }
}
