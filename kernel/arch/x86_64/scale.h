/* Conversions between ticks and nanoseconds by one multiplication. Pure: tested on the host. */
#pragma once

#include <stdint.h>

#define NS_PER_S UINT64_C(1000000000)

/** value * mult / 2^32, without overflow on the way. */
static inline uint64_t scale(uint64_t value, uint64_t mult)
{
    return (uint64_t)((unsigned __int128)value * mult >> 32);
}

/** Multiplier for scale(): nanoseconds per tick. `hz` > 0. 10^9 * 2^32 just fits. */
static inline uint64_t scale_to_ns(uint64_t hz)
{
    return (NS_PER_S << 32) / hz;
}

/** Multiplier for scale(): ticks per nanosecond. `hz` < 2^32. */
static inline uint64_t scale_from_ns(uint64_t hz)
{
    return (hz << 32) / NS_PER_S;
}

/** Frequency of a counter that went `ticks` while a reference of `ref_hz` went `ref_ticks`. */
static inline uint64_t scale_hz(uint64_t ticks, uint64_t ref_ticks, uint64_t ref_hz)
{
    return ticks * ref_hz / ref_ticks;
}
