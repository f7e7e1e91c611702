#pragma once
/*
 * BLAKE3 (the official C code, portable paths). The three modes give unrelated outputs for the same
 * input: plain, keyed, and derived under a context string that names one purpose in one program.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"

enum { BLAKE3_LEN = 32, BLAKE3_KEY_BYTES = 32, BLAKE3_STATE_BYTES = 1912, BLAKE3_BLOCK_BYTES = 64 };

/** A hash in progress. May hold key material: wipe it (secret_wipe) when the input was secret. */
struct blake3_ctx {
    uint64_t opaque[BLAKE3_STATE_BYTES / 8];
};

/** Hash `in` in one go. */
void blake3_hash(span_t in, uint8_t out[BLAKE3_LEN]);

/** Hash `in` under a context string, which must be a constant of the program. */
void blake3_derive(const char *context, span_t in, uint8_t out[BLAKE3_LEN]);

/** Hash `in` under a key: a MAC. Compare with secret_equal. */
void blake3_keyed(const uint8_t key[BLAKE3_KEY_BYTES], span_t in, uint8_t out[BLAKE3_LEN]);

/** Begin a hash: plain, under a context, under a key. */
void blake3_init(struct blake3_ctx *c);
void blake3_init_derive(struct blake3_ctx *c, const char *context);
void blake3_init_keyed(struct blake3_ctx *c, const uint8_t key[BLAKE3_KEY_BYTES]);

/** Append `in`. Any split of the input into updates gives the same hash. */
void blake3_update(struct blake3_ctx *c, span_t in);

/** The hash of what was appended so far; `c` is unchanged and may go on. */
void blake3_final(const struct blake3_ctx *c, uint8_t out[BLAKE3_LEN]);

/**
 * Bytes [seek, seek + out.len) of the endless output whose first 32 bytes are the hash.
 * Units:  `seek` in bytes.
 */
void blake3_final_xof(const struct blake3_ctx *c, uint64_t seek, mspan_t out);
