/* The kernel's audit log where one record more or less decides, each in some hundred records at
 * most. */
#include "tests/host/audit_host.h"

/* What the head says of the tree before the run: subtrees of the leaves that it was given. */
static void check_head(void)
{
    static struct merkle t;
    static const uint8_t none[32];
    struct nos_audit_head h = head_now();

    assert_int_equal(h.tree_at,
                     (h.first + NOS_AUDIT_BLOCK - 1) / NOS_AUDIT_BLOCK * NOS_AUDIT_BLOCK);
    assert_true(n_leaves <= h.next);
    if (h.tree_at > h.next) {
        assert_true(span_is_zero(SPAN_OF(h.tree)));
        return;
    }
    memset(&t, 0, sizeof t);
    assert_true(n_leaves >= h.tree_at);
    for (uint64_t i = 0; i < h.tree_at; i++) {
        merkle_push(&t, 0, leaves[i]);
    }
    for (unsigned l = 0; l < NOS_AUDIT_LEVELS; l++) {
        assert_memory_equal(h.tree[l], (h.tree_at >> l & 1) != 0 ? t.node[l] : none, 32);
    }
}

/* ---- the tree ---- */

static void test_head_of_a_short_run(void **state)
{
    (void)state;
    start(1);
    for (unsigned i = 0; i < 150; i++) {
        add(NOS_AUDIT_EXIT, 1);
        check_head();
    }
    start(10);  // a run longer than a block: no more is done than is asked for
    add(NOS_AUDIT_EXIT, 160);
    struct nos_audit_head h = head_now();
    assert_int_equal(n_leaves, h.first + NOS_AUDIT_BLOCK);
    check_head();
    now += AUDIT_CHECKPOINT_NS + 1000;
    assert_true(idle());
    assert_int_equal(check_run(), 1);
}

/* A full run that begins with a block, read only then. */
static void test_head_where_a_block_begins(void **state)
{
    (void)state;
    add(NOS_AUDIT_EXIT, AUDIT_RING + NOS_AUDIT_BLOCK - 2);
    assert_int_equal(chain.ring.first, NOS_AUDIT_BLOCK);
    check_head();
    add(NOS_AUDIT_EXIT, 1);
    check_head();
}

/* Nobody reads while as many records leave the run as it holds and more. */
static void test_head_after_a_long_time(void **state)
{
    (void)state;
    add(NOS_AUDIT_EXIT, 2 * AUDIT_RING + 5 * NOS_AUDIT_BLOCK);
    check_head();
}

/* Appending takes no leaf before the tree lags by the run less two blocks. */
static void test_tree_waits(void **state)
{
    enum { LAG = AUDIT_RING - 2 * NOS_AUDIT_BLOCK };
    (void)state;
    add(NOS_AUDIT_EXIT, LAG - 1);
    assert_int_equal(chain.ring.next, LAG + 1);
    assert_int_equal(n_leaves, 0);
    add(NOS_AUDIT_EXIT, 1);
    assert_int_equal(n_leaves, 1);
}

/* Shorter than that, it does not lag at all, and takes no record that is not sealed. */
static void test_tree_of_a_short_run(void **state)
{
    (void)state;
    start(2);
    add(NOS_AUDIT_EXIT, 40);
    now += AUDIT_CHECKPOINT_NS + 1000;
    assert_true(idle());
    assert_int_equal(tree_size(), chain.ring.next);
    for (unsigned i = 0; i < 60; i++) {
        uint64_t sealed = chain.sealed;
        add(NOS_AUDIT_EXIT, 1);
        assert_int_equal(tree_size(), chain.sealed);
        assert_in_range(chain.sealed - sealed, 0, 1);
    }
    now += AUDIT_CHECKPOINT_NS + 1000;
    assert_true(idle());
    assert_int_equal(check_run(), 2);
}

/* ---- room ---- */

