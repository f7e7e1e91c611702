#pragma once
/* Sums of numbers that came from outside. False, and `*out` untouched, when the true result does
 * not fit. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"

MUST_CHECK static inline bool checked_add(uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *out = sum;
    return true;
}

MUST_CHECK static inline bool checked_sub(uint64_t a, uint64_t b, uint64_t *out)
{
    if (a < b) {
        return false;
    }
    *out = a - b;
    return true;
}

MUST_CHECK static inline bool checked_mul(uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t product;
    if (__builtin_mul_overflow(a, b, &product)) {
        return false;
    }
    *out = product;
    return true;
}

/** `a` rounded up to a multiple of `align`, a power of two. */
MUST_CHECK static inline bool checked_align_up(uint64_t a, uint64_t align, uint64_t *out)
{
    uint64_t sum;
    if (!checked_add(a, align - 1, &sum)) {
        return false;
    }
    *out = sum & ~(align - 1);
    return true;
}
