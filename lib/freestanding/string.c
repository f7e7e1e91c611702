/*
 * memcpy, memmove, memset, memcmp, strlen for kernel, loader and capsules.
 *
 * Eight bytes a step by `rep movsq`/`rep stosq`: no vector register, so it is right in ring 0, and
 * the fewest instructions where instructions are counted. The last bytes are one move that overlaps
 * what is already written, so there is no byte loop. Sizes under 16, the commonest, are two
 * overlapping moves.
 */
#include <stdint.h>

#include "lib/freestanding/string.h"

#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen

typedef uint64_t u64_any __attribute__((aligned(1), may_alias));
typedef uint32_t u32_any __attribute__((aligned(1), may_alias));
typedef uint16_t u16_any __attribute__((aligned(1), may_alias));

/** Copy n < 16 bytes. Everything is read before anything is written, so the two may overlap. */
static void copy_small(uint8_t *d, const uint8_t *s, size_t n)
{
    if (n >= 8) {
        uint64_t head = *(const u64_any *)s;
        uint64_t tail = *(const u64_any *)(s + n - 8);
        *(u64_any *)d = head;
        *(u64_any *)(d + n - 8) = tail;
    } else if (n >= 4) {
        uint32_t head = *(const u32_any *)s;
        uint32_t tail = *(const u32_any *)(s + n - 4);
        *(u32_any *)d = head;
        *(u32_any *)(d + n - 4) = tail;
    } else if (n >= 2) {
        uint16_t head = *(const u16_any *)s;
        uint8_t tail = s[n - 1];
        *(u16_any *)d = head;
        d[n - 1] = tail;
    } else if (n == 1) {
        *d = *s;
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    uint8_t *d = to;
    const uint8_t *s = from;

    if (n < 16) {
        copy_small(d, s, n);
        return to;
    }
    uint64_t tail = *(const u64_any *)(s + n - 8);
    uint8_t *last = d + n - 8;
    size_t words = n / 8;
    __asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words) : : "memory");
    *(u64_any *)last = tail;
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    uint8_t *d = to;
    const uint8_t *s = from;

    if (n < 16) {
        copy_small(d, s, n);
        return to;
    }
    if ((uintptr_t)d - (uintptr_t)s >= n) {  // d before s, or wholly after it: upwards is right
        uint64_t tail = *(const u64_any *)(s + n - 8);
        uint8_t *last = d + n - 8;
        size_t words = n / 8;
        __asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words) : : "memory");
        *(u64_any *)last = tail;
        return to;
    }
    uint64_t head = *(const u64_any *)s;
    for (; n >= 32; n -= 32) {  // `std; rep movsq` would be one line, and slow on every real CPU
        for (size_t i = n; i > n - 32; i -= 8) {
            *(u64_any *)(d + i - 8) = *(const u64_any *)(s + i - 8);
        }
    }
    for (; n >= 8; n -= 8) {
        *(u64_any *)(d + n - 8) = *(const u64_any *)(s + n - 8);
    }
    *(u64_any *)d = head;
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    uint8_t *d = to;
    uint64_t word = (uint8_t)byte * UINT64_C(0x0101010101010101);

    if (n >= 8) {
        uint8_t *last = d + n - 8;
        size_t words = n / 8;
        __asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(word) : "memory");
        *(u64_any *)last = word;
    } else if (n >= 4) {
        *(u32_any *)d = (uint32_t)(word & UINT32_MAX);
        *(u32_any *)(d + n - 4) = (uint32_t)(word & UINT32_MAX);
    } else {
        for (size_t i = 0; i < n; i++) {
            d[i] = (uint8_t)(word & 0xff);
        }
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    size_t i = 0;

    while (i + 8 <= n && *(const u64_any *)(x + i) == *(const u64_any *)(y + i)) {
        i += 8;
    }
    for (; i < n; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n] != '\0') {
        n++;
    }
    return n;
}
