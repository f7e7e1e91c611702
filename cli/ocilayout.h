#pragma once
/* An OCI image layout: a folder with oci-layout, index.json and blobs/sha256/. */
#include "cli/oci.h"

struct oci_layout {
    const char *dir;
};

struct oci_store ocilayout_store(struct oci_layout *l);

/** Put a manifest and name it `tag` in index.json, beside what is there. Errors: IO_FAILED,
 * REFUSED; reported. */
MUST_CHECK int ocilayout_tag(struct oci_layout *l, span_t manifest, const char *tag);

/** The manifest called `tag`; NULL: the only one. Errors: IO_FAILED, REFUSED; reported. */
MUST_CHECK int ocilayout_find(struct oci_layout *l, const char *tag, struct buf *manifest);
