/* Places are counted as a window of 2 MiB and a page in it. The last window is left out: an image
 * there could end where addresses do. */
#include "boot/place.h"

#include "abi/module.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/scrub.h"
#include "lib/span.h"

enum { PAGE = 4096, WINDOW = 2 << 20, WINDOWS = 1023 };

static uint64_t pages_a_window(uint64_t len)
{
    return len <= WINDOW ? (WINDOW - len) / PAGE + 1 : 1;
}

static uint64_t windows(uint64_t len)
{
    uint64_t taken = len / WINDOW + (len % WINDOW != 0 ? 1 : 0);
    return taken <= WINDOWS ? WINDOWS - taken + 1 : 0;
}

uint64_t place_count(uint64_t len)
{
    return windows(len) * pages_a_window(len);
}

uint64_t place_at(uint64_t len, uint64_t i)
{
    uint64_t pages = pages_a_window(len);
    return NOS_KERNEL_BASE + i / pages * WINDOW + i % pages * PAGE;
}

uint64_t place_kernel(struct nos_bootinfo *info, uint64_t len)
{
    uint8_t hash[BLAKE3_LEN];
    uint64_t count = place_count(len);

    if (info->entropy_bits < PLACE_ENTROPY_MIN || count == 0) {
        return NOS_KERNEL_BASE;
    }
    blake3_derive(NOS_CTX_KERNEL_PLACE, span_of(info->entropy, info->entropy_len), hash);
    secret_scrub_deep();
    info->flags |= NOS_BOOT_RANDOM_BASE;
    // The high half of a product: each place has 2^64 / count words, give or take one.
    return place_at(len, (uint64_t)((unsigned __int128)load_le64(hash) * count >> 64));
}
