#pragma once
/* Sources of wads: JSON beside the files that go in. Spec: docs/wad.md. */
#include "abi/caps.h"
#include "cli/source.h"
#include "cli/wadfile.h"
#include "lib/compiler.h"

enum { WAD_COMPONENTS_MAX = 64 };

struct wad_component { /* something of others that is inside. Borrows: the source; NULL: not said */
    const char *name, *version, *licence, *purl, *url, *sha256;
};

struct wad_source { /* release with wadsrc_free */
    struct source json;
    char name[NOS_NAME_MAX + 1];
    const char *version, *licence, *about; /* borrow json; about may be NULL */
    struct wad_component component[WAD_COMPONENTS_MAX];
    size_t n_components;
};

/**
 * Read a source and every file that it names; paths are relative to its folder.
 * Gives:  `draft` with all parts but SBOM and provenance. Modules in it are sound, not yet
 * believed. Errors: USAGE, IO_FAILED, REFUSED; reported.
 */
MUST_CHECK int wadsrc_read(const char *file, struct wad_source *out, struct wad_draft *draft);
void wadsrc_free(struct wad_source *s);
