#pragma once
/*
 * Bounded bytes. Every byte that came from outside is read through a span: reads past the end are
 * answered with false, never done, and no file or message is ever cast to a struct. All integers
 * are little-endian.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"

typedef struct {  // borrowed bytes: owns nothing, outlives nothing
    const uint8_t *data;
    size_t len;
} span_t;

typedef struct {  // borrowed room to write in
    uint8_t *data;
    size_t len;
} mspan_t;

/** The span of a whole array. */
#define SPAN_OF(array) ((span_t){ (const uint8_t *)(array), sizeof(array) })
#define MSPAN_OF(array) ((mspan_t){ (uint8_t *)(array), sizeof(array) })
/** The span of a string literal, without its terminating zero. */
#define SPAN_LIT(text) ((span_t){ (const uint8_t *)("" text), sizeof(text) - 1 })

static inline span_t span_of(const void *data, size_t len)
{
    return (span_t){ (const uint8_t *)data, len };
}

static inline mspan_t mspan_of(void *data, size_t len)
{
    return (mspan_t){ (uint8_t *)data, len };
}

/** The same bytes, no longer writable. */
static inline span_t span_const(mspan_t m)
{
    return (span_t){ m.data, m.len };
}

/* An empty span may hold NULL, and C does not allow even NULL + 0: hence `off == 0 ?` below. */

/** Cut [off, off+len) out of `s`; false, and `*out` untouched, unless wholly inside. */
MUST_CHECK static inline bool span_cut(span_t s, size_t off, size_t len, span_t *out)
{
    size_t end;
    if (__builtin_add_overflow(off, len, &end) || end > s.len) {
        return false;
    }
    *out = (span_t){ off == 0 ? s.data : s.data + off, len };
    return true;
}

/** Cut [off, end) out of `s`; false, and `*out` untouched, when `off` lies past the end. */
MUST_CHECK static inline bool span_from(span_t s, size_t off, span_t *out)
{
    /* uncovered(1): off and what is left make s.len */
    return off <= s.len && span_cut(s, off, s.len - off, out);
}

/** Move the first `len` bytes of `*s` to `*out`; false, and both untouched, when there are fewer.
 */
MUST_CHECK static inline bool span_take(span_t *s, size_t len, span_t *out)
{
    span_t rest;
    /* uncovered(1): what has bytes behind `len` has `len` bytes */
    if (!span_from(*s, len, &rest) || !span_cut(*s, 0, len, out)) {
        return false;
    }
    *s = rest;
    return true;
}

/** Cut [off, off+len) out of `m`; false, and `*out` untouched, unless wholly inside. */
MUST_CHECK static inline bool mspan_cut(mspan_t m, size_t off, size_t len, mspan_t *out)
{
    size_t end;
    if (__builtin_add_overflow(off, len, &end) || end > m.len) {
        return false;
    }
    *out = (mspan_t){ off == 0 ? m.data : m.data + off, len };
    return true;
}

/* load_leN and store_leN are for bytes whose bounds the caller has proved; span_leN proves them
 * itself. */

static inline uint16_t load_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | (uint16_t)(p[1] << 8));
}

static inline uint32_t load_le32(const uint8_t *p)
{
    return (uint32_t)load_le16(p) | (uint32_t)load_le16(p + 2) << 16;
}

static inline uint64_t load_le64(const uint8_t *p)
{
    return (uint64_t)load_le32(p) | (uint64_t)load_le32(p + 4) << 32;
}

static inline void store_le16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v & 0xff);
    p[1] = (uint8_t)(v >> 8);
}

static inline void store_le32(uint8_t *p, uint32_t v)
{
    store_le16(p, (uint16_t)(v & 0xffff));
    store_le16(p + 2, (uint16_t)(v >> 16));
}

static inline void store_le64(uint8_t *p, uint64_t v)
{
    store_le32(p, (uint32_t)(v & 0xffffffff));
    store_le32(p + 4, (uint32_t)(v >> 32));
}

/** The integer at byte `off`; false, and `*out` untouched, unless all of it is inside. */
MUST_CHECK static inline bool span_u8(span_t s, size_t off, uint8_t *out)
{
    if (off >= s.len) {
        return false;
    }
    *out = s.data[off];
    return true;
}

MUST_CHECK static inline bool span_le16(span_t s, size_t off, uint16_t *out)
{
    span_t cut;
    if (!span_cut(s, off, 2, &cut)) {
        return false;
    }
    *out = load_le16(cut.data);
    return true;
}

MUST_CHECK static inline bool span_le32(span_t s, size_t off, uint32_t *out)
{
    span_t cut;
    if (!span_cut(s, off, 4, &cut)) {
        return false;
    }
    *out = load_le32(cut.data);
    return true;
}

MUST_CHECK static inline bool span_le64(span_t s, size_t off, uint64_t *out)
{
    span_t cut;
    if (!span_cut(s, off, 8, &cut)) {
        return false;
    }
    *out = load_le64(cut.data);
    return true;
}

/** Are the two equal, byte for byte? Not for secrets: use secret_equal. */
static inline bool span_equal(span_t a, span_t b)
{
    return a.len == b.len && (a.len == 0 || __builtin_memcmp(a.data, b.data, a.len) == 0);
}

/** Are all bytes zero? True for an empty span. */
bool span_is_zero(span_t s);
