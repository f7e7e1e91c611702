/* The end of the machine: no key stays, and unless the policy keeps memory for a post-mortem, no
 * byte that ran. */
#include "kernel/core/wipe.h"

#include "kernel/crypto/vault.h"
#include "kernel/memory/frame.h"
#include "kernel/modules/module.h"
#include "kernel/runtime/wipe.h"

enum { RANGES = NOS_MEM_RANGES_MAX };
static struct nos_mem_range ram[RANGES];
static uint32_t n_ram;
static bool hold;

void wipe_init(const struct nos_bootinfo *bi, bool keep_memory)
{
    hold = keep_memory;
    for (uint32_t i = 0; i < bi->n_mem; i++) {
        if (bi->mem[i].kind == NOS_MEM_FREE || bi->mem[i].kind == NOS_MEM_LOADER) {
            ram[n_ram++] = bi->mem[i];
        }
    }
}

bool machine_wipe(void)
{
    vault_wipe();
    for (uint32_t i = 0; !hold && i < n_ram; i++) {
        frame_wipe(ram[i].base, ram[i].len);
    }
    return !hold;
}
