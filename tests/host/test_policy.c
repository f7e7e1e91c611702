/* lib/policy.h: every rule broken alone, every truncation, every flipped bit, and the look-ups. */
#include "lib/cap.h"
#include "lib/policy.h"
#include "lib/text.h"
#include "tests/host/golden.h"
#include "tests/host/test.h"

static void fill(uint8_t out[32], uint8_t byte)
{
    memset(out, byte, 32);
}

static void test_golden(void **state)
{
    struct buf f = golden_policy_plain();
    struct policy p;
    struct nos_pol_start s;
    char name[NOS_NAME_MAX];
    (void)state;
    assert_int_equal(golden_verify_policy(buf_span(f)), NOS_OK);
    assert_int_equal(policy_parse(buf_span(f), &p), NOS_OK);
    assert_int_equal(p.view.epoch, 7);
    assert_int_equal(p.view.kernel_sec_min, 3);
    assert_int_equal(p.n_publishers, 2);
    assert_int_equal(p.n_rules, 3);
    assert_int_equal(p.n_grants, 2);
    assert_int_equal(p.n_boot, 2);
    assert_int_equal(p.n_start, 1);
    assert_memory_equal(p.operator_pk, golden_key(GOLDEN_OPERATOR).pk, 32);
    assert_string_equal(p.first, "init");
    assert_true(policy_boot_file(&p, 1, name));
    assert_string_equal(name, "HELLO.MOD");
    assert_false(policy_boot_file(&p, 2, name));
    assert_true(policy_start(&p, 0, &s));
    assert_string_equal(s.name, "shell");
    assert_string_equal(s.arg, "arg");
    assert_false(policy_start(&p, 1, &s));
    buf_free(&f);
}

static void test_publishers(void **state)
{
    struct buf f = golden_policy_plain();
    struct policy p;
    struct nos_pol_publisher pub;
    uint8_t id[32], bytes[80];
    (void)state;
    assert_int_equal(policy_parse(buf_span(f), &p), NOS_OK);
    fill(id, 0x11);
    assert_true(policy_publisher(&p, id, &pub));
    assert_memory_equal(pub.pk, golden_key(GOLDEN_PUBLISHER).pk, 32);
    assert_int_equal(pub.classes, NOS_CLASS_ALL);
    assert_int_equal(pub.sec_min, 1);
    fill(id, 0x22);
    assert_true(policy_publisher(&p, id, &pub));
    assert_int_equal(pub.flags, NOS_PUBLISHER_REVOKED);
    policy_publisher_write(&pub, bytes);
    assert_memory_equal(bytes, p.publishers.data + 80, 80);
    for (unsigned b = 0; b < 256; b += 5) {
        fill(id, (uint8_t)b);
        assert_int_equal(policy_publisher(&p, id, &pub), b == 0x11 || b == 0x22);
    }
    assert_false(policy_publisher_at(&p, 2, &pub));
    buf_free(&f);
}

static void test_rules(void **state)
{
    struct buf f = golden_policy_plain();
    struct policy p;
    struct nos_pol_rule r;
    struct nos_cap c;
    uint8_t module[32], pub[32], hello[32], init[32], bytes[96];
    (void)state;
    assert_int_equal(policy_parse(buf_span(f), &p), NOS_OK);
    name_hash(SPAN_LIT("hello"), hello);
    name_hash(SPAN_LIT("init"), init);
    fill(pub, 0x11);
    fill(module, 0xaa);
    assert_true(policy_rule(&p, module, pub, hello, &r));
    assert_int_equal(r.match, NOS_MATCH_ID);  // the more specific one wins
    assert_int_equal(r.sec_min, 2);
    assert_int_equal(r.flags, NOS_RULE_KILL_ON_FILTER);
    assert_int_equal(r.cpu_percent, 25);
    policy_rule_write(&r, bytes);
    assert_memory_equal(bytes, p.rules.data, 96);
    fill(module, 0xab);
    assert_true(policy_rule(&p, module, pub, hello, &r));
    assert_int_equal(r.match, NOS_MATCH_NAME);
    assert_int_equal(r.grants_n, 2);
    assert_true(policy_grant(&p, r.grants_at + 1, &c));
    assert_int_equal(c.kind, NOS_CAP_ENDPOINT);
    assert_false(policy_grant(&p, 2, &c));
    assert_false(policy_rule(&p, module, pub, init, &r));
    fill(pub, 0x22);
    assert_true(policy_rule(&p, module, pub, init, &r));
    policy_rule_write(&r, bytes);
    assert_memory_equal(bytes, p.rules.data + 2 * 96, 96);
    assert_false(policy_rule(&p, module, pub, hello, &r));  // another publisher's name
    fill(pub, 0xaa);
    assert_false(policy_rule(&p, module, pub, hello, &r));
    assert_false(policy_rule_at(&p, 3, &r));
    buf_free(&f);
}

