#pragma once
/* A boot volume: a raw FAT file system without a partition table, written and read by mtools. */
#include <stddef.h>
#include <stdint.h>

#include "cli/file.h"
#include "lib/compiler.h"
#include "lib/span.h"

/**
 * Make an empty volume with room for `content` bytes and the folders of a boot volume, at `path`,
 * which exists not. Label, serial number, geometry and times are fixed (times: SOURCE_DATE_EPOCH,
 * at least 1980), so that the same content makes the same bytes. Errors: IO_FAILED, TOOL_FAILED;
 * reported.
 */
MUST_CHECK int fat_create(const char *path, size_t content);

/** Add a file; `name` is its whole path in the volume, "/N0N/INIT.MOD". Errors: TOOL_FAILED,
 * reported. */
MUST_CHECK int fat_put(const char *image, const char *name, span_t bytes);

/** Read a file of at most `max` bytes. Errors: REFUSED when it is not there, TOOL_FAILED; reported.
 */
MUST_CHECK int fat_get(const char *image, const char *name, size_t max, struct buf *out);

/** Names of the files in a folder, one a line, "::/N0N/INIT.MOD". Errors: as fat_get. */
MUST_CHECK int fat_list(const char *image, const char *folder, struct buf *out);