/* Text is cut at its room or its end, and what lies behind that is another's. */
static void test_text_ends(void **state)
{
    char text[100], short_text[50] = "ab\0cd";
    (void)state;
    memset(text, 't', sizeof text);
    text[99] = '\0';
    start(1);
    add(NOS_AUDIT_EXIT, 16);
    (void)head_now();
    assert_in_range(chain.ring.next % chain.ring.cap, 0, chain.ring.cap - 2);
    struct nos_audit_entry after = *ring_at(&chain.ring, chain.ring.next + 1);
    audit_add(NOS_AUDIT_LOAD, 1, NOS_OK, NULL, 0, 0, text);
    assert_memory_equal(ring_at(&chain.ring, chain.ring.next), &after, sizeof after);
    audit_add(NOS_AUDIT_LOAD, 1, NOS_OK, NULL, 0, 0, short_text);
    struct nos_audit_entry e = entry_at(chain.ring.next - 1);
    assert_memory_equal(e.body.text, "ab", 2);
    assert_true(span_is_zero(span_of(e.body.text + 2, sizeof e.body.text - 2)));
}

/* When the run turns out to be shorter, all of it is sealed, and half of it may wait from then on.
 */
static void test_run_gets_shorter(void **state)
{
    (void)state;
    start(3);
    add(NOS_AUDIT_EXIT, 3 * PER_FRAME - 2);
    assert_int_equal(chain.ring.cap, AUDIT_RING);
    assert_int_equal(chain.ring.next - chain.sealed, AUDIT_UNSEALED_MAX);
    add(NOS_AUDIT_EXIT, 1);
    assert_int_equal(chain.ring.cap, 3 * PER_FRAME);
    assert_int_equal(chain.ring.next - chain.sealed, 1);
    add(NOS_AUDIT_EXIT, 100);
    assert_int_equal(chain.ring.next - chain.sealed, 3 * PER_FRAME / 2);
    start(3);
    add(NOS_AUDIT_EXIT, 20);
    assert_true(idle());
    add(NOS_AUDIT_EXIT, 3 * PER_FRAME - 22);
    assert_int_equal(tree_size(), 22);
    add(NOS_AUDIT_EXIT, 1);
    assert_int_equal(tree_size(), 23);  // which follows from that record on
}

/* A log that starts anew knows nothing of one before: not of refusals, of what was protected, of
 * checkpoints. */
static void test_starts_anew(void **state)
{
    struct nos_audit_checkpoint k;
    (void)state;
    start(1);
    add(NOS_AUDIT_EXIT, 20);
    frames_max = ARRAY_LEN(arena);
    for (uint32_t c = 1; c <= DENIALS + 3; c++) {
        deny(c, 1, NOS_DENIED);
    }
    add(NOS_AUDIT_LOAD, 40);
    now += AUDIT_CHECKPOINT_NS + 1000;
    assert_true(idle());
    assert_non_null(ring_protected(0));
    start(ARRAY_LEN(arena));
    assert_null(ring_protected(0));
    assert_int_equal(audit_checkpoint(0, &k), NOS_NOT_FOUND);
    for (uint32_t c = 1; c <= DENIALS; c++) {
        deny(c, 1, NOS_DENIED);
        deny(c, 1, NOS_DENIED);
    }
    assert_int_equal(head_now().next, 2 + DENIALS);  // each was the first
    deny(1000, 1, NOS_DENIED);  // the one that came first has to go, and is told
    struct nos_audit_entry e = entry_at(2 + DENIALS);
    assert_int_equal(e.rec.actor, 1);
    assert_int_equal(e.body.b, 1);
    assert_int_equal(entry_at(3 + DENIALS).rec.actor, 1000);
}

/* What was dropped is said once. */
static void test_dropped_is_said_once(void **state)
{
    (void)state;
    start(1);
    add(NOS_AUDIT_EXIT, 20);
    frames_max = ARRAY_LEN(arena);
    add(NOS_AUDIT_LOAD, PER_FRAME);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t next = head_now().next;
        add(NOS_AUDIT_LOAD, 1);
        now += AUDIT_CHECKPOINT_NS + 1000;
        assert_true(idle());
        assert_int_equal(head_now().next, next + 1 + (i == 0));
    }
    check_count();
}

