/* What core needs of the layers above when the machine ends. */
#pragma once

#include <stdbool.h>

/** Wipe the vault's keys. True: the policy (panic=hold) wants memory kept after a panic. Up-call:
 * implemented in kernel/runtime/wipe.c. */
bool machine_wipe(void);
