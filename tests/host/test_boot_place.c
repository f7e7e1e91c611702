/* boot/place.h: every place is inside the top 2 GiB, costs the same tables, and can be drawn. */
#include "boot/place.h"
#include "abi/module.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/scrub.h"
#include "tests/host/stack_host.h"
#include "tests/host/test.h"

static unsigned scrubs;

static void scrub(void)
{
    scrubs++;
    secret_scrub_deep();
}
#define secret_scrub_deep scrub
#include "boot/place.c"
#undef secret_scrub_deep

#define MIB ((uint64_t)1 << 20)
#define PAGE ((uint64_t)4096)
static const uint64_t lengths[] = { PAGE,    88 * PAGE,      MIB,     2 * MIB - PAGE,
                                    2 * MIB, 2 * MIB + PAGE, 64 * MIB };

static void check_place(uint64_t len, uint64_t at)
{
    assert_true(at >= NOS_KERNEL_BASE && at % PAGE == 0);
    assert_true(at <= UINT64_MAX - 2 * MIB - len + 1);  // never up to where addresses wrap
    if (len <= 2 * MIB) {
        assert_int_equal(at / (2 * MIB), (at + len - 1) / (2 * MIB));
    } else {
        assert_int_equal(at % (2 * MIB), 0);
    }
}

static void test_all_places(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
        uint64_t last = 0;
        uint32_t n = place_count(lengths[k]);
        for (uint32_t i = 0; i < n; i++) {
            uint64_t at = place_at(lengths[k], i);
            check_place(lengths[k], at);
            assert_true(at > last);  // so no two are the same
            last = at;
        }
        assert_true(n >= 900);
    }
}

static void test_bits(void **state)
{
    (void)state;
    assert_int_equal(place_count(88 * PAGE), 1023 * (512 - 88 + 1));  // docs/boot.md: 18.7 bits
    assert_int_equal(place_count(2046 * MIB), 1);
    assert_int_equal(place_count(2046 * MIB + PAGE), 0);
    assert_int_equal(place_count(UINT64_MAX - PAGE + 1), 0);
}

static struct nos_bootinfo drawn_from(uint32_t seed, uint32_t bits)
{
    struct nos_bootinfo info = { .entropy_len = 128, .entropy_bits = bits };
    memcpy(info.entropy, &seed, sizeof seed);
    return info;
}

/* Seeds that differ in few bits land anywhere: each eighth of the range gets its share. */
static void test_draw(void **state)
{
    enum { DRAWS = 4096 };
    unsigned eighth[8] = { 0 };
    uint64_t pages = 0;
    (void)state;
    for (uint32_t i = 0; i < DRAWS; i++) {
        struct nos_bootinfo info = drawn_from(i, 256), again = info;
        uint64_t at = place_kernel(&info, 88 * PAGE);
        check_place(88 * PAGE, at);
        assert_int_equal(info.flags, NOS_BOOT_RANDOM_BASE);
        assert_int_equal(place_kernel(&again, 88 * PAGE), at);
        eighth[(at - NOS_KERNEL_BASE) >> 28]++;
        pages |= at;
    }
    for (unsigned i = 0; i < 8; i++) {
        assert_in_range(eighth[i], DRAWS / 8 - 120, DRAWS / 8 + 120);  // some six sigma
    }
    assert_int_equal(pages & (2 * MIB - PAGE), 2 * MIB - PAGE);  // the page within 2 MiB varies too
}

static void test_all_of_the_entropy_counts(void **state)
{
    struct nos_bootinfo info = drawn_from(1, 256), last = info, shorter = info;
    (void)state;
    last.entropy[127] ^= 1;
    shorter.entropy_len--;
    uint64_t at = place_kernel(&info, 88 * PAGE);
    assert_int_not_equal(place_kernel(&last, 88 * PAGE), at);
    assert_int_not_equal(place_kernel(&shorter, 88 * PAGE), at);
}

static void test_too_little_entropy_is_the_fixed_place(void **state)
{
    struct nos_bootinfo few = drawn_from(7, PLACE_ENTROPY_MIN - 1);
    struct nos_bootinfo enough = drawn_from(7, PLACE_ENTROPY_MIN);
    struct nos_bootinfo large = drawn_from(7, 256);
    (void)state;
    assert_int_equal(place_kernel(&few, 88 * PAGE), NOS_KERNEL_BASE);
    assert_int_equal(few.flags, 0);
    assert_int_not_equal(place_kernel(&enough, 88 * PAGE), NOS_KERNEL_BASE);
    assert_int_equal(place_kernel(&large, 2047 * MIB), NOS_KERNEL_BASE);
    assert_int_equal(large.flags, 0);
}

static void *thread_place(void *info)
{
    KEEP_CLEAR(pad);
    return place_kernel(info, 88 * PAGE) != NOS_KERNEL_BASE && pad[0] == 1 ? info : NULL;
}

/* Where the kernel lies cannot be read off the loader's stack. */
static void test_the_draw_is_wiped(void **state)
{
    static struct nos_bootinfo info;
    uint8_t hash[BLAKE3_LEN];
    (void)state;
    info = drawn_from(7, 256);
    blake3_derive(NOS_CTX_KERNEL_PLACE, span_of(info.entropy, info.entropy_len), hash);
    scrubs = 0;
    uint8_t *stack = run_on_a_stack(thread_place, &info);
    assert_int_equal(info.flags, NOS_BOOT_RANDOM_BASE);
    assert_int_equal(scrubs, 1);
#ifdef MUTANT  // of `make mutants`: the guards of ASan lie where the wiped array should
    for (size_t at = 8; at < sizeof hash; at += 8) {  // the first word is the place
        assert_false(holds(stack, stack_used, hash + at, 8));
    }
#endif
    munmap(stack, STACK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_places),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_draw),
        cmocka_unit_test(test_all_of_the_entropy_counts),
        cmocka_unit_test(test_the_draw_is_wiped),
        cmocka_unit_test(test_too_little_entropy_is_the_fixed_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