/* Which checkpoints are kept, and which is the first from a number on. */
static void test_which_checkpoints_are_kept(void **state)
{
    struct nos_audit_checkpoint k;
    (void)state;
    for (uint64_t made = AUDIT_CHECKPOINTS - 1; made < AUDIT_CHECKPOINTS + 3; made++) {
        uint64_t first = made <= AUDIT_CHECKPOINTS ? 0 : made - AUDIT_CHECKPOINTS;
        for (points.made = 0; points.made < made; points.made++) {
            points.place[points.made % PLACES].seq = points.made;
        }
        struct nos_audit_head h = head_now();
        assert_int_equal(h.checkpoints, made);
        assert_int_equal(h.first_checkpoint, first);
        for (uint64_t seq = 0; seq < made; seq++) {
            assert_int_equal(audit_checkpoint(seq, &k), NOS_OK);
            assert_int_equal(k.seq, seq < first ? first : seq);
        }
        assert_int_equal(audit_checkpoint(made, &k), NOS_NOT_FOUND);
    }
}

/* News wait for a second, counted from the first. */
static void test_due_from_the_first_news(void **state)
{
    (void)state;
    uint64_t due = audit_checkpoint_due();
    now += 5000;
    add(NOS_AUDIT_EXIT, 3);
    assert_int_equal(audit_checkpoint_due(), due);
    assert_int_equal(background_news, 1);
}

/* ---- refused calls ---- */

/* Who is refused all the time keeps its place while others come and go. */
static void test_quiet_ones_go_first(void **state)
{
    (void)state;
    deny(1, 1, NOS_DENIED);
    for (uint32_t i = 0; i < DENIALS + 6; i++) {
        deny(100 + i, 1, NOS_DENIED);
        deny(1, 1, NOS_DENIED);
        uint64_t next = chain.ring.next;
        denials_flush();
        assert_int_equal(chain.ring.next, next + 1);
        struct nos_audit_entry e = entry_at(next);
        assert_int_equal(e.rec.actor, 1);
        assert_int_equal(e.body.b, 1);
    }
}

static void test_causes_of_refusals(void **state)
{
    struct audit_ref spawned = { 0 };
    (void)state;
    add(NOS_AUDIT_SPAWN, 1);  // 2
    audit_remember(&spawned);
    add(NOS_AUDIT_EXIT, 1);
    audit_deny(1, 5, NOS_DENIED, &spawned);  // 4
    assert_int_equal(entry_at(4).rec.back[0], 2);
    (void)check_run();
}

/* Its place goes to another before the first one's record is sealed. */
static void test_a_place_changes_hands(void **state)
{
    (void)state;
    deny(1, 1, NOS_DENIED);  // 2
    denials_flush();
    deny(2, 1, NOS_DENIED);  // 3
    while (chain.sealed < 3) {
        seal_one();
    }
    deny(2, 1, NOS_DENIED);
    denials_flush();  // 4, by 3
    assert_int_equal(chain.ring.next, 5);
    (void)check_run();
}

/* ---- causes ---- */

/* Two records of one place among those that wait: to forget the older changes nothing for the
 * other. */
static void test_forgetting_is_of_one(void **state)
{
    struct audit_ref a = { 0 }, b = { 0 };
    (void)state;
    add(NOS_AUDIT_LOAD, 1);  // 2
    audit_remember(&a);
    add(NOS_AUDIT_LOAD, AUDIT_UNSEALED_MAX);
    audit_remember(&b);
    assert_int_equal(b.at - a.at, AUDIT_UNSEALED_MAX);
    audit_forget(&a);
    struct nos_audit_head h = head_now();
    assert_memory_equal(b.hash, h.head, 32);
}

/* A ref that stands for another record has no hash until that one is sealed. */
static void test_a_ref_moves_on(void **state)
{
    struct audit_ref a = { 0 };
    (void)state;
    for (unsigned sealed = 0; sealed <= 1; sealed++) {
        add(NOS_AUDIT_LOAD, 1);
        audit_remember(&a);
        if (sealed) {
            (void)head_now();
            assert_false(span_is_zero(SPAN_OF(a.hash)));
        }
        add(NOS_AUDIT_LOAD, 1);
        audit_remember(&a);
        while (chain.sealed < chain.ring.next - 1) {
            seal_one();
        }
        assert_true(span_is_zero(SPAN_OF(a.hash)));
        struct nos_audit_head h = head_now();
        assert_memory_equal(a.hash, h.head, 32);
    }
}

