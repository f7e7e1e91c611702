#pragma once
/* An OCI distribution registry over HTTP (distribution-spec 1.0: /v2/NAME/...). No credentials: a
 * registry that asks for some is reported. Plain HTTP is for this machine; any other registry is
 * asked by HTTPS. */
#include "cli/oci.h"

struct curl_calls;
struct oci_registry { /* release with ocireg_close */
    char *base;       /* "https://host:port/v2/name" */
    char *origin;     /* "https://host:port" */
    bool local;
    const struct curl_calls *calls;
    void *curl;
};

/** `name` is HOST[:PORT]/NAME, as the argument has it before its tag. Errors: USAGE, TOOL_FAILED;
 * reported. */
MUST_CHECK int ocireg_open(const char *name, struct oci_registry *out);
void ocireg_close(struct oci_registry *r);

struct oci_store ocireg_store(struct oci_registry *r);

/** Put a manifest under `tag`. Errors: NODE_SILENT, NODE_REFUSED; reported. */
MUST_CHECK int ocireg_tag(struct oci_registry *r, span_t manifest, const char *tag);

/** The manifest of a tag or a digest; a digest is compared. Errors: as above; REFUSED. */
MUST_CHECK int ocireg_find(struct oci_registry *r, const char *tag, struct buf *manifest);

/** May a repository, a tag be called so? */
MUST_CHECK bool ocireg_name_ok(const char *name);
MUST_CHECK bool ocireg_tag_ok(const char *tag);
