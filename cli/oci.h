#pragma once
/* Wads as OCI artifacts: the index is the config blob, each lump a layer, all named by SHA-256.
 * Pure mapping; where blobs come from and go to is a store's business. Spec: docs/wad.md, "In OCI's
 * terms". */
#include <stdbool.h>

#include "cli/file.h"
#include "cli/wadload.h"
#include "lib/compiler.h"
#include "lib/span.h"

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_ARTIFACT "application/vnd.n0n.wad.v1"

enum {
    OCI_DIGEST = 71, /* "sha256:" and 64 digits */
    OCI_TEXT_MAX = 4 << 20
};

/** "sha256:..." of bytes. */
struct oci_digest {
    char text[OCI_DIGEST + 1];
};
struct oci_digest oci_digest_of(span_t bytes);

/** Is `text` a digest of that form, and nothing else? */
MUST_CHECK bool oci_digest_ok(const char *text);

struct oci_store {
    const char *what; /* for messages: the folder, or the repository */
    void *self;
    /* Exit codes; failures are reported. `put` is given a blob that may be there already. `get`
     * gives at most `max` bytes, not yet compared with the digest. */
    int (*put)(void *self, const char *digest, span_t bytes);
    int (*get)(void *self, const char *digest, size_t max, struct buf *out);
};

/** Put every blob of a checked wad. Gives: `manifest`, the text that names them. */
MUST_CHECK int oci_put(const struct oci_store *to, const struct wad_loaded *w,
                       struct buf *manifest);

/**
 * Put together the wad that a manifest names. Every blob is compared with its digest, the index
 * with the rules of wads, the layers with the index, the whole file with all of them; the file is
 * the one that was put. Gives: `file`. Errors: REFUSED, and the store's; reported.
 */
MUST_CHECK int oci_get(const struct oci_store *from, span_t manifest, struct buf *file);
