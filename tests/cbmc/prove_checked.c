/* lib/checked.h and user_range: sums of numbers from outside. */
#include "tests/cbmc/proof.h"

#include "kernel/core/types.h"
#include "lib/checked.h"

typedef unsigned __int128 wide_t;

/* checked_add, checked_sub, checked_align_up: the true result, or refused and nothing touched
 * bound: all numbers; alignments are powers of two, as the contract asks
 * planted: lib/checked.h: if (a < b) { => if (a + 1 < b) { */
void prove_checked_sums(void)
{
    uint64_t a = nondet_u64(), b = nondet_u64(), mark = nondet_u64(), out = mark;
    uint32_t shift = nondet_u32();
    assume(shift < 64);
    uint64_t align = 1ull << shift;

    bool fits = checked_add(a, b, &out);
    claim(fits == ((wide_t)a + b <= UINT64_MAX), "refused exactly when it does not fit");
    claim(out == (fits ? a + b : mark), "the sum, or untouched");

    out = mark;
    fits = checked_sub(a, b, &out);
    claim(fits == (a >= b), "refused exactly below zero");
    claim(out == (fits ? a - b : mark), "the difference, or untouched");

    out = mark;
    fits = checked_align_up(a, align, &out);
    claim(fits == ((wide_t)a + (align - 1) <= UINT64_MAX), "refused exactly when it does not fit");
    claim(fits ? out >= a && out - a < align && (out & (align - 1)) == 0 : out == mark,
          "the next multiple, or untouched");
}

/* checked_mul: the true product, or refused and nothing touched
 * bound: one factor any 64-bit number, the other each power of two
 * unwind: 65
 * without: unsigned-overflow-check (the claim itself shifts bits out)
 * planted: lib/checked.h: if (__builtin_mul_overflow(a, b, &product)) { => product = a * b; if (product < a) { */
void prove_checked_mul(void)
{
    uint64_t a = nondet_u64(), mark = nondet_u64();

    for (unsigned shift = 0; shift < 64; shift++) {
        uint64_t out = mark;
        bool fits = checked_mul(a, 1ull << shift, &out);
        claim(fits == (a << shift >> shift == a), "refused exactly when it does not fit");
        claim(out == (fits ? a << shift : mark), "the product, or untouched");
    }
}

/* user_range: true exactly if every byte is a user address, and no end wraps
 * bound: all addresses and lengths
 * planted: kernel/core/types.h: len <= USER_MAX && addr <= USER_MAX - len => addr + len <= USER_MAX */
void prove_user_range(void)
{
    uint64_t addr = nondet_u64(), len = nondet_u64(), i = nondet_u64();

    bool is = user_range(addr, len);
    claim(is == (addr >= USER_MIN && (wide_t)addr + len <= USER_MAX), "what it says");
    assume(is && i < len);
    claim(addr + i >= addr && addr + i >= USER_MIN && addr + i < USER_MAX, "each byte by itself");
    claim((addr + i) >> 47 == 0, "below the canonical hole: never the kernel's");
}
