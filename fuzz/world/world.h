#pragma once
/*
 * The kernel, and everybody else, as a capsule sees them: all that it is told comes from the
 * fuzzer's bytes. System calls of the SDK end up here (fuzz/world/syscall.h), and so do messages.
 * Handles and mappings are kept as a kernel does, so that what is used after it was given back is
 * found; memory that others share changes under the capsule's hands. Spec: docs/fuzzing.md, "The
 * world".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/start.h"
#include "abi/status.h"
#include "lib/span.h"

/** Begin: what others say is in `in`, with this in the start record. Borrows: both. */
void world_begin(span_t in, const struct nos_start *start);

/** Run a capsule's part until it returns, exits, or nothing more is said. */
void world_run(void (*run)(void));

/** Everything is given back; the capsule's variables are as they were at the program's start. */
void world_end(void);

/** What is left of what others say: also for the target's own choices. 0 when nothing is. */
uint8_t world_byte(void);
uint64_t world_word(void);
bool world_silent(void); /* nothing is left */

/** Handles that the capsule holds now, and regions that it has mapped. */
unsigned world_handles(void);
unsigned world_mappings(void);

/** Where the capsule has mapped that region; no bytes if it has not. */
mspan_t world_memory(uint64_t handle);

/** What is mapped there; no bytes if nothing is. */
span_t world_mapped(uint64_t at);

/** `n` of the bytes that are left, or as many as there are. */
span_t world_take(size_t n);

/** A record of that size: some of the bytes that are left, then zeros. */
void world_fill(void *to, size_t len);

/** How a call ends: OK, or what it can fail with. */
nos_status_t world_verdict(void);

/** Something that the capsule is given: a handle. */
uint32_t world_give(uint32_t type, uint32_t pages);

/* ---- the target's; each may be NULL ---- */

struct nos_ipc_regs;
struct nos_msg;

/** The capsule has sent a byte over its serial line. */
extern void (*world_sent)(uint8_t byte);

/** A notification comes: what is on the line now. */
extern span_t (*world_line)(void);

/** A message comes: the badge of the handle that it was sent through. NULL: `which`, 0 to 3. */
extern uint64_t (*world_badge)(uint8_t which);

/** The first thread makes a message call; r->rax says which. */
extern void (*world_asked)(const struct nos_ipc_regs *r);

/** A system call is made; true: it was dealt with. */
extern bool (*world_kernel)(uint64_t nr, const uint64_t a[6], uint64_t *value, nos_status_t *st);

/** The first thread makes a message call to `to`: *m is what it sends, then what it receives; its
 * status is *st. False: the world decides. Handles in *m are the capsule's then: world_give. */
extern bool (*world_says)(uint64_t nr, uint64_t to, struct nos_msg *m, nos_status_t *st);

/** Its threads tell each other handles in words, which are the fuzzer's: it may close what it does
 * not have. Otherwise a capsule closes nothing but what it has. */
extern bool world_numbers_lie;
