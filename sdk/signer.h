#pragma once
/*
 * The client's side of the signing service (abi/signer.h, docs/signer.md), and how to lay out what
 * a signature covers. The capsule needs { "kind": "endpoint", "name": "signer", "rights": ["call"]
 * }.
 */
#include <stdbool.h>
#include <stdint.h>

#include "abi/signer.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

struct nos_signature {
    uint8_t bytes[64];
    uint64_t number; /* of the record that the service keeps of it */
};

/**
 * Have `message` signed for the purpose `context`.
 * Errors: INVALID (context), TOO_BIG (message), QUOTA (asked too often; the service logs it), BUSY;
 *         BAD_HANDLE: not granted; TIMED_OUT: nobody signs here within 5 s.
 */
MUST_CHECK nos_status_t nos_sign(span_t context, span_t message, struct nos_signature *out);

/** The service's public key: of this service in this boot. Errors: as nos_sign. */
MUST_CHECK nos_status_t nos_signer_key(uint8_t pk[32]);

/** The first kept record not below `number`. Errors: NOT_FOUND; as nos_sign. */
MUST_CHECK nos_status_t nos_signer_log(uint64_t number, struct nos_signer_record *out);

/** The context in its padded form; false when it has a byte that it must not have, or none. */
MUST_CHECK bool nos_signer_context(span_t padded, span_t *out);

/** What is signed, laid out in `room`. Takes nothing; each part has been checked. Gives: the part
 * of `room` that is used. */
span_t nos_signer_bytes(span_t module, span_t context, span_t message,
                        uint8_t room[NOS_SIGNER_SIGNED]);
