#pragma once
/* Files of the folder \N0N on the volume that the loader came from. */
#include "boot/boot.h"

/**
 * Read the whole of a file into pages of its own.
 * Takes:  `name` is up to NOS_NAME_MAX bytes, zero padded; checked by file16_ok.
 * Gives:  `*out` on success; data NULL and len 0 for an empty file.
 * Errors: BOOT_NO_FILE; BOOT_VOLUME; NO_MEMORY; `too_big` when it is longer than `max`, before
 * allocation.
 */
MUST_CHECK nos_status_t volume_read(struct boot *b, const char name[NOS_NAME_MAX], uint64_t max,
                                    nos_status_t too_big, struct boot_buffer *out);
