/* BLAKE3's vectors through the kernel's choice of code, with and without its vector registers. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include <blake3_impl.h>

static unsigned by_vectors, by_portable;
#define blake3_compress_in_place_sse41(...) \
    (by_vectors++, blake3_compress_in_place_sse41(__VA_ARGS__))
#define blake3_hash_many_sse41(...) (by_vectors++, blake3_hash_many_sse41(__VA_ARGS__))
#define blake3_compress_in_place_portable(...) \
    (by_portable++, blake3_compress_in_place_portable(__VA_ARGS__))
#define blake3_hash_many_portable(...) (by_portable++, blake3_hash_many_portable(__VA_ARGS__))
#include "kernel/arch/x86_64/blake3.c"

int vectors(void);
#define main vectors
#include "tests/host/test_crypto_hash.c"
#undef main

/* One input, two, four and more, whole blocks: the four ways of hash_many, each as the portable
 * code says. */
static void any_number_of_inputs(void **state)
{
    enum { MANY = 9, LEN = 2 * BLAKE3_BLOCK_LEN };
    const uint32_t key[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    uint8_t in[MANY][LEN], got[MANY * 32], want[MANY * 32];
    const uint8_t *inputs[MANY];
    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        memset(in[i], (int)(i * 17 + 1), LEN);
        inputs[i] = in[i];
    }
    for (size_t n = 1; n <= MANY; n++) {
        memset(got, 0, sizeof got);
        memset(want, 0, sizeof want);
        cpus[0].simd = false;
        blake3_hash_many(inputs, n, 2, key, UINT32_MAX - 2, true, 0, 1, 2, want);
        cpus[0].simd = true;
        blake3_hash_many(inputs, n, 2, key, UINT32_MAX - 2, true, 0, 1, 2, got);
        assert_memory_equal(got, want, sizeof got);
    }
}

/* Vector registers are a capsule's, but where the kernel says that they are its own: there alone
 * they are used. */
static void vector_registers_are_asked_for(void **state)
{
    const uint32_t key[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    uint32_t cv[8] = { 0 };
    uint8_t block[BLAKE3_BLOCK_LEN] = { 0 }, out[32];
    const uint8_t *one = block;
    (void)state;
    for (unsigned simd = 0; simd < 2; simd++) {
        cpus[0].simd = simd != 0;
        by_vectors = by_portable = 0;
        blake3_compress_in_place(cv, block, sizeof block, 0, 0);
        assert_int_equal(by_vectors, simd);
        assert_int_equal(by_portable, 1 - simd);
        blake3_hash_many(&one, 1, 1, key, 0, false, 0, 1, 2, out);
        assert_int_equal(by_vectors, 2 * simd);
        assert_int_equal(by_portable, 2 - 2 * simd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_inputs),
        cmocka_unit_test(vector_registers_are_asked_for),
    };
    host_start();
    cpus[0].simd = false;
    assert_int_equal(blake3_simd_degree(), 1);
    int failed = vectors();
    cpus[0].simd = true;
    assert_int_equal(blake3_simd_degree(), 4);
    failed += vectors();
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
