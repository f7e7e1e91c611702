/*
 * Stage: random bytes for the kernel's vault, which mixes them with BLAKE3 and its own jitter.
 *
 * Credit is deliberately low: half of what a seed source hands out (the firmware's RNG, RDSEED), a
 * quarter for RDRAND, which is a generator reseeded now and then. A source that is absent, fails or
 * repeats itself gets none. There is no fixed seed: a machine without sources boots with no credit
 * and the vault says so.
 */
#include "boot/boot.h"
#include "boot/console.h"
#include "boot/cpu.h"
#include "boot/firmware.h"
#include "boot/insn.h"
#include "lib/crypto/scrub.h"

enum { UEFI_RNG_BYTES = 64, RDSEED_WORDS = 8, RDRAND_WORDS = 16, TRIES = 64 };
_Static_assert(UEFI_RNG_BYTES + 8 * (RDSEED_WORDS + RDRAND_WORDS) <= NOS_BOOT_ENTROPY, "room");

/** One word; false when the source ran dry, which RDSEED does and which may pass. */
static bool word_of(enum nos_entropy_source source, uint64_t *out)
{
    for (uint32_t i = 0; i < TRIES; i++) {
        if (source == NOS_ENTROPY_RDSEED ? rdseed_once(out) : rdrand_once(out)) {
            return true;
        }
        __asm__ volatile("pause");
    }
    return false;
}

/** `n` words of a CPU source. A word that repeats is the mark of a broken one (AMD erratum: all
 * ones). */
static bool words_of(enum nos_entropy_source source, uint8_t *to, uint32_t n)
{
    uint64_t last = UINT64_MAX;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t word = 0;
        if (!word_of(source, &word) || word == last) {
            return false;
        }
        last = word;
        store_le64(to + 8 * i, word);
    }
    return true;
}

static bool firmware_bytes(struct boot *b, uint8_t *to)
{
    static const struct uefi_guid guid = UEFI_RNG_GUID;
    struct uefi_rng *rng = NULL;
    return FIRMWARE(b->bs->locate_protocol(&guid, NULL, (void **)&rng)) == UEFI_SUCCESS &&
           FIRMWARE(rng->get_rng(rng, NULL, UEFI_RNG_BYTES, to)) == UEFI_SUCCESS;
}

static void credit(struct nos_bootinfo *info, enum nos_entropy_source source, uint32_t bytes,
                   uint32_t bits)
{
    info->entropy_len += bytes;
    info->entropy_sources |= (uint32_t)source;
    info->entropy_bits += bits;
}

/* Not a part of its caller: the words that its registers held are gone from them when it returns,
 * and nothing saves them any more. */
static NOINLINE void draw(struct boot *b)
{
    struct nos_bootinfo *info = b->info;
    struct cpu_words cpu;

    cpu_read(&cpu);
    if (firmware_bytes(b, info->entropy + info->entropy_len)) {
        credit(info, NOS_ENTROPY_UEFI_RNG, UEFI_RNG_BYTES, UEFI_RNG_BYTES * 8 / 2);
    }
    if (cpu_has_rdseed(&cpu) &&
        words_of(NOS_ENTROPY_RDSEED, info->entropy + info->entropy_len, RDSEED_WORDS)) {
        credit(info, NOS_ENTROPY_RDSEED, RDSEED_WORDS * 8, RDSEED_WORDS * 64 / 2);
    }
    if (words_of(NOS_ENTROPY_RDRAND, info->entropy + info->entropy_len, RDRAND_WORDS)) {
        credit(info, NOS_ENTROPY_RDRAND, RDRAND_WORDS * 8, RDRAND_WORDS * 64 / 4);
    }
}

void stage_entropy(struct boot *b)
{
    const struct nos_bootinfo *info = b->info;

    draw(b);
    secret_scrub();  // words stood there
    struct fmt *line = console_line();
    fmt_str(line, "entropy: ");
    fmt_u64(line, info->entropy_bits);
    fmt_str(line, " bits from");
    fmt_str(line, (info->entropy_sources & NOS_ENTROPY_UEFI_RNG) != 0 ? " firmware" : "");
    fmt_str(line, (info->entropy_sources & NOS_ENTROPY_RDSEED) != 0 ? " RDSEED" : "");
    fmt_str(line, (info->entropy_sources & NOS_ENTROPY_RDRAND) != 0 ? " RDRAND" : "");
    fmt_str(line, info->entropy_sources == 0 ? " no source" : "");
    console_print();
}
