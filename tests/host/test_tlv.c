/* lib/tlv.h, and names and text of lib/text.h. */
#include "lib/text.h"
#include "lib/tlv.h"
#include "tests/host/golden.h"
#include "tests/host/guard.h"
#include "tests/host/test.h"

/* Walk to the end; the number of records in *n. */
static nos_status_t walk(span_t s, int *n)
{
    struct tlv_iter it;
    uint16_t tag = 0;
    span_t value;
    bool more = true;

    *n = 0;
    tlv_init(&it, s);
    for (;;) {
        nos_status_t st = tlv_next(&it, &tag, &value, &more);
        if (st != NOS_OK || !more) {
            return st;
        }
        ++*n;
    }
}

static const struct {
    const char *bytes;
    size_t len;
    nos_status_t status;
    int n;
} rows[] = {
#define ROW(text, status, n) \
    { \
        text, sizeof(text) - 1, status, n \
    }
    ROW("", NOS_OK, 0),
    ROW("\1\0\0\0\0\0\0\0", NOS_OK, 1),
    ROW("\0\0\0\0\0\0\0\0", NOS_OK, 1),
    ROW("\1\0\0\0\2\0\0\0ab", NOS_OK, 1),
    ROW("\1\0\0\0\1\0\0\0a\2\0\0\0\0\0\0\0", NOS_OK, 2),
    ROW("\1\0\0\0\0\0\0", NOS_TLV_TRUNCATED, 0),
    ROW("\1\0\0\0\2\0\0\0a", NOS_TLV_TRUNCATED, 0),
    ROW("\1\0\0\0\377\377\377\377a", NOS_TLV_TRUNCATED, 0),
    ROW("\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", NOS_TLV_DUPLICATE, 1),
    ROW("\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", NOS_TLV_ORDER, 1),
    ROW("\1\0\1\0\0\0\0\0", NOS_TLV_RESERVED, 0),
    ROW("\1\0\0\1\0\0\0\0", NOS_TLV_RESERVED, 0),
    ROW("\1\0\0\0\0\0\0\0\0\200\0\0\1\0\0\0x", NOS_OK, 2),
};

static void test_reader(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int n;
        struct buf b = buf_copy(span_of(rows[i].bytes, rows[i].len));
        assert_int_equal(walk(buf_span(b), &n), rows[i].status);
        assert_int_equal(n, rows[i].n);
        buf_free(&b);
    }
}

static void test_truncations(void **state)
{
    struct buf m = golden_manifest((struct change){ 0 });
    int n, whole = 0;
    (void)state;
    for (size_t len = 0; len <= m.len; len++) {
        struct buf b = buf_copy(span_of(m.data, len));
        nos_status_t st = walk(buf_span(b), &n);
        assert_true(st == NOS_OK || st == NOS_TLV_TRUNCATED);
        whole += st == NOS_OK;
        buf_free(&b);
    }
    assert_int_equal(whole, 14);  // empty, and after each of the 13 records
    buf_free(&m);
}

static void test_end_leaves_outputs(void **state)
{
    struct tlv_iter it;
    uint16_t tag = 77;
    span_t value = { NULL, 77 };
    bool more = true;
    (void)state;
    tlv_init(&it, (span_t){ NULL, 0 });
    assert_int_equal(tlv_next(&it, &tag, &value, &more), NOS_OK);
    assert_false(more);
    assert_int_equal(tag + value.len, 154);
    tlv_init(&it, SPAN_LIT("\1\0\0\0\0\0\0\0"));
    assert_int_equal(tlv_next(&it, &tag, &value, &more), NOS_OK);
    assert_true(more);  // whatever it was before
}

static void test_unknown(void **state)
{
    (void)state;
    assert_int_equal(tlv_unknown(0x7fff), NOS_OK);
    assert_int_equal(tlv_unknown(0x8000), NOS_TLV_CRITICAL);
}

