#pragma once
/* A tree with the assets of a wad (docs/wad.md): "assets/PATH" is /PATH. Pure. */
#include "lib/wad.h"
#include "modules/memfs/tree.h"

/**
 * Is this a wad in which every lump is what the index says, and the names lead down only?
 * Errors: as wad_parse, wad_check and wad_tree_parse.
 */
MUST_CHECK nos_status_t fill_check(span_t file, struct wad *w, struct wad_tree *names);

/**
 * Put the assets of a wad that was checked into an empty tree, to be read. All or nothing. Gives:
 * `*files`. Errors: EXISTS (the tree is not empty), QUOTA, NO_MEMORY.
 */
MUST_CHECK nos_status_t fill_tree(const struct wad *w, const struct wad_tree *names, struct tree *t,
                                  uint64_t now, uint32_t *files);
