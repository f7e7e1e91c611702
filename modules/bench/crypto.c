/* The primitives: bench links the kernel's objects of them, so these are the instructions that the
 * kernel runs. */
#include <string.h>

#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"
#include "modules/bench/bench.h"
#include "sdk/start.h"

enum { TRIES = 3, BYTES = 65536, MESSAGE = 64 };

static void hash(void)
{
    static uint8_t bytes[BYTES];
    struct minimum m = MINIMUM_NONE;
    uint8_t out[32];

    for (int i = 0; i < TRIES; i++) {
        uint64_t from = nos_tsc();
        blake3_hash(SPAN_OF(bytes), out);
        minimum_add(&m, nos_tsc() - from);
    }
    bench_figure("blake3_64k", m.value - bench_overhead(), "insn");
}

static void signature(void)
{
    uint8_t pk[32], sk[64], seed[32] = { 7 }, sig[64], message[MESSAGE] = { 1 };
    struct minimum m = MINIMUM_NONE;
    bool good = true;

    ed25519_keypair_from_seed(pk, sk, seed);
    ed25519_sign(sig, SPAN_OF(message), sk);
    for (int i = 0; i < TRIES; i++) {
        uint64_t from = nos_tsc();
        good = ed25519_verify(sig, SPAN_OF(message), pk) && good;
        minimum_add(&m, nos_tsc() - from);
    }
    if (good) {
        bench_figure("ed25519_verify", m.value - bench_overhead(), "insn");
    } else {
        bench_missing("ed25519_verify", "a good signature did not verify");
    }
}

void bench_crypto(void)
{
    hash();
    signature();
}