static const struct {
    size_t at, width;
    uint64_t value;
    nos_status_t status;
} fields[] = {
    { 0, 1, 'X', NOS_POL_MAGIC },
    { 7, 1, 2, NOS_POL_VERSION },
    { 8, 4, 65, NOS_POL_VERSION },
    { 12, 4, 2, NOS_POL_VERSION },
    { 12, 4, 1, NOS_OK },
    { 28, 4, 0, NOS_POL_FIELD },
    { 28, 4, 5, NOS_POL_FIELD },
    { 32, 8, 0, NOS_POL_FIELD },
    { 32, 8, 262145, NOS_POL_OVERSIZE },
    { 32, 8, UINT64_MAX, NOS_POL_OVERSIZE },
    { 32, 8, 262144, NOS_POL_TRUNCATED },
    { 32, 8, 1, NOS_POL_OVERSIZE },
    { 40, 1, 1, NOS_POL_RESERVED },
    { 63, 1, 1, NOS_POL_RESERVED },
};

static void test_header_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct buf f = golden_policy_plain();
        struct policy_view v;
        for (size_t k = 0; k < fields[i].width; k++) {
            f.data[fields[i].at + k] = (uint8_t)(fields[i].value >> (8 * k));
        }
        nos_status_t st = policy_extract(buf_span(f), &v);
        if (st != fields[i].status) {
            fail_msg("field row %zu: %d", i, st);
        }
        buf_free(&f);
    }
}

static void test_truncations(void **state)
{
    struct buf f = golden_policy_plain();
    struct policy p;
    (void)state;
    for (size_t len = 0; len <= f.len + 1; len++) {
        struct buf b = buf_new(len);
        memcpy(b.data, f.data, len < f.len ? len : f.len);
        nos_status_t want = len < f.len    ? NOS_POL_TRUNCATED
                            : len == f.len ? NOS_OK
                                           : NOS_POL_OVERSIZE;
        assert_int_equal(policy_parse(buf_span(b), &p), want);
        buf_free(&b);
    }
    buf_free(&f);
}

