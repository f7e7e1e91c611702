/* kernel/arch/x86_64/entropy.c: which source is asked, what it is credited with, what a broken one
 * gets. */
#include "kernel/arch/x86_64/cpu.h"
#include "lib/secret.h"
#include "tests/host/test.h"

static uint32_t leaves, leaf7b, leaf1c;
static struct cpuid leaf_of(uint32_t leaf, uint32_t sub)
{
    assert_int_equal(sub, 0);
    return (struct cpuid){ .a = leaves,
                           .b = leaf == 7 ? leaf7b : 0xffffffff,
                           .c = leaf == 1 ? leaf1c : 0xffffffff };
}

/* Words that a source gives, and how many tries before each find it dry. */
static struct {
    uint64_t word[64];
    unsigned dry, tried, at, tries;
} source[2];

static bool gives(unsigned which, uint64_t *out)
{
    source[which].tries++;
    if (source[which].tried++ < source[which].dry) {
        *out = 0xd47000 + source[which].tries;  // no word of its
        return false;
    }
    source[which].tried = 0;
    *out = source[which].word[source[which].at++ % 64];
    return true;
}

static bool seed_gives(uint64_t *out)
{
    return gives(0, out);
}

static bool rand_gives(uint64_t *out)
{
    return gives(1, out);
}

static unsigned wipes;

static void wiped(void *at, size_t len)
{
    assert_int_equal(len, 8);
    memset(at, 0, len);
    wipes++;
}

static uint64_t clock_now, clock_step;

static uint64_t clock_reads(void)
{
    return clock_now += clock_step;
}

#define cpuid leaf_of
#define rdseed seed_gives
#define rdrand rand_gives
#define rdtsc clock_reads
#define secret_wipe wiped
#include "kernel/arch/x86_64/entropy.c"
#undef cpuid

enum { SEED, RAND };

static int fresh(void **state)
{
    (void)state;
    memset(source, 0, sizeof source);
    for (unsigned i = 0; i < 64; i++) {
        source[SEED].word[i] = 0x5eed000 + i;
        source[RAND].word[i] = 0x7a4d000 + i;
    }
    leaves = 7;
    leaf7b = LEAF7_RDSEED;
    leaf1c = LEAF1_RDRAND;
    wipes = 0;
    clock_now = clock_step = 0;
    return 0;
}

static void the_best_there_is(void **state)
{
    static const struct {
        uint32_t leaves, seed, rand, bits, from;
    } rows[] = {
        { 7, LEAF7_RDSEED, LEAF1_RDRAND, 512, SEED }, { 9, LEAF7_RDSEED, 0, 512, SEED },
        { 6, LEAF7_RDSEED, LEAF1_RDRAND, 256, RAND }, { 7, 0, LEAF1_RDRAND, 256, RAND },
        { 7, ~(uint32_t)LEAF7_RDSEED, 0, 0, 2 },      { 6, LEAF7_RDSEED, 0, 0, 2 },
        { 7, 0, ~(uint32_t)LEAF1_RDRAND, 0, 2 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t out[64] = { 0 };
        fresh(state);
        leaves = rows[i].leaves;
        leaf7b = rows[i].seed;
        leaf1c = rows[i].rand;
        assert_int_equal(arch_entropy(out, sizeof out), rows[i].bits);
        assert_int_equal(source[SEED].tries, rows[i].from == SEED ? 8 : 0);
        assert_int_equal(source[RAND].tries, rows[i].from == RAND ? 8 : 0);
        for (unsigned w = 0; rows[i].from < 2 && w < 8; w++) {  // its words, each in its place
            assert_memory_equal(out + (size_t)8 * w, &source[rows[i].from].word[w], 8);
        }
        assert_int_equal(wipes, 8 + 2);
    }
}

static void lengths(void **state)
{
    static const struct {
        size_t len;
        unsigned bits, words;
    } rows[] = {
        { 0, 0, 0 }, { 1, 8, 1 }, { 7, 56, 1 }, { 8, 64, 1 }, { 9, 72, 2 }, { 33, 264, 5 }
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t out[64];
        fresh(state);
        memset(out, 0xee, sizeof out);
        assert_int_equal(arch_entropy(out, rows[i].len), rows[i].bits);
        assert_int_equal(source[SEED].tries, rows[i].words);
        assert_int_equal(out[rows[i].len], 0xee);
    }
}

/* The most that is ever credited. One call: longer tests are not asked by `make mutants`. */
static void too_much(void **state)
{
    static uint8_t much[(1 << 20) + 8];
    (void)state;
    assert_int_equal(arch_entropy(much, sizeof much), 1u << 23);
}

/* Eight reads of the clock go into each word. */
static void jitter_is_mixed_in(void **state)
{
    uint8_t out[16];
    (void)state;
    clock_step = 0x0100000000000003;
    assert_int_equal(arch_entropy(out, sizeof out), 128);  // and are credited nothing
    uint64_t now = 0;
    for (unsigned w = 0; w < 2; w++) {
        uint64_t mix = 0;
        for (unsigned i = 0; i < 8; i++) {
            now += clock_step;
            mix = (mix << 9 | mix >> 55) ^ now;
        }
        mix ^= source[SEED].word[w];
        assert_memory_equal(out + (size_t)8 * w, &mix, 8);
    }
    assert_int_equal(clock_now, now);
}

static void dry(void **state)
{
    uint8_t out[16];
    (void)state;
    source[SEED].dry = TRIES - 1;
    assert_int_equal(arch_entropy(out, 16), 128);
    assert_int_equal(source[SEED].tries, 2 * TRIES);
    fresh(state);
    source[SEED].dry = TRIES;
    assert_int_equal(arch_entropy(out, 16), 0);
    assert_int_equal(source[SEED].tries, TRIES);  // it is not asked again
    fresh(state);
    leaf7b = 0;
    source[RAND].dry = TRIES;
    assert_int_equal(arch_entropy(out, 16), 0);
}

/* One bad word, wherever it stands, voids all of them. */
static void broken(void **state)
{
    static const uint64_t bad[] = { 0, UINT64_MAX, 1 /* stands for: the one before it again */ };
    for (unsigned which = 0; which < 2; which++) {
        for (size_t kind = 0; kind < 3; kind++) {
            for (unsigned at = kind == 2 ? 1 : 0; at < 4; at++) {
                uint8_t out[32];
                fresh(state);
                leaf7b = which == SEED ? LEAF7_RDSEED : 0;
                source[which].word[at] = kind == 2 ? source[which].word[at - 1] : bad[kind];
                assert_int_equal(arch_entropy(out, sizeof out), 0);
            }
        }
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = { TEST(the_best_there_is),  TEST(lengths), TEST(too_much),
                                        TEST(jitter_is_mixed_in), TEST(dry),     TEST(broken) };
    return cmocka_run_group_tests_name("entropy", tests, NULL, NULL);
}
