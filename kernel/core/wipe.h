/* What core needs of the layers above when the machine ends. */
#pragma once

#include <stdbool.h>

/** Wipe the vault's keys and, unless the policy says panic=hold, all RAM that is not the running
 * kernel's own image and page tables. True if RAM was wiped. Up-call: implemented in
 * kernel/runtime/wipe.c. */
bool machine_wipe(void);
