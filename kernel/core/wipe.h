/* What core needs of the layers above when the machine ends. */
#pragma once

#include <stdbool.h>

/** Under panic=hold: leave in memory what `nonosctl --dump` reads. May break: then it is cut short.
 * Up-call: implemented in kernel/runtime/postmortem.c. */
void machine_tell(void);

/** Wipe the vault's keys. True: the policy (panic=hold) wants memory kept after a panic. Up-call:
 * implemented in kernel/runtime/wipe.c. */
bool machine_wipe(void);
