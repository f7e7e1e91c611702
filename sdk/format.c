/*
 * One pass over the format; every byte goes through put(), which alone knows the bound. Conversions
 * fetch their argument as the widest type of their sign, so there is one number printer.
 */
#include "sdk/format.h"

#include <stdbool.h>
#include <stdint.h>

struct out {
    char *buf;
    size_t cap, len;
};

struct spec {
    bool left, zero;
    size_t width, precision;  // precision: SIZE_MAX when absent
    int longs;                // -2 hh, -1 h, 0, 1 l z j t, 2 ll
    char verb;
};

enum { WIDTH_MAX = 512, DIGITS_MAX = 24 };

static void put(struct out *o, char c)
{
    if (o->len + 1 < o->cap) {
        o->buf[o->len++] = c;
    }
}

static void pad(struct out *o, char c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        put(o, c);
    }
}

static void put_text(struct out *o, const struct spec *s, const char *text, size_t len)
{
    size_t fill = s->width > len ? s->width - len : 0;

    if (!s->left) {
        pad(o, ' ', fill);
    }
    for (size_t i = 0; i < len; i++) {
        put(o, text[i]);
    }
    if (s->left) {
        pad(o, ' ', fill);
    }
}

static void put_number(struct out *o, const struct spec *s, const char *prefix, uint64_t v,
                       unsigned base)
{
    const char *digit = s->verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[DIGITS_MAX];
    size_t n = 0, prefix_len = 0;

    do {
        digits[n++] = digit[v % base];
        v /= base;
    } while (v != 0);
    while (prefix[prefix_len] != '\0') {
        prefix_len++;
    }
    size_t len = prefix_len + n;
    size_t fill = s->width > len ? s->width - len : 0;
    bool zeros = s->zero && !s->left;

    if (!s->left && !zeros) {
        pad(o, ' ', fill);
    }
    for (size_t i = 0; i < prefix_len; i++) {
        put(o, prefix[i]);
    }
    if (zeros) {
        pad(o, '0', fill);
    }
    while (n > 0) {
        put(o, digits[--n]);
    }
    if (s->left) {
        pad(o, ' ', fill);
    }
}

static const char *parse_number(const char *p, size_t *out)
{
    size_t n = 0;
    while (*p >= '0' && *p <= '9') {
        n = n < WIDTH_MAX ? n * 10 + (size_t)(*p - '0') : n;
        p++;
    }
    *out = n < WIDTH_MAX ? n : WIDTH_MAX;
    return p;
}

static const char *parse_flags(const char *p, struct spec *s)
{
    for (;; p++) {
        if (*p == '-') {
            s->left = true;
        } else if (*p == '0') {
            s->zero = true;
        } else {
            return p;
        }
    }
}

static const char *parse_size(const char *p, struct spec *s)
{
    for (;; p++) {
        if (*p == 'l' || *p == 'z' || *p == 'j' || *p == 't') {
            s->longs++;
        } else if (*p == 'h') {
            s->longs--;
        } else {
            return p;
        }
    }
}

/* va_list is passed by pointer so that what was fetched stays fetched in the caller, whatever type
 * it is. */
struct arguments {
    va_list list;
};

static const char *parse_spec(const char *p, struct spec *s, struct arguments *a)
{
    *s = (struct spec){ .precision = SIZE_MAX };
    p = parse_flags(p, s);
    if (*p == '*') {
        int width = va_arg(a->list, int);
        s->left = s->left || width < 0;
        s->width = width < -WIDTH_MAX || width > WIDTH_MAX ? (size_t)WIDTH_MAX
                                                           : (size_t)(width < 0 ? -width : width);
        p++;
    } else {
        p = parse_number(p, &s->width);
    }
    if (*p == '.' && p[1] == '*') {
        int precision = va_arg(a->list, int);
        s->precision = precision < 0 ? SIZE_MAX : (size_t)precision;
        p += 2;
    } else if (*p == '.') {
        p = parse_number(p + 1, &s->precision);
    }
    p = parse_size(p, s);
    s->verb = *p;
    return p;
}

static uint64_t fetch_unsigned(const struct spec *s, struct arguments *a)
{
    if (s->longs > 0) {
        return va_arg(a->list, uint64_t);
    }
    unsigned v = va_arg(a->list, unsigned);
    return s->longs == 0 ? v : s->longs == -1 ? v & 0xffff : v & 0xff;
}

static int64_t fetch_signed(const struct spec *s, struct arguments *a)
{
    if (s->longs > 0) {
        return va_arg(a->list, int64_t);
    }
    int v = va_arg(a->list, int);
    return s->longs == 0 ? v : s->longs == -1 ? (int16_t)v : (int8_t)v;
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
    size_t len = 0;

    text = text == NULL ? "(null)" : text;
    while (len < s->precision && text[len] != '\0') {
        len++;
    }
    put_text(o, s, text, len);
}

static void put_verb(struct out *o, const struct spec *s, struct arguments *a)
{
    if (s->verb == 's') {
        put_string(o, s, va_arg(a->list, const char *));
    } else if (s->verb == 'c') {
        char c = (char)va_arg(a->list, int);
        put_text(o, s, &c, 1);
    } else if (s->verb == 'd' || s->verb == 'i') {
        int64_t v = fetch_signed(s, a);
        put_number(o, s, v < 0 ? "-" : "", v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10);
    } else if (s->verb == 'u') {
        put_number(o, s, "", fetch_unsigned(s, a), 10);
    } else if (s->verb == 'x' || s->verb == 'X') {
        put_number(o, s, "", fetch_unsigned(s, a), 16);
    } else if (s->verb == 'p') {
        put_number(o, s, "0x", (uint64_t)(uintptr_t)va_arg(a->list, void *), 16);
    } else if (s->verb == '%') {
        put(o, '%');
    } else {
        put(o, '%');  // unknown: shown, and its argument left alone
        put(o, s->verb);
    }
}

size_t nos_vformat(char *buf, size_t cap, const char *fmt, va_list args)
{
    struct out o = { buf, cap, 0 };
    struct arguments a;
    struct spec s;

    if (cap == 0) {
        return 0;
    }
    va_copy(a.list, args);
    for (const char *p = fmt; *p != '\0'; p++) {
        if (*p != '%') {
            put(&o, *p);
            continue;
        }
        p = parse_spec(p + 1, &s, &a);
        if (*p == '\0') {
            break;  // the format ends in the middle of a conversion
        }
        put_verb(&o, &s, &a);
    }
    va_end(a.list);
    buf[o.len] = '\0';
    return o.len;
}

size_t nos_format(char *buf, size_t cap, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    size_t n = nos_vformat(buf, cap, fmt, args);
    va_end(args);
    return n;
}
