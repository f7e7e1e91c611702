/* Bytes as hexadecimal text. The digit values are computed, not looked up: secret seeds pass
 * through here. */
#include "cli/hex.h"

static char digit_of(unsigned v)
{
    unsigned above9 = (9 - v) >> 31;  // 1 when v > 9
    return (char)('0' + v + above9 * ('a' - '0' - 10));
}

static int value_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
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
    for (size_t i = 0; i < out.len; i++) {
        int high = value_of(text[2 * i]), low = value_of(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out.data[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
