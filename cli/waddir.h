#pragma once
/* Folders into wads, and wads into folders. */
#include "cli/wadfile.h"
#include "lib/compiler.h"
#include "lib/wad.h"

/**
 * Every file below `dir` as an asset, called `prefix`/PATH. Empty folders are left out.
 * Errors: IO_FAILED; REFUSED: a link or device, or a name that no wad may have; reported.
 */
MUST_CHECK int waddir_read(const char *dir, const char *prefix, struct wad_draft *d);

/**
 * Write every named lump of a checked wad below `dir`, which must not exist. It is there whole or
 * not at all. Errors: IO_FAILED, reported.
 */
MUST_CHECK int waddir_write(const struct wad *w, const struct wad_tree *t, const char *dir);
