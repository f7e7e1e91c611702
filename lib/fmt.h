#pragma once
/*
 * Text into a fixed buffer: never past its end, always zero-terminated, and it remembers that
 * something was cut off.
 * No printf: what goes in is typed, and the kernel has no variable arguments.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"

struct fmt {
    char *buf;
    size_t cap;  // bytes of buf, the terminating zero included
    size_t len;  // bytes of text
    bool cut;    // some text did not fit
};

/** Borrows: `buf` for as long as `f` is used. `cap` 0 is allowed: everything is cut. */
void fmt_init(struct fmt *f, char *buf, size_t cap);
#define FMT_INIT(f, array) fmt_init((f), (array), sizeof(array))

/** Append. Each of these; what does not fit is cut, and `f->cut` says so. */
void fmt_char(struct fmt *f, char c);
void fmt_str(struct fmt *f, const char *s);  // NULL prints nothing
void fmt_span(struct fmt *f, span_t s);      // bytes as they are: checked text only
void fmt_safe(struct fmt *f, span_t s);      // what is not printable ASCII shows as \xNN
void fmt_name(struct fmt *f, const char *s, size_t max);  // up to the first zero, as fmt_safe
void fmt_u64(struct fmt *f, uint64_t v);
void fmt_i64(struct fmt *f, int64_t v);
void fmt_hex(struct fmt *f, uint64_t v, unsigned digits);  // at least that many, no 0x
void fmt_bytes(struct fmt *f, span_t s);                   // two hex digits a byte
void fmt_short_id(struct fmt *f, const uint8_t id[32]);    // first 8 bytes as hex
void fmt_size(struct fmt *f, uint64_t bytes);              // "512 B", "12 KiB", "1.5 MiB"
void fmt_time(struct fmt *f, uint64_t ns);                 // seconds, three decimals: "12.034"
void fmt_version(struct fmt *f, uint64_t version);         // as in a module header: "1.2.3"

/**
 * Blanks until `column` characters stand after offset `from`; at least one when the text is
 * already there.
 */
void fmt_pad(struct fmt *f, size_t from, size_t column);

/** Right-aligned number in `width` characters. */
void fmt_u64_right(struct fmt *f, uint64_t v, unsigned width);

/** What has been written so far. Borrows: the buffer. */
MUST_CHECK span_t fmt_text(const struct fmt *f);

/**
 * Decimal, or hexadecimal after 0x; the whole span. False, and `*out` untouched, when it is not a
 * number.
 */
MUST_CHECK bool parse_u64(span_t s, uint64_t *out);