static void test_writer(void **state)
{
    uint8_t room[23];
    struct tlv_writer w;
    span_t out;
    (void)state;
    tlv_write_init(&w, MSPAN_OF(room));
    tlv_put(&w, 1, SPAN_LIT("abc"));
    tlv_put_le32(&w, 2, 0x01020304);
    assert_int_equal(tlv_write_end(&w, &out), NOS_OK);
    assert_int_equal(out.len, 23);
    assert_memory_equal(out.data, "\1\0\0\0\3\0\0\0abc\2\0\0\0\4\0\0\0\4\3\2\1", 23);
    tlv_put(&w, 3, SPAN_LIT(""));
    assert_int_equal(tlv_write_end(&w, &out), NOS_TOO_BIG);
    tlv_write_init(&w, MSPAN_OF(room));
    tlv_put(&w, 2, SPAN_LIT(""));
    tlv_put(&w, 2, SPAN_LIT(""));
    assert_int_equal(tlv_write_end(&w, &out), NOS_TLV_DUPLICATE);
    tlv_put(&w, 3, SPAN_LIT(""));
    assert_int_equal(tlv_write_end(&w, &out), NOS_TLV_DUPLICATE);  // the first mistake stays
    tlv_write_init(&w, MSPAN_OF(room));
    tlv_put(&w, 2, SPAN_LIT(""));
    tlv_put(&w, 1, SPAN_LIT(""));
    assert_int_equal(tlv_write_end(&w, &out), NOS_TLV_ORDER);
    tlv_write_init(&w, mspan_of(room, 10));
    out = (span_t){ NULL, 77 };
    tlv_put(&w, 2, SPAN_LIT("abc"));
    assert_int_equal(tlv_write_end(&w, &out), NOS_TOO_BIG);
    assert_int_equal(out.len, 77);
    tlv_write_init(&w, mspan_of(room, 8));
    tlv_put(&w, 2, SPAN_LIT(""));
    tlv_put(&w, 2, SPAN_LIT(""));  // no order, and no room either: the order comes first
    assert_int_equal(tlv_write_end(&w, &out), NOS_TLV_DUPLICATE);
}

/* --- text
 * ------------------------------------------------------------------------------------------------------
 */

static void test_utf8(void **state)
{
    static const char *const good[] = { "",
                                        "plain text ~",
                                        "\xc2\xa0",
                                        "\xc3\xa9",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xe2\x80\xb0",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbd",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf" };
    static const char *const bad[] = { "\x1f",
                                       "\n",
                                       "\x1b[2J",
                                       "\x7f",
                                       "\x80",
                                       "\xbf",
                                       "\x83\x80",
                                       "\x81\x80\x80\x80",
                                       "\xc2\x80" /* C1 */,
                                       "\xc2\x9f",
                                       "\xc0\x80",
                                       "\xc1\xbf",
                                       "\xc2",
                                       "\xc2\x41",
                                       "\xc2\xc2",
                                       "\xe0\x80\x80",
                                       "\xe0\x9f\xbf",
                                       "\xe1\x80",
                                       "\xe1\x80\x41",
                                       "\xed\xa0\x80",
                                       "\xed\xbf\xbf",
                                       "\xf0\x80\x80\x80",
                                       "\xf0\x8f\xbf\xbf",
                                       "\xf0\x90\x80",
                                       "\xf4\x90\x80\x80",
                                       "\xf5\x80\x80\x80",
                                       "\xf8\x90\x80\x80",
                                       "\xff",
                                       "\xd8\x9c" /* ALM */,
                                       "\xe2\x80\x8e",
                                       "\xe2\x80\x8f",
                                       "\xe2\x80\xa8",
                                       "\xe2\x80\xa9",
                                       "\xe2\x80\xaa",
                                       "\xe2\x80\xae",
                                       "\xe2\x81\xa6",
                                       "\xe2\x81\xa9",
                                       "\xef\xbb\xbf",
                                       "ok\xe2\x80\xaetxt" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(text_ok(at_the_edge(span_of(good[i], strlen(good[i])))));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (text_ok(at_the_edge(span_of(bad[i], strlen(bad[i]))))) {
            fail_msg("bad text %zu was taken", i);
        }
    }
    assert_false(text_ok(span_of("a\0b", 3)));
}

static void test_semver(void **state)
{
    static const char *const good[] = { "0.0.1",      "1.2.3",     "10.20.30",
                                        "1.2.3-rc.1", "1.2.3+b-5", "1.2.3-RC.1+Z.2" };
    static const char *const bad[] = {
        "",      "1",      "1.2",     "1.2.",    ".2.3",      "1..3",
        "a.2.3", "1.2.3-", "1.2.3 ",  "1.2.3x",  "1.2.3-r c", "1.2.3\n",
        "1,2.3", "1.2,3",  "1.2.3-{", "1.2.3-[", "1.2.3xy",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good) + ARRAY_LEN(bad); i++) {
        const char *text = i < ARRAY_LEN(good) ? good[i] : bad[i - ARRAY_LEN(good)];
        span_t s = at_the_edge(span_of(text, strlen(text)));
        assert_int_equal(text_is_semver(s), i < ARRAY_LEN(good));
    }
    assert_true(text_is_semver(span_of("1.2.34", 5)));  // what follows is not of it
}

