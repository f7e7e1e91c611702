/* BLAKE3's vectors through the kernel's choice of code, with and without its vector registers. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_inputs),
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
