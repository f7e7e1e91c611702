#pragma once
/*
 * A node's log in a file, and proofs about one: read, checked, held against what is trusted. Pure:
 * bytes in, a status out, nothing allocated. Spec: abi/audit.h; docs/formats.md, "Audit files".
 */
#include "lib/audit.h"

enum {
    AUDIT_FILE_OLD_MAX = 4096,      // records from before the run
    AUDIT_FILE_RUN_MAX = 1 << 20,   // records
    AUDIT_FILE_KEYS_MAX = 1 << 20,  // checkpoints
    AUDIT_ITEMS_MAX = 4096,
    AUDIT_CHECK_BYTES = 32,
};

/* ---- a log ---- */

struct audit_file {  // borrows the bytes
    struct nos_audit_head head;
    uint32_t n_checkpoints, n_old, n_run;
    span_t checkpoints, old, run;
};

/**
 * Shape alone: lengths, magic, version, the check at the end.
 * Errors: AUDIT_FORMAT; IO_ERROR: not the bytes that were written.
 */
MUST_CHECK nos_status_t audit_file_parse(span_t file, struct audit_file *out);

/** The i-th of each; there is one. */
void audit_file_checkpoint(const struct audit_file *f, uint32_t i,
                           struct nos_audit_checkpoint *out);
void audit_file_old(const struct audit_file *f, uint32_t i, struct nos_audit_entry *out);
void audit_file_run(const struct audit_file *f, uint32_t i, struct nos_audit_entry *out);

/** Record `seq`, old or of the run. False: it is not there. */
MUST_CHECK bool audit_file_find(const struct audit_file *f, uint64_t seq,
                                struct nos_audit_entry *out);

struct audit_report {
    bool in_checkpoint;    // `at` is a checkpoint's number, not a record's
    uint64_t at;           // where it stopped
    uint64_t records;      // of the run, checked
    uint64_t under;        // of them under a checkpoint
    uint64_t checkpoints;  // that verified
    uint64_t causes;       // that are the records they name
    uint64_t lost_causes;  // that are not here any more
    uint32_t old;          // records from before the run
    uint32_t old_proved;   // of them those that a record of the run, or a proved one, names
};

/**
 * Everything that a log says of itself: order, hashes, causes, bodies, checkpoints, roots.
 * Gives:  `*r`, also on error.
 * Errors: as the checker of lib/audit.h.
 */
MUST_CHECK nos_status_t audit_file_verify(const struct audit_file *f, struct audit_report *r);

struct audit_pin {  // what the reader trusts; NULL = not given
    const uint8_t *key0;
    const struct audit_note *held;
};

/**
 * Is a verified log the one of the pin?
 * Errors: AUDIT_KEY: another first key; AUDIT_GAP: the checkpoints in between are gone; AUDIT_FORK:
 *         another boot, or another log of this boot; AUDIT_SHORT: it ends before the held one.
 */
MUST_CHECK nos_status_t audit_file_pin(const struct audit_file *f, const struct audit_pin *pin);

/** The check at the end of a file of either kind, over all before it. */
void audit_file_check(span_t bytes, uint8_t out[AUDIT_CHECK_BYTES]);

/* ---- a proof ---- */

struct audit_proof {  // borrows the bytes
    struct nos_audit_proof head;
    span_t checkpoints, hashes, items;
};

struct audit_item {  // borrows; salt and body only with NOS_AUDIT_ITEM_BODY
    struct nos_audit_item head;
    struct nos_audit_entry entry;
    span_t hashes;
};

/** Shape alone, of all items too. Errors: AUDIT_FORMAT, IO_ERROR. */
MUST_CHECK nos_status_t audit_proof_parse(span_t file, struct audit_proof *out);

/** Take the next item off `*rest`, which begins as `items`. False: there is none. */
MUST_CHECK bool audit_proof_next(span_t *rest, struct audit_item *out);
void audit_proof_checkpoint(const struct audit_proof *p, uint32_t i,
                            struct nos_audit_checkpoint *out);

/**
 * Checkpoints, consistency, items. What is in the file is then true of the log that the last
 * checkpoint stands for.
 * Gives:  `*r`, also on error: `records`, `checkpoints`, `at`.
 * Errors: AUDIT_KEY, BAD_SIGNATURE; AUDIT_TREE: a proof does not lead to the root; AUDIT_CHAIN,
 *         AUDIT_CAUSE: a record cannot be, or nobody names it; AUDIT_BODY.
 */
MUST_CHECK nos_status_t audit_proof_verify(const struct audit_proof *p, struct audit_report *r);

/** As audit_file_pin. AUDIT_SHORT: the proof is about less than the held checkpoint covers. */
MUST_CHECK nos_status_t audit_proof_pin(const struct audit_proof *p, const struct audit_pin *pin);
