/* Modules and policies at the edges of what is allowed: files that end where no good one does,
 * views that no parser gave, and as much of everything as there may be. */
#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"
#include "lib/mod.h"
#include "lib/policy.h"
#include "lib/sigs.h"
#include "lib/tlv.h"
#include "tests/host/golden.h"
#include "tests/host/test.h"

static struct mod_hasher hasher;

/* A module of a small image and a manifest of zeros, which stage 1 does not read. */
static struct buf small_module(size_t manifest_len)
{
    struct golden_mod p = golden_parts();
    buf_free(&p.manifest);
    buf_free(&p.image);
    buf_free(&p.symbols);
    p.manifest = buf_new(manifest_len);
    p.image = buf_new(100);
    p.symbols = buf_new(7);
    struct buf f = golden_module(&p);
    golden_parts_free(&p);
    return f;
}

static void test_front_that_fills_its_page(void **state)
{
    size_t front = NOS_MOD_HDR_LEN + SIG_ROW + 32;
    struct buf f = small_module(NOS_MOD_PAGE - front), g = small_module(NOS_MOD_PAGE - front + 1);
    struct mod_view v;
    (void)state;
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_OK);
    assert_int_equal(v.image_off, NOS_MOD_PAGE);
    assert_int_equal(f.len, 2 * NOS_MOD_PAGE + 7);
    assert_int_equal(mod_extract(buf_span(g), &v), NOS_OK);
    assert_int_equal(v.image_off, 2 * NOS_MOD_PAGE);
    buf_free(&f);
    buf_free(&g);
}

/* An image that would find room in the padding before it. */
static void test_small_image_cut(void **state)
{
    struct buf f = small_module(64);
    struct mod_view v = { .n_sig = 99 };
    (void)state;
    for (size_t len = 0; len < NOS_MOD_PAGE + 100; len++) {
        assert_int_equal(mod_extract(span_of(f.data, len), &v), NOS_MOD_TRUNCATED);
    }
    assert_int_equal(v.n_sig, 99);
    assert_int_equal(mod_extract(span_of(f.data, NOS_MOD_PAGE + 100), &v), NOS_OK);
    assert_int_equal(v.symbols.len, 0);
    f.data[NOS_MOD_PAGE + 100] = 1;  // padding before the symbols
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_MOD_RESERVED);
    buf_free(&f);
}

static void test_only_the_kernel_flag_makes_a_kernel(void **state)
{
    struct trust_view t = golden_trust(1, 1);
    struct buf f = golden_module_plain();
    struct mod_view v;
    struct manifest m;
    (void)state;
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_OK);
    assert_int_equal(manifest_parse(v.manifest, &m), NOS_OK);
    v.flags = ~(uint32_t)NOS_MOD_FLAG_KERNEL;
    assert_int_equal(mod_check_kernel(&v, &t), NOS_BOOT_NOT_KERNEL);
    assert_int_equal(manifest_check_header(&m, &v), NOS_OK);
    buf_free(&f);
}

static void test_no_chunk_behind_the_last(void **state)
{
    struct buf lump = buf_new(NOS_MOD_CHUNK);
    uint8_t hashes[64];
    (void)state;
    blake3_hash(buf_span(lump), hashes);
    blake3_hash((span_t){ NULL, 0 }, hashes + 32);  // of an empty chunk
    assert_int_equal(mod_check_lump_chunk(buf_span(lump), SPAN_OF(hashes), 0), NOS_OK);
    assert_int_equal(mod_check_lump_chunk(buf_span(lump), SPAN_OF(hashes), 1), NOS_HASH_CHUNK);
    assert_int_equal(mod_check_lump_chunk(buf_span(lump), (span_t){ NULL, 0 }, 0), NOS_HASH_CHUNK);
    buf_free(&lump);
}

/* Whatever lay in the hasher before; and the first refusal stays, though more is wrong. */
static void test_hasher_used_before(void **state)
{
    struct buf f = golden_module_plain();
    struct mod_view v;
    bool done;
    (void)state;
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_OK);
    memset(&hasher, 0xff, sizeof hasher);
    assert_int_equal(mod_check_hashes(&hasher, &v), NOS_OK);

    memset(&hasher, 0xff, sizeof hasher);
    v.symbols = (span_t){ NULL, 0 };  // no longer what the manifest says: stage 4 refuses that
    assert_int_equal(mod_check_hashes(&hasher, &v), NOS_OK);
    assert_int_equal(hasher.symbols_hashes.len, 0);

    f.data[v.manifest.data - f.data] ^= 1;
    f.data[v.table.data - f.data] ^= 1;
    memset(&hasher, 0xff, sizeof hasher);
    mod_hash_init(&hasher, &v);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(mod_hash_step(&hasher, NOS_MOD_CHUNK, &done), NOS_HASH_MANIFEST);
        assert_true(done);
    }
    buf_free(&f);
}

/* Rows that extraction would have refused, and sets of roots that no section holds. */
static void test_signature_rows(void **state)
{
    struct golden_key own = golden_key(GOLDEN_PUBLISHER);
    struct trust_view t = golden_trust(2, 1);
    uint8_t rows[2 * SIG_ROW] = { 0 };
    const uint8_t *id, *sig;
    span_t one = span_of(rows, SIG_ROW), msg = SPAN_LIT("message");
    (void)state;
    assert_false(sigs_row(SPAN_OF(rows), SIZE_MAX / SIG_ROW + 1, &id, &sig));  // times 96 wraps
    assert_false(sigs_row(SPAN_OF(rows), 2, &id, &sig));
    memcpy(rows, own.id, 32);
    ed25519_sign(rows + 32, msg, own.sk);
    memcpy(rows + SIG_ROW, rows, SIG_ROW);
    assert_int_equal(sigs_check_key(msg, one, own.pk), NOS_OK);
    assert_int_equal(sigs_check_key(msg, SPAN_OF(rows), own.pk), NOS_KEY_UNKNOWN);  // twice

    memset(rows, 0, 32);  // the id of a root that is not there
    assert_int_equal(sigs_check_roots(msg, one, &t), NOS_KEY_UNKNOWN);
    t = golden_trust(4, 1);
    t.n_root = TRUST_ROOTS_MAX + 1;
    memcpy(rows, t.set_id, 32);  // what lies behind the ids
    assert_int_equal(sigs_check_roots(msg, one, &t), NOS_KEY_UNKNOWN);
    t.k = 0;  // asks for nobody: nobody is still too few
    assert_int_equal(sigs_check_roots(msg, span_of(rows, 0), &t), NOS_FEW_SIGNATURES);
}

