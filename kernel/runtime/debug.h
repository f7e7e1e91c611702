/* One capsule under a debugger: a session lasts as long as a handle with the right DEBUG, and no
 * longer than that handle's deadline. Spec: docs/debugging.md. Locks: kernel, for all of it. */
#pragma once

#include "abi/debug.h"
#include "kernel/runtime/capsule.h"

/** Can a session on `c` begin? Errors: BAD_STATE (it has ended, or not begun), DENIED (its rule in
 * the policy), BUSY (somebody holds a handle
 * that can debug it, or there are too many). */
MUST_CHECK nos_status_t debug_may_begin(const struct capsule *c);

/** Begin it, after debug_may_begin: `c` stops. `actor`: capsule that debugs it. */
void debug_begin(struct capsule *c, uint32_t actor, uint64_t ttl_ns);

/** `c` ends: so does its session, if there is one. */
void debug_capsule_ends(struct capsule *c);

/** Thread `t` crashes. True: its debugger hears of it first, and the capsule is stopped. */
bool debug_catches(struct thread *t, enum nos_crash why, uint64_t addr);

/** Thread `t` trapped at a breakpoint, and stands where that began, if it is a debugger's. True:
 * it was taken away meanwhile, and nothing has happened. */
bool debug_trap_is_gone(struct thread *t);

/** Sessions whose time is over end; one bounded step. And when the next one does; 0: none. */
bool debug_step(uint64_t now_ns);
uint64_t debug_due(void);

/** The byte at `va`, as `c` itself could get at it; NULL: not at all, or it is a device's. */
uint8_t *debug_byte(const struct capsule *c, uint64_t va, unsigned need);

struct breakpoint {
    uint64_t at; /* 0 = none */
    uint8_t was; /* what stood there */
};

/** The i-th of a capsule with a session, i < NOS_DEBUG_BREAKS. */
struct breakpoint debug_break_nth(const struct capsule *c, unsigned i);

/** A breakpoint at `at`, or none. Errors: BAD_ADDRESS (not code of its own), QUOTA, NOT_FOUND
 * (there is none to take away). */
MUST_CHECK nos_status_t debug_break(struct capsule *c, uint64_t at, bool on);

/** enum nos_debug_how, of a thread of a capsule with a session. Errors: BUSY, and nothing is
 * changed: it is still on its way to a stop. */
MUST_CHECK nos_status_t debug_run(struct thread *t, enum nos_debug_how how);
