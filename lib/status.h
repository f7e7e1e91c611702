#pragma once
/* Status codes in words. */
#include <stdint.h>

#include "abi/status.h"
#include "lib/compiler.h"

/** "BAD_SIGNATURE"; "UNKNOWN" for a number that is no status. */
MUST_CHECK const char *status_name(int32_t status);

/** "signature does not verify". */
MUST_CHECK const char *status_text(int32_t status);
