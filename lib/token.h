#pragma once
/*
 * Tokens of one block: the vault's signed word that a capsule held a right at a time. Evidence,
 * never looked at in a
 * system call. Spec: abi/token.h; docs/formats.md, "Token".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/module.h"
#include "abi/status.h"
#include "abi/token.h"
#include "lib/compiler.h"
#include "lib/span.h"

enum {
    TOKEN_BYTES = 196,
    TOKEN_BODY = 132,  // what is signed and what the id is made of
    TOKEN_SIGNED_BYTES = sizeof(NOS_DOMAIN_CAP) + 32 + TOKEN_BODY,
    TOKEN_DEPTH_MAX = 3,
};

struct token {
    uint8_t kind;          // enum nos_type
    uint8_t audience[32];
    uint32_t classes, rights;
    uint8_t obj[32];
    uint64_t nbf, exp;
    uint8_t depth;
    uint32_t nonce;
    uint8_t next_pk[32];
};

/**
 * Parse one block of exactly 196 bytes. Says nothing about who signed it.
 * Errors: TOKEN_FORMAT.
 */
MUST_CHECK nos_status_t token_parse(span_t bytes, struct token *out);

/** The first 132 bytes of a block; the signature goes behind them. */
void token_write(const struct token *t, uint8_t out[TOKEN_BODY]);

/** What the signature of a first block covers: domain, zero, 32 zero bytes, body. */
void token_signed_bytes(const uint8_t body[TOKEN_BODY], uint8_t out[TOKEN_SIGNED_BYTES]);

/** token_id: BLAKE3 of the body. Never of the signature, which others could alter. */
void token_id(const uint8_t body[TOKEN_BODY], uint8_t out[32]);

/** Errors: TOKEN_TIME unless nbf <= now < exp (exp 0: no end). Units: ns since the issuing boot. */
MUST_CHECK nos_status_t token_check_time(const struct token *t, uint64_t now_ns);

/** Parse and check the signature. Errors: TOKEN_FORMAT, TOKEN_ISSUER. */
MUST_CHECK nos_status_t token_check_sig(span_t bytes, const uint8_t issuer_pk[32],
                                        struct token *out);

/** All of it. Errors: TOKEN_FORMAT, TOKEN_ISSUER, TOKEN_TIME. */
MUST_CHECK nos_status_t token_verify(span_t bytes, const uint8_t issuer_pk[32], uint64_t now_ns,
                                     struct token *out);
