#pragma once
/* Time-stamp counter to nanoseconds, apart from the start record so that hosts can test it. */
#include <stdint.h>

static inline uint64_t clock_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/** Nanoseconds for `tsc`, 0 before `base`. The product has up to 128 bits: at 3 GHz 64 would last
 * six seconds. */
static inline uint64_t clock_ns(uint64_t tsc, uint64_t base, uint64_t mult)
{
    if (tsc < base) {
        return 0;
    }
    return (uint64_t)(((unsigned __int128)(tsc - base) * mult) >> 32);
}
