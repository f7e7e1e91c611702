#pragma once
/* What a wad says of itself in words that other tools read: the bill of materials (SPDX 2.3, JSON)
 * and the build's provenance (in-toto statement v1, SLSA provenance v1, in a DSSE envelope when it
 * is signed). Spec: docs/wad.md. */
#include <stdbool.h>

#include "cli/keyfile.h"
#include "cli/modcheck.h"
#include "cli/wadload.h"
#include "cli/wadsrc.h"
#include "lib/compiler.h"

/** Both are made from the source and the parts in the order of their paths, and from nothing else
 * but SOURCE_DATE_EPOCH. Errors: USAGE, reported: that variable is no number. */
MUST_CHECK int bill_sbom(const struct wad_source *src, const struct wad_draft *d, struct buf *out);

/** `builder`: a URI that names where this was built. `signer`: a publisher's key, or NULL. */
void bill_provenance(const struct wad_source *src, const struct wad_draft *d, const char *builder,
                     const struct key_secret *signer, struct buf *out);

/** What DSSE signs: "DSSEv1", type and body with their lengths. */
void bill_dsse_bytes(span_t body, struct buf *out);
#define BILL_PAYLOAD_TYPE "application/vnd.in-toto+json"

enum bill_signed { BILL_UNSIGNED, BILL_SIGNED, BILL_BELIEVED };

/* Each lump but the two themselves is named there with its path and its SHA-256. Gives: NULL, or
 * what is wrong, in words of a constant. */
MUST_CHECK const char *bill_check_sbom(const struct wad_loaded *w);

/** `*state`: no envelope; an envelope that nobody was named to judge; a good signature by somebody
 * believed. */
MUST_CHECK const char *bill_check_provenance(const struct wad_loaded *w,
                                             const struct module_judge *judge,
                                             enum bill_signed *state);
