#pragma once
/*
 * The audit chain: each record carries the hash of the one before, each body is committed to under
 * a salt. The kernel
 * writes it, and kernel, shell and nonosctl re-check it with the same code. Spec: abi/audit.h;
 * docs/formats.md, "Audit".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/audit.h"
#include "abi/module.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

enum { AUDIT_CHECKPOINT_BYTES = sizeof(NOS_DOMAIN_AUDIT) + 8 + 32 };

/** Hash of a record: NOS_CTX_AUDIT_NODE over its 160 bytes. */
void audit_hash(const struct nos_audit_record *rec, uint8_t out[32]);

/** BLAKE3 keyed with the salt over the 96 bytes of the body. */
void audit_body_commit(const uint8_t salt[32], const struct nos_audit_body *body, uint8_t out[32]);

/**
 * What the issuer signs in a CHECKPOINT record with sequence number `seq`: domain, zero, seq8, hash
 * of the record
 * before it (its parent). The signature goes to subject (first half) and the first 32 bytes of text
 * (second half).
 */
void audit_checkpoint_bytes(uint64_t seq, const uint8_t parent[32],
                            uint8_t out[AUDIT_CHECKPOINT_BYTES]);

/** Put a checkpoint's signature into a body, and take it out. */
void audit_sig_put(struct nos_audit_body *body, const uint8_t sig[64]);
void audit_sig_get(const struct nos_audit_body *body, uint8_t sig[64]);

struct audit_checker {
    struct nos_audit_head head;  // what the run must start from and end in
    uint64_t next;               // sequence number of the entry to come
    uint64_t tick;               // of the entry before
    uint8_t hash[32];            // of the entry before
    uint64_t checkpoints;        // signatures that verified
};

/**
 * Start to check the entries [head.first, head.next).
 * Errors: AUDIT_CHAIN when the head contradicts itself.
 */
MUST_CHECK nos_status_t audit_check_begin(struct audit_checker *c,
                                          const struct nos_audit_head *head);

/**
 * The next entry, in order. At most one signature check (a checkpoint).
 * Errors: AUDIT_CHAIN: wrong number, parent, time, reserved field or commitment; BAD_SIGNATURE: a
 *         checkpoint is not
 *         by the issuer. `*c` is then unchanged.
 */
MUST_CHECK nos_status_t audit_check_next(struct audit_checker *c, const struct nos_audit_entry *e);

/**
 * Errors: AUDIT_CHAIN when entries are missing at the end or the last one is not what the head
 * says.
 */
MUST_CHECK nos_status_t audit_check_end(const struct audit_checker *c);

/**
 * An entry by itself: the body is the one that the record commits to. All that can be said of those
 * kept from before
 * head.first, which have gaps between them.
 * Errors: AUDIT_CHAIN.
 */
MUST_CHECK nos_status_t audit_check_body(const struct nos_audit_entry *e);

/** "load"; "?" for an unknown kind. */
MUST_CHECK const char *audit_kind_name(uint32_t kind);
