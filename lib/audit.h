#pragma once
/*
 * The audit log's records and checkpoints: what the kernel writes and everybody else re-checks with
 * the same code. Each record carries the hashes of the one before and of its causes, each body is
 * committed to under a salt; a checkpoint is a signed note (C2SP) over the Merkle root of all
 * records, and announces the key that signs the next. Spec: abi/audit.h; docs/formats.md, "Audit".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/audit.h"
#include "abi/module.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/fmt.h"
#include "lib/merkle.h"
#include "lib/span.h"

enum {
    AUDIT_NOTE_TEXT_MAX = 224,  // what is signed, with its last newline, and a zero
    AUDIT_NOTE_MAX = 416,       // the text, an empty line, the line of the signature, a zero
};

/** Hash of a record: NOS_CTX_AUDIT_NODE over its 160 bytes. */
void audit_hash(const struct nos_audit_record *rec, uint8_t out[32]);

/** BLAKE3 keyed with the salt over the 96 bytes of the body. */
void audit_body_commit(const uint8_t salt[32], const struct nos_audit_body *body, uint8_t out[32]);

/** A checkpoint's text, as it is signed: origin, size, root, next key. */
void audit_note_text(struct fmt *f, const uint8_t boot_id[32],
                     const struct nos_audit_checkpoint *c);

/** The whole signed note. */
void audit_note(struct fmt *f, const uint8_t boot_id[32], const struct nos_audit_checkpoint *c);

struct audit_note {  // a note that was read back
    uint8_t boot_id[32];
    uint64_t size;
    uint8_t root[32], next_pk[32];
    uint8_t key_hash[4];  // of the key that signed it, in the note's way
    uint8_t sig[64];
};

/** Says nothing about who signed it. Errors: AUDIT_FORMAT: not byte for byte as audit_note writes.
 */
MUST_CHECK nos_status_t audit_note_parse(span_t text, struct audit_note *out);

/** Is `n` the note of `c`, made in this boot? */
MUST_CHECK bool audit_note_is(const struct audit_note *n, const uint8_t boot_id[32],
                              const struct nos_audit_checkpoint *c);

/** "load"; "?" for an unknown kind. */
MUST_CHECK const char *audit_kind_name(uint32_t kind);

/* ---- checking a log, in order, with a few kilobytes ---- */

struct audit_keys {      // checkpoints, one after the other
    uint64_t seq, size;  // of the next; of the last
    uint8_t pk[32];      // of the next
    bool any_pk;         // the first of them may have any key
};

struct audit_checker {
    struct nos_audit_head head;  // what the run must start from and end in
    uint64_t next;               // sequence number of the entry to come
    uint64_t tick;               // of the entry before
    uint8_t hash[32];            // of the entry before
    struct merkle tree;          // over all entries before; from head.tree_at on
    struct audit_keys keys;
    uint64_t checkpoints;  // that verified
};

/**
 * Start to check the entries [head.first, head.next) and the checkpoints from
 * head.first_checkpoint on.
 * Errors: AUDIT_CHAIN when the head contradicts itself.
 */
MUST_CHECK nos_status_t audit_check_begin(struct audit_checker *c,
                                          const struct nos_audit_head *head);

/**
 * Is `k` to be checked before the entry that comes next? It is, when it covers only what was
 * checked already.
 */
static inline bool audit_check_is_due(const struct audit_checker *c,
                                      const struct nos_audit_checkpoint *k)
{
    return k->size <= c->next;
}

/**
 * The next checkpoint, once it is due: key, signature, and, if the tree reaches back that far,
 * root. Errors: AUDIT_KEY: not the next one, or by another key; BAD_SIGNATURE; AUDIT_TREE: another
 * root, or a size that is not above the one before. `*c` is then unchanged.
 */
MUST_CHECK nos_status_t audit_check_checkpoint(struct audit_checker *c,
                                               const struct nos_audit_checkpoint *k);

/**
 * The next entry, in order. A cause one back is compared; others need audit_check_cause.
 * Errors: AUDIT_CHAIN: wrong number, parent, time or reserved field; AUDIT_CAUSE: causes that no
 *         record can have; AUDIT_BODY; AUDIT_KEY: record 1 names another key than the head. `*c` is
 *         then unchanged.
 */
MUST_CHECK nos_status_t audit_check_next(struct audit_checker *c, const struct nos_audit_entry *e);

/** Errors: AUDIT_CHAIN when entries are missing at the end or the last one is not what the head
 * says; AUDIT_GAP when checkpoints are. */
MUST_CHECK nos_status_t audit_check_end(const struct audit_checker *c);

/**
 * A checkpoint by itself and behind the one before: what audit_check_checkpoint asks, less the
 * root. Errors: AUDIT_KEY, BAD_SIGNATURE, AUDIT_TREE (size). `*k` is then unchanged.
 */
MUST_CHECK nos_status_t audit_keys_next(struct audit_keys *k, const uint8_t boot_id[32],
                                        const struct nos_audit_checkpoint *c);

/** A record by itself: parents and causes that a record can have. Errors: AUDIT_CHAIN, AUDIT_CAUSE.
 */
MUST_CHECK nos_status_t audit_check_record(const struct nos_audit_record *r);

/** Is record `of` one of the causes of `r`, as its number says? Errors: AUDIT_CAUSE: the hash says
 * no. `*named`: it is, by number. */
MUST_CHECK nos_status_t audit_check_cause(const struct nos_audit_record *r,
                                          const struct nos_audit_record *of, bool *named);

/** The body is the one that the record commits to. Errors: AUDIT_BODY. */
MUST_CHECK nos_status_t audit_check_body(const struct nos_audit_entry *e);
