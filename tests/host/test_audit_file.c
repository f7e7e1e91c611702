/* lib/audit_file.h: logs and proofs as files: every truncation, every bit, every claim that is
 * none. */
#include "tests/host/auditlog.h"
#include "tests/host/test.h"

enum { N = 150, EVERY = 20, FIRST = 40 /* so the tree reaches back to 64 */ };

static struct auditlog log0, l;
static uint8_t room[200000];
static size_t len;

/* A file of exactly its length on the heap: the sanitiser sees one byte past it. */
static nos_status_t verify_bytes(span_t bytes, struct audit_report *r)
{
    struct audit_file f;
    uint8_t *copy = malloc(bytes.len + 1);
    memcpy(copy + 1, bytes.data, bytes.len);  // and unaligned
    nos_status_t st = audit_file_parse(span_of(copy + 1, bytes.len), &f);
    if (st == NOS_OK) {
        st = audit_file_verify(&f, r);
    }
    free(copy);
    return st;
}

static nos_status_t verify(const struct auditlog *a, struct audit_report *r)
{
    len = auditlog_file(a, room);
    assert_true(len <= sizeof room);
    return verify_bytes(span_of(room, len), r);
}

/* A run from FIRST on, with what leads back to the beginning kept: 0, 1, and what those name. */
static int fresh(void **state)
{
    (void)state;
    auditlog_make(&log0, N, EVERY);
    auditlog_drop(&log0, FIRST);
    static const uint32_t old[] = { 0, 1, 21, 30, 39 };
    log0.n_old = ARRAY_LEN(old);
    memcpy(log0.old, old, sizeof old);
    l = log0;
    return 0;
}

static void test_good(void **state)
{
    struct audit_report r;
    (void)state;
    assert_int_equal(verify(&l, &r), NOS_OK);
    assert_int_equal(r.records, N - FIRST);
    assert_int_equal(r.checkpoints, N / EVERY);
    assert_int_equal(r.under, N / EVERY * EVERY);
    assert_int_equal(r.old, 5);
    assert_true(r.causes > 100 && r.lost_causes > 0);
    assert_true(r.old_proved >= 2 && r.old_proved <= 4);
    auditlog_make(&l, N, EVERY);  // nothing is gone
    assert_int_equal(verify(&l, &r), NOS_OK);
    assert_int_equal(r.lost_causes, 0);
    assert_int_equal(r.records, N);
}

static void test_truncations(void **state)
{
    struct audit_report r;
    (void)state;
    assert_int_equal(verify(&l, &r), NOS_OK);
    for (size_t n = 0; n < len; n += n < 300 || len - n < 300 ? 1 : 97) {
        assert_int_equal(verify_bytes(span_of(room, n), &r), NOS_AUDIT_FORMAT);
    }
    assert_int_equal(verify_bytes(span_of(room, len + 1), &r), NOS_AUDIT_FORMAT);
}

