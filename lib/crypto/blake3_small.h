/*
 * Included before BLAKE3's own sources where size counts (the kernel): they inline everything,
 * everywhere; so the compiler decides, and the seven rounds are there once for both kinds of
 * output.
 */
#include <blake3_impl.h>

#undef INLINE
#define INLINE static inline

static void compress_pre(uint32_t state[16], const uint32_t cv[8], const uint8_t block[64],
                         uint8_t block_len, uint64_t counter, uint8_t flags)
    __attribute__((noinline, flatten));
