/*
 * Text and names. A signed module may still lie about itself, so what it says is shown only if it
 * can neither move the cursor nor look like something else by turning the line round.
 */
#include "lib/text.h"

#include <string.h>

#include "abi/module.h"
#include "lib/crypto/blake3.h"

/* Bytes that follow a lead byte; -1 for a byte that can start nothing. */
static int utf8_tail(uint8_t lead)
{
    if (lead < 0x80) {
        return 0;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {  // 0xc0, 0xc1 would be overlong
        return 1;
    }
    if ((lead & 0xf0) == 0xe0) {
        return 2;
    }
    return lead >= 0xf0 && lead <= 0xf4 ? 3 : -1;
}

static bool codepoint_ok(uint32_t c, int tail)
{
    static const uint32_t least[4] = { 0x20, 0xa0, 0x800, 0x10000 };  // controls and overlong forms

    if (c < least[tail] || c == 0x7f || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        return false;
    }
    bool bidi = c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
                (c >= 0x2066 && c <= 0x2069);
    return !bidi && c != 0x2028 && c != 0x2029 && c != 0xfeff;
}

bool text_ok(span_t s)
{
    size_t i = 0;

    while (i < s.len) {
        uint8_t lead = s.data[i];
        int tail = utf8_tail(lead);
        if (tail < 0 || s.len - i <= (size_t)tail) {
            return false;
        }
        uint32_t c = tail == 0 ? lead : lead & (0x3fu >> tail);
        for (int k = 1; k <= tail; k++) {
            uint8_t b = s.data[i + (size_t)k];
            if ((b & 0xc0) != 0x80) {
                return false;
            }
            c = c << 6 | (b & 0x3fu);
        }
        if (!codepoint_ok(c, tail)) {
            return false;
        }
        i += (size_t)tail + 1;
    }
    return true;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

/* Digits from *i on; false when there are none. */
static bool eat_number(span_t s, size_t *i)
{
    size_t from = *i;
    while (*i < s.len && is_digit(s.data[*i])) {
        ++*i;
    }
    return *i > from;
}

static bool eat_char(span_t s, size_t *i, uint8_t c)
{
    if (*i >= s.len || s.data[*i] != c) {
        return false;
    }
    ++*i;
    return true;
}

bool text_is_semver(span_t s)
{
    size_t i = 0;

    if (!eat_number(s, &i) || !eat_char(s, &i, '.') || !eat_number(s, &i) ||
        !eat_char(s, &i, '.') || !eat_number(s, &i)) {
        return false;
    }
    if (i == s.len) {
        return true;
    }
    if ((s.data[i] != '-' && s.data[i] != '+') || i + 1 == s.len) {
        return false;
    }
    for (i++; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (!is_digit(c) && !is_lower(c) && !is_upper(c) && c != '.' && c != '+' && c != '-') {
            return false;
        }
    }
    return true;
}

bool name_ok(span_t s)
{
    if (s.len < 1 || s.len > NOS_NAME_MAX || !is_lower(s.data[0])) {
        return false;
    }
    for (size_t i = 1; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (!is_lower(c) && !is_digit(c) && c != '_' && c != '-') {
            return false;
        }
    }
    return true;
}

size_t name16_len(const char name[NOS_NAME_MAX])
{
    size_t n = 0;
    while (n < NOS_NAME_MAX && name[n] != 0) {
        n++;
    }
    return n;
}

span_t name16_span(const char name[NOS_NAME_MAX])
{
    return span_of(name, name16_len(name));
}

static bool padding_is_zero(const char name[NOS_NAME_MAX])
{
    span_t pad;
    /* uncovered(1): name16_len is at most NOS_NAME_MAX */
    return span_from(span_of(name, NOS_NAME_MAX), name16_len(name), &pad) && span_is_zero(pad);
}

bool name16_ok(const char name[NOS_NAME_MAX])
{
    return name_ok(name16_span(name)) && padding_is_zero(name);
}

bool file16_ok(const char name[NOS_NAME_MAX])
{
    span_t s = name16_span(name);
    size_t dots = 0;

    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (c == '.') {
            dots++;
        } else if (!is_upper(c) && !is_digit(c) && c != '_' && c != '-') {
            return false;
        }
    }
    return dots == 1 && s.data[0] != '.' && s.data[s.len - 1] != '.' && padding_is_zero(name);
}

bool name16_set(char out[NOS_NAME_MAX], span_t name)
{
    if (name.len > NOS_NAME_MAX) {
        return false;
    }
    memset(out, 0, NOS_NAME_MAX);
    if (name.len != 0) {
        memcpy(out, name.data, name.len);
    }
    return true;
}

void name_hash(span_t name, uint8_t out[32])
{
    blake3_derive(NOS_CTX_NAME, name, out);
}
