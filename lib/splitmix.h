#pragma once
/* SplitMix64 (Steele, Lea, Flood 2014): a seed makes the same numbers everywhere. For tests, storms
 * and figures, never for a secret. */
#include <stdint.h>

#define SPLITMIX64_STEP 0x9e3779b97f4a7c15ull

/** The next number; the state moves by SPLITMIX64_STEP, so number n is that of n steps further. */
static inline uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += SPLITMIX64_STEP;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}
