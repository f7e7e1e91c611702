#pragma once
/* The capsules that init started and answers for. */
#include <stdint.h>

#include "abi/info.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"
#include "sdk/syscalls.h"

enum { SUPERVISED_MAX = 63 };

/** Once, before anything else: `node` loads and kills, `notify` is what ended capsules signal. */
void supervise_init(nos_handle_t node, nos_handle_t notify);

/**
 * Start a module, by name or 32-byte module_id, and keep it running as its manifest says.
 * Errors: those of module_open and capsule_spawn; NO_SLOT when SUPERVISED_MAX run; TOO_BIG for a
 * long argument.
 */
MUST_CHECK nos_status_t supervise_start(span_t module, span_t arg, uint32_t *id);

/** End a capsule for good; also one that waits for its restart. Errors: those of capsule_open and
 * capsule_kill. */
MUST_CHECK nos_status_t supervise_kill(uint32_t id);

/** Restarts so far of the module that runs, or ran last, as `id`. Errors: NOT_FOUND. */
MUST_CHECK nos_status_t supervise_restarts(uint32_t id, uint64_t *restarts);

/** Capsules whose bits are set have ended: decide about each. */
void supervise_ended(uint64_t bits);

/** Start what is due. Gives: when to call again; 0 = nothing waits. Units: ns since boot. */
uint64_t supervise_due(uint64_t now_ns);
