/* lib/audit.h: logs made here, then changed in every way that must be seen, each by its own status.
 */
#include "tests/host/auditlog.h"
#include "tests/host/test.h"

enum { N = 12, EVERY = 5 };

static struct auditlog log0, l;

static int fresh(void **state)
{
    (void)state;
    auditlog_make(&log0, N, EVERY);
    l = log0;
    return 0;
}

/* The whole way: checkpoints as they come due, and at the end none may be left over. */
static nos_status_t check(const struct auditlog *a)
{
    static struct audit_checker c;
    uint32_t k = 0;
    nos_status_t st = audit_check_begin(&c, &a->head);
    for (uint64_t i = a->head.first; st == NOS_OK; i++) {
        while (st == NOS_OK && k < a->n_k && audit_check_is_due(&c, &a->k[k])) {
            st = audit_check_checkpoint(&c, &a->k[k++]);
        }
        if (st != NOS_OK || i >= a->head.next) {
            break;
        }
        st = audit_check_next(&c, &a->e[i]);
    }
    return st == NOS_OK ? audit_check_end(&c) : st;
}

static void test_good(void **state)
{
    (void)state;
    assert_int_equal(check(&l), NOS_OK);
    static struct audit_checker c;
    assert_int_equal(audit_check_begin(&c, &l.head), NOS_OK);
    for (int i = 0; i < N; i++) {
        assert_int_equal(audit_check_next(&c, &l.e[i]), NOS_OK);
    }
    assert_int_equal(audit_check_next(&c, &l.e[0]), NOS_AUDIT_CHAIN);  // beyond the end
    assert_int_equal(audit_check_end(&c), NOS_AUDIT_GAP);  // its checkpoints were not shown
}

/* However many are gone: what is left holds, against the subtrees that stand for the others. */
static void test_dropped_before(void **state)
{
    (void)state;
    auditlog_make(&l, 200, 7);
    for (uint32_t first = 0; first <= 200; first++) {
        auditlog_drop(&l, first);
        if (check(&l) != NOS_OK) {
            fail_msg("first %u: %d", first, check(&l));
        }
    }
    auditlog_drop(&l, 70);
    for (unsigned h = 0; h < NOS_AUDIT_LEVELS; h++) {
        l.head.tree[h][5] ^= 1;
        nos_status_t st = check(&l);
        assert_int_equal(st, h == 7 ? NOS_AUDIT_TREE : NOS_AUDIT_CHAIN);  // 128: one subtree
        l.head.tree[h][5] ^= 1;
    }
    l.head.tree_at = 64;
    assert_int_equal(check(&l), NOS_AUDIT_CHAIN);
    l.head.tree_at = 192;  // later than it could be: would hide what is before
    assert_int_equal(check(&l), NOS_AUDIT_CHAIN);
}

