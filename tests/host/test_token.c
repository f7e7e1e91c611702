/* lib/token.h: format, signatures, links, time. */
#include "lib/token.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"
#include "tests/host/golden.h"
#include "tests/host/test.h"

enum { BLOCKS = NOS_TOKEN_BLOCKS_MAX };

static nos_status_t verify(struct buf b)
{
    struct token_chain c;
    return token_verify(buf_span(b), golden_key(GOLDEN_ISSUER).pk, &c);
}

static void test_golden(void **state)
{
    struct buf b = golden_token();
    struct token_chain c;
    uint8_t body[TOKEN_BODY], id[32], want[32];
    (void)state;
    assert_int_equal(token_verify(buf_span(b), golden_key(GOLDEN_ISSUER).pk, &c), NOS_OK);
    assert_int_equal(c.n, 1);
    const struct token *t = token_last(&c);
    assert_int_equal(t->kind, NOS_TYPE_ENDPOINT);
    assert_int_equal(t->rights, NOS_RIGHT_CALL);
    assert_int_equal(t->nonce, 7);
    token_write(t, body);
    assert_memory_equal(body, b.data, TOKEN_BODY);
    token_id(buf_span(b), id);
    blake3_hash(span_of(b.data, 132), want);
    assert_memory_equal(id, want, 32);
    token_id(span_of(b.data, 132), id);  // before it is signed
    assert_memory_equal(id, want, 32);
    buf_free(&b);
}

static void test_chains(void **state)
{
    struct token t[BLOCKS];
    struct token_chain c;
    uint8_t bodies[BLOCKS * TOKEN_BODY], id[32], want[32];
    (void)state;
    for (uint32_t n = 1; n <= BLOCKS; n++) {
        golden_blocks(t, n);
        struct buf b = golden_chain(t, n);
        assert_int_equal(token_verify(buf_span(b), golden_key(GOLDEN_ISSUER).pk, &c), NOS_OK);
        assert_int_equal(c.n, n);
        assert_int_equal(token_last(&c)->nonce, 7 + n - 1);
        for (uint32_t i = 0; i < n; i++) {
            memcpy(bodies + i * TOKEN_BODY, b.data + i * TOKEN_BYTES, TOKEN_BODY);
        }
        token_id(buf_span(b), id);
        blake3_hash(span_of(bodies, n * TOKEN_BODY), want);
        assert_memory_equal(id, want, 32);
        b.data[b.len - 1] ^= 1;  // the id does not depend on signatures
        token_id(buf_span(b), id);
        assert_memory_equal(id, want, 32);
        buf_free(&b);
    }
    struct buf five = buf_new((BLOCKS + 1) * TOKEN_BYTES);  // no chain: of its first four
    token_id(span_of(five.data, BLOCKS * TOKEN_BYTES), want);
    token_id(buf_span(five), id);
    assert_memory_equal(id, want, 32);
    buf_free(&five);
}

/* What a signature covers, said a second time. */
static void test_signed_bytes(void **state)
{
    struct token t[2];
    uint8_t msg[TOKEN_SIGNED_BYTES], hash[32], zero[32] = { 0 };
    (void)state;
    golden_blocks(t, 2);
    struct buf b = golden_chain(t, 2);
    assert_int_equal(sizeof msg, 11 + 32 + 132);
    token_signed_bytes(NULL, b.data, msg);
    assert_memory_equal(msg, "N0N/cap/v1", 11);
    assert_memory_equal(msg + 11, zero, 32);
    assert_memory_equal(msg + 43, b.data, 132);
    token_signed_bytes(b.data, b.data + 196, msg);
    blake3_hash(span_of(b.data, 196), hash);
    assert_memory_equal(msg + 11, hash, 32);
    assert_memory_equal(msg + 43, b.data + 196, 132);
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
}

static void test_issuer(void **state)
{
    struct buf b = golden_token();
    struct token_chain c = { .n = 99 };
    (void)state;
    assert_int_equal(token_verify(buf_span(b), golden_key(GOLDEN_STRANGER).pk, &c),
                     NOS_TOKEN_ISSUER);
    assert_int_equal(c.n, 99);
    buf_free(&b);
}