static void test_every_bit(void **state)
{
    struct buf f = golden_policy_plain();
    (void)state;
    for (size_t bit = 0; bit < f.len * 8; bit++) {
        size_t at = bit / 8;
        f.data[at] ^= (uint8_t)(1u << (bit % 8));
        nos_status_t st = golden_verify_policy(buf_span(f));
        bool header = st <= NOS_POL_TRUNCATED && st >= NOS_POL_MISSING && st != NOS_POL_EPOCH;
        bool ok = at < 64   ? header || st == NOS_BAD_SIGNATURE || st == NOS_KEY_UNKNOWN
                  : at < 96 ? st == NOS_KEY_UNKNOWN
                            : st == NOS_BAD_SIGNATURE;
        if (!ok) {
            fail_msg("bit %zu of byte %zu: %d", bit % 8, at, st);
        }
        f.data[at] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_int_equal(golden_verify_policy(buf_span(f)), NOS_OK);
    buf_free(&f);
}

static void test_signatures(void **state)
{
    static uint8_t scratch[POLICY_SIGNED_MAX];
    struct buf body = golden_policy_body((struct change){ 0 });
    struct policy_view v;
    (void)state;
    for (uint32_t n = 1; n <= 4; n++) {
        for (uint32_t k = 1; k <= n; k++) {
            struct buf f = golden_policy(buf_span(body), n, k);
            struct trust_view t = golden_trust(n, k), other = golden_trust(n, n), more = t;
            assert_int_equal(policy_extract(buf_span(f), &v), NOS_OK);
            assert_int_equal(policy_check_sigs(&v, &t, MSPAN_OF(scratch)), NOS_OK);
            assert_int_equal(policy_check_sigs(&v, &other, MSPAN_OF(scratch)),
                             k == n ? NOS_OK : NOS_FEW_SIGNATURES);
            more.key_id[0][0] ^= 1;  // a signer that is not in the set any more
            nos_status_t st = policy_check_sigs(&v, &more, MSPAN_OF(scratch));
            assert_true(st == NOS_KEY_UNKNOWN);
            assert_int_equal(policy_check_sigs(
                                 &v, &t, mspan_of(scratch, sizeof(NOS_DOMAIN_POL) + 63 + body.len)),
                             NOS_TOO_BIG);
            buf_free(&f);
        }
    }
    struct buf f = golden_policy(buf_span(body), 2, 2);
    memcpy(f.data + 64 + 96, f.data + 64, 96);  // one root twice
    assert_int_equal(policy_extract(buf_span(f), &v), NOS_POL_ORDER);
    buf_free(&f);
    buf_free(&body);
}

static void test_epoch(void **state)
{
    struct buf f = golden_policy_plain();
    struct policy_view v;
    (void)state;
    assert_int_equal(policy_extract(buf_span(f), &v), NOS_OK);
    assert_int_equal(policy_check_epoch(&v, 7), NOS_OK);
    assert_int_equal(policy_check_epoch(&v, 8), NOS_POL_EPOCH);
    buf_free(&f);
}

static nos_status_t parse_body(struct buf body)
{
    struct policy p;
    struct buf f = golden_policy(buf_span(body), 1, 1);
    nos_status_t st = policy_parse(buf_span(f), &p);
    buf_free(&f);
    return st;
}

static nos_status_t parse_with(uint16_t tag, span_t value, bool drop)
{
    struct buf body = golden_policy_body((struct change){ tag, drop, value });
    nos_status_t st = parse_body(body);
    buf_free(&body);
    return st;
}

static void test_missing_and_unknown(void **state)
{
    (void)state;
    for (unsigned tag = NOS_POL_OPERATOR; tag <= NOS_POL_FIRST; tag++) {
        assert_int_equal(parse_with((uint16_t)tag, (span_t){ 0 }, true), NOS_POL_MISSING);
    }
    assert_int_equal(parse_with(NOS_POL_START, (span_t){ 0 }, true), NOS_OK);
    assert_int_equal(parse_with(NOS_POL_START, (span_t){ 0 }, false), NOS_OK);
    assert_int_equal(parse_with(0x8008, (span_t){ 0 }, false), NOS_TLV_CRITICAL);
    assert_int_equal(parse_with(0x0001, (span_t){ 0 }, false), NOS_OK);
    struct buf body = golden_policy_body((struct change){ 0 });
    body.data[2] = 1;
    assert_int_equal(parse_body(body), NOS_TLV_RESERVED);
    buf_free(&body);
}

/* The value of a golden record, to be changed. */
static struct buf value_of(uint16_t tag)
{
    struct buf body = golden_policy_body((struct change){ 0 }), v = { NULL, 0 };
    span_t rest = buf_span(body), head, value;
    while (span_take(&rest, 8, &head) && span_take(&rest, load_le32(head.data + 4), &value)) {
        if (load_le16(head.data) == tag) {
            v = buf_copy(value);
        }
    }
    buf_free(&body);
    return v;
}

static const struct {
    uint16_t tag;
    size_t at, width;
    uint64_t value;
    nos_status_t status;
} records[] = {
    { NOS_POL_PUBLISHERS, 64, 4, 0x40, NOS_POL_FIELD },
    { NOS_POL_PUBLISHERS, 68, 4, 2, NOS_POL_FIELD },
    { NOS_POL_PUBLISHERS, 68, 4, 1, NOS_OK },
    { NOS_POL_PUBLISHERS, 76, 4, 1, NOS_POL_RESERVED },
    { NOS_POL_PUBLISHERS, 0, 1, 0x33, NOS_POL_ORDER },
    { NOS_POL_PUBLISHERS, 80, 1, 0x01, NOS_POL_ORDER },
    { NOS_POL_RULES, 0, 4, 2, NOS_POL_FIELD },
    { NOS_POL_RULES, 8, 4, 65, NOS_POL_FIELD },
    { NOS_POL_RULES, 4, 4, 2, NOS_POL_FIELD },
    { NOS_POL_RULES, 4, 4, 1, NOS_OK },
    { NOS_POL_RULES, 4, 4, UINT32_MAX, NOS_POL_FIELD },
    { NOS_POL_RULES, 8, 4, 3, NOS_POL_FIELD },
    { NOS_POL_RULES, 16, 4, 0x40, NOS_POL_FIELD },
    { NOS_POL_RULES, 20, 4, 262145, NOS_POL_FIELD },
    { NOS_POL_RULES, 20, 4, 262144, NOS_OK },
    { NOS_POL_RULES, 24, 4, 31, NOS_POL_FIELD },
    { NOS_POL_RULES, 24, 4, 30, NOS_OK },
    { NOS_POL_RULES, 28, 1, 0, NOS_OK },
    { NOS_POL_RULES, 28, 1, 2, NOS_OK },
    { NOS_POL_RULES, 28, 1, 4, NOS_POL_FIELD },
    { NOS_POL_RULES, 29, 1, 0, NOS_OK },
    { NOS_POL_RULES, 29, 1, 100, NOS_OK },
    { NOS_POL_RULES, 29, 1, 101, NOS_POL_FIELD },
    { NOS_POL_RULES, 30, 1, 1, NOS_POL_RESERVED },
    { NOS_POL_RULES, 31, 1, 1, NOS_POL_RESERVED },
    { NOS_POL_RULES, 64, 1, 1, NOS_POL_FIELD },
    { NOS_POL_RULES, 96, 4, 0, NOS_POL_FIELD },
    { NOS_POL_RULES, 96 + 32, 1, 0x77, NOS_POL_ORDER },
    { NOS_POL_RULES, 0, 4, 1, NOS_POL_ORDER },
    { NOS_POL_GRANTS, 0, 2, 99, NOS_POL_FIELD },
    { NOS_POL_GRANTS, 2, 2, 1, NOS_POL_FIELD },
    { NOS_POL_GRANTS, 4, 4, 1, NOS_POL_FIELD },
    { NOS_POL_GRANTS, 32 + 8, 1, 'X', NOS_POL_FIELD },
    { NOS_POL_BOOT, 0, 1, 'i', NOS_POL_FIELD },
    { NOS_POL_BOOT, 4, 1, '/', NOS_POL_FIELD },
    { NOS_POL_BOOT, 15, 1, 'X', NOS_POL_FIELD },
    { NOS_POL_FIRST, 0, 1, 'I', NOS_POL_FIELD },
    { NOS_POL_FIRST, 0, 1, 0, NOS_POL_FIELD },
    { NOS_POL_START, 0, 1, 0, NOS_POL_FIELD },
    { NOS_POL_START, 16, 1, '\n', NOS_POL_FIELD },
    { NOS_POL_START, 79, 1, 'x', NOS_POL_FIELD },
    { NOS_POL_START, 16, 1, 0, NOS_POL_FIELD },
};

static void test_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        struct buf v = value_of(records[i].tag);
        for (size_t k = 0; k < records[i].width; k++) {
            v.data[records[i].at + k] = (uint8_t)(records[i].value >> (8 * k));
        }
        nos_status_t st = parse_with(records[i].tag, buf_span(v), false);
        if (st != records[i].status) {
            fail_msg("record row %zu: %d", i, st);
        }
        buf_free(&v);
    }
}

