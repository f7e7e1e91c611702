#include "lib/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_put(struct fmt *f, span_t bytes)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++) {
            v = v << 8 | (k < n ? bytes.data[i + k] : 0u);
        }
        for (size_t k = 0; k < 4; k++) {
            fmt_char(f, k <= n ? digits[v >> (18 - 6 * k) & 63] : '=');
        }
    }
}

static bool value_of(uint8_t c, uint32_t *out)
{
    for (uint32_t i = 0; i < 64; i++) {
        if (digits[i] == (char)c) {
            *out = i;
            return true;
        }
    }
    return false;
}

bool base64_decode(span_t text, mspan_t out)
{
    if (text.len != (out.len + 2) / 3 * 4) {
        return false;
    }
    for (size_t i = 0, o = 0; i < text.len; i += 4, o += 3) {
        size_t n = out.len - o < 3 ? out.len - o : 3;
        uint32_t v = 0, digit = 0;
        for (size_t k = 0; k < 4; k++) {
            bool pad = k > n;
            if (pad ? text.data[i + k] != '=' : !value_of(text.data[i + k], &digit)) {
                return false;
            }
            v = v << 6 | (pad ? 0 : digit);
        }
        for (size_t k = 0; k < 3; k++, v <<= 8) {
            if (k < n) {
                out.data[o + k] = (uint8_t)(v >> 16);
            } else if ((v >> 16 & 255) != 0) {
                return false;  // bits behind the end: another way to write the same value
            }
        }
    }
    return true;
}