/* The check sees every changed bit; with the check made anew the log's own rules must. */
static void test_bits(void **state)
{
    struct audit_report r;
    struct audit_file f;
    size_t missed = 0;
    (void)state;
    auditlog_make(&l, 26, 9);
    auditlog_drop(&l, 6);
    l.n_old = 2;
    l.old[0] = 0;
    l.old[1] = 5;
    assert_int_equal(verify(&l, &r), NOS_OK);
    assert_int_equal(r.old_proved, 1);  // record 5 is named, record 0 is only kept
    size_t body = len - AUDIT_CHECK_BYTES;
    size_t old0 = sizeof(struct nos_audit_file) + 2 * sizeof(struct nos_audit_checkpoint);
    for (size_t bit = 0; bit < len * 8; bit += 13) {
        room[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_not_equal(verify_bytes(span_of(room, len), &r), NOS_OK);
        audit_file_check(span_of(room, body), room + body);
        bool seen = audit_file_parse(span_of(room, len), &f) != NOS_OK ||
                    audit_file_verify(&f, &r) != NOS_OK;
        bool unproved = bit / 8 >= old0 && bit / 8 < old0 + 160;  // tick, actor, kind of record 0
        size_t dropped = offsetof(struct nos_audit_file, head.dropped);
        bool a_count = bit / 8 >= dropped && bit / 8 < dropped + 8;
        bool tree = bit / 8 >= offsetof(struct nos_audit_file, head.tree) && l.head.tree_at > 26;
        if (!seen && !unproved && !a_count && !tree && bit / 8 < body) {
            fail_msg("bit %zu of byte %zu", bit % 8, bit / 8);
        }
        missed += !seen && bit / 8 < body;
        room[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        audit_file_check(span_of(room, body), room + body);
    }
    assert_true(missed > 0);  // what is only kept is only kept: docs/audit.md says so
    assert_int_equal(verify_bytes(span_of(room, len), &r), NOS_OK);
}

static void test_reports_where(void **state)
{
    struct audit_report r;
    (void)state;
    l.e[77].body.a++;
    assert_int_equal(verify(&l, &r), NOS_AUDIT_BODY);
    assert_false(r.in_checkpoint);
    assert_int_equal(r.at, 77);
    l = log0;
    l.k[4].sig[3] ^= 1;
    assert_int_equal(verify(&l, &r), NOS_BAD_SIGNATURE);
    assert_true(r.in_checkpoint);
    assert_int_equal(r.at, 4);
    l = log0;
    l.n = 110;  // a checkpoint is about more than is there
    auditlog_end(&l);
    assert_int_equal(verify(&l, &r), NOS_AUDIT_TREE);
    assert_int_equal(r.at, 5);
    l = log0;
    l.e[21].body.a++;
    assert_int_equal(verify(&l, &r), NOS_AUDIT_BODY);
    assert_int_equal(r.at, 21);
}

/* A cause far back that is another record: the chain does not see it, the cause's own hash does. */
static void test_wrong_cause(void **state)
{
    struct audit_report r;
    (void)state;
    auditlog_make(&l, N, EVERY);
    struct nos_audit_record *rec = &l.e[N - 2].rec;
    assert_true(rec->back[1] > 1);
    audit_hash(&l.e[3].rec, rec->parent[2]);
    auditlog_parents(&l, N - 1);
    auditlog_end(&l);
    assert_int_equal(verify(&l, &r), NOS_AUDIT_CAUSE);
    assert_int_equal(r.at, N - 2);
    l = log0;
    l.e[39].rec.actor ^= 1;  // an old record that one of the run names
    auditlog_commit(&l.e[39]);
    assert_int_equal(verify(&l, &r), NOS_AUDIT_CAUSE);
}

static void test_old_order(void **state)
{
    struct audit_report r;
    (void)state;
    l.old[1] = 21;
    l.old[2] = 1;
    assert_int_equal(verify(&l, &r), NOS_AUDIT_CHAIN);
    l = log0;
    l.old[1] = 0;
    assert_int_equal(verify(&l, &r), NOS_AUDIT_CHAIN);  // twice
    l = log0;
    l.old[4] = FIRST;
    assert_int_equal(verify(&l, &r), NOS_AUDIT_CHAIN);  // of the run
}

/* ---- what is trusted ---- */

static nos_status_t pinned(const struct auditlog *a, const uint8_t *key0,
                           const struct audit_note *n)
{
    struct audit_file f;
    struct audit_report r;
    struct audit_pin pin = { .key0 = key0, .held = n };
    len = auditlog_file(a, room);
    assert_int_equal(audit_file_parse(span_of(room, len), &f), NOS_OK);
    assert_int_equal(audit_file_verify(&f, &r), NOS_OK);
    return audit_file_pin(&f, &pin);
}

static struct audit_note note_of(const struct auditlog *a, uint32_t i)
{
    char text[AUDIT_NOTE_MAX];
    struct audit_note n;
    struct fmt f;
    FMT_INIT(&f, text);
    audit_note(&f, a->head.boot_id, &a->k[i]);
    assert_int_equal(audit_note_parse(fmt_text(&f), &n), NOS_OK);
    return n;
}

/* Without its first `n` checkpoints. */
static void drop_points(struct auditlog *a, uint32_t n)
{
    memmove(a->k, a->k + n, (a->n_k - n) * sizeof a->k[0]);
    a->n_k -= n;
    a->head.first_checkpoint = n;
}

static void test_pin_key(void **state)
{
    uint8_t other[32] = { 1 };
    (void)state;
    assert_int_equal(pinned(&l, NULL, NULL), NOS_OK);
    assert_int_equal(pinned(&l, l.head.key0, NULL), NOS_OK);
    assert_int_equal(pinned(&l, other, NULL), NOS_AUDIT_KEY);
    drop_points(&l, 1);
    assert_int_equal(pinned(&l, l.head.key0, NULL), NOS_AUDIT_GAP);
    assert_int_equal(pinned(&l, NULL, NULL), NOS_OK);
    l = log0;
    l.n_k = 0;
    auditlog_end(&l);
    assert_int_equal(pinned(&l, l.head.key0, NULL), NOS_AUDIT_GAP);  // nothing is signed
}

static void test_pin_checkpoint(void **state)
{
    struct audit_note n[7];
    (void)state;
    for (uint32_t i = 0; i < 7; i++) {
        n[i] = note_of(&l, i);
        assert_int_equal(pinned(&l, NULL, &n[i]), NOS_OK);
    }
    drop_points(&l, 3);  // 0 to 2 are gone; 2 announced 3
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(pinned(&l, NULL, &n[i]), i < 2 ? NOS_AUDIT_GAP : NOS_OK);
    }
    l = log0;
    l.n_k = 5;  // taken before 5 and 6 were made: the records say that it is the same
    auditlog_end(&l);
    assert_int_equal(pinned(&l, NULL, &n[6]), NOS_OK);
    n[6].root[0] ^= 1;
    assert_int_equal(pinned(&l, NULL, &n[6]), NOS_AUDIT_FORK);
    n[6].root[0] ^= 1;
    l = log0;
    l.n = 130;
    l.n_k = 6;
    auditlog_end(&l);
    assert_int_equal(pinned(&l, NULL, &n[6]), NOS_AUDIT_SHORT);  // the tail is missing
    assert_int_equal(pinned(&l, NULL, &n[5]), NOS_OK);
}

/* The newest key was stolen, and the log written anew from there on: it holds, but not for who has
 * an older checkpoint; and one that was made before the theft cannot be made again. */
static void test_fork(void **state)
{
    struct audit_note n = note_of(&log0, 3), other;
    (void)state;
    auditlog_make(&l, N, EVERY);
    l.e[70].body.a++;
    auditlog_seal(&l);
    auditlog_drop(&l, FIRST);
    assert_int_equal(pinned(&l, l.head.key0, NULL), NOS_OK);
    assert_int_equal(pinned(&l, NULL, &n), NOS_AUDIT_FORK);
    other = note_of(&l, 2);
    assert_int_equal(pinned(&l, NULL, &other), NOS_OK);
    n.size++;  // a size that no checkpoint has
    assert_int_equal(pinned(&l, NULL, &n), NOS_AUDIT_FORK);
    other.boot_id[0] ^= 1;
    assert_int_equal(pinned(&l, NULL, &other), NOS_AUDIT_FORK);
    drop_points(&l, 4);  // the key that n announced comes next: the records tell
    n.size--;
    assert_int_equal(pinned(&l, NULL, &n), NOS_AUDIT_FORK);
}

/* ---- proofs ---- */

static uint8_t proof_room[100000];
static size_t proof_len;
static struct nos_audit_proof head;

static void add(const void *p, size_t n)
{
    memcpy(proof_room + proof_len, p, n);
    proof_len += n;
}

static void source(struct merkle_source *s, struct merkle *base, uint8_t leaf[N][32])
{
    *base = (struct merkle){ .size = l.head.tree_at };
    memcpy(base->node, l.head.tree, sizeof base->node);
    for (uint64_t i = base->size; i < N; i++) {
        merkle_leaf(span_of(&l.e[i].rec, 160), leaf[i - base->size]);
    }
    *s = (struct merkle_source){ .base = base, .leaf = leaf, .n = N - base->size };
}

static void begin(uint32_t from, uint32_t to)
{
    head =
        (struct nos_audit_proof){ .magic = NOS_MAGIC_AUDIT_PROOF, .n_checkpoints = to - from + 1 };
    memcpy(head.boot_id, l.head.boot_id, 32);
    memcpy(head.key0, l.head.key0, 32);
    proof_len = 0;
    add(&head, sizeof head);
    add(&l.k[from], (to - from + 1) * sizeof l.k[0]);
}

static void item(uint32_t seq, uint32_t flags)
{
    static uint8_t leaf[N][32];
    struct merkle_source s;
    struct merkle base;
    struct merkle_proof p = { 0 };
    struct nos_audit_item i = { .rec = l.e[seq].rec, .flags = flags };
    if ((flags & NOS_AUDIT_ITEM_IN_TREE) != 0) {
        source(&s, &base, leaf);
        assert_true(merkle_prove(&s, seq, l.k[l.n_k - 1].size, &p));
    }
    i.n_hashes = p.n;
    add(&i, sizeof i);
    if ((flags & NOS_AUDIT_ITEM_BODY) != 0) {
        add(l.e[seq].salt, 32);
        add(&l.e[seq].body, 96);
    }
    add(p.hash, (size_t)p.n * 32);
    head.n_items++;
}

static void seal(void)
{
    memcpy(proof_room, &head, sizeof head);
    audit_file_check(span_of(proof_room, proof_len), proof_room + proof_len);
}

static nos_status_t prove(struct audit_report *r)
{
    struct audit_proof p;
    seal();
    nos_status_t st = audit_proof_parse(span_of(proof_room, proof_len + AUDIT_CHECK_BYTES), &p);
    return st == NOS_OK ? audit_proof_verify(&p, r) : st;
}

enum { TREE = NOS_AUDIT_ITEM_IN_TREE, BODY = NOS_AUDIT_ITEM_BODY };

static void test_disclosure(void **state)
{
    struct audit_report r;
    struct audit_proof p;
    struct audit_item i;
    span_t rest;
    (void)state;
    begin(0, 6);
    item(118, BODY | TREE);
    item(117, 0);    // named by 118, one back
    item(58, BODY);  // and 58 is the other
    item(28, 0);     // named by 58
    assert_int_equal(prove(&r), NOS_OK);
    assert_int_equal(r.records, 4);
    assert_int_equal(r.checkpoints, 7);
    assert_int_equal(audit_proof_parse(span_of(proof_room, proof_len + AUDIT_CHECK_BYTES), &p),
                     NOS_OK);
    rest = p.items;
    assert_true(audit_proof_next(&rest, &i));
    assert_memory_equal(&i.entry, &l.e[118], sizeof i.entry);
    assert_true(audit_proof_next(&rest, &i));
    assert_memory_equal(&i.entry.rec, &l.e[117].rec, 160);
    assert_true(span_is_zero(SPAN_OF(i.entry.salt)));  // the body stays hidden
    assert_null(memmem(proof_room, proof_len, l.e[117].salt, 32));
    assert_null(memmem(proof_room, proof_len, &l.e[117].body, 96));
}

/* Each claim that is none, by its own status. */
static void test_proof_refused(void **state)
{
    struct audit_report r;
    (void)state;
    begin(0, 6);
    item(118, TREE);
    item(116, 0);  // nobody names it
    assert_int_equal(prove(&r), NOS_AUDIT_CAUSE);
    assert_int_equal(r.at, 116);
    begin(0, 6);
    item(117, TREE);
    item(118, TREE);  // rising
    assert_int_equal(prove(&r), NOS_AUDIT_CHAIN);
    begin(0, 6);
    item(118, TREE);
    item(118, TREE);  // twice
    assert_int_equal(prove(&r), NOS_AUDIT_CHAIN);
    begin(0, 6);
    l.e[118].rec.actor ^= 1;
    item(118, TREE);  // forged: its place is another's
    assert_int_equal(prove(&r), NOS_AUDIT_TREE);
    l = log0;
    begin(0, 6);
    item(118, TREE);
    l.e[58].rec.actor ^= 1;
    item(58, 0);  // forged: the hash that names it says no
    assert_int_equal(prove(&r), NOS_AUDIT_CAUSE);
    l = log0;
    begin(0, 6);
    l.e[118].body.b = 5;
    item(118, TREE | BODY);
    assert_int_equal(prove(&r), NOS_AUDIT_BODY);
    l = log0;
    begin(0, 6);
    l.e[118].salt[9] ^= 1;
    item(118, TREE | BODY);
    assert_int_equal(prove(&r), NOS_AUDIT_BODY);
    l = log0;
    memmove(&l.k[2], &l.k[3], 4 * sizeof l.k[0]);  // a checkpoint left out
    begin(0, 5);
    item(118, TREE);
    assert_int_equal(prove(&r), NOS_AUDIT_KEY);
    assert_true(r.in_checkpoint);
    l = log0;
    l.k[6].root[1] ^= 1;
    auditlog_sign_with(&l, 6, 6);  // a forked root
    begin(0, 6);
    item(118, TREE);
    assert_int_equal(prove(&r), NOS_AUDIT_TREE);
    l = log0;
    begin(0, 6);
    head.key0[0] ^= 1;
    assert_int_equal(prove(&r), NOS_AUDIT_KEY);
}

static void consistency(uint32_t from, uint32_t to)
{
    static uint8_t leaf[N][32];
    struct merkle_source s;
    struct merkle base;
    struct merkle_proof p;
    source(&s, &base, leaf);
    begin(from, to);
    assert_true(merkle_prove_consistent(&s, l.k[from].size, l.k[to].size, &p));
    head.n_hashes = p.n;
    add(p.hash, (size_t)p.n * 32);
}

static void test_consistency(void **state)
{
    struct audit_report r;
    (void)state;
    for (uint32_t a = 3; a < 7; a++) {
        for (uint32_t b = a; b < 7; b++) {
            consistency(a, b);
            assert_int_equal(prove(&r), NOS_OK);
        }
    }
    consistency(3, 6);
    proof_room[sizeof head + 4 * sizeof l.k[0]] ^= 1;
    assert_int_equal(prove(&r), NOS_AUDIT_TREE);
    l.e[70].body.a++;  // the later one stands on other records
    auditlog_seal(&l);
    auditlog_drop(&l, FIRST);
    l.k[3] = log0.k[3];
    consistency(3, 6);
    assert_int_equal(prove(&r), NOS_AUDIT_TREE);
}

static void test_proof_pins(void **state)
{
    struct audit_proof p;
    struct audit_report r;
    struct audit_note n;
    uint8_t other[32] = { 1 };
    (void)state;
    consistency(3, 5);
    assert_int_equal(prove(&r), NOS_OK);
    assert_int_equal(audit_proof_parse(span_of(proof_room, proof_len + AUDIT_CHECK_BYTES), &p),
                     NOS_OK);
    struct audit_pin pin = { .key0 = l.head.key0 };
    assert_int_equal(audit_proof_pin(&p, &pin), NOS_AUDIT_GAP);  // it begins at checkpoint 3
    pin.key0 = other;
    assert_int_equal(audit_proof_pin(&p, &pin), NOS_AUDIT_KEY);
    pin = (struct audit_pin){ .held = &n };
    for (uint32_t i = 0; i < 7; i++) {
        n = note_of(&l, i);
        nos_status_t want = i < 2 ? NOS_AUDIT_GAP : i > 5 ? NOS_AUDIT_SHORT : NOS_OK;
        assert_int_equal(audit_proof_pin(&p, &pin), want);
    }
    n = note_of(&l, 4);
    n.root[0] ^= 1;
    assert_int_equal(audit_proof_pin(&p, &pin), NOS_AUDIT_FORK);
    n = note_of(&l, 4);
    n.boot_id[0] ^= 1;
    assert_int_equal(audit_proof_pin(&p, &pin), NOS_AUDIT_FORK);
    begin(0, 6);
    item(118, TREE);
    assert_int_equal(prove(&r), NOS_OK);
    assert_int_equal(audit_proof_parse(span_of(proof_room, proof_len + AUDIT_CHECK_BYTES), &p),
                     NOS_OK);
    pin = (struct audit_pin){ .key0 = l.head.key0 };
    assert_int_equal(audit_proof_pin(&p, &pin), NOS_OK);
}

static void test_proof_bytes(void **state)
{
    struct audit_report r;
    struct audit_proof p;
    (void)state;
    begin(0, 6);
    item(118, BODY | TREE);
    item(58, 0);
    assert_int_equal(prove(&r), NOS_OK);
    size_t all = proof_len + AUDIT_CHECK_BYTES;
    for (size_t n = 0; n < all; n++) {
        uint8_t *copy = malloc(n + 1);
        memcpy(copy, proof_room, n);
        assert_int_not_equal(audit_proof_parse(span_of(copy, n), &p), NOS_OK);
        free(copy);
    }
    for (size_t bit = 0; bit < proof_len * 8; bit += 17) {
        proof_room[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_not_equal(audit_proof_parse(span_of(proof_room, all), &p), NOS_OK);
        audit_file_check(span_of(proof_room, proof_len), proof_room + proof_len);
        if (audit_proof_parse(span_of(proof_room, all), &p) == NOS_OK &&
            audit_proof_verify(&p, &r) == NOS_OK) {
            fail_msg("byte %zu", bit / 8);
        }
        proof_room[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        seal();
    }
    head.rsv = 1;
    assert_int_equal(prove(&r), NOS_AUDIT_FORMAT);
    head.rsv = 0;
    head.n_items = 1;
    assert_int_equal(prove(&r), NOS_AUDIT_FORMAT);
    head.n_items = UINT32_MAX;
    assert_int_equal(prove(&r), NOS_AUDIT_FORMAT);
    head.n_items = 2;
    head.n_checkpoints = 0;
    assert_int_equal(prove(&r), NOS_AUDIT_FORMAT);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        TEST(test_good),          TEST(test_truncations),    TEST(test_bits),
        TEST(test_reports_where), TEST(test_wrong_cause),    TEST(test_old_order),
        TEST(test_pin_key),       TEST(test_pin_checkpoint), TEST(test_fork),
        TEST(test_disclosure),    TEST(test_proof_refused),  TEST(test_consistency),
        TEST(test_proof_pins),    TEST(test_proof_bytes),
    };
    return cmocka_run_group_tests_name("audit file", tests, NULL, NULL);
}
