/* What is to be done after a cell was cut, or went: in bounded steps, by the thread that revokes,
 * or in the background. */
#pragma once

#include "kernel/sched/thread.h"

/** One bounded step: wake who waits through a dead handle, drop what is being made through one,
 * undo mappings and exports made through one, take dead handles to serve with off their endpoints.
 * `*at` = 0 to begin with. True when all is done: nothing can be begun through a dead handle
 * meanwhile. */
MUST_CHECK bool revoke_step(uint64_t *at);

void revoke_finish_later(void); /* who did the steps is gone: the background does all of them */
bool revoke_pending(void);
bool revoke_background_step(void); /* false: nothing to do */