static void test_counts(void **state)
{
    static const struct {
        uint16_t tag;
        size_t len, least, most;
    } lists[] = {
        { NOS_POL_PUBLISHERS, 80, 1, 64 }, { NOS_POL_RULES, 96, 1, 256 },
        { NOS_POL_GRANTS, 32, 0, 4096 },   { NOS_POL_BOOT, 16, 1, 32 },
        { NOS_POL_START, 80, 0, 32 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct buf zero = buf_new((lists[i].most + 1) * lists[i].len);
        assert_int_equal(parse_with(lists[i].tag, span_of(zero.data, lists[i].len - 1), false),
                         NOS_POL_FIELD);
        assert_int_equal(parse_with(lists[i].tag, span_of(zero.data, lists[i].len + 1), false),
                         NOS_POL_FIELD);
        assert_int_equal(parse_with(lists[i].tag, buf_span(zero), false), NOS_POL_FIELD);
        if (lists[i].least == 1) {
            assert_int_equal(parse_with(lists[i].tag, span_of(zero.data, 0), false), NOS_POL_FIELD);
        }
        buf_free(&zero);
    }
    // And as many as allowed are taken, one more is not.
    struct buf pub = buf_new(65 * 80), rules = buf_new(257 * 96), grants = buf_new(4097 * 32);
    struct buf boot = buf_new(33 * 16), start = buf_new(33 * 80);
    for (size_t i = 0; i < 65; i++) {
        pub.data[i * 80] = (uint8_t)i;
    }
    for (size_t i = 0; i < 257; i++) {
        rules.data[i * 96 + 32] = (uint8_t)(i >> 8);
        rules.data[i * 96 + 33] = (uint8_t)i;
    }
    for (size_t i = 0; i < 4097; i++) {
        store_le16(grants.data + i * 32, NOS_CAP_LOG);
    }
    for (size_t i = 0; i < 33; i++) {
        memcpy(boot.data + i * 16, "A00.MOD", 7);
        boot.data[i * 16 + 1] = (uint8_t)('0' + i / 10);
        boot.data[i * 16 + 2] = (uint8_t)('0' + i % 10);
        memcpy(start.data + i * 80, "same", 4);  // the same module may be started twice
    }
    const struct buf *const full[] = { &pub, &rules, &grants, &boot, &start };
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        size_t most = lists[i].most * lists[i].len;
        assert_int_equal(parse_with(lists[i].tag, span_of(full[i]->data, most), false), NOS_OK);
        assert_int_equal(parse_with(lists[i].tag, buf_span(*full[i]), false), NOS_POL_FIELD);
    }
    memcpy(boot.data + 16, boot.data, 16);
    assert_int_equal(parse_with(NOS_POL_BOOT, span_of(boot.data, 32), false), NOS_POL_ORDER);
    buf_free(&pub);
    buf_free(&rules);
    buf_free(&grants);
    buf_free(&boot);
    buf_free(&start);
    assert_int_equal(
        parse_with(NOS_POL_OPERATOR, SPAN_LIT("0123456789abcdef0123456789abcde"), false),
        NOS_POL_FIELD);
    struct buf whole = value_of(NOS_POL_START);  // an argument without an end of its own
    memset(whole.data + 16, 'a', 64);
    assert_int_equal(parse_with(NOS_POL_START, buf_span(whole), false), NOS_OK);
    buf_free(&whole);
    uint8_t zero_key[32] = { 0 };
    assert_int_equal(parse_with(NOS_POL_OPERATOR, SPAN_OF(zero_key), false), NOS_POL_FIELD);
    const uint8_t longer[17] = "init";
    assert_int_equal(parse_with(NOS_POL_FIRST, SPAN_LIT("init"), false), NOS_POL_FIELD);
    assert_int_equal(parse_with(NOS_POL_FIRST, SPAN_OF(longer), false), NOS_POL_FIELD);
    assert_int_equal(parse_with(NOS_POL_GRANTS, (span_t){ 0 }, false),
                     NOS_POL_FIELD);  // rules point into it
}

