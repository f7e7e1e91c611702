#pragma once
/*
 * Tokens: chains of 1 to 4 signed blocks. The vault's key signs the first, the key that a block
 * names signs the next; each block only narrows the one before it. Pure and without memory of its
 * own: the kernel takes one signature a step. Spec: abi/token.h; docs/formats.md, "Token".
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
    TOKEN_BYTES = 196,  // a block
    TOKEN_BODY = 132,   // what is signed and what the id is made of
    TOKEN_CHAIN_BYTES = NOS_TOKEN_BLOCKS_MAX * TOKEN_BYTES,
    TOKEN_SIGNED_BYTES = sizeof(NOS_DOMAIN_CAP) + 32 + TOKEN_BODY,
    TOKEN_DEPTH_MAX = NOS_TOKEN_BLOCKS_MAX - 1,
};

struct token {     // one block
    uint8_t kind;  // enum nos_type
    uint8_t audience[32];
    uint32_t classes, rights;
    uint8_t obj[32];
    uint64_t nbf, exp;
    uint8_t depth;
    uint32_t nonce;
    uint8_t next_pk[32];
};

struct token_chain {  // borrows the bytes
    span_t bytes;
    uint32_t n;  // 1..NOS_TOKEN_BLOCKS_MAX
    struct token block[NOS_TOKEN_BLOCKS_MAX];
};

/**
 * Parse one block of exactly 196 bytes. Says nothing about who signed it.
 * Errors: TOKEN_FORMAT.
 */
MUST_CHECK nos_status_t token_parse(span_t bytes, struct token *out);

/**
 * Parse all blocks; their number and their depths are right. Says nothing about who signed them.
 * Errors: TOKEN_FORMAT; TOKEN_DEPTH: more than NOS_TOKEN_BLOCKS_MAX, more than a block before
 *         allows, or a depth that does not fall.
 */
MUST_CHECK nos_status_t token_chain_parse(span_t bytes, struct token_chain *out);

/** The block that counts: what the whole chain grants, and to whom. */
const struct token *token_last(const struct token_chain *c);

/**
 * The signature of block `i`, which there is: by `issuer_pk`, or by the key that block i - 1 names.
 * Errors: TOKEN_ISSUER (block 0), TOKEN_LINK.
 */
MUST_CHECK nos_status_t token_chain_sig(const struct token_chain *c, uint32_t i,
                                        const uint8_t issuer_pk[32]);

/**
 * Does `child` only narrow `parent`?
 * Errors: TOKEN_OBJECT: kind or object differs; TOKEN_RIGHTS: a right or class more; TOKEN_WINDOW:
 *         [nbf, exp) not inside; TOKEN_AUDIENCE: another audience, and the parent has no TRANSFER.
 */
MUST_CHECK nos_status_t token_link(const struct token *parent, const struct token *child);

/** All links. Errors: as token_link. */
MUST_CHECK nos_status_t token_chain_links(const struct token_chain *c);

/** Errors: TOKEN_TIME unless nbf <= now < exp (exp 0: no end). Units: ns since the issuing boot. */
MUST_CHECK nos_status_t token_check_time(const struct token *t, uint64_t now_ns);

/**
 * Shape, all signatures, all links; not the time.
 * Errors: as token_chain_parse, token_chain_sig, token_chain_links, in this order.
 */
MUST_CHECK nos_status_t token_verify(span_t bytes, const uint8_t issuer_pk[32],
                                     struct token_chain *out);

/** The first 132 bytes of a block; the signature goes behind them. */
void token_write(const struct token *t, uint8_t out[TOKEN_BODY]);

/**
 * What the signature of a block covers: domain, zero, hash of the block before it (`before`: its
 * 196 bytes; NULL for a first block: 32 zero bytes), body.
 */
void token_signed_bytes(const uint8_t *before, const uint8_t body[TOKEN_BODY],
                        uint8_t out[TOKEN_SIGNED_BYTES]);

/**
 * token_id: BLAKE3 of the bodies of 1 to 4 blocks; the last may still lack its signature. Never of
 * a signature, which others could alter.
 */
void token_id(span_t blocks, uint8_t out[32]);