static void test_every_bit(void **state)
{
    (void)state;
    for (size_t i = 0; i < N; i++) {
        uint8_t *p = (uint8_t *)&l.e[i];
        for (size_t bit = 0; bit < sizeof l.e[i] * 8; bit++) {
            p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            if (check(&l) == NOS_OK) {
                fail_msg("entry %zu bit %zu", i, bit);
            }
            p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
    }
    for (size_t bit = 0; bit < l.n_k * sizeof l.k[0] * 8; bit++) {
        uint8_t *p = (uint8_t *)l.k;
        p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (check(&l) == NOS_OK) {
            fail_msg("checkpoint bit %zu", bit);
        }
        p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_int_equal(check(&l), NOS_OK);
}

/* ---- each kind of change, each with its own answer ---- */

static void test_order(void **state)
{
    (void)state;
    struct nos_audit_entry t = l.e[3];
    l.e[3] = l.e[4];
    l.e[4] = t;
    assert_int_equal(check(&l), NOS_AUDIT_CHAIN);  // reordered
    l = log0;
    memmove(&l.e[3], &l.e[4], sizeof l.e[0] * (N - 4));
    l.head.next--;
    assert_int_equal(check(&l), NOS_AUDIT_CHAIN);  // one dropped
    l = log0;
    memmove(&l.e[4], &l.e[3], sizeof l.e[0] * (N - 4));
    assert_int_equal(check(&l), NOS_AUDIT_CHAIN);  // one twice
    l = log0;
    l.head.next--;
    assert_int_equal(check(&l), NOS_AUDIT_CHAIN);  // the tail cut off
    static struct audit_checker c;
    l = log0;
    assert_int_equal(audit_check_begin(&c, &l.head), NOS_OK);
    assert_int_equal(audit_check_end(&c), NOS_AUDIT_CHAIN);  // nothing was shown
}

static void test_bodies(void **state)
{
    (void)state;
    l.e[4].body.a++;
    assert_int_equal(check(&l), NOS_AUDIT_BODY);
    l = log0;
    l.e[4].salt[0] ^= 1;
    assert_int_equal(check(&l), NOS_AUDIT_BODY);
    l = log0;
    l.e[6].body.a++;
    auditlog_commit(&l.e[6]);  // and the commitment with it: then the next one's parent is wrong
    assert_int_equal(check(&l), NOS_AUDIT_CHAIN);
    l = log0;
    l.e[N - 1].body.rsv = 1;
    auditlog_commit(&l.e[N - 1]);
    auditlog_end(&l);
    assert_int_equal(check(&l), NOS_AUDIT_BODY);
}

/* A forger who works out everything but the signatures again. */
static void test_forged(void **state)
{
    (void)state;
    l.e[3].body.a++;
    for (uint32_t i = 3; i < N; i++) {
        auditlog_commit(&l.e[i]);
        auditlog_parents(&l, i);
    }
    auditlog_end(&l);
    assert_int_equal(check(&l), NOS_AUDIT_TREE);  // another root than the one signed
    for (uint32_t i = 0; i < l.n_k; i++) {
        auditlog_mth(&l, 0, (uint32_t)l.k[i].size, l.k[i].root);
    }
    assert_int_equal(check(&l), NOS_BAD_SIGNATURE);  // the root too
    auditlog_point(&l, 0);  // and he has the newest key: the old ones are what he lacks
    auditlog_point(&l, 1);
    assert_int_equal(check(&l), NOS_OK);
    auditlog_sign_with(&l, 0, 1);
    assert_int_equal(check(&l), NOS_AUDIT_KEY);
}

/* Changes that a forger would also re-seal, so that only the rule itself can catch them. */
static void test_rules_resealed(void **state)
{
    static const nos_status_t want[] = { NOS_AUDIT_CHAIN, NOS_AUDIT_CHAIN, NOS_AUDIT_CHAIN,
                                         NOS_AUDIT_CAUSE, NOS_AUDIT_CAUSE, NOS_AUDIT_CAUSE,
                                         NOS_AUDIT_CAUSE, NOS_AUDIT_CAUSE, NOS_AUDIT_CAUSE };
    (void)state;
    for (size_t rule = 0; rule < ARRAY_LEN(want); rule++) {
        l = log0;
        struct nos_audit_record *r = &l.e[N - 1].rec;  // the last: nothing hashes it but the head
        r->back[0] = 1;
        r->back[1] = 0;
        auditlog_parents(&l, N - 1);
        switch (rule) {
        case 0:
            r->tick -= 2000;
            break;
        case 1:
            r->n_par = 3;
            break;
        case 2:
            r->rsv1 = 1;
            break;
        case 3:
            r->parent[1][0] ^= 1;  // one back is the record before
            break;
        case 4:
            r->parent[2][31] = 1;  // a parent without a number
            break;
        case 5:
            r->back[1] = 3;  // a number without a parent
            break;
        case 6:  // swapped: the nearer one comes first
            r->back[0] = 4;
            r->back[1] = 2;
            auditlog_parents(&l, N - 1);
            break;
        case 7:  // the same twice
            r->back[0] = r->back[1] = 2;
            auditlog_parents(&l, N - 1);
            break;
        default:  // before the first
            r->back[0] = N;
            memset(r->parent[1], 7, 32);
            break;
        }
        auditlog_end(&l);
        if (check(&l) != want[rule]) {
            fail_msg("rule %zu: %d", rule, check(&l));
        }
    }
    l = log0;
    l.e[0].rec.n_par = 1;
    static struct audit_checker c;
    assert_int_equal(audit_check_begin(&c, &l.head), NOS_OK);
    assert_int_equal(audit_check_next(&c, &l.e[0]), NOS_AUDIT_CHAIN);
    l = log0;
    l.e[0].rec.seq = 1;
    assert_int_equal(audit_check_next(&c, &l.e[0]), NOS_AUDIT_CHAIN);
}

static void test_causes(void **state)
{
    bool named;
    (void)state;
    const struct nos_audit_record *r = &l.e[10].rec;  // back 1 and 6
    assert_int_equal(r->back[1], 6);
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(audit_check_cause(r, &l.e[i].rec, &named), NOS_OK);
        assert_int_equal(named, i == 9 || i == 4);
    }
    l.e[4].rec.tick++;
    assert_int_equal(audit_check_cause(r, &l.e[4].rec, &named), NOS_AUDIT_CAUSE);
}

/* ---- checkpoints ---- */

static void test_checkpoints(void **state)
{
    uint8_t sk[64];
    (void)state;
    assert_int_equal(l.n_k, 2);
    auditlog_sign_with(&l, 1, 0);  // an old key signs a newer size
    assert_int_equal(check(&l), NOS_AUDIT_KEY);
    l = log0;
    l.k[1].sig[0] ^= 1;
    assert_int_equal(check(&l), NOS_BAD_SIGNATURE);
    l = log0;
    l.k[0].next_pk[0] ^= 1;  // announces another: not what was signed
    assert_int_equal(check(&l), NOS_BAD_SIGNATURE);
    l = log0;
    auditlog_key(7, l.k[0].next_pk, sk);
    auditlog_sign_with(&l, 0, 0);  // announces one that does not come
    assert_int_equal(check(&l), NOS_AUDIT_KEY);
    l = log0;
    l.k[0].root[0] ^= 1;
    auditlog_sign_with(&l, 0, 0);  // a forked root
    assert_int_equal(check(&l), NOS_AUDIT_TREE);
    l = log0;
    l.k[1] = l.k[0];  // the same again
    assert_int_equal(check(&l), NOS_AUDIT_KEY);
    l = log0;
    l.k[1].size = l.k[0].size;  // no news
    auditlog_point(&l, 1);
    assert_int_equal(check(&l), NOS_AUDIT_TREE);
    l = log0;
    l.k[0].size = 0;
    l.k[0].root[0] ^= 1;
    auditlog_sign_with(&l, 0, 0);
    assert_int_equal(check(&l), NOS_AUDIT_TREE);
    l = log0;
    l.n_k = 1;  // the last one kept back
    assert_int_equal(check(&l), NOS_AUDIT_GAP);
    l = log0;
    l.head.checkpoints = 1;  // one more than there are
    assert_int_equal(check(&l), NOS_AUDIT_KEY);
    l = log0;
    l.head.boot_id[0] ^= 1;  // of another boot
    assert_int_equal(check(&l), NOS_BAD_SIGNATURE);
}

/* With the first checkpoints gone nothing says whose key the first one left is; with all there the
 * head's key is, and the log says the same. */
static void test_first_key(void **state)
{
    (void)state;
    l.head.key0[0] ^= 1;
    assert_int_equal(check(&l), NOS_AUDIT_KEY);
    l = log0;
    l.head.first_checkpoint = 1;
    l.k[0] = log0.k[1];
    l.n_k = 1;
    assert_int_equal(check(&l), NOS_OK);
    l = log0;
    l.e[1].body.subject[0] ^= 1;
    auditlog_seal(&l);
    assert_int_equal(check(&l), NOS_AUDIT_KEY);
}

static void test_heads(void **state)
{
    static struct audit_checker c;
    (void)state;
    l.head.first = N + 1;
    l.head.tree_at = 64;
    memset(l.head.prefix, 1, 32);
    assert_int_equal(audit_check_begin(&c, &l.head), NOS_AUDIT_CHAIN);
    l = log0;
    l.head.prefix[0] = 1;  // a prefix without dropped records
    assert_int_equal(audit_check_begin(&c, &l.head), NOS_AUDIT_CHAIN);
    l = log0;
    l.head.first = 1;  // dropped records without a prefix
    l.head.tree_at = 64;
    assert_int_equal(audit_check_begin(&c, &l.head), NOS_AUDIT_CHAIN);
    memset(l.head.prefix, 1, 32);
    assert_int_equal(audit_check_begin(&c, &l.head), NOS_OK);
    l.head.first = l.head.next = 3;
    assert_int_equal(audit_check_begin(&c, &l.head), NOS_AUDIT_CHAIN);
    l = log0;
    l.head.first_checkpoint = 3;
    assert_int_equal(audit_check_begin(&c, &l.head), NOS_AUDIT_CHAIN);
    l = log0;
    l.head.first = UINT64_MAX - 1;
    l.head.next = UINT64_MAX;
    memset(l.head.prefix, 1, 32);
    assert_int_equal(audit_check_begin(&c, &l.head), NOS_AUDIT_CHAIN);
    struct nos_audit_head none = { 0 };
    assert_int_equal(audit_check_begin(&c, &none), NOS_OK);
    assert_int_equal(audit_check_end(&c), NOS_OK);
}

/* ---- notes ---- */

static struct fmt note_of(const struct auditlog *a, uint32_t i, char room[AUDIT_NOTE_MAX])
{
    struct fmt f;
    fmt_init(&f, room, AUDIT_NOTE_MAX);
    audit_note(&f, a->head.boot_id, &a->k[i]);
    assert_false(f.cut);
    return f;
}

static void test_note(void **state)
{
    char room[AUDIT_NOTE_MAX], text[AUDIT_NOTE_TEXT_MAX];
    struct audit_note n;
    struct fmt f, t;
    (void)state;
    l.k[0].size = UINT64_MAX;  // the longest there is
    f = note_of(&l, 0, room);
    FMT_INIT(&t, text);
    audit_note_text(&t, l.head.boot_id, &l.k[0]);
    assert_false(t.cut);
    assert_memory_equal(room, text, t.len);
    assert_int_equal(audit_note_parse(fmt_text(&f), &n), NOS_OK);
    assert_true(audit_note_is(&n, l.head.boot_id, &l.k[0]));
    assert_false(audit_note_is(&n, l.head.boot_id, &l.k[1]));
    assert_false(audit_note_is(&n, l.k[0].root, &l.k[0]));
    struct nos_audit_checkpoint c = l.k[0];
    c.pk[0] ^= 1;
    assert_false(audit_note_is(&n, l.head.boot_id, &c));
    c = l.k[0];
    c.sig[63] ^= 1;
    assert_false(audit_note_is(&n, l.head.boot_id, &c));
}

/* One way to write each: whatever is changed, it is refused, or it is another note. */
static void test_note_spoiled(void **state)
{
    char room[AUDIT_NOTE_MAX];
    struct audit_note n;
    (void)state;
    struct fmt f = note_of(&l, 0, room);
    for (size_t len = 0; len < f.len; len++) {
        assert_int_equal(audit_note_parse(span_of(room, len), &n), NOS_AUDIT_FORMAT);
    }
    assert_int_equal(audit_note_parse(span_of(room, f.len + 1), &n), NOS_AUDIT_FORMAT);
    for (size_t bit = 0; bit < f.len * 8; bit++) {
        room[bit / 8] = (char)(room[bit / 8] ^ (1 << (bit % 8)));
        assert_true(audit_note_parse(fmt_text(&f), &n) == NOS_AUDIT_FORMAT ||
                    !audit_note_is(&n, l.head.boot_id, &l.k[0]));
        room[bit / 8] = (char)(room[bit / 8] ^ (1 << (bit % 8)));
    }
    assert_int_equal(audit_note_parse(fmt_text(&f), &n), NOS_OK);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        TEST(test_good),           TEST(test_dropped_before), TEST(test_every_bit),
        TEST(test_order),          TEST(test_bodies),         TEST(test_forged),
        TEST(test_rules_resealed), TEST(test_causes),         TEST(test_checkpoints),
        TEST(test_first_key),      TEST(test_heads),          TEST(test_note),
        TEST(test_note_spoiled),
    };
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
