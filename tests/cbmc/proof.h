/* What every proof begins with. CBMC tries all values of what nondet_x() returns and of memory that
 * nobody wrote; assume() leaves those out that do not interest; claim() must hold for all others. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* CBMC's model of it is the one of the library. */
#define __builtin_memcmp memcmp

bool nondet_bool(void);
uint8_t nondet_u8(void);
uint16_t nondet_u16(void);
uint32_t nondet_u32(void);
uint64_t nondet_u64(void);

#define assume(what) __CPROVER_assume(what)
#define claim(what, why) __CPROVER_assert(what, why)
#define IMPLIES(a, b) (!(a) || (b))

/** `len` bytes of any content, and not one more: a read past them is found. */
static inline void *any_bytes(size_t len)
{
    void *p = malloc(len);
    assume(p != NULL);
    return p;
}

/** What a proof with short, unknown lengths uses in place of memcpy: `#define memcpy short_memcpy`. CBMC's own treats
 * all lengths at once, and takes minutes for a few bytes. */
static inline void *short_memcpy(void *to, const void *from, size_t n)
{
    claim(n == 0 || (__CPROVER_w_ok(to, n) && __CPROVER_r_ok(from, n)), "memcpy: both sides hold so many bytes");
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    }
    return to;
}