/* Room that is there by its address alone, but for its first page. */
static mspan_t large_room(void)
{
    const size_t len = (size_t)8 << 30;
    uint8_t *at = forbidden(len);
    assert_int_equal(mprotect(at, GUARD_PAGE, PROT_READ | PROT_WRITE), 0);
    return mspan_of(at, len);
}

static void put_the_longest(void)
{
    struct tlv_writer w;
    tlv_write_init(&w, large_room());
    tlv_put(&w, 1, span_of(large_room().data, UINT32_MAX));
}

static void test_longer_than_any_record(void **state)
{
    struct tlv_writer w;
    span_t out;
    (void)state;
    tlv_write_init(&w, large_room());
    tlv_put(&w, 1, span_of(large_room().data, (size_t)UINT32_MAX + 1));  // none of it is read
    assert_int_equal(tlv_write_end(&w, &out), NOS_TOO_BIG);
    assert_true(touches(put_the_longest));
}

static void test_names(void **state)
{
    static const char *const good[] = { "a", "z", "init", "a-b_c9", "abcdefghijklmnop" };
    static const char *const bad[] = { "",    "9a",  "-a",
                                       "_a",  "A",   "aB",
                                       "a.b", "a b", "abcdefghijklmnopq" };
    char n[16];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(name_ok(span_of(good[i], strlen(good[i]))));
        assert_true(name16_set(n, span_of(good[i], strlen(good[i]))));
        assert_true(name16_ok(n));
        assert_int_equal(name16_len(n), strlen(good[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(name_ok(span_of(bad[i], strlen(bad[i]))));
    }
    assert_false(name16_set(n, SPAN_LIT("abcdefghijklmnopq")));
    assert_false(name_ok(span_of("a", 0)));
    assert_true(name16_set(n, (span_t){ NULL, 0 }));
    assert_int_equal(name16_len(n), 0);
    memcpy(n, "ab\0\0\0\0\0\0\0\0\0\0\0\0\0x", 16);
    assert_false(name16_ok(n));  // not zero after the first zero
}

static void test_file_names(void **state)
{
    static const char *const good[] = { "INIT.MOD", "Z.B", "N0N-OS_1.MOD", "ABCDEFGHIJKL.MOD" };
    static const char *const bad[] = { "",   ".",     ".MOD",    "INIT.",  "INIT", "A.B.C",
                                       "..", "a.MOD", "A/B.MOD", "A\\B.M", "A B.M" };
    char n[16];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(name16_set(n, span_of(good[i], strlen(good[i]))));
        assert_true(file16_ok(n));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_true(name16_set(n, span_of(bad[i], strlen(bad[i]))));
        assert_false(file16_ok(n));
    }
    memcpy(n, "A.B\0\0\0\0\0\0\0\0\0\0\0\0x", 16);
    assert_false(file16_ok(n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader),
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_end_leaves_outputs),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_longer_than_any_record),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_semver),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_file_names),
    };
    return cmocka_run_group_tests_name("tlv", tests, NULL, NULL);
}
