/* Bytes as hexadecimal text. The digit values are computed, not looked up: secret seeds pass
 * through here. */
#include "cli/hex.h"

static char digit_of(unsigned v)
{
    unsigned above9 = (9 - v) >> 31;  // 1 when v > 9
    return (char)('0' + v + above9 * ('a' - '0' - 10));
}

/** 1 when from <= v <= to, all below 2^31. */
static unsigned is_within(unsigned v, unsigned from, unsigned to)
{
    return 1 ^ ((v - from) | (to - v)) >> 31;
}

/** The value of a digit; 16 and more when it is none. */
static unsigned value_of(char c)
{
    unsigned v = (uint8_t)c, letter = v | 0x20;
    unsigned digit = is_within(v, '0', '9'), a_to_f = is_within(letter, 'a', 'f');
    return digit * (v - '0') | a_to_f * (letter - 'a' + 10) | (1 ^ (digit | a_to_f)) << 4;
}

void hex_encode(span_t bytes, char *out)
{
    for (size_t i = 0; i < bytes.len; i++) {
        out[2 * i] = digit_of(bytes.data[i] >> 4);
        out[2 * i + 1] = digit_of(bytes.data[i] & 15);
    }
    out[2 * bytes.len] = '\0';
}

struct hex32 hex32(const uint8_t bytes[32])
{
    struct hex32 h;
    hex_encode(span_of(bytes, 32), h.text);
    return h;
}

bool hex_decode(const char *text, size_t text_len, mspan_t out)
{
    if (text_len != 2 * out.len) {
        return false;
    }
    unsigned seen = 0;
    for (size_t i = 0; i < out.len; i++) {
        unsigned high = value_of(text[2 * i]), low = value_of(text[2 * i + 1]);
        out.data[i] = (uint8_t)(high << 4 | low);
        seen |= high | low;
    }
    return seen < 16;
}
