#pragma once
/* What becomes of the capsules that init started: started with what they need, looked after,
 * started again. */
#include <stdint.h>

#include "abi/info.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"
#include "sdk/syscalls.h"

/** Once, before anything else. */
void supervise_init(nos_handle_t node, nos_handle_t notify);

/** Start what the policy lists, in that order, but nothing before what it needs. */
void supervise_boot(void);

/**
 * Start a module, by name or 32-byte module_id, after all that it needs and that does not run; keep
 * it running as its manifest says. On an error nothing of it stays.
 * Errors: those of module_open and capsule_spawn; NEED_MISSING, NEED_CYCLE; NO_SLOT when
 * SUPERVISED_MAX run; TOO_BIG for a long argument; BAD_STATE when the system is being stopped.
 *
 * `starter`: NULL, or who starts it waits for its end: given to the capsule, and signalled then; it
 * is not started again. Takes: both, on success alone.
 */
struct starter {
    nos_handle_t give, tell;
};
MUST_CHECK nos_status_t supervise_start(span_t module, span_t arg, const struct starter *starter,
                                        uint32_t *id);

/** One of that name runs, or waits for its restart: no second one is wanted. Otherwise it is
 * started, with the argument that the start list has for it. Errors: BUSY: it is being stopped;
 * those of supervise_start. */
MUST_CHECK nos_status_t supervise_need(span_t name, uint32_t *id);

/** End a capsule for good, at once; also one that waits for its restart. Errors: those of
 * capsule_open and capsule_kill. */
MUST_CHECK nos_status_t supervise_kill(uint32_t id);

/** Restarts so far of the module that runs, or ran last, as `id`. Errors: NOT_FOUND. */
MUST_CHECK nos_status_t supervise_restarts(uint32_t id, uint64_t *restarts);

/** Capsules whose bits are set have ended, or a watcher has an answer: decide about each. */
void supervise_notified(uint64_t bits);

/** Do what is due. Gives: when to call again; 0 = nothing waits. Units: ns since boot. */
uint64_t supervise_due(void);
