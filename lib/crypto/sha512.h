#pragma once
/* SHA-512 (FIPS 180-4) from libsodium. */
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"

enum { SHA512_LEN = 64 };

/** Hash `in` in one go. */
void sha512_hash(span_t in, uint8_t out[SHA512_LEN]);
