#pragma once
/* Bytes as lower-case hexadecimal text. */
#include <stdbool.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"

/** A 32-byte value as text; lives in the structure that hex32 returns. */
struct hex32 {
    char text[65];
};

struct hex32 hex32(const uint8_t bytes[32]);

/** Write 2 * bytes.len digits and a terminating zero to `out`. */
void hex_encode(span_t bytes, char *out);

/** Exactly 2 * out.len digits, nothing else; false, and `out` unspecified, otherwise. */
MUST_CHECK bool hex_decode(const char *text, size_t text_len, mspan_t out);
