/* lib/trust.h and lib/pe.h: the roots inside the loader. */
#include "lib/crypto/blake3.h"
#include "lib/pe.h"
#include "lib/sigs.h"
#include "lib/trust.h"
#include "tests/host/golden.h"
#include "tests/host/test.h"

static void section(uint8_t out[TRUST_BYTES], uint32_t n, uint32_t k)
{
    struct trust_view t = golden_trust(n, k);
    trust_write(&t, out);
}

static void test_round_trip(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 4; n++) {
        uint8_t bytes[TRUST_BYTES], set[32];
        struct trust_view t;
        section(bytes, n, n);
        assert_int_equal(trust_parse(SPAN_OF(bytes), &t), NOS_OK);
        assert_int_equal(t.n_root, n);
        assert_int_equal(t.k, n);
        assert_int_equal(t.epoch_floor, 5);
        assert_int_equal(t.kernel_sec_min, 2);
        assert_memory_equal(t.root[n - 1], golden_root(n, n - 1).pk, 32);
        assert_memory_equal(t.key_id[n - 1], golden_root(n, n - 1).id, 32);
        blake3_derive(NOS_CTX_ROOT_SET, span_of(bytes + 32, 32 * (size_t)n), set);
        assert_memory_equal(t.set_id, set, 32);
        assert_true(span_is_zero(span_of(t.key_id[n - 1] + 32, 32 * (size_t)(4 - n))));
    }
}

static const struct {
    size_t at, width;
    uint64_t value;
} broken[] = {
    { 0, 1, 'X' },     { 7, 1, 2 },   { 8, 4, 0 },   { 8, 4, 1 },  // a root after the last
    { 8, 4, 3 },                                                   // fewer roots than it says
    { 8, 4, 5 },       { 12, 4, 0 },  { 12, 4, 3 },  { 28, 4, 1 },
    { 32 + 96, 1, 1 }, { 160, 1, 1 }, { 255, 1, 1 },
};

static void test_one_rule_broken(void **state)
{
    uint8_t bytes[TRUST_BYTES], swapped[32];
    struct trust_view t;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        section(bytes, 2, 1);
        for (size_t k = 0; k < broken[i].width; k++) {
            bytes[broken[i].at + k] = (uint8_t)(broken[i].value >> (8 * k));
        }
        if (trust_parse(SPAN_OF(bytes), &t) != NOS_TRUST_FORMAT) {
            fail_msg("row %zu", i);
        }
    }
    section(bytes, 2, 1);
    memcpy(swapped, bytes + 32, 32);
    memcpy(bytes + 32, bytes + 64, 32);
    memcpy(bytes + 64, swapped, 32);
    assert_int_equal(trust_parse(SPAN_OF(bytes), &t), NOS_TRUST_FORMAT);  // not ascending
    memcpy(bytes + 32, bytes + 64, 32);
    assert_int_equal(trust_parse(SPAN_OF(bytes), &t), NOS_TRUST_FORMAT);  // one root twice
    section(bytes, 4, 1);
    store_le32(bytes + 8, 5);  // all four are there, and it says one more
    assert_int_equal(trust_parse(SPAN_OF(bytes), &t), NOS_TRUST_FORMAT);
}

/* Only what counts is written, whatever the places behind it hold. */
static void test_unused_places_are_zero(void **state)
{
    struct trust_view t = golden_trust(2, 1);
    uint8_t bytes[TRUST_BYTES];
    (void)state;
    memset(t.root[2], 1, 64);
    trust_write(&t, bytes);
    assert_true(span_is_zero(span_of(bytes + 96, TRUST_BYTES - 96)));
}

