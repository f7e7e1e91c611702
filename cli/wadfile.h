#pragma once
/* Making .wad files. What goes in is listed first; the file then depends on types, paths and bytes,
 * not on the order they were added in. Spec: abi/wad.h; docs/formats.md, "Wad". */
#include <stddef.h>
#include <stdint.h>

#include "abi/wad.h"
#include "cli/file.h"
#include "lib/compiler.h"
#include "lib/span.h"

struct wad_part { /* owned */
    uint16_t type;
    char *path;
    struct buf bytes;
    uint8_t row[NOS_WAD_ROW]; /* its row of the index; off comes last */
};

struct wad_draft { /* release with draft_free */
    struct wad_part *part;
    size_t n;
};

/** Add a part. Takes: `bytes`. Errors: REFUSED, reported: a path that no wad may have. */
MUST_CHECK int draft_add(struct wad_draft *d, uint16_t type, const char *path, struct buf *bytes);
void draft_free(struct wad_draft *d);

/** Put the parts in the order of their paths. */
void draft_sort(struct wad_draft *d);

/**
 * Sort, and write the file.
 * Errors: REFUSED, reported: too much of something, or two parts of one path.
 */
MUST_CHECK int wadfile_make(struct wad_draft *d, struct buf *out);
