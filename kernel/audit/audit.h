/* The audit log in RAM. Spec: docs/audit.md; records: abi/audit.h; the checker: lib/audit.h.
 * Locks: all of it is under the kernel lock. */
#pragma once

#include "abi/audit.h"
#include "kernel/core/types.h"

enum {
    AUDIT_RING = 1024,     /* newest records, an unbroken run */
    AUDIT_PROTECTED = 256, /* older ones of the kinds that matter longest, each with its share */
    AUDIT_UNSEALED_MAX = 32,
    AUDIT_CHECKPOINT_EVERY = 1024,
    AUDIT_CHECKPOINTS = 185, /* kept */
};
#define AUDIT_CHECKPOINT_NS 1000000000ull

/** A record to be named as a cause later, by whoever it is about. Zero = none. Lives where it was
 * remembered until audit_forget: its hash arrives there. */
struct audit_ref {
    uint64_t at;      /* number + 1 */
    uint8_t hash[32]; /* zero until the record is sealed */
};

/** Start the log; its first records name the issuing key and the first checkpoint key. After
 * vault_init and frame_init. */
void audit_init(void);

/**
 * Take all the memory the log will ever use, some 370 KiB, so that a log that fills takes nothing
 * from anybody later. What is not there is asked for again when it is needed.
 */
void audit_reserve(void);

/**
 * Append, before the event takes effect. Never fails: without memory the ring is shorter.
 * `subject` NULL = zeros; `text` NULL = none; a string, cut at 40 bytes.
 */
void audit_add(enum nos_audit_kind kind, uint32_t actor, nos_status_t status,
               const uint8_t subject[32], uint64_t a, uint64_t b, const char *text);

/** The record just added has this cause too; NULL or none: it has not. Two at most: a third, or one
 * that it has already, is not taken. A copy of a ref that was not sealed yet is good for as long as
 * its record is in the run. */
void audit_cause(const struct audit_ref *cause);

/** The record just added is what `ref` stands for from now on. One ref for a record. */
void audit_remember(struct audit_ref *ref);

/** Before the memory of `ref` goes. */
void audit_forget(struct audit_ref *ref);

/**
 * A refused call of capsule `actor`, whose record is `cause`. The first of one capsule and status
 * is a record at once; repeats are counted and become one record at the next checkpoint
 * (docs/audit.md, "Refused calls").
 */
void audit_deny(uint32_t actor, uint32_t nr, nos_status_t status, const struct audit_ref *cause);

/**
 * One bounded step of what can wait: seal a record, take one into the tree; tell repeats, make the
 * next key, sign a checkpoint, once 1,024 records are unsigned or one second passed with news. For
 * the idle loop and between bounded steps, never in a system call's path.
 * Gives:  true if it did something: call again.
 */
bool audit_checkpoint_step(uint64_t now_ns);

/** When the next checkpoint is due, ns since boot: wake the idle loop for it. 0 = nothing to sign.
 */
uint64_t audit_checkpoint_due(void);

/**
 * The first kept entry whose sequence number is at least `seq`: old ones have gaps, so a reader
 * asks for what it has seen plus one.
 * Errors: NOT_FOUND past the newest.
 */
MUST_CHECK nos_status_t audit_entry(uint64_t seq, struct nos_audit_entry *out);
void audit_head(struct nos_audit_head *out);

/** The first kept checkpoint whose number is at least `seq`. Errors: NOT_FOUND past the newest. */
MUST_CHECK nos_status_t audit_checkpoint(uint64_t seq, struct nos_audit_checkpoint *out);
