#pragma once
/*
 * A module out of a file: FILE.mod, or FILE.wad[:MODULE]. The prompt reads it into memory of its
 * own and hands that to the kernel, which verifies it as any other (docs/modules.md); what the
 * prompt needs for it is node: LOAD, and the policy's rule for the module decides as always.
 */
#include <stdbool.h>

#include "abi/info.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "sdk/syscalls.h"

enum {
    MODFILE_MAX = 16 << 20 /* bytes of a module, and of what a wad begins with: see manifest */
};

/** Is that word a file? A module's name has neither a slash nor a dot. */
bool modfile_is(const char *word);

/** Have it verified. Gives: `*held`, for which the registry keeps it; the caller's to close.
 * Errors: NO_ANSWER: it was said, and the exit code is set. */
MUST_CHECK nos_status_t modfile_load(const char *word, struct nos_module_info *out,
                                     nos_handle_t *held);