/* ---- policies ---- */

/* A file of 74 bytes: whole, were it not for the signature that it announces. */
static void test_policy_without_its_signatures(void **state)
{
    struct buf f = golden_policy_plain();
    struct policy_view v = { .n_sig = 99 };
    (void)state;
    store_le64(f.data + 32, 10);
    assert_int_equal(policy_extract(span_of(f.data, NOS_POL_HDR_LEN + 10), &v), NOS_POL_TRUNCATED);
    assert_int_equal(v.n_sig, 99);
    buf_free(&f);
}

/* The value of a record of a body, to be changed where it lies. */
static uint8_t *value_in(struct buf body, uint16_t tag)
{
    struct tlv_iter it;
    uint16_t t;
    span_t value;
    bool more = true;
    tlv_init(&it, buf_span(body));
    while (tlv_next(&it, &t, &value, &more) == NOS_OK && more) {
        if (t == tag) {
            return body.data + (value.data - body.data);
        }
    }
    fail();
    return NULL;
}

static nos_status_t parse_body(struct buf body)
{
    struct policy p;
    struct buf f = golden_policy(buf_span(body), 1, 1);
    nos_status_t st = policy_parse(buf_span(f), &p);
    buf_free(&f);
    return st;
}

static void test_most_grants_of_a_rule(void **state)
{
    uint8_t grants[65][32] = { 0 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(grants); i++) {
        store_le16(grants[i], NOS_CAP_LOG);
    }
    struct buf body = golden_policy_body((struct change){ NOS_POL_GRANTS, false, SPAN_OF(grants) });
    uint8_t *rules = value_in(body, NOS_POL_RULES);
    store_le32(rules + 8, 64);
    assert_int_equal(parse_body(body), NOS_OK);
    store_le32(rules + 8, 65);
    assert_int_equal(parse_body(body), NOS_POL_FIELD);
    buf_free(&body);
}

/* One more than there may be, and no rule that would miss them. */
static void test_too_many_grants(void **state)
{
    struct buf grants = buf_new(4097 * 32);
    (void)state;
    for (size_t i = 0; i < 4097; i++) {
        store_le16(grants.data + 32 * i, NOS_CAP_LOG);
    }
    for (size_t n = 4096; n <= 4097; n++) {
        struct buf body = golden_policy_body(
            (struct change){ NOS_POL_GRANTS, false, span_of(grants.data, 32 * n) });
        for (size_t r = 0; r < 3; r++) {
            store_le64(value_in(body, NOS_POL_RULES) + 96 * r + 4, 0);
        }
        assert_int_equal(parse_body(body), n == 4096 ? NOS_OK : NOS_POL_FIELD);
        buf_free(&body);
    }
    buf_free(&grants);
}

/* As many publishers as there may be, and each is found. */
static void test_every_publisher_is_found(void **state)
{
    uint8_t pubs[64][80] = { 0 };
    struct policy p;
    struct nos_pol_publisher pub;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pubs); i++) {
        pubs[i][0] = (uint8_t)(2 * i + 1);
    }
    struct buf body =
        golden_policy_body((struct change){ NOS_POL_PUBLISHERS, false, SPAN_OF(pubs) });
    struct buf f = golden_policy(buf_span(body), 1, 1);
    assert_int_equal(policy_parse(buf_span(f), &p), NOS_OK);
    for (unsigned b = 0; b < 256; b++) {
        uint8_t id[32] = { (uint8_t)b };
        assert_int_equal(policy_publisher(&p, id, &pub), b < 128 && b % 2 == 1);
    }
    buf_free(&f);
    buf_free(&body);
}

/* Every field of a rule, the reserved one too, comes back from its bytes. */
static void test_rule_bytes(void **state)
{
    struct nos_pol_rule r, again;
    uint8_t bytes[sizeof r];
    (void)state;
    for (size_t i = 0; i < sizeof r; i++) {
        ((uint8_t *)&r)[i] = (uint8_t)(i + 1);
    }
    policy_rule_write(&r, bytes);
    struct policy p = { .rules = SPAN_OF(bytes), .n_rules = 1 };
    assert_true(policy_rule_at(&p, 0, &again));
    assert_memory_equal(&r, &again, sizeof r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_front_that_fills_its_page),
        cmocka_unit_test(test_small_image_cut),
        cmocka_unit_test(test_only_the_kernel_flag_makes_a_kernel),
        cmocka_unit_test(test_no_chunk_behind_the_last),
        cmocka_unit_test(test_hasher_used_before),
        cmocka_unit_test(test_signature_rows),
        cmocka_unit_test(test_policy_without_its_signatures),
        cmocka_unit_test(test_most_grants_of_a_rule),
        cmocka_unit_test(test_too_many_grants),
        cmocka_unit_test(test_every_publisher_is_found),
        cmocka_unit_test(test_rule_bytes),
    };
    return cmocka_run_group_tests_name("edges", tests, NULL, NULL);
}
