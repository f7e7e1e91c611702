/* lib/audit.h: a chain made here, then changed in every way that must be seen. */
#include "lib/audit.h"
#include "lib/crypto/ed25519.h"
#include "tests/host/golden.h"
#include "tests/host/test.h"

enum { N = 12, CHECKPOINT_AT = 7 };

struct chain {
    struct nos_audit_head head;
    struct nos_audit_entry e[N];
};

static void seal(struct nos_audit_entry *e, const uint8_t parent[32])
{
    if (e->rec.seq != 0) {
        memcpy(e->rec.parent[0], parent, 32);
    }
    if (e->rec.kind == NOS_AUDIT_CHECKPOINT) {
        uint8_t msg[AUDIT_CHECKPOINT_BYTES], sig[64];
        audit_checkpoint_bytes(e->rec.seq, e->rec.parent[0], msg);
        ed25519_sign(sig, SPAN_OF(msg), golden_key(GOLDEN_ISSUER).sk);
        audit_sig_put(&e->body, sig);
    }
    audit_body_commit(e->salt, &e->body, e->rec.body_commit);
}

static struct chain make(void)
{
    struct chain c = { .head = { .next = N } };
    uint8_t hash[32] = { 0 };

    for (uint32_t i = 0; i < N; i++) {
        struct nos_audit_entry *e = &c.e[i];
        e->rec.seq = i;
        e->rec.tick = 100 * (uint64_t)i;
        e->rec.kind = i == CHECKPOINT_AT ? NOS_AUDIT_CHECKPOINT : NOS_AUDIT_LOAD;
        e->rec.n_par = i == 0 ? 0 : 1;
        memset(e->salt, (int)i + 1, 32);
        e->body.a = i;
        seal(e, hash);
        audit_hash(&e->rec, hash);
    }
    memcpy(c.head.head, hash, 32);
    memcpy(c.head.issuer_pk, golden_key(GOLDEN_ISSUER).pk, 32);
    return c;
}

/* From `first` to the end of the chain. */
static nos_status_t check(const struct chain *c)
{
    struct audit_checker k;
    nos_status_t st = audit_check_begin(&k, &c->head);
    for (uint64_t i = c->head.first; st == NOS_OK && i < c->head.next; i++) {
        st = audit_check_next(&k, &c->e[i]);
    }
    return st == NOS_OK ? audit_check_end(&k) : st;
}

static void test_good(void **state)
{
    struct chain c = make();
    struct audit_checker k;
    (void)state;
    assert_int_equal(check(&c), NOS_OK);
    for (uint64_t first = 1; first <= N; first++) {  // older ones dropped
        c.head.first = first;
        audit_hash(&c.e[first - 1].rec, c.head.prefix);
        assert_int_equal(check(&c), NOS_OK);
    }
    c = make();
    assert_int_equal(audit_check_begin(&k, &c.head), NOS_OK);
    for (int i = 0; i < N; i++) {
        assert_int_equal(audit_check_next(&k, &c.e[i]), NOS_OK);
    }
    assert_int_equal(k.checkpoints, 1);
    assert_int_equal(audit_check_next(&k, &c.e[0]), NOS_AUDIT_CHAIN);  // beyond the end
}

static void test_every_bit(void **state)
{
    struct chain c = make();
    (void)state;
    for (size_t i = 0; i < N; i++) {
        uint8_t *p = (uint8_t *)&c.e[i];
        for (size_t bit = 0; bit < sizeof c.e[i] * 8; bit++) {
            p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            nos_status_t st = check(&c);
            if (st != NOS_AUDIT_CHAIN && st != NOS_BAD_SIGNATURE) {
                fail_msg("entry %zu bit %zu: %d", i, bit, st);
            }
            p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
    }
    assert_int_equal(check(&c), NOS_OK);
}

static void test_order(void **state)
{
    struct chain c = make();
    struct audit_checker k;
    (void)state;
    struct nos_audit_entry t = c.e[3];
    c.e[3] = c.e[4];
    c.e[4] = t;
    assert_int_equal(check(&c), NOS_AUDIT_CHAIN);
    c = make();
    memmove(&c.e[3], &c.e[4], sizeof c.e[0] * (N - 4));  // one dropped
    c.head.next--;
    assert_int_equal(check(&c), NOS_AUDIT_CHAIN);
    c = make();
    c.head.next--;  // the tail cut off
    assert_int_equal(check(&c), NOS_AUDIT_CHAIN);
    c = make();
    assert_int_equal(audit_check_begin(&k, &c.head), NOS_OK);
    assert_int_equal(audit_check_end(&k), NOS_AUDIT_CHAIN);  // nothing was shown
}

/* Changes that a forger would also re-seal, so that only the rule itself can catch them. */
static void test_rules_resealed(void **state)
{
    (void)state;
    for (int rule = 0; rule < 7; rule++) {
        struct chain c = make();
        struct nos_audit_record *r = &c.e[N - 1].rec;  // the last: nothing hashes it but the head
        struct nos_audit_body *b = &c.e[N - 1].body;
        switch (rule) {
        case 0:
            r->tick = r->tick - 200;
            break;
        case 1:
            r->n_par = 2;
            break;
        case 2:
            r->rsv1 = 1;
            break;
        case 3:
            r->rsv2 = 1;
            break;
        case 4:
            r->parent[1][0] = 1;
            break;
        case 5:
            r->parent[2][31] = 1;
            break;
        default:
            b->rsv = 1;
            break;
        }
        audit_body_commit(c.e[N - 1].salt, b, r->body_commit);
        audit_hash(r, c.head.head);
        assert_int_equal(check(&c), NOS_AUDIT_CHAIN);
    }
    struct chain c = make();
    c.e[0].rec.n_par = 1;
    struct audit_checker k;
    assert_int_equal(audit_check_begin(&k, &c.head), NOS_OK);
    assert_int_equal(audit_check_next(&k, &c.e[0]), NOS_AUDIT_CHAIN);
    c = make();
    c.e[0].rec.seq = 1;
    assert_int_equal(audit_check_next(&k, &c.e[0]), NOS_AUDIT_CHAIN);
}

static void test_checkpoint(void **state)
{
    struct chain c = make();
    (void)state;
    memcpy(c.head.issuer_pk, golden_key(GOLDEN_STRANGER).pk, 32);
    assert_int_equal(check(&c), NOS_BAD_SIGNATURE);
}

static void test_heads(void **state)
{
    struct chain c = make();
    struct audit_checker k;
    (void)state;
    c.head.first = N + 1;
    assert_int_equal(audit_check_begin(&k, &c.head), NOS_AUDIT_CHAIN);
    c = make();
    c.head.prefix[0] = 1;  // a prefix without dropped records
    assert_int_equal(audit_check_begin(&k, &c.head), NOS_AUDIT_CHAIN);
    c = make();
    c.head.first = 1;  // dropped records without a prefix
    assert_int_equal(audit_check_begin(&k, &c.head), NOS_AUDIT_CHAIN);
    c = make();
    c.head.first = c.head.next = 3;
    memset(c.head.prefix, 1, 32);
    assert_int_equal(audit_check_begin(&k, &c.head), NOS_AUDIT_CHAIN);
    struct nos_audit_head none = { 0 };
    assert_int_equal(audit_check_begin(&k, &none), NOS_OK);
    assert_int_equal(audit_check_end(&k), NOS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_order),      cmocka_unit_test(test_rules_resealed),
        cmocka_unit_test(test_checkpoint), cmocka_unit_test(test_heads),
    };
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
