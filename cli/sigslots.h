#pragma once
/* The rows of {key_id32, sig64} while a file is being signed. The number of signatures is itself
 * signed, so it is fixed when the file is made; a row that waits for its signature has a key id of
 * 31 zero bytes and a number, and a zero signature: no key has such an id, and the ids still
 * ascend. */
#include <stdbool.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"

/** Fill all rows with waiting ones. */
void sigslots_init(mspan_t rows);

/** Rows that still wait. */
size_t sigslots_open(span_t rows);

/**
 * Put a signature in: over the row of the same key, else into a waiting row, else, when `replace`,
 * over the first row. Rows stay ascending. False when there is no place.
 */
MUST_CHECK bool sigslots_put(mspan_t rows, const uint8_t key_id[32], const uint8_t sig[64],
                             bool replace);
