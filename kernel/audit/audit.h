/* The audit log in RAM. Spec: docs/audit.md; records: abi/audit.h. */
#pragma once

#include "abi/audit.h"
#include "kernel/core/types.h"

enum { AUDIT_RING = 1024, AUDIT_PROTECTED = 256 /* BOOT, LOAD, REFUSE, GRANT, SPAWN, CRASH keep room of their own */ };

void audit_init(void);

/** Append before the event takes effect. `subject` NULL = zeros; `text` NULL = none, cut at 40 bytes. */
void audit_add(enum nos_audit_kind kind, uint32_t actor, nos_status_t status, const uint8_t subject[32], uint64_t a, uint64_t b, const char *text);

/** A refused call: repeats of one capsule, call and code coalesce into a counted record. */
void audit_deny(uint32_t actor, uint32_t nr, nos_status_t status);

/** Sign a checkpoint if one is due (1,024 records or one second with news): called between bounded steps, never in a
 * system call's path. True if it did. */
bool audit_checkpoint_step(uint64_t now_ns);

MUST_CHECK nos_status_t audit_entry(uint64_t seq, struct nos_audit_entry *out); /* NOT_FOUND */
void audit_head(struct nos_audit_head *out);