/* No bit of a chain can change. */
static void test_every_bit(void **state)
{
    struct token t[BLOCKS];
    (void)state;
    for (uint32_t n = 1; n <= BLOCKS; n += 3) {
        golden_blocks(t, n);
        struct buf b = golden_chain(t, n);
        for (size_t bit = 0; bit < b.len * 8; bit++) {
            size_t block = bit / 8 / TOKEN_BYTES;
            b.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            nos_status_t st = verify(b);
            bool shape = st == NOS_TOKEN_FORMAT || (st == NOS_TOKEN_DEPTH && n > 1);
            bool body = bit / 8 % TOKEN_BYTES < TOKEN_BODY;
            if (st != (block == 0 ? NOS_TOKEN_ISSUER : NOS_TOKEN_LINK) && !(body && shape)) {
                fail_msg("%u blocks, bit %zu: %d", n, bit, st);
            }
            b.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        buf_free(&b);
    }
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
    { 40, 4, 2ull << (31 - __builtin_clz(NOS_RIGHT_ALL)), NOS_TOKEN_FORMAT },  // no right yet
    { 40, 4, NOS_RIGHT_ALL, NOS_OK },
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
    struct token_chain c;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b = golden_token();
        for (size_t k = 0; k < rows[i].width; k++) {
            b.data[rows[i].at + k] = (uint8_t)(rows[i].value >> (8 * k));
        }
        nos_status_t st = token_parse(buf_span(b), &t);
        if (st != rows[i].status || token_chain_parse(buf_span(b), &c) != st) {
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
    struct token t[BLOCKS], one;
    struct token_chain c;
    (void)state;
    golden_blocks(t, BLOCKS);
    struct buf b = golden_chain(t, BLOCKS);
    for (size_t len = 0; len <= 5 * TOKEN_BYTES + 1; len++) {
        struct buf cut = buf_new(len);
        memcpy(cut.data, b.data, len < b.len ? len : b.len);
        bool whole = len > 0 && len % TOKEN_BYTES == 0;
        assert_int_equal(token_parse(buf_span(cut), &one),
                         len == TOKEN_BYTES ? NOS_OK : NOS_TOKEN_FORMAT);
        assert_int_equal(token_chain_parse(buf_span(cut), &c), !whole        ? NOS_TOKEN_FORMAT
                                                               : len > b.len ? NOS_TOKEN_DEPTH
                                                                             : NOS_OK);
        buf_free(&cut);
    }
    buf_free(&b);
}

/* Blocks of good shape, well signed, of which one widens what it was given. */
enum change_of { KIND, OBJ, RIGHTS, CLASSES, NBF, EXP, DEPTH, AUDIENCE, PARENT_RIGHTS };

static const struct {
    enum change_of what;
    uint64_t value;
    nos_status_t status;
} links[] = {
    { KIND, NOS_TYPE_NOTIFICATION, NOS_TOKEN_OBJECT },
    { OBJ, 0x45, NOS_TOKEN_OBJECT },
    { OBJ, 0x44, NOS_OK },
    { RIGHTS, NOS_RIGHT_CALL, NOS_OK },
    { RIGHTS, 0, NOS_OK },
    { RIGHTS, NOS_RIGHT_CALL | NOS_RIGHT_TRANSFER | NOS_RIGHT_RECV, NOS_TOKEN_RIGHTS },
    { RIGHTS, NOS_RIGHT_ALL, NOS_TOKEN_RIGHTS },
    { CLASSES, 0, NOS_OK },
    { CLASSES, NOS_CLASS_IPC | NOS_CLASS_IO, NOS_TOKEN_RIGHTS },
    { NBF, 1000, NOS_OK },  // the parent's own beginning
    { NBF, 999, NOS_TOKEN_WINDOW },
    { EXP, 2000, NOS_OK },
    { EXP, 2001, NOS_TOKEN_WINDOW },
    { EXP, 0, NOS_TOKEN_WINDOW },  // no end at all
    { DEPTH, 1, NOS_TOKEN_DEPTH },
    { DEPTH, 3, NOS_TOKEN_DEPTH },
    { AUDIENCE, 0x99, NOS_OK },  // the parent has TRANSFER
    { PARENT_RIGHTS, NOS_RIGHT_CALL, NOS_TOKEN_AUDIENCE },
};

static void change_block(struct token *t, enum change_of what, uint64_t value)
{
    switch (what) {
    case KIND:
        t[1].kind = (uint8_t)value;
        break;
    case OBJ:
        t[1].obj[31] = (uint8_t)value;
        break;
    case RIGHTS:
        t[1].rights = (uint32_t)value;
        break;
    case CLASSES:
        t[1].classes = (uint32_t)value;
        break;
    case NBF:
        t[1].nbf = value;
        break;
    case EXP:
        t[1].exp = value;
        break;
    case DEPTH:
        t[1].depth = (uint8_t)value;
        memset(t[1].next_pk, 1, 32);
        break;
    case AUDIENCE:
        t[1].audience[0] = (uint8_t)value;
        break;
    case PARENT_RIGHTS:
        t[0].rights = t[1].rights = (uint32_t)value;
        break;
    }
}

static void test_links(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(links); i++) {
        struct token t[2];
        golden_blocks(t, 2);
        change_block(t, links[i].what, links[i].value);
        struct buf b = golden_chain(t, 2);
        nos_status_t st = verify(b);
        if (st != links[i].status) {
            fail_msg("link row %zu: %d", i, st);
        }
        buf_free(&b);
    }
    // Without TRANSFER the token can still be narrowed for the same audience.
    struct token t[2];
    golden_blocks(t, 2);
    t[0].rights = t[1].rights = NOS_RIGHT_CALL;
    memcpy(t[1].audience, t[0].audience, 32);
    struct buf b = golden_chain(t, 2);
    assert_int_equal(verify(b), NOS_OK);
    buf_free(&b);
    // A parent without an end leaves the end to the child.
    golden_blocks(t, 2);
    t[0].exp = 0;
    b = golden_chain(t, 2);
    assert_int_equal(verify(b), NOS_OK);
    buf_free(&b);
    t[1].exp = 0;
    b = golden_chain(t, 2);
    assert_int_equal(verify(b), NOS_OK);
    buf_free(&b);
}

/* Each link is judged, not only the first one or the ends. */
static void test_every_link(void **state)
{
    (void)state;
    for (uint32_t n = 2; n <= BLOCKS; n++) {
        for (uint32_t i = 1; i < n; i++) {
            struct token t[BLOCKS];
            golden_blocks(t, n);
            t[i].rights |= NOS_RIGHT_RECV;
            struct buf b = golden_chain(t, n);
            assert_int_equal(verify(b), NOS_TOKEN_RIGHTS);
            buf_free(&b);
            golden_blocks(t, n);
            memset(t[i - 1].next_pk, 7, 32);  // names another key than the one that signs next
            b = golden_chain(t, n);
            assert_int_equal(verify(b), NOS_TOKEN_LINK);
            buf_free(&b);
        }
    }
}

/* More blocks than the first one allows; blocks in another order; of two chains. */
static void test_depth_and_order(void **state)
{
    struct token t[BLOCKS];
    (void)state;
    golden_blocks(t, 2);
    t[1].depth = 1;
    memcpy(t[1].next_pk, golden_key(GOLDEN_HOLDER + 1).pk, 32);
    t[0].depth = 2;
    t[2] = t[1];
    t[2].depth = 0;
    memset(t[2].next_pk, 0, 32);
    struct buf b = golden_chain(t, 3);
    assert_int_equal(verify(b), NOS_OK);
    buf_free(&b);
    t[0].depth = 1;  // one more, and there are two
    t[1].depth = 0;
    memset(t[1].next_pk, 0, 32);
    b = golden_chain(t, 3);
    assert_int_equal(verify(b), NOS_TOKEN_DEPTH);
    buf_free(&b);

    golden_blocks(t, 3);
    b = golden_chain(t, 3);
    struct buf copy = buf_copy(buf_span(b));
    memcpy(copy.data + 196, b.data + 392, 196);  // the middle left out
    copy.len = 392;
    assert_int_equal(verify(copy), NOS_TOKEN_LINK);
    memcpy(copy.data, b.data + 196, 392);  // the first left out
    assert_int_equal(verify(copy), NOS_TOKEN_ISSUER);
    copy.len = 588;
    // The same keys, another first block: the second was signed behind the one it was made for.
    t[0].nonce++;
    struct buf other = golden_chain(t, 3);
    memcpy(copy.data, other.data, 196);
    memcpy(copy.data + 196, b.data + 196, 392);
    assert_int_equal(verify(copy), NOS_TOKEN_LINK);
    buf_free(&other);
    buf_free(&copy);
    buf_free(&b);
}

/* One signature a call: a call for one block says nothing of the others. */
static void test_one_signature_a_step(void **state)
{
    struct token t[BLOCKS];
    struct token_chain c;
    struct golden_key issuer = golden_key(GOLDEN_ISSUER);
    (void)state;
    golden_blocks(t, BLOCKS);
    struct buf b = golden_chain(t, BLOCKS);
    for (uint32_t broken = 0; broken < BLOCKS; broken++) {
        struct buf bad = buf_copy(buf_span(b));
        bad.data[broken * TOKEN_BYTES + TOKEN_BODY + 5] ^= 1;
        assert_int_equal(token_chain_parse(buf_span(bad), &c), NOS_OK);
        for (uint32_t i = 0; i < BLOCKS; i++) {
            nos_status_t want = i == broken ? i == 0 ? NOS_TOKEN_ISSUER : NOS_TOKEN_LINK
                                : i == broken + 1
                                    ? NOS_TOKEN_LINK  // covers the block before, whole
                                    : NOS_OK;
            assert_int_equal(token_chain_sig(&c, i, issuer.pk), want);
        }
        buf_free(&bad);
    }
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),          cmocka_unit_test(test_chains),
        cmocka_unit_test(test_signed_bytes),    cmocka_unit_test(test_time),
        cmocka_unit_test(test_issuer),          cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_one_rule_broken), cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_links),           cmocka_unit_test(test_every_link),
        cmocka_unit_test(test_depth_and_order), cmocka_unit_test(test_one_signature_a_step),
    };
    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
