#pragma once
/* Rows of {key_id32, sig64}, as module and policy carry them after their header. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/module.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"
#include "lib/trust.h"

enum { SIG_ROW = 96 };

/** Are the key ids strictly ascending? One signer cannot count twice, one file has one form. */
MUST_CHECK bool sigs_ascending(span_t sigs);

/** Row `i`; false, and the outputs untouched, when there is none. */
MUST_CHECK bool sigs_row(span_t sigs, size_t i, const uint8_t **key_id, const uint8_t **sig);

/** NOS_CTX_KEY_ID of a public key. */
void key_id_of(const uint8_t pk[32], uint8_t out[32]);

/**
 * Every signature must be by a distinct root key and verify, and there must be at least k of them.
 * Errors: KEY_UNKNOWN, FEW_SIGNATURES, BAD_SIGNATURE, in this order: cheap refusals first.
 */
MUST_CHECK nos_status_t sigs_check_roots(span_t msg, span_t sigs, const struct trust_view *trust);

/**
 * Every signature must be by `pk` and verify; so there is exactly one.
 * Errors: KEY_UNKNOWN, BAD_SIGNATURE.
 */
MUST_CHECK nos_status_t sigs_check_key(span_t msg, span_t sigs, const uint8_t pk[32]);
