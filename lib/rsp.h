#pragma once
/*
 * Packets of the GDB Remote Serial Protocol ("Overview" in gdb's manual, appendix E): $bytes#sum on
 * a stream that anybody may have written. What does not end, is too long or has a wrong sum is
 * dropped, and the next packet is found.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"

enum { RSP_MAX = 4096 /* bytes of a packet, unescaped */, RSP_ROOM = 2 * RSP_MAX + 4 };

enum rsp_event {
    RSP_NONE,    // the input is eaten up
    RSP_PACKET,  // a whole one
    RSP_BAD,     // one that was dropped: it may be sent again
    RSP_ACK,
    RSP_NAK,
    RSP_INTERRUPT  // Ctrl-C, outside of a packet
};

struct rsp {  // zeroed to begin with
    uint8_t buf[RSP_MAX];
    size_t len;
    uint8_t state, sum, check;
    bool escaped, too_long;
};

/**
 * Eat bytes from `*in` up to the next event.
 * Gives:  of a packet its bytes, unescaped; they lie in `r` and are good until the next call.
 */
MUST_CHECK enum rsp_event rsp_feed(struct rsp *r, span_t *in, span_t *packet);

/** The bytes of a packet. False: `payload` is longer than RSP_MAX, or `room` shorter than RSP_ROOM.
 */
MUST_CHECK bool rsp_encode(span_t payload, mspan_t room, size_t *len);

/* ---- what packets are made of ---- */

/** Take one byte, if it is `c`. */
MUST_CHECK bool rsp_take(span_t *s, char c);

/** Take a word, if the span begins with it. */
MUST_CHECK bool rsp_take_word(span_t *s, const char *word);

/** Take hexadecimal digits, at least one, as a number; false if it has more than 64 bits. */
MUST_CHECK bool rsp_take_hex(span_t *s, uint64_t *out);

/** Take `n` bytes of two digits each. False, and then `out` may be half-filled, if they are not. */
MUST_CHECK bool rsp_take_bytes(span_t *s, uint8_t *out, size_t n);
