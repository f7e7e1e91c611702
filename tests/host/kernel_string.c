/*
 * memcpy, memmove, memset, memcmp and strlen as the kernel has them: its own object, linked into a
 * Linux program. Every size up to two dozen words, every alignment, every overlap; guard bytes
 * around all that is written.
 */
#include "tests/host/test.h"

enum { MAX = 200, PAD = 16, ROOM = MAX + 2 * PAD };

// Through pointers, so that the calls are calls and not the compiler's own expansion.
static void *(*volatile copy)(void *restrict, const void *restrict, size_t) = memcpy;
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static void *(*volatile set)(void *, int, size_t) = memset;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;
static size_t (*volatile length)(const char *) = strlen;

static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(i * 7 + 1);
    }
}

/** What `room` must be after `n` bytes from `from` were written at `to`, computed byte by byte. */
static void expect_moved(const uint8_t *before, uint8_t *want, size_t to, size_t from, size_t n)
{
    for (size_t i = 0; i < ROOM; i++) {
        want[i] = i >= to && i < to + n ? before[from + (i - to)] : before[i];
    }
}

static void test_memcpy(void **state)
{
    uint8_t source[ROOM], got[ROOM];
    (void)state;
    fill(source, ROOM);
    for (size_t n = 0; n <= MAX; n++) {
        for (size_t at = 0; at < PAD; at++) {
            for (size_t i = 0; i < ROOM; i++) {
                got[i] = 0xee;
            }
            assert_ptr_equal(copy(got + at, source + PAD - at, n), got + at);
            for (size_t i = 0; i < ROOM; i++) {
                bool inside = i >= at && i < at + n;
                assert_int_equal(got[i], inside ? source[PAD - at + (i - at)] : 0xee);
            }
        }
    }
}

static void test_memmove(void **state)
{
    uint8_t before[ROOM], got[ROOM], want[ROOM];
    (void)state;
    fill(before, ROOM);
    for (size_t n = 0; n <= MAX; n++) {
        for (size_t to = 0; to <= 2 * PAD; to++) {  // from is PAD: before, equal and after it
            fill(got, ROOM);
            expect_moved(before, want, to, PAD, n);
            assert_ptr_equal(move(got + to, got + PAD, n), got + to);
            for (size_t i = 0; i < ROOM; i++) {
                assert_int_equal(got[i], want[i]);
            }
        }
    }
}

static void test_memset(void **state)
{
    uint8_t got[ROOM];
    (void)state;
    for (size_t n = 0; n <= MAX; n++) {
        for (size_t at = 0; at < PAD; at++) {
            fill(got, ROOM);
            assert_ptr_equal(set(got + at, 0x1a5, n), got + at);  // only the low byte counts
            for (size_t i = 0; i < ROOM; i++) {
                assert_int_equal(got[i], i >= at && i < at + n ? 0xa5 : (uint8_t)(i * 7 + 1));
            }
        }
    }
}

static void test_memcmp(void **state)
{
    uint8_t a[MAX], b[MAX];
    (void)state;
    for (size_t n = 0; n <= 40; n++) {
        fill(a, MAX);
        fill(b, MAX);
        b[n] ^= 0xff;  // beyond what is compared
        assert_int_equal(compare(a, b, n), 0);
        b[n] ^= 0xff;
        for (size_t i = 0; i < n; i++) {
            b[i] = (uint8_t)(a[i] ^ 0x80);
            assert_true((compare(a, b, n) < 0) == (a[i] < b[i]));
            assert_true((compare(b, a, n) < 0) == (b[i] < a[i]));
            assert_int_not_equal(compare(a, b, n), 0);
            b[i] = a[i];
        }
    }
}

static void test_strlen(void **state)
{
    (void)state;
    assert_int_equal(length(""), 0);
    assert_int_equal(length("seven\0.."), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memcpy), cmocka_unit_test(test_memmove),
        cmocka_unit_test(test_memset), cmocka_unit_test(test_memcmp),
        cmocka_unit_test(test_strlen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
