#pragma once
/* Base64 as RFC 4648 section 4 has it: with padding, one way to write each value. */
#include <stdbool.h>

#include "lib/compiler.h"
#include "lib/fmt.h"
#include "lib/span.h"

void base64_put(struct fmt *f, span_t bytes);

/** Exactly `out.len` bytes from all of `text`; false, and `out` unspecified, for anything else. */
MUST_CHECK bool base64_decode(span_t text, mspan_t out);
