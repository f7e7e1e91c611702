/*
 * Which of BLAKE3's codes hashes: portable C, or four inputs at once with SSE4.1 where the vector
 * registers are the kernel's (arch_simd_begin). This is the library's own blake3_dispatch.c for a
 * kernel, whose code leaves those registers to capsules.
 */
#include <blake3_impl.h>

#include "kernel/core/percpu.h"

void blake3_compress_in_place(uint32_t cv[8], const uint8_t block[BLAKE3_BLOCK_LEN],
                              uint8_t block_len, uint64_t counter, uint8_t flags)
{
    if (this_cpu()->simd) {
        blake3_compress_in_place_sse41(cv, block, block_len, counter, flags);
    } else {
        blake3_compress_in_place_portable(cv, block, block_len, counter, flags);
    }
}

/* At the root alone. */
void blake3_compress_xof(const uint32_t cv[8], const uint8_t block[BLAKE3_BLOCK_LEN],
                         uint8_t block_len, uint64_t counter, uint8_t flags, uint8_t out[64])
{
    blake3_compress_xof_portable(cv, block, block_len, counter, flags, out);
}

void blake3_hash_many(const uint8_t *const *inputs, size_t n, size_t blocks, const uint32_t key[8],
                      uint64_t counter, bool increment_counter, uint8_t flags, uint8_t flags_start,
                      uint8_t flags_end, uint8_t *out)
{
    if (this_cpu()->simd) {
        blake3_hash_many_sse41(inputs, n, blocks, key, counter, increment_counter, flags,
                               flags_start, flags_end, out);
    } else {
        blake3_hash_many_portable(inputs, n, blocks, key, counter, increment_counter, flags,
                                  flags_start, flags_end, out);
    }
}

size_t blake3_simd_degree(void)
{
    return this_cpu()->simd ? 4 : 1;
}
