/* Places in the kernel, in words: for the record of a panic. Nothing here needs memory or a lock.
 */
#pragma once

#include "kernel/core/types.h"

enum { PLACE_TEXT = 96 };

/** The symbol lump that the loader verified; it stays where it was read. */
void names_init(const struct nos_bootinfo *bi);

/**
 * `at` as "name+0x12 (image+0x3456)", without a name when no symbol covers it, and "outside the
 * kernel" when that is so. The true address is never in it: logs are read by capsules.
 * Gives: `out`, which is 0-terminated.
 */
const char *place_text(uint64_t at, char out[PLACE_TEXT]);

/** The same for a return address, which can be the first byte behind the function that called. */
const char *caller_text(uint64_t at, char out[PLACE_TEXT]);
