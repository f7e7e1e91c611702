#pragma once
/* policy.json to the body of BOOT.POL, and signing it. Spec: docs/manifest.md; docs/formats.md,
 * "Policy". */
#include <stdbool.h>
#include <stdint.h>

#include "cli/file.h"
#include "cli/keyfile.h"
#include "lib/compiler.h"

struct policy_wishes {
    const char *keys_dir; /* where the source's key files lie */
    bool have_epoch;
    uint64_t epoch;
    uint32_t n_sig;
};

/**
 * Read, check and compile a policy source into an unsigned file (signature rows wait).
 * Errors: IO_FAILED, USAGE, REFUSED (key files); reported.
 */
MUST_CHECK int policysrc_read(const char *file, const struct policy_wishes *wish, struct buf *out);

/** Sign in place with a root key. Errors: REFUSED, reported with `path`. */
MUST_CHECK int policyfile_sign(const char *path, struct buf *file, const struct key_secret *key);
