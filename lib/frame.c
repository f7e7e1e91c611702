/*
 * Frames of the management channel. The line may lose bytes and may bring any bytes at all, so the
 * decoder believes nothing until the check matches, and after a disappointment goes on one byte
 * later: a good frame hidden behind a false start is still found.
 */
#include "lib/frame.h"

#include <string.h>

#include "lib/crypto/blake3.h"

#define OFF(field) offsetof(struct nos_mg_header, field)

enum { CHECK_LEN = 8, VERSION = 1, MAGIC_LEN = 4 };

/*
 * First bytes of BLAKE3(header up to the check || payload), for the frame at `h`. The check lies
 * between the two, so the header's 24 bytes are moved over it while the hash is made, and back: no
 * hash state on a small stack.
 */
static void frame_check(uint8_t *h, size_t len, uint8_t out[CHECK_LEN])
{
    uint8_t head[FRAME_HEADER], hash[BLAKE3_LEN];

    memcpy(head, h, FRAME_HEADER);
    memcpy(h + CHECK_LEN, head, OFF(check));
    blake3_hash(span_of(h + CHECK_LEN, OFF(check) + len), hash);
    memcpy(h, head, FRAME_HEADER);
    memcpy(out, hash, CHECK_LEN);
}

nos_status_t frame_encode(const struct frame *f, mspan_t room, size_t *len)
{
    mspan_t to;

    if ((f->flags & ~NOS_MG_FLAGS_KNOWN) != 0) {
        return NOS_INVALID;
    }
    if (f->payload.len > NOS_MG_PAYLOAD ||
        !mspan_cut(room, 0, FRAME_HEADER + f->payload.len, &to)) {
        return NOS_TOO_BIG;
    }
    uint8_t *h = to.data;
    if (f->payload.len != 0) {
        memmove(h + FRAME_HEADER, f->payload.data, f->payload.len);  // it may lie in `room` already
    }
    memset(h, 0, FRAME_HEADER);
    memcpy(h, NOS_MG_MAGIC, MAGIC_LEN);
    h[OFF(ver)] = VERSION;
    h[OFF(flags)] = f->flags;
    store_le16(h + OFF(verb), f->verb);
    store_le32(h + OFF(seq), f->seq);
    store_le32(h + OFF(len), (uint32_t)f->payload.len);
    store_le32(h + OFF(status), (uint32_t)f->status);
    frame_check(h, f->payload.len, h + OFF(check));
    *len = to.len;
    return NOS_OK;
}

void frame_decoder_init(struct frame_decoder *d)
{
    d->have = 0;
    d->keep_from = 0;
    d->dropped = 0;
    d->bad = 0;
}

enum verdict { NEED_MORE, NO_FRAME, BAD_CHECK, GOOD };

/* Could a frame start with these bytes? Looks at as many as there are. */
static bool magic_fits(span_t s)
{
    size_t n = s.len < MAGIC_LEN ? s.len : MAGIC_LEN;
    return memcmp(s.data, NOS_MG_MAGIC, n) == 0;
}

static enum verdict frame_at(mspan_t m, struct frame *out, size_t *used)
{
    span_t s = span_const(m);
    uint32_t len;
    span_t payload;
    uint8_t check[CHECK_LEN];

    if (!magic_fits(s)) {
        return NO_FRAME;
    }
    if (s.len < FRAME_HEADER) {
        return NEED_MORE;
    }
    uint8_t *h = m.data;
    len = load_le32(h + OFF(len));
    if (h[OFF(ver)] != VERSION || (h[OFF(flags)] & ~NOS_MG_FLAGS_KNOWN) != 0 ||
        len > NOS_MG_PAYLOAD || load_le32(h + OFF(rsv)) != 0) {
        return NO_FRAME;
    }
    if (!span_cut(s, FRAME_HEADER, len, &payload)) {
        return NEED_MORE;
    }
    frame_check(h, len, check);
    if (memcmp(check, h + OFF(check), CHECK_LEN) != 0) {
        return BAD_CHECK;
    }
    *out = (struct frame){
        .flags = h[OFF(flags)],
        .verb = load_le16(h + OFF(verb)),
        .seq = load_le32(h + OFF(seq)),
        .status = (int32_t)load_le32(h + OFF(status)),
        .payload = payload,
    };
    *used = FRAME_HEADER + (size_t)len;
    return GOOD;
}

/* Drop the bytes that are done with, from the front. */
static void forget(struct frame_decoder *d, size_t n)
{
    memmove(d->buf, d->buf + n, d->have - n);
    d->have -= n;
}

/* The first frame in the buffer; bytes before it, or before a possible start, go. */
static bool scan(struct frame_decoder *d, struct frame *out)
{
    size_t at = 0, used = 0;
    enum verdict v = NEED_MORE;

    for (; at < d->have; at++) {
        v = frame_at(mspan_of(d->buf + at, d->have - at), out, &used);
        if (v == GOOD || v == NEED_MORE) {
            break;
        }
        d->bad += v == BAD_CHECK;
    }
    d->dropped += at;
    if (at < d->have && v == GOOD) {
        d->keep_from = at + used;  // the payload stays where it is until the next call
        return true;
    }
    forget(d, at);
    return false;
}

bool frame_feed(struct frame_decoder *d, span_t *in, struct frame *out)
{
    span_t part;

    forget(d, d->keep_from);
    d->keep_from = 0;
    bool got = d->have != 0 && scan(d, out);
    while (!got && in->len != 0) {
        size_t room = sizeof d->buf - d->have;  // not 0: a full buffer is a frame or was rescanned
        if (!span_take(in, in->len < room ? in->len : room, &part)) {
            break;
        }
        memcpy(d->buf + d->have, part.data, part.len);
        d->have += part.len;
        got = scan(d, out);
    }
    return got;
}
