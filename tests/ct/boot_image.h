#pragma once
/* Between tests/ct/boot.c, a Linux program, and tests/ct/boot_image.c, which is linked as the
 * loader is. Each calls the other by its own convention. */
#include <stddef.h>

#include "tests/ct/ct.h"

#define SYSV __attribute__((sysv_abi))
#define FIRMWARE_ABI __attribute__((ms_abi))

struct boot_calls {
    void (*SYSV secret)(void *p, size_t n);  // ct_secret
    void (*SYSV known)(void *p, size_t n);   // ct_public
};

/** The image's entry. Gives: its uses, for Linux to call; the last has no name. */
typedef const struct use *(*FIRMWARE_ABI boot_entry_t)(const struct boot_calls *calls);
