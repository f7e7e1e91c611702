#pragma once
/* What every fuzz target shares. A target checks more than "no crash": what was accepted must keep
 * its promises. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/span.h"

/** Stop here, in a way that libFuzzer reports, when a promise is broken. */
#define PROMISE(x) \
    do { \
        if (!(x)) { \
            __builtin_trap(); \
        } \
    } while (0)

/** Is `inner` inside `outer`? */
static inline bool fuzz_inside(span_t inner, span_t outer)
{
    return inner.len == 0 || (inner.data >= outer.data && inner.len <= outer.len &&
                              (size_t)(inner.data - outer.data) <= outer.len - inner.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
