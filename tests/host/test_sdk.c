/* The SDK's pure parts: formatted text and the clock. */
#include "sdk/clock.h"
#include "sdk/format.h"
#include "tests/host/test.h"

static void same(const char *want, const char *got)
{
    assert_string_equal(got, want);
}

#define FORMAT(want, ...) \
    do { \
        char buf[128]; \
        assert_int_equal(nos_format(buf, sizeof(buf), __VA_ARGS__), strlen(want)); \
        same((want), buf); \
    } while (0)

static void test_verbs(void **state)
{
    (void)state;
    FORMAT("a b c", "%s %c %s", "a", 'b', "c");
    FORMAT("-1 42 0", "%d %i %u", -1, 42, 0u);
    FORMAT("-2147483648", "%d", -2147483647 - 1);
    FORMAT("-9223372036854775808", "%lld", (long long)INT64_MIN);
    FORMAT("18446744073709551615", "%llu", (unsigned long long)UINT64_MAX);
    FORMAT("ff FF 0xff", "%x %X %p", 255u, 255u, (void *)255);
    FORMAT("255 -1 65535", "%hhu %hhd %hu", (unsigned char)255, (signed char)-1,
           (unsigned short)65535);
    FORMAT("100%", "%d%%", 100);
    FORMAT("7 8 9", "%zu %ju %ld", (size_t)7, (uintmax_t)8, 9L);
}

static void test_width(void **state)
{
    (void)state;
    FORMAT("|   42|42   |00042|", "|%5d|%-5d|%05d|", 42, 42, 42);
    FORMAT("| -042|-0042|", "|%5s|%05d|", "-042", -42);
    FORMAT("|  abc|abc  |ab|", "|%5s|%-5s|%.2s|", "abc", "abc", "abc");
    FORMAT("|  a|a  |abc|", "|%*s|%-*s|%.*s|", 3, "a", 3, "a", 3, "abcdef");
}

static void test_bounds(void **state)
{
    char buf[8] = "xxxxxxx";
    (void)state;
    assert_int_equal(nos_format(buf, 4, "%s", "abcdef"), 3);
    same("abc", buf);
    assert_int_equal(buf[4], 'x');
    assert_int_equal(nos_format(buf, 1, "%d", 12345), 0);
    same("", buf);
    buf[0] = 'y';
    assert_int_equal(nos_format(buf, 0, "z"), 0);
    assert_int_equal(buf[0], 'y');
}

static void test_clock(void **state)
{
    (void)state;
    assert_true(clock_ns(100, 200, 1ull << 32) == 0);
    assert_true(clock_ns(1200, 200, 1ull << 32) == 1000);
    // 3 GHz, one year: 64 bits of product would have been over after seconds
    uint64_t mult = (1ull << 32) / 3, year = 365ull * 86400;
    uint64_t ns = clock_ns(3000000000ull * year, 0, mult);
    assert_true(ns / 1000000000 >= year - 1 && ns / 1000000000 <= year);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_verbs), cmocka_unit_test(test_width),
                                        cmocka_unit_test(test_bounds),
                                        cmocka_unit_test(test_clock) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
