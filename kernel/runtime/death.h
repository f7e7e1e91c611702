/* What each death leaves behind: a ring of records (abi/crash.h), written when a capsule ends and
 * before anything of it is given back. Spec: docs/lifecycle.md. */
#pragma once

#include "abi/crash.h"
#include "kernel/object/capsule.h"

enum { DEATH_CRASHES = 10, DEATH_ENDS = 6 /* places: crashes push out crashes only */ };

/** Take the ring's memory. Panics without. */
void death_init(void);

/** `c` has just ended: state, code and time say how. Its threads, handles and memory are still
 * there. Locks: kernel. */
void death_note(struct capsule *c);

/** The oldest record kept whose number is not below `seq`, with the names of its places. Errors:
 * NOT_FOUND. Locks: kernel. */
MUST_CHECK nos_status_t death_record(uint64_t seq, struct nos_crash_record *out);

/** "function+0x12" for offset `at` of `m`'s image; nothing is written when no symbol covers it. */
void death_symbol(const struct module *m, uint64_t at, char out[40]);
