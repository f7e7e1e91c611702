#pragma once
/*
 * Putting a new version in the place of a running one. One thread carries it through, call by call,
 * each with a deadline, so that init itself goes on; what it found is settled in the main thread.
 * Spec: docs/upgrade.md.
 */
#include "modules/init/slot.h"
#include "sdk/ipc.h"

/** Once: `bits` are signalled on `notify` when an upgrade has come to its end. */
void upgrade_init(nos_handle_t node, nos_handle_t notify, uint64_t bits);

/** NOS_INIT_UPGRADE: refused now, or answered when it is settled. */
void upgrade_serve(struct nos_msg *m);

/** Is it init that this capsule waits for, with an upgrade that is under way? Then it cannot
 * answer, and is not asked. */
bool upgrade_waits(uint32_t capsule);

/** The capsule of a slot that is `upgrading` has ended: what waits for it waits no longer. */
void upgrade_lost(const struct slot *s);

/** Settle what has come to its end. True: slots that were `upgrading` are to be looked at again. */
bool upgrade_settle(void);