/* In a run of 14: a copy that knows no hash is good for as long as the one after its record is in
 * the run, and for a record that is sealed when that has gone. */
static void test_copies_at_the_end_of_the_run(void **state)
{
    (void)state;
    for (unsigned before = 0; before < 4; before++) {
        struct audit_ref a = { 0 };
        start(1);
        add(NOS_AUDIT_EXIT, 30);
        audit_remember(&a);
        struct audit_ref copy = a;
        add(NOS_AUDIT_EXIT, PER_FRAME - 2 + before);
        uint64_t seq = chain.ring.next - 1;
        assert_int_equal(copy.at - 1 + 1 + before, chain.ring.first + 2);
        audit_cause(&copy);
        assert_int_equal(newest()->back[0], before < 3 ? PER_FRAME - 2 + before : 0);
        add(NOS_AUDIT_EXIT, PER_FRAME / 2);  // the cause has left before that is sealed
        uint8_t hash[32];
        struct nos_audit_record r = entry_at(seq).rec;
        memcpy(hash, a.hash, sizeof hash);
        assert_false(span_is_zero(SPAN_OF(hash)));
        if (before < 3) {
            assert_memory_equal(r.parent[1], hash, 32);
        }
        (void)check_run();
    }
}

/* The distance to a cause is a word of 32 bits: the longest that fits is taken, none beyond. */
static void test_the_farthest_cause(void **state)
{
    static const struct {
        uint64_t back;
        bool taken;
    } rows[] = { { UINT32_MAX - 1ull, true },
                 { UINT32_MAX, true },
                 { UINT32_MAX + 1ull, false },
                 { UINT32_MAX + 2ull, false } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        start(ARRAY_LEN(arena));
        chain.ring.next = chain.ring.first = chain.sealed = tree_now.size = 1ull << 33;
        add(NOS_AUDIT_EXIT, 1);
        struct audit_ref far = { .at = newest()->seq - rows[i].back + 1, .hash = { 1 } };
        audit_cause(&far);
        assert_int_equal(newest()->back[0], rows[i].taken ? rows[i].back : 0);
    }
}

/* More of one kind than 32 bits count: the newest are in the room, each in the place of the oldest.
 */
static void test_four_thousand_million_of_a_kind(void **state)
{
    struct share *s = &shares[2];
    struct nos_audit_entry e = { .rec = { .kind = s->kind } };
    struct ring r = { .cap = AUDIT_RING };
    (void)state;
    start(ARRAY_LEN(arena));
    assert_int_equal(s->size, 40);
    for (; e.rec.seq < s->size; e.rec.seq++) {
        assert_true(protect(&r, &e));
    }
    s->kept = UINT32_MAX / 40 * 40ull;
    for (; e.rec.seq < 3u * s->size; e.rec.seq++) {
        assert_true(protect(&r, &e));
    }
    assert_true(s->kept > UINT32_MAX);
    assert_int_equal(r.dropped, 2u * s->size);
    for (uint64_t seq = 2u * s->size; seq < 3u * s->size; seq++) {
        assert_int_equal(ring_protected(seq)->rec.seq, seq);
    }
    assert_int_equal(ring_protected(0)->rec.seq, 2u * s->size);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        TEST(test_head_of_a_short_run),
        TEST(test_head_where_a_block_begins),
        TEST(test_head_after_a_long_time),
        TEST(test_tree_waits),
        TEST(test_tree_of_a_short_run),
        TEST(test_text_ends),
        TEST(test_run_gets_shorter),
        TEST(test_starts_anew),
        TEST(test_dropped_is_said_once),
        TEST(test_which_checkpoints_are_kept),
        TEST(test_due_from_the_first_news),
        TEST(test_quiet_ones_go_first),
        TEST(test_causes_of_refusals),
        TEST(test_a_place_changes_hands),
        TEST(test_forgetting_is_of_one),
        TEST(test_a_ref_moves_on),
        TEST(test_copies_at_the_end_of_the_run),
        TEST(test_the_farthest_cause),
        TEST(test_four_thousand_million_of_a_kind),
    };
    return cmocka_run_group_tests_name("audit_edges", tests, NULL, NULL);
}
