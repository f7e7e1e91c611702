#pragma once
/* HMAC-SHA-512 (RFC 2104, FIPS 198-1) from libsodium. */
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"

enum { HMAC_SHA512_LEN = 64 };

/** The MAC of `in` under a key of any length. Compare with secret_equal. */
void hmac_sha512(span_t key, span_t in, uint8_t out[HMAC_SHA512_LEN]);
