#pragma once
/*
 * Fixed records that travel as their bytes (abi/info.h, abi/audit.h): one copy, with the exact
 * length.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/compiler.h"
#include "lib/span.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are copied as they lie");

/**
 * Copy a record out of the bytes that came; false, and `*out` untouched, unless the length is
 * exactly its size.
 */
#define RECORD_GET(span, out) record_get((span), (out), sizeof *(out))

MUST_CHECK static inline bool record_get(span_t s, void *out, size_t size)
{
    if (s.len != size || size == 0) {
        return false;
    }
    memcpy(out, s.data, size);
    return true;
}
