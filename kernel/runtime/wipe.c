/* The end of the machine, as far as it is not the port's (arch_end): keys go first, whatever comes.
 */
#include "kernel/runtime/wipe.h"

#include "kernel/core/wipe.h"
#include "kernel/crypto/vault.h"

static bool hold;

void wipe_init(bool keep_memory)
{
    hold = keep_memory;
}

bool machine_wipe(void)
{
    vault_wipe();
    return hold;
}
