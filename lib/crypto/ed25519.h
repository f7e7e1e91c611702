#pragma once
/*
 * Ed25519 (pure, RFC 8032) from libsodium. What it accepts is the project's one rule for
 * signatures: loader, kernel, capsules and nonosctl all link this code. Refused beside a wrong
 * equation: S not below the group order, a non-canonical or small-order public key, a small-order
 * R.
 *
 * A signature of ours always covers "<domain>\0" and then the bytes: the caller lays both out in
 * one buffer, because pure Ed25519 reads the message twice and cannot be fed in parts.
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"

enum { ED25519_PK_LEN = 32, ED25519_SK_LEN = 64, ED25519_SEED_LEN = 32, ED25519_SIG_LEN = 64 };

/**
 * Did the owner of `pk` sign `msg`?
 * Spec:   RFC 8032 section 5.1.7, cofactorless; docs/dependencies.md, "What a signature must be".
 */
MUST_CHECK bool ed25519_verify(const uint8_t sig[ED25519_SIG_LEN], span_t msg,
                               const uint8_t pk[ED25519_PK_LEN]);

/**
 * Sign `msg`; deterministic. `sk` is seed then public key, as ed25519_keypair_from_seed writes it.
 * Spec:   RFC 8032 section 5.1.6.
 */
void ed25519_sign(uint8_t sig[ED25519_SIG_LEN], span_t msg, const uint8_t sk[ED25519_SK_LEN]);

/**
 * The key pair of a 32-byte secret. The caller wipes `sk` and `seed`.
 * Spec:   RFC 8032 section 5.1.5.
 */
void ed25519_keypair_from_seed(uint8_t pk[ED25519_PK_LEN], uint8_t sk[ED25519_SK_LEN],
                               const uint8_t seed[ED25519_SEED_LEN]);
