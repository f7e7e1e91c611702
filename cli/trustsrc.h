#pragma once
/* A trust section from public key files. */
#include <stdint.h>

#include "cli/cli.h"
#include "cli/keyfile.h"
#include "lib/compiler.h"
#include "lib/trust.h"

/**
 * The root set of these root key files (.pub, or .key), sorted, k of n.
 * Takes:  k 0 = all of them.
 * Errors: IO_FAILED, REFUSED, USAGE; reported.
 */
MUST_CHECK int trustsrc_read(const struct words *files, uint32_t k, uint64_t epoch_floor,
                             uint32_t kernel_sec_min, struct trust_view *out);
