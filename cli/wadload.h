#pragma once
/* .wad files as the verbs read them: checked whole before anything in them is used or shown. */
#include "cli/file.h"
#include "cli/modcheck.h"
#include "cli/out.h"
#include "lib/compiler.h"
#include "lib/wad.h"

struct wad_loaded { /* release with wad_unload */
    struct buf file;
    struct wad wad;
    struct wad_tree tree;
    nos_status_t status; /* why the wad was refused; then only `file` is good */
};

/** Is this the start of a wad? */
MUST_CHECK bool is_wad(span_t file);

/**
 * Shape, every hash, names. Takes: `file`. Gives: `*out`, also when the wad is refused.
 * Errors: REFUSED, not reported.
 */
MUST_CHECK int wad_take(struct buf *file, struct wad_loaded *out);

/** Read a file and wad_take it. Errors: IO_FAILED, REFUSED; reported. */
MUST_CHECK int wad_load(const char *path, struct wad_loaded *out);
void wad_unload(struct wad_loaded *w);

/** "module", "asset", ... */
const char *wad_type_name(uint16_t type);

/** The first name of lump `row`: a string to be freed. */
char *wad_name_of(const struct wad_loaded *w, uint32_t row);

/** The only lump of `type`, which every wad has. */
span_t wad_only(const struct wad *w, uint16_t type);

/**
 * The module that `name` says: its path, or that path's last step with or without ".mod"; NULL: the
 * only one. Errors: REFUSED, reported with `path`: none, or more than one.
 */
MUST_CHECK int wad_module(const struct wad_loaded *w, const char *path, const char *name,
                          span_t *out);
