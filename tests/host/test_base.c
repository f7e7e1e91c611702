/* lib/span.h, lib/checked.h, lib/secret.h: what everything that reads untrusted bytes stands on. */
#include "lib/checked.h"
#include "lib/record.h"
#include "lib/secret.h"
#include "lib/span.h"
#include "tests/host/test.h"

static const uint8_t bytes[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };

static void test_cut_inside_and_outside(void **state)
{
    (void)state;
    for (size_t off = 0; off <= sizeof(bytes) + 1; off++) {
        for (size_t len = 0; len <= sizeof(bytes) + 1; len++) {
            span_t out = { NULL, 77 };
            bool inside = off + len <= sizeof(bytes);
            assert_int_equal(span_cut(SPAN_OF(bytes), off, len, &out), inside);
            assert_ptr_equal(out.data, inside ? bytes + off : NULL);
            assert_int_equal(out.len, inside ? len : 77);
        }
    }
}

static void test_cut_does_not_wrap(void **state)
{
    span_t out = { NULL, 77 };
    mspan_t mout = { NULL, 77 };
    uint8_t room[4];
    (void)state;
    assert_false(span_cut(SPAN_OF(bytes), 2, SIZE_MAX, &out));
    assert_false(span_cut(SPAN_OF(bytes), SIZE_MAX, 2, &out));
    assert_false(span_cut(SPAN_OF(bytes), SIZE_MAX, SIZE_MAX, &out));
    assert_false(span_from(SPAN_OF(bytes), SIZE_MAX, &out));
    assert_false(mspan_cut(MSPAN_OF(room), 1, SIZE_MAX, &mout));
    assert_false(mspan_cut(MSPAN_OF(room), 1, 4, &mout));
    assert_int_equal(out.len + mout.len, 154);
    assert_true(mspan_cut(MSPAN_OF(room), 1, 3, &mout));
    assert_ptr_equal(mout.data, room + 1);
    assert_int_equal(span_const(mout).len, 3);
}

static void test_empty_span(void **state)
{
    span_t out, empty = { NULL, 0 };
    uint8_t byte = 7;
    (void)state;
    assert_true(span_cut(empty, 0, 0, &out));
    assert_null(out.data);
    assert_false(span_cut(empty, 0, 1, &out));
    assert_false(span_u8(empty, 0, &byte));
    assert_int_equal(byte, 7);
    assert_true(span_equal(empty, empty));
    assert_true(span_is_zero(empty));
    mspan_t room, none = { NULL, 0 };
    assert_true(mspan_cut(none, 0, 0, &room));
    assert_null(room.data);
}

static void test_take(void **state)
{
    span_t s = SPAN_OF(bytes), out;
    (void)state;
    assert_true(span_take(&s, 4, &out));
    assert_int_equal(out.len, 4);
    assert_ptr_equal(s.data, bytes + 4);
    assert_false(span_take(&s, 6, &out));
    assert_int_equal(s.len, 5);
    assert_true(span_take(&s, 5, &out));
    assert_int_equal(s.len, 0);
}

static void test_integers(void **state)
{
    uint16_t a = 0;
    uint32_t b = 0;
    uint64_t c = 0;
    uint8_t out[8];
    (void)state;
    assert_true(span_le16(SPAN_OF(bytes), 7, &a) && a == 0x0908);
    assert_true(span_le32(SPAN_OF(bytes), 5, &b) && b == 0x09080706);
    assert_true(span_le64(SPAN_OF(bytes), 1, &c) && c == UINT64_C(0x0908070605040302));
    assert_false(span_le16(SPAN_OF(bytes), 8, &a));
    assert_false(span_le32(SPAN_OF(bytes), 6, &b));
    assert_false(span_le64(SPAN_OF(bytes), 2, &c));
    assert_true(a == 0x0908 && b == 0x09080706 && c == UINT64_C(0x0908070605040302));
    store_le64(out, UINT64_C(0xfedcba9876543210));
    assert_true(load_le64(out) == UINT64_C(0xfedcba9876543210) && out[0] == 0x10);
    store_le32(out, 0xdeadbeef);
    assert_true(load_le32(out) == 0xdeadbeef && out[3] == 0xde);
    store_le16(out, 0xbeef);
    assert_true(load_le16(out) == 0xbeef && out[1] == 0xbe);
}

static void test_compare(void **state)
{
    (void)state;
    assert_true(span_equal(SPAN_LIT("abc"), span_of("abcd", 3)));
    assert_false(span_equal(SPAN_LIT("abc"), SPAN_LIT("abcd")));
    assert_false(span_equal(SPAN_LIT("abc"), SPAN_LIT("abd")));
    assert_true(span_is_zero(SPAN_LIT("\0\0")));
    assert_false(span_is_zero(SPAN_LIT("\0\1")));
}

static void test_zero_at_every_length(void **state)
{
    uint8_t a[41];
    (void)state;
    memset(a, 0, sizeof(a));
    for (size_t len = 0; len < sizeof(a); len++) {
        a[len] = 1;  // behind the span: not its business
        assert_true(span_is_zero(span_of(a, len)));
        a[len] = 0;
        for (size_t bit = 0; bit < 8 * len; bit++) {
            a[bit / 8] = (uint8_t)(1u << bit % 8);
            assert_false(span_is_zero(span_of(a, len)));
            a[bit / 8] = 0;
        }
    }
}

static void test_checked(void **state)
{
    uint64_t v = 7;
    (void)state;
    assert_false(checked_add(UINT64_MAX, 1, &v) || checked_sub(1, 2, &v) ||
                 checked_mul(UINT64_C(1) << 32, UINT64_C(1) << 32, &v) ||
                 checked_align_up(UINT64_MAX, 4096, &v));
    assert_true(v == 7);
    assert_true(checked_add(UINT64_MAX - 1, 1, &v) && v == UINT64_MAX);
    assert_true(checked_sub(2, 2, &v) && v == 0);
    assert_true(checked_mul(UINT64_C(1) << 31, 2, &v) && v == UINT64_C(1) << 32);
    assert_true(checked_align_up(4097, 4096, &v) && v == 8192);
    assert_true(checked_align_up(4096, 4096, &v) && v == 4096);
}

static void test_record(void **state)
{
    uint8_t in[5] = "abcd", out[4] = "....";
    (void)state;
    assert_false(record_get(span_of(in, 3), out, 4));
    assert_false(record_get(span_of(in, 5), out, 4));
    assert_false(record_get(span_of(in, 0), out, 0));  // nothing is no record
    assert_memory_equal(out, "....", 4);
    assert_true(record_get(span_of(in, 4), out, 4));
    assert_memory_equal(out, "abcd", 4);
}

static void test_secret(void **state)
{
    uint8_t a[33], b[33];
    (void)state;
    memset(a, 0x5a, sizeof(a));
    memset(b, 0x5a, sizeof(b));
    assert_true(secret_equal(a, b, sizeof(a)) && secret_equal(a, b, 0));
    for (size_t i = 0; i < sizeof(a); i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            b[i] ^= (uint8_t)(1u << bit);
            assert_false(secret_equal(a, b, sizeof(a)));
            b[i] ^= (uint8_t)(1u << bit);
        }
    }
    secret_wipe(a, 32);
    assert_true(span_is_zero(span_of(a, 32)));
    assert_int_equal(a[32], 0x5a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_inside_and_outside),
        cmocka_unit_test(test_cut_does_not_wrap),
        cmocka_unit_test(test_empty_span),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_zero_at_every_length),
        cmocka_unit_test(test_checked),
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
