#pragma once
/*
 * Frames of the management channel (abi/manage.h): a serial line that may lose or gain bytes. The
 * decoder keeps the
 * bytes of at most one frame, drops what fails its check and looks for the next magic in what it
 * already has.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/manage.h"
#include "abi/module.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

enum { FRAME_HEADER = 32, FRAME_MAX = FRAME_HEADER + NOS_MG_PAYLOAD };

struct frame {
    uint8_t flags;  // enum nos_mg_flags
    uint16_t verb;
    uint32_t seq;
    int32_t status;
    span_t payload;
};

/**
 * The bytes of a frame.
 * Errors: TOO_BIG when the payload is above NOS_MG_PAYLOAD or `room` too small; INVALID for flags
 *         not known.
 */
MUST_CHECK nos_status_t frame_encode(const struct frame *f, mspan_t room, size_t *len);

struct frame_decoder {
    uint8_t buf[FRAME_MAX];
    size_t have;       // bytes in buf
    size_t keep_from;  // bytes of buf that the frame given out last still uses
    uint64_t dropped;  // bytes that belonged to no good frame
    uint64_t bad;      // frames that failed their check
};

void frame_decoder_init(struct frame_decoder *d);

/**
 * Eat bytes from `*in` until a frame is whole or `*in` is empty.
 * Gives:  true and the frame; its payload lies in `d` and is good until the next call. Call again
 *         while true.
 */
MUST_CHECK bool frame_feed(struct frame_decoder *d, span_t *in, struct frame *out);

/* Requests that change something: payload = args | counter8 | sig64. */
enum { MG_SIGNED_TAIL = 8 + 64, MG_SIGNED_BYTES = sizeof(NOS_DOMAIN_MANAGE) + 32 + 8 + 2 + 32 };

/** What the operator signs: domain, zero, nonce, counter, verb, BLAKE3 of the arguments. */
void mg_signed_bytes(const uint8_t nonce[32], uint64_t counter, uint16_t verb, span_t args,
                     uint8_t out[MG_SIGNED_BYTES]);

/**
 * Check a signed request.
 * Gives:  the arguments, and the counter that it used; the caller keeps counter + 1 as the next
 *         least.
 * Errors: BAD_MESSAGE (too short), INVALID (counter below `least`, or the last there is),
 *         BAD_SIGNATURE.
 */
MUST_CHECK nos_status_t mg_verify(span_t payload, uint16_t verb, const uint8_t nonce[32],
                                  uint64_t least, const uint8_t operator_pk[32], span_t *args,
                                  uint64_t *counter);

/**
 * Append counter and signature to the arguments that already stand in room[0..args_len).
 * Errors: TOO_BIG.
 */
MUST_CHECK nos_status_t mg_sign(mspan_t room, size_t args_len, uint16_t verb,
                                const uint8_t nonce[32], uint64_t counter, const uint8_t sk[64],
                                size_t *len);
