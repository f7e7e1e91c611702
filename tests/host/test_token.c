/* lib/token.h: format, signature, time. */
#include "lib/crypto/blake3.h"
#include "lib/token.h"
#include "tests/host/golden.h"
#include "tests/host/test.h"

static void test_golden(void **state)
{
    struct buf b = golden_token();
    struct golden_key issuer = golden_key(GOLDEN_ISSUER);
    struct token t;
    uint8_t body[TOKEN_BODY], id[32], want[32];
    (void)state;
    assert_int_equal(token_verify(buf_span(b), issuer.pk, 1500, &t), NOS_OK);
    assert_int_equal(t.kind, NOS_TYPE_ENDPOINT);
    assert_int_equal(t.rights, NOS_RIGHT_CALL);
    assert_int_equal(t.nonce, 7);
    token_write(&t, body);
    assert_memory_equal(body, b.data, TOKEN_BODY);
    token_id(b.data, id);
    blake3_hash(span_of(b.data, 132), want);
    assert_memory_equal(id, want, 32);
    buf_free(&b);
}

static void test_time(void **state)
{
    struct token t = { .nbf = 1000, .exp = 2000 };
    (void)state;
    assert_int_equal(token_check_time(&t, 999), NOS_TOKEN_TIME);
    assert_int_equal(token_check_time(&t, 1000), NOS_OK);
    assert_int_equal(token_check_time(&t, 1999), NOS_OK);
    assert_int_equal(token_check_time(&t, 2000), NOS_TOKEN_TIME);
    t.exp = 0;
    assert_int_equal(token_check_time(&t, UINT64_MAX), NOS_OK);
    struct buf b = golden_token();
    assert_int_equal(token_verify(buf_span(b), golden_key(GOLDEN_ISSUER).pk, 5, &t),
                     NOS_TOKEN_TIME);
    buf_free(&b);
}

static void test_signature(void **state)
{
    struct buf b = golden_token();
    struct token t = { .nonce = 99 };
    (void)state;
    assert_int_equal(token_check_sig(buf_span(b), golden_key(GOLDEN_STRANGER).pk, &t),
                     NOS_TOKEN_ISSUER);
    assert_int_equal(t.nonce, 99);
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        b.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        nos_status_t st = token_verify(buf_span(b), golden_key(GOLDEN_ISSUER).pk, 1500, &t);
        assert_true(st == NOS_TOKEN_ISSUER || (st == NOS_TOKEN_FORMAT && bit / 8 < TOKEN_BODY));
        b.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    buf_free(&b);
}

static const struct {
    size_t at, width;
    uint64_t value;
    nos_status_t status;
} rows[] = {
    { 0, 2, 195, NOS_TOKEN_FORMAT },
    { 2, 1, 2, NOS_TOKEN_FORMAT },
    { 3, 1, 0, NOS_TOKEN_FORMAT },
    { 3, 1, 12, NOS_TOKEN_FORMAT },
    { 3, 1, 11, NOS_OK },
    { 36, 4, 0x40, NOS_TOKEN_FORMAT },
    { 36, 4, 0x3f, NOS_OK },
    { 40, 4, 0x10, NOS_TOKEN_FORMAT },
    { 40, 4, 0x2000000, NOS_TOKEN_FORMAT },
    { 84, 8, 1000, NOS_TOKEN_FORMAT },
    { 84, 8, 1001, NOS_OK },
    { 84, 8, 0, NOS_OK },
    { 92, 1, 1, NOS_TOKEN_FORMAT },  // further blocks, but no key for them
    { 93, 1, 1, NOS_TOKEN_FORMAT },
    { 95, 1, 1, NOS_TOKEN_FORMAT },
    { 100, 1, 1, NOS_TOKEN_FORMAT },  // a key, but no further blocks
};

static void test_one_rule_broken(void **state)
{
    struct token t;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b = golden_token();
        for (size_t k = 0; k < rows[i].width; k++) {
            b.data[rows[i].at + k] = (uint8_t)(rows[i].value >> (8 * k));
        }
        nos_status_t st = token_parse(buf_span(b), &t);
        if (st != rows[i].status) {
            fail_msg("row %zu: %d", i, st);
        }
        buf_free(&b);
    }
    struct buf b = golden_token();
    b.data[100] = 1;
    b.data[92] = 3;
    assert_int_equal(token_parse(buf_span(b), &t), NOS_OK);
    b.data[92] = 4;
    assert_int_equal(token_parse(buf_span(b), &t), NOS_TOKEN_FORMAT);
    buf_free(&b);
}

static void test_lengths(void **state)
{
    struct buf b = golden_token();
    struct token t;
    (void)state;
    for (size_t len = 0; len <= 197; len++) {
        struct buf c = buf_new(len);
        memcpy(c.data, b.data, len < 196 ? len : 196);
        assert_int_equal(token_parse(buf_span(c), &t), len == 196 ? NOS_OK : NOS_TOKEN_FORMAT);
        buf_free(&c);
    }
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),    cmocka_unit_test(test_time),
        cmocka_unit_test(test_signature), cmocka_unit_test(test_one_rule_broken),
        cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
