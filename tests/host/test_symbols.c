/* lib/symbols.h. */
#include "lib/symbols.h"
#include "tests/host/golden.h"
#include "tests/host/test.h"

static bool finds(const struct symbols *s, uint64_t addr, const char *want, uint64_t want_off)
{
    span_t name;
    uint64_t off;
    return symbols_find(s, addr, &name, &off) && span_equal(name, span_of(want, strlen(want))) &&
           off == want_off;
}

static void test_look_up(void **state)
{
    struct buf b = golden_symbols();
    struct symbols s;
    span_t name;
    uint64_t off;
    (void)state;
    assert_int_equal(symbols_parse(buf_span(b), &s), NOS_OK);
    assert_true(finds(&s, 0x200, "start", 0));
    assert_true(finds(&s, 0x20f, "start", 15));
    assert_true(finds(&s, 0x210, "main", 0));
    assert_true(finds(&s, 0x9999, "main", 0x9999 - 0x210));  // size unknown
    assert_false(symbols_find(&s, 0x1ff, &name, &off));
    store_le32(b.data + 8 + 12 + 4, 4);  // main is 4 bytes
    assert_true(finds(&s, 0x213, "main", 3));
    assert_false(symbols_find(&s, 0x214, &name, &off));
    store_le32(b.data + 12, 8);  // a gap after start
    assert_false(symbols_find(&s, 0x208, &name, &off));
    buf_free(&b);
}

static const struct {
    size_t at;
    uint32_t value;
} rows[] = {
    { 0, 3 },           { 0, UINT32_MAX }, { 4, 1 },           { 8, 0x210 },  // equal addresses
    { 8, 0x211 },       { 16, 11 },        { 16, UINT32_MAX }, { 16, 5 } /* empty name */,
    { 32, 0x0a0a0a0a },
};

static void test_one_rule_broken(void **state)
{
    struct symbols s;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b = golden_symbols();
        store_le32(b.data + rows[i].at, rows[i].value);
        if (symbols_parse(buf_span(b), &s) != NOS_SYMBOLS_FORMAT) {
            fail_msg("row %zu", i);
        }
        buf_free(&b);
    }
    struct buf b = golden_symbols();
    for (size_t len = 0; len < b.len; len++) {
        struct buf c = buf_copy(span_of(b.data, len));
        assert_int_equal(symbols_parse(buf_span(c), &s), NOS_SYMBOLS_FORMAT);
        buf_free(&c);
    }
    buf_free(&b);
    uint8_t none[8] = { 0 };
    assert_int_equal(symbols_parse(SPAN_OF(none), &s), NOS_OK);
    span_t name;
    uint64_t off;
    assert_false(symbols_find(&s, 5, &name, &off));
    struct buf big = buf_new(8 + 12 + 257);
    store_le32(big.data, 1);
    memset(big.data + 20, 'x', 256);
    assert_int_equal(symbols_parse(buf_span(big), &s), NOS_SYMBOLS_FORMAT);  // a name too long
    big.data[20 + 255] = 0;
    assert_int_equal(symbols_parse(buf_span(big), &s), NOS_OK);
    buf_free(&big);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_look_up),
                                        cmocka_unit_test(test_one_rule_broken) };
    return cmocka_run_group_tests_name("symbols", tests, NULL, NULL);
}
