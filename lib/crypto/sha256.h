#pragma once
/* SHA-256 (FIPS 180-4) from libsodium: for audit records and transparency logs, which other tools
 * read. */
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"

enum { SHA256_LEN = 32, SHA256_STATE_BYTES = 104 };

/** A hash in progress. */
struct sha256_ctx {
    uint64_t opaque[SHA256_STATE_BYTES / 8];
};

/** Hash `in` in one go. */
void sha256_hash(span_t in, uint8_t out[SHA256_LEN]);

/** Begin a hash; append to it. */
void sha256_init(struct sha256_ctx *c);
void sha256_update(struct sha256_ctx *c, span_t in);

/** The hash of what was appended; `c` is spent and holds nothing. */
void sha256_final(struct sha256_ctx *c, uint8_t out[SHA256_LEN]);
