#pragma once
/* A module on its way in: bytes in a region that grows, and that the kernel takes over when it
 * verifies them. */
#include <stddef.h>
#include <stdint.h>

#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"
#include "sdk/syscalls.h"

/** Bytes at `offset`: 0 starts anew, otherwise exactly where the last ones ended. Errors: INVALID,
 * QUOTA, NO_MEMORY. */
MUST_CHECK nos_status_t staging_put(uint64_t offset, span_t bytes);

/** What is staged. Valid until the next staging call. */
MUST_CHECK span_t staging_bytes(void);

/** Hand the region over, unmapped; nothing is staged any more. Errors: BAD_STATE when nothing was;
 * region_unmap's. */
MUST_CHECK nos_status_t staging_take(nos_handle_t *region);