static void test_empty_and_padded(void **state)
{
    uint8_t bytes[512] = { 0 };
    struct trust_view t;
    (void)state;
    for (size_t len = 0; len < TRUST_BYTES; len++) {
        uint8_t whole[TRUST_BYTES];
        section(whole, 1, 1);
        struct buf b = buf_copy(span_of(whole, len));
        assert_int_equal(trust_parse(buf_span(b), &t), NOS_TRUST_FORMAT);
        buf_free(&b);
    }
    memcpy(bytes, NOS_TRUST_MAGIC, 8);
    assert_int_equal(trust_parse(SPAN_OF(bytes), &t), NOS_TRUST_EMPTY);
    bytes[300] = 1;
    assert_int_equal(trust_parse(SPAN_OF(bytes), &t), NOS_TRUST_FORMAT);
    bytes[300] = 0;
    section(bytes, 1, 1);
    assert_int_equal(trust_parse(SPAN_OF(bytes), &t), NOS_OK);  // a PE section is padded with zeros
    bytes[511] = 1;
    assert_int_equal(trust_parse(SPAN_OF(bytes), &t), NOS_TRUST_FORMAT);
}

/* A count that no section can hold, in a view that is not from trust_parse. */
static void test_more_roots_than_places(void **state)
{
    struct trust_view t = golden_trust(4, 1);
    struct golden_key stranger = golden_key(GOLDEN_STRANGER);
    uint8_t bytes[TRUST_BYTES], row[96] = { 0 };
    (void)state;
    t.n_root = TRUST_ROOTS_MAX + 1;
    trust_write(&t, bytes);
    assert_true(span_is_zero(span_of(bytes + 160, TRUST_BYTES - 160)));
    memcpy(row, stranger.id, 32);
    assert_int_equal(sigs_check_roots(SPAN_LIT("x"), SPAN_OF(row), &t), NOS_KEY_UNKNOWN);
}

static void test_pe(void **state)
{
    uint8_t bytes[TRUST_BYTES];
    size_t off, len;
    (void)state;
    section(bytes, 1, 1);
    struct buf pe = golden_pe(SPAN_OF(bytes));
    assert_int_equal(pe_find_section(buf_span(pe), NOS_TRUST_SECTION, &off, &len), NOS_OK);
    assert_int_equal(off, 0x200);
    assert_int_equal(len, TRUST_BYTES);
    assert_int_equal(pe_find_section(buf_span(pe), ".n0nroo", &off, &len), NOS_NOT_FOUND);
    assert_int_equal(pe_find_section(buf_span(pe), ".n0nroot9", &off, &len), NOS_NOT_FOUND);
    for (size_t n = 0; n < pe.len; n++) {
        struct buf b = buf_copy(span_of(pe.data, n));
        assert_int_equal(pe_find_section(buf_span(b), NOS_TRUST_SECTION, &off, &len),
                         NOS_TRUST_FORMAT);
        buf_free(&b);
    }
    static const struct {
        size_t at;
        uint32_t value;
    } rows[] = {
        { 0, 'X' },
        { 0x3c, 0xfffffff0 },
        { 0x80, 'X' },
        { 0x84, 0x14c },  // another machine
        { 0x86, 0xffff },
        { 0x94, 0xffff },
        { 0x80 + 24 + 16 + 40 + 16, 0x101 },
        { 0x80 + 24 + 16 + 40 + 20, 0xffffffff },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b = buf_copy(buf_span(pe));
        if (i == 3 || i == 4 || i == 5) {
            store_le16(b.data + rows[i].at, (uint16_t)rows[i].value);
        } else {
            store_le32(b.data + rows[i].at, rows[i].value);
        }
        assert_int_equal(pe_find_section(buf_span(b), NOS_TRUST_SECTION, &off, &len),
                         NOS_TRUST_FORMAT);
        buf_free(&b);
    }
    memcpy(pe.data + 0x80 + 24 + 16, NOS_TRUST_SECTION, 8);  // the name twice
    assert_int_equal(pe_find_section(buf_span(pe), NOS_TRUST_SECTION, &off, &len),
                     NOS_TRUST_FORMAT);
    buf_free(&pe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_one_rule_broken),
        cmocka_unit_test(test_unused_places_are_zero),
        cmocka_unit_test(test_empty_and_padded),
        cmocka_unit_test(test_more_roots_than_places),
        cmocka_unit_test(test_pe),
    };
    return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