/* Twice the same is no order; and what is refused writes nothing. */
static void test_no_record_twice(void **state)
{
    static const struct {
        uint16_t tag;
        size_t len;
    } lists[] = { { NOS_POL_PUBLISHERS, sizeof(struct nos_pol_publisher) },
                  { NOS_POL_RULES, sizeof(struct nos_pol_rule) } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct buf v = value_of(lists[i].tag);
        assert_true(v.len >= 2 * lists[i].len);
        memcpy(v.data + lists[i].len, v.data, lists[i].len);
        struct buf body = golden_policy_body((struct change){ lists[i].tag, false, buf_span(v) });
        struct buf f = golden_policy(buf_span(body), 1, 1);
        struct policy p = { .n_rules = 99 };
        assert_int_equal(policy_parse(buf_span(f), &p), NOS_POL_ORDER);
        assert_int_equal(p.n_rules, 99);
        buf_free(&f);
        buf_free(&body);
        buf_free(&v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),        cmocka_unit_test(test_no_record_twice),
        cmocka_unit_test(test_publishers),    cmocka_unit_test(test_rules),
        cmocka_unit_test(test_header_fields), cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_every_bit),     cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_epoch),         cmocka_unit_test(test_missing_and_unknown),
        cmocka_unit_test(test_records),       cmocka_unit_test(test_counts),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
