#pragma once
/* What every fuzz target shares. A target checks more than "no crash": what was accepted must keep
 * its promises. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/span.h"

/** Stop here, in a way that libFuzzer reports, when a promise is broken. */
#define PROMISE(x) \
    do { \
        if (!(x)) { \
            fuzz_broken(#x, __FILE__, __LINE__); \
        } \
    } while (0)

static inline _Noreturn void fuzz_broken(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, what);
    abort();
}

/** Is `inner` inside `outer`? */
static inline bool fuzz_inside(span_t inner, span_t outer)
{
    return inner.len == 0 || (inner.data >= outer.data && inner.len <= outer.len &&
                              (size_t)(inner.data - outer.data) <= outer.len - inner.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
