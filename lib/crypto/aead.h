#pragma once
/*
 * ChaCha20-Poly1305 (RFC 8439, 96-bit nonce) from libsodium. A nonce must never be used twice under
 * one key.
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"

enum { AEAD_KEY_LEN = 32, AEAD_NONCE_LEN = 12, AEAD_TAG_LEN = 16 };

/**
 * Encrypt `plain` and authenticate it together with `ad`.
 * Takes:  out.len == plain.len + AEAD_TAG_LEN; `out` may start where `plain` does, and overlap in
 * no other way. Errors: false, and nothing written, when the length is wrong.
 */
MUST_CHECK bool aead_seal(mspan_t out, span_t plain, span_t ad, const uint8_t nonce[AEAD_NONCE_LEN],
                          const uint8_t key[AEAD_KEY_LEN]);

/**
 * Check and decrypt what aead_seal wrote.
 * Takes:  sealed.len == out.len + AEAD_TAG_LEN; `out` may start where `sealed` does.
 * Errors: false when the length is wrong (nothing written) or the tag is (`out` is zero).
 */
MUST_CHECK bool aead_open(mspan_t out, span_t sealed, span_t ad,
                          const uint8_t nonce[AEAD_NONCE_LEN], const uint8_t key[AEAD_KEY_LEN]);
