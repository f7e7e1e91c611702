#include "lib/rsp.h"

#include <string.h>

enum { OUTSIDE, INSIDE, SUM_HIGH, SUM_LOW };
enum { CTRL_C = 3, ESCAPE = '}', ESCAPE_BIT = 0x20 };

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void begin(struct rsp *r)
{
    r->state = INSIDE;
    r->len = 0;
    r->sum = 0;
    r->escaped = r->too_long = false;
}

static enum rsp_event outside(struct rsp *r, uint8_t c)
{
    switch (c) {
    case '$':
        begin(r);
        return RSP_NONE;
    case '+':
        return RSP_ACK;
    case '-':
        return RSP_NAK;
    case CTRL_C:
        return RSP_INTERRUPT;
    default:
        return RSP_NONE;  // noise
    }
}

static void inside(struct rsp *r, uint8_t c)
{
    r->sum = (uint8_t)(r->sum + c);
    if (c == ESCAPE && !r->escaped) {
        r->escaped = true;
        return;
    }
    if (r->len == sizeof(r->buf)) {
        r->too_long = true;
        return;
    }
    r->buf[r->len++] = r->escaped ? c ^ ESCAPE_BIT : c;
    r->escaped = false;
}

/* `#` and `$` never stand for themselves in a packet. */
static enum rsp_event feed(struct rsp *r, uint8_t c)
{
    if (r->state == OUTSIDE) {
        return outside(r, c);
    }
    if (r->state == INSIDE && c == '#') {
        r->state = SUM_HIGH;
    } else if (c == '$') {
        begin(r);
    } else if (r->state == INSIDE) {
        inside(r, c);
    } else if (digit(c) < 0) {
        r->state = OUTSIDE;
        return RSP_BAD;
    } else if (r->state == SUM_HIGH) {
        r->check = (uint8_t)(digit(c) << 4);
        r->state = SUM_LOW;
    } else {
        r->state = OUTSIDE;
        bool good = (r->check | digit(c)) == r->sum && !r->escaped && !r->too_long;
        return good ? RSP_PACKET : RSP_BAD;
    }
    return RSP_NONE;
}

enum rsp_event rsp_feed(struct rsp *r, span_t *in, span_t *packet)
{
    enum rsp_event e = RSP_NONE;
    span_t c;
    while (e == RSP_NONE && span_take(in, 1, &c)) {
        e = feed(r, c.data[0]);
    }
    *packet = span_of(r->buf, e == RSP_PACKET ? r->len : 0);
    return e;
}

bool rsp_encode(span_t payload, mspan_t room, size_t *len)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum = 0;
    size_t n = 0;
    if (payload.len > RSP_MAX || room.len < RSP_ROOM) {
        return false;
    }
    room.data[n++] = '$';
    for (size_t i = 0; i < payload.len; i++) {
        uint8_t c = payload.data[i];
        if (c == '#' || c == '$' || c == ESCAPE || c == '*') {
            room.data[n++] = ESCAPE;
            sum = (uint8_t)(sum + ESCAPE);
            c ^= ESCAPE_BIT;
        }
        room.data[n++] = c;
        sum = (uint8_t)(sum + c);
    }
    room.data[n++] = '#';
    room.data[n++] = (uint8_t)digits[sum >> 4];
    room.data[n++] = (uint8_t)digits[sum & 15];
    *len = n;
    return true;
}

bool rsp_take(span_t *s, char c)
{
    span_t first;
    if (s->len == 0 || s->data[0] != (uint8_t)c) {
        return false;
    }
    return span_take(s, 1, &first);
}

bool rsp_take_word(span_t *s, const char *word)
{
    span_t first;
    size_t n = strlen(word);
    if (s->len < n || memcmp(s->data, word, n) != 0) {
        return false;
    }
    return span_take(s, n, &first);
}

bool rsp_take_hex(span_t *s, uint64_t *out)
{
    uint64_t v = 0;
    size_t n = 0;
    while (n < s->len && digit(s->data[n]) >= 0) {
        if (v >> 60 != 0) {
            return false;
        }
        v = v << 4 | (uint64_t)digit(s->data[n++]);
    }
    span_t number;
    if (n == 0 || !span_take(s, n, &number)) {
        return false;
    }
    *out = v;
    return true;
}

bool rsp_take_bytes(span_t *s, uint8_t *out, size_t n)
{
    span_t pair;
    for (size_t i = 0; i < n; i++) {
        if (!span_take(s, 2, &pair) || digit(pair.data[0]) < 0 || digit(pair.data[1]) < 0) {
            return false;
        }
        out[i] = (uint8_t)(digit(pair.data[0]) << 4 | digit(pair.data[1]));
    }
    return true;
}
