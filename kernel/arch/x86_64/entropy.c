/*
 * Raw entropy. RDSEED is the noise source itself; RDRAND a generator seeded from it, credited at
 * half. Either may run dry (carry clear) or be broken: a known firmware fault makes RDRAND answer
 * all ones for ever. So two words alike in a row, or a word of all ones or zeros, void everything
 * that the source gave.
 *
 * The clock's jitter is mixed in and credited nothing: on some machines there is none.
 */
#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/arch/x86_64/cpu.h"
#include "lib/secret.h"

enum { TRIES = 32, LEAF7_RDSEED = 1 << 18, LEAF1_RDRAND = 1 << 30 };
enum source { SOURCE_NONE, SOURCE_RDSEED, SOURCE_RDRAND };

static enum source best_source(void)
{
    if (cpuid(0, 0).a >= 7 && (cpuid(7, 0).b & LEAF7_RDSEED) != 0) {
        return SOURCE_RDSEED;
    }
    return (cpuid(1, 0).c & LEAF1_RDRAND) != 0 ? SOURCE_RDRAND : SOURCE_NONE;
}

static bool draw(enum source from, uint64_t *out)
{
    bool ok = false;
    for (unsigned i = 0; i < TRIES && !ok; i++) {
        ok = from == SOURCE_RDSEED ? rdseed(out) : rdrand(out);
        if (!ok) {
            __asm__ volatile("pause");
        }
    }
    return ok;
}

/* A few reads of the clock around a fence: how long that took differs in its lowest bits. */
static uint64_t jitter(void)
{
    uint64_t mix = 0;
    for (unsigned i = 0; i < 8; i++) {
        __asm__ volatile("mfence" : : : "memory");
        mix = (mix << 9 | mix >> 55) ^ rdtsc();
    }
    return mix;
}

unsigned arch_entropy(uint8_t *out, size_t len)
{
    enum source from = best_source();
    uint64_t word = 0, last = 0;
    bool good = from != SOURCE_NONE;

    for (size_t at = 0; at < len; at += sizeof word) {
        good = good && draw(from, &word) && word != last && word != 0 && word != UINT64_MAX;
        last = word;
        uint64_t mixed = word ^ jitter();
        memcpy(out + at, &mixed, len - at < sizeof mixed ? len - at : sizeof mixed);
        secret_wipe(&mixed, sizeof mixed);
    }
    secret_wipe(&word, sizeof word);
    secret_wipe(&last, sizeof last);
    unsigned bits = len < 1u << 20 ? (unsigned)len * 8 : 1u << 23;
    return !good ? 0 : from == SOURCE_RDSEED ? bits : bits / 2;
}
