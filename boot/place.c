/* Places are counted as a window of 2 MiB and a page in it. The last window is left out: an image
 * there could end where addresses do. */
#include "boot/place.h"

#include "abi/module.h"
#include "lib/compiler.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/scrub.h"
#include "lib/span.h"

enum { PAGE = 4096, WINDOW = 2 << 20, WINDOWS = 1023 };

static uint32_t pages_a_window(uint64_t len)
{
    return len <= WINDOW ? (uint32_t)((WINDOW - len) / PAGE + 1) : 1;
}

static uint32_t windows(uint64_t len)
{
    uint64_t taken = len / WINDOW + (len % WINDOW != 0 ? 1 : 0);
    return taken <= WINDOWS ? (uint32_t)(WINDOWS - taken + 1) : 0;
}

uint32_t place_count(uint64_t len)
{
    return windows(len) * pages_a_window(len);
}

/* 32 bits, for of a longer division compilers ask first whether it is a short one. */
uint64_t place_at(uint64_t len, uint32_t i)
{
    uint32_t pages = pages_a_window(len);
    return NOS_KERNEL_BASE + (uint64_t)(i / pages) * WINDOW + (uint64_t)(i % pages) * PAGE;
}

/* A word that the entropy decides. Not a part of its caller, so that the rest of the hash lies
 * where that scrubs. */
static NOINLINE uint64_t word_of(const struct nos_bootinfo *info)
{
    uint8_t hash[BLAKE3_LEN];

    blake3_derive(NOS_CTX_KERNEL_PLACE, span_of(info->entropy, info->entropy_len), hash);
    return load_le64(hash);
}

uint64_t place_kernel(struct nos_bootinfo *info, uint64_t len)
{
    uint32_t count = place_count(len);

    if (info->entropy_bits < PLACE_ENTROPY_MIN || count == 0) {
        return NOS_KERNEL_BASE;
    }
    // The high half of a product: each place has 2^64 / count words, give or take one.
    uint32_t i = (uint32_t)((unsigned __int128)word_of(info) * count >> 64);
    secret_scrub_deep();
    info->flags |= NOS_BOOT_RANDOM_BASE;
    return place_at(len, i);
}
