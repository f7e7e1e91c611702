#pragma once
/*
 * The Merkle tree of RFC 6962 (SHA-256): a leaf hashes 0x00 and the entry, a node 0x01 and its two
 * children, and a tree of n leaves splits at the largest power of two below n. What grows is a
 * frontier, one hash for each bit of its size; what proves something is a list of hashes.
 * Spec: RFC 6962 section 2.1; RFC 9162 sections 2.1.3.2 and 2.1.4.2 (verification).
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"

enum {
    MERKLE_LEVELS = 40,                   /* sizes below 2^40 */
    MERKLE_PROOF_MAX = 2 * MERKLE_LEVELS, /* hashes in any proof, at most */
};

struct merkle {
    uint64_t size;                   /* leaves */
    uint8_t node[MERKLE_LEVELS][32]; /* [h], if bit h of `size` is set: 2^h leaves, the largest
                                        subtrees first; else unused */
};

void merkle_leaf(span_t entry, uint8_t out[32]);
void merkle_node(const uint8_t left[32], const uint8_t right[32], uint8_t out[32]);

/** Append a whole subtree of 2^height leaves (0: one leaf); `size` is a multiple of that. */
void merkle_push(struct merkle *t, unsigned height, const uint8_t hash[32]);

/** The root; of an empty tree SHA-256 of nothing. */
void merkle_root(const struct merkle *t, uint8_t out[32]);

/** Is `leaf` the one at `index` of the tree of `size` leaves with this root? `proof`: hashes. */
MUST_CHECK bool merkle_included(const uint8_t leaf[32], uint64_t index, uint64_t size, span_t proof,
                                const uint8_t root[32]);

/** Are the first `a` leaves of the tree of `b` leaves those of the tree of `a`? 0 < a <= b. */
MUST_CHECK bool merkle_consistent(uint64_t a, const uint8_t root_a[32], uint64_t b,
                                  const uint8_t root_b[32], span_t proof);

/* ---- making proofs (never in the kernel: recursive) ---- */

struct merkle_source {         /* leaves [0, base->size + n), the first ones as subtrees only */
    const struct merkle *base; /* not NULL */
    const uint8_t (*leaf)[32];
    uint64_t n;
};

struct merkle_proof {
    uint32_t n;
    uint8_t hash[MERKLE_PROOF_MAX][32];
};

/** The hash over [lo, hi). False: part of it lies inside one of the base's subtrees. */
MUST_CHECK bool merkle_range(const struct merkle_source *s, uint64_t lo, uint64_t hi,
                             uint8_t out[32]);

/** Where a leaf is in the tree of the first `size`. False: before the base, or beyond. */
MUST_CHECK bool merkle_prove(const struct merkle_source *s, uint64_t index, uint64_t size,
                             struct merkle_proof *out);

/** False: `a` is 0 or before the base, or a > b, or `b` beyond the leaves. */
MUST_CHECK bool merkle_prove_consistent(const struct merkle_source *s, uint64_t a, uint64_t b,
                                        struct merkle_proof *out);
