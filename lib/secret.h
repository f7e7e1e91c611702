#pragma once
/* Secrets: compare without telling where they differ, and erase so that the compiler cannot drop
 * it. docs/constant-time.md */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Equal? Takes time that depends on `n` alone. */
static inline bool secret_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
    uint32_t diff = 0;
    for (size_t i = 0; i < n; i++) {  // n is public
        diff |= (uint32_t)(a[i] ^ b[i]);
        __asm__("" : "+r"(diff));  // hide diff, or the compiler may stop early
    }
    return (diff - 1) >> 31;  // diff is 0..255: only 0 borrows
}

/** Overwrite `n` bytes at `p` with zero, whether or not anybody reads them again. */
static inline void secret_wipe(void *p, size_t n)
{
    memset(p, 0, n);
    __asm__ volatile("" : : "r"(p) : "memory");  // the store is observed: it may not be dropped
}
