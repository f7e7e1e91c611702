#pragma once
/* Published vectors are printed in hexadecimal; so are they here. */
#include "lib/span.h"
#include "tests/host/test.h"

/** The value of one hex digit. Fails the test for any other character. */
static inline uint8_t hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    assert_non_null(at);
    return (uint8_t)(at - digits);
}

/** Write the bytes that `hex` spells into `out`, which must have room; returns them. */
static inline span_t unhex(const char *hex, uint8_t *out, size_t room)
{
    size_t len = strlen(hex) / 2;
    assert_true(strlen(hex) % 2 == 0 && len <= room);
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    }
    return span_of(out, len);
}

/** Fails the test unless the bytes at `got` are exactly those that `hex` spells. */
static inline void assert_hex(const uint8_t *got, const char *hex)
{
    uint8_t want[4096];
    span_t w = unhex(hex, want, sizeof(want));
    assert_memory_equal(got, w.data, w.len);
}
