/* The kernel's audit log, read back through lib/audit.h's checker. */
#include "tests/host/audit_host.h"

/* ---- appending ---- */

static void test_first_record_names_the_issuer(void **state)
{
    struct nos_audit_entry e = entry_at(0);
    (void)state;
    assert_int_equal(e.rec.kind, NOS_AUDIT_BOOT);
    assert_int_equal(e.rec.n_par, 0);
    assert_memory_equal(e.body.subject, vault_issuer_pk(), 32);
    e = entry_at(1);
    assert_int_equal(e.rec.kind, NOS_AUDIT_BOOT);
    assert_int_equal(e.rec.back[0], 1);
    assert_memory_equal(e.body.subject, key_pk(0), 32);
    assert_memory_equal(head_now().key0, key_pk(0), 32);
    assert_memory_equal(head_now().boot_id, vault_boot_id(), 32);
    assert_int_equal(check_run(), 0);
}

static void test_fields(void **state)
{
    uint8_t subject[32];
    char text[41];
    struct nos_audit_entry e;
    (void)state;
    memset(subject, 7, sizeof subject);
    memset(text, 't', sizeof text);  // no zero: 40 are read, not one more
    now = 4055;
    audit_add(NOS_AUDIT_LOAD, 9, NOS_BUSY, subject, 11, 12, text);
    audit_add(NOS_AUDIT_KILL, 0, NOS_OK, NULL, 0, 0, NULL);
    e = entry_at(2);
    assert_int_equal(e.rec.seq, 2);
    assert_int_equal(e.rec.tick, 4055);
    assert_int_equal(e.rec.actor, 9);
    assert_int_equal(e.rec.kind, NOS_AUDIT_LOAD);
    assert_int_equal(e.body.status, NOS_BUSY);
    assert_int_equal(e.body.a, 11);
    assert_int_equal(e.body.b, 12);
    assert_memory_equal(e.body.subject, subject, 32);
    assert_memory_equal(e.body.text, text, 40);
    e = entry_at(3);
    assert_true(span_is_zero(SPAN_OF(e.body.subject)));
    assert_true(span_is_zero(SPAN_OF(e.body.text)));  // frames were dirty
    assert_int_equal(audit_entry(4, &e), NOS_NOT_FOUND);
    assert_int_equal(audit_entry(UINT64_MAX, &e), NOS_NOT_FOUND);
}

/* Salts are fresh: equal bodies commit differently. */
static void test_salts_differ(void **state)
{
    (void)state;
    add(NOS_AUDIT_EXIT, 2);
    struct nos_audit_entry a = entry_at(2), b = entry_at(3);
    assert_memory_not_equal(a.salt, b.salt, 32);
    assert_memory_not_equal(a.rec.body_commit, b.rec.body_commit, 32);
}

static void test_chain_at_every_length(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        add(NOS_AUDIT_SPAWN, 1);
        (void)check_run();
    }
    add(NOS_AUDIT_SPAWN, 3000);
    (void)check_run();
    check_count();
}

/* However they are mixed: the run verifies, nothing is uncounted. */
static void test_random_mix(void **state)
{
    enum { REFS = 40 };
    static struct audit_ref ref[REFS];
    (void)state;
    memset(ref, 0, sizeof ref);
    srand(3);
    for (unsigned i = 0; i < 6000; i++) {
        now += (uint64_t)rand() % 5000000;
        if (rand() % 4 == 0) {
            audit_deny(1 + (uint32_t)rand() % 80, (uint32_t)rand() % 3,
                       rand() % 2 == 0 ? NOS_DENIED : NOS_FILTERED, &ref[rand() % REFS]);
        } else if (rand() % 3 == 0) {
            (void)audit_checkpoint_step(now);
        } else {
            add((enum nos_audit_kind)(1 + rand() % 11), 1);
            audit_cause(&ref[rand() % REFS]);
            audit_cause(&ref[rand() % REFS]);
            if (rand() % 2 == 0) {
                audit_remember(&ref[rand() % REFS]);
            }
            audit_forget(&ref[rand() % REFS]);
        }
        if (i % 500 == 0) {
            (void)check_run();
            check_count();
        }
    }
    assert_true(check_run() > 0);
    check_count();
}

/* ---- a full ring ---- */

static void test_protected_room(void **state)
{
    (void)state;
    add(NOS_AUDIT_LOAD, 10);
    add(NOS_AUDIT_GRANT, 20);
    add(NOS_AUDIT_EXIT, 5000);
    struct tally t = walk();
    assert_int_equal(t.kinds[NOS_AUDIT_BOOT], 2);
    assert_int_equal(t.kinds[NOS_AUDIT_LOAD], 10);
    assert_int_equal(t.kinds[NOS_AUDIT_GRANT], 20);
    assert_int_equal(t.old, 32);
    assert_int_equal(t.kinds[NOS_AUDIT_EXIT], AUDIT_RING);
    assert_memory_equal(entry_at(0).body.subject, vault_issuer_pk(), 32);
    assert_int_equal(head_now().next - head_now().first, AUDIT_RING);
    (void)check_run();
    check_count();
}

/* A flood of one protected kind takes no other kind's room; of its own it keeps the newest. */
static void test_shares(void **state)
{
    static const struct {
        enum nos_audit_kind kind;
        unsigned share;
    } row[] = { { NOS_AUDIT_BOOT, 8 },   { NOS_AUDIT_LOAD, 64 },  { NOS_AUDIT_REFUSE, 40 },
                { NOS_AUDIT_GRANT, 64 }, { NOS_AUDIT_SPAWN, 40 }, { NOS_AUDIT_CRASH, 40 } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        add(row[i].kind, row[i].share - (row[i].kind == NOS_AUDIT_BOOT ? 2 : 0));
    }
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        add(row[i].kind, 2000);
        add(NOS_AUDIT_EXIT, AUDIT_RING);
        struct tally t = walk();
        assert_int_equal(t.old, AUDIT_PROTECTED);
        for (size_t k = 0; k < ARRAY_LEN(row); k++) {
            assert_int_equal(t.kinds[row[k].kind], row[k].share);
        }
        check_count();
    }
}

static void test_newest_of_a_share_stay(void **state)
{
    struct nos_audit_entry e;
    uint64_t want = 100 - 40;
    (void)state;
    add(NOS_AUDIT_CRASH, 100);
    add(NOS_AUDIT_EXIT, AUDIT_RING);
    for (uint64_t at = 2; audit_entry(at, &e) == NOS_OK && e.rec.kind == NOS_AUDIT_CRASH;
         at = e.rec.seq + 1) {
        assert_int_equal(e.body.a, want++);
    }
    assert_int_equal(want, 100);
}

static void test_drop_is_told(void **state)
{
    (void)state;
    add(NOS_AUDIT_EXIT, AUDIT_RING + 50);
    assert_int_equal(walk().kinds[NOS_AUDIT_DROP], 0);
    uint64_t dropped = head_now().dropped;
    assert_int_equal(dropped, 50);  // the BOOT records are kept
    now += AUDIT_CHECKPOINT_NS + 60000;
    assert_true(idle());
    struct nos_audit_entry e = entry_at(head_now().next - 1);
    assert_int_equal(e.rec.kind, NOS_AUDIT_DROP);
    assert_int_equal(e.body.a, dropped);
    assert_int_equal(check_run(), 1);
}

/* With memory for n frames only: a shorter run, the same chain. */
static void test_short_of_memory(void **state)
{
    (void)state;
    for (size_t frames = 1; frames < 12; frames++) {
        start(frames);
        for (unsigned i = 0; i < 400; i++) {
            add(i % 3 == 0 ? NOS_AUDIT_LOAD : NOS_AUDIT_EXIT, 1);
            if (i % 50 == 0) {
                (void)check_run();
            }
        }
        assert_int_equal(head_now().next - head_now().first,
                         frames * (PAGE_SIZE / sizeof(struct nos_audit_entry)));
        (void)check_run();
        check_count();
    }
}

/* A machine without a frame for its log does not start. */
static void test_no_memory_at_all(void **state)
{
    jmp_buf here;
    (void)state;
    panics = &here;
    if (setjmp(here) == 0) {
        start(0);
        fail_msg("no frame, and no panic");
    }
    panics = NULL;
    start(1);
    assert_int_equal(head_now().next, 2);
}

/* All of it at once: then a full log, and what it protects, need nothing more. */
static void test_reserve(void **state)
{
    (void)state;
    audit_reserve();
    size_t used = frames_used;
    frames_max = used;
    add(NOS_AUDIT_LOAD, 100);
    add(NOS_AUDIT_CRASH, 100);
    add(NOS_AUDIT_EXIT, 3000);
    assert_int_equal(frames_used, used);
    assert_int_equal(walk().entries, AUDIT_RING + 64 + 40 + 2);
    start(5);
    audit_reserve();  // less than it wants: as with none reserved
    add(NOS_AUDIT_EXIT, 300);
    assert_int_equal(head_now().next - head_now().first, 5 * PER_FRAME);
    (void)check_run();
}

/* A run shorter than what may wait for sealing: nothing leaves it unsealed, least of all to the
 * protected room. */
static void test_short_run_seals_what_leaves(void **state)
{
    (void)state;
    start(1);
    add(NOS_AUDIT_EXIT, 20);
    frames_max = ARRAY_LEN(arena);
    add(NOS_AUDIT_LOAD, 60);
    struct tally t = walk();
    assert_int_equal(t.old, 60 - PER_FRAME);
    assert_int_equal(t.kinds[NOS_AUDIT_LOAD], 60);
    (void)check_run();
    check_count();
}

/* ---- refused calls ---- */

static uint64_t denials_told(void)
{
    struct nos_audit_entry e;
    uint64_t n = 0;
    for (uint64_t at = 0; audit_entry(at, &e) == NOS_OK; at = e.rec.seq + 1) {
        n += e.rec.kind == NOS_AUDIT_DENY ? e.body.b : 0;
    }
    return n;
}

static void test_repeats_are_counted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1001; i++) {
        deny(4, 21, NOS_BAD_HANDLE);
    }
    assert_int_equal(head_now().next, 3);  // the first at once
    struct nos_audit_entry e = entry_at(2);
    assert_int_equal(e.rec.kind, NOS_AUDIT_DENY);
    assert_int_equal(e.rec.actor, 4);
    assert_int_equal(e.body.status, NOS_BAD_HANDLE);
    assert_int_equal(e.body.a, 21);
    assert_int_equal(e.body.b, 1);
    assert_true(audit_checkpoint_step(now + 2 * AUDIT_CHECKPOINT_NS));
    e = entry_at(3);
    assert_int_equal(e.rec.back[0], 1);  // caused by the first
    assert_int_equal(e.rec.actor, 4);
    assert_int_equal(e.body.status, NOS_BAD_HANDLE);
    assert_int_equal(e.body.a, 21);
    assert_int_equal(e.body.b, 1000);
    assert_int_equal(head_now().next, 4);
}

static void test_capsules_and_codes_are_apart(void **state)
{
    (void)state;
    deny(4, 21, NOS_BAD_HANDLE);
    deny(5, 21, NOS_BAD_HANDLE);
    deny(4, 21, NOS_DENIED);
    assert_int_equal(head_now().next, 5);
    deny(4, 22, NOS_DENIED);  // another call, the same capsule and code
    deny(4, 23, NOS_DENIED);
    deny(5, 30, NOS_BAD_HANDLE);
    deny(5, 30, NOS_BAD_HANDLE);
    assert_int_equal(head_now().next, 5);
    assert_true(audit_checkpoint_step(now + 2 * AUDIT_CHECKPOINT_NS));
    assert_int_equal(head_now().next, 7);
    for (uint64_t at = 5; at < 7; at++) {
        struct nos_audit_entry e = entry_at(at);
        assert_int_equal(e.body.b, 2);
        assert_true(e.rec.actor == 5 ? e.body.a == 30
                                     : e.body.a == NOS_AUDIT_SEVERAL && e.rec.actor == 4);
    }
}

/* After a quiet second the next refusal is told at once again. */
static void test_quiet_is_forgotten(void **state)
{
    (void)state;
    deny(4, 21, NOS_DENIED);
    now += 2 * AUDIT_CHECKPOINT_NS;
    assert_true(idle());
    uint64_t next = head_now().next;
    deny(4, 21, NOS_DENIED);
    assert_int_equal(head_now().next, next + 1);
    deny(4, 21, NOS_DENIED);
    assert_int_equal(head_now().next, next + 1);
}

/* More refused capsules than the table holds: still every refusal is in some record. */
static void test_many_refused_capsules(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t c = 1; c <= 100; c++) {
            deny(c, c, NOS_DENIED);
            deny(c, c, NOS_DENIED);
        }
    }
    now += 2 * AUDIT_CHECKPOINT_NS;
    assert_true(audit_checkpoint_step(now));
    assert_int_equal(denials_told(), 600);
    check_count();
}

/* A storm of one capsule, all calls and all codes: two records a second for each code. */
static void test_storm_is_bounded(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        deny(3, i % 60, (nos_status_t)(-1 - (int)(i % 7)));
        if (i % 20000 == 19999) {
            now += AUDIT_CHECKPOINT_NS + 1;
            assert_true(idle());
        }
    }
    assert_int_equal(denials_told(), 200000);
    assert_true(head_now().next <= 2 + 7 + 10 * 7);
}

/* ---- checkpoints ---- */

static void test_checkpoint_after_a_second_with_news(void **state)
{
    (void)state;
    uint64_t due = audit_checkpoint_due();
    assert_int_equal(due, 1001 + AUDIT_CHECKPOINT_NS);
    assert_true(background_news == 1 && cpu.resched);  // somebody is told to come back for it
    now = due - 1;
    assert_true(idle());  // seals, signs nothing
    assert_int_equal(signatures, 0);
    now = due;
    assert_true(idle());
    assert_int_equal(signatures, 1);
    assert_int_equal(check_run(), 1);
    assert_int_equal(audit_checkpoint_due(), 0);
    now += 100 * AUDIT_CHECKPOINT_NS;
    assert_false(idle());  // a checkpoint is no news
    assert_int_equal(signatures, 1);
    add(NOS_AUDIT_EXIT, 5);
    assert_true(idle());
    assert_int_equal(signatures, 1);  // at most one a second while records arrive
    now += AUDIT_CHECKPOINT_NS + 1;
    assert_true(idle());
    assert_int_equal(signatures, 2);
    assert_int_equal(check_run(), 2);
}

static void test_checkpoint_after_1024(void **state)
{
    (void)state;
    add(NOS_AUDIT_EXIT, AUDIT_CHECKPOINT_EVERY - 3);
    assert_true(audit_checkpoint_step(now));
    assert_int_equal(signatures, 0);
    add(NOS_AUDIT_EXIT, 1);
    assert_true(idle());
    assert_int_equal(signatures, 1);
    assert_int_equal(check_run(), 1);
}

/* Sealing can wait, but not for more than a bounded number of records, and a step does one of them.
 */
static void test_sealing_lags_by_a_bounded_number(void **state)
{
    unsigned steps = 0;
    (void)state;
    add(NOS_AUDIT_EXIT, 500);
    assert_int_equal(chain.ring.next - chain.sealed, AUDIT_UNSEALED_MAX);
    while (audit_checkpoint_step(now)) {
        steps++;
    }
    assert_int_equal(steps, AUDIT_UNSEALED_MAX + 502);  // each into the tree, too
    assert_int_equal(chain.sealed, chain.ring.next);
    assert_int_equal(tree_size(), chain.ring.next);
}

/* What an auditor holds a checkpoint of cannot be rewritten: the changed log no longer carries
 * it. */
static void test_rewriting_shows(void **state)
{
    static struct audit_checker c;
    (void)state;
    add(NOS_AUDIT_GRANT, 3);
    now += 2 * AUDIT_CHECKPOINT_NS;
    assert_true(idle());
    assert_int_equal(check_run(), 1);
    for (uint64_t at = 0; at < head_now().next; at++) {
        struct nos_audit_entry was = *ring_at(&chain.ring, at);
        ring_at(&chain.ring, at)->body.a ^= 1;
        assert_int_equal(check_log(&c), NOS_AUDIT_BODY);
        *ring_at(&chain.ring, at) = was;
        ring_at(&chain.ring, at)->rec.tick ^= 1 << 30;
        assert_int_not_equal(check_log(&c), NOS_OK);
        *ring_at(&chain.ring, at) = was;
    }
    assert_int_equal(check_run(), 1);
}

/* A clock that jumps back is no record taken out: the next time is never before the last. */
static void test_clock_jumps_back(void **state)
{
    (void)state;
    add(NOS_AUDIT_GRANT, 2);
    uint64_t last = entry_at(head_now().next - 1).rec.tick;
    now -= 1000;
    add(NOS_AUDIT_GRANT, 2);
    assert_int_equal(entry_at(head_now().next - 1).rec.tick, last);
    now += 2000;
    add(NOS_AUDIT_GRANT, 1);
    assert_int_equal(entry_at(head_now().next - 1).rec.tick, now);
    (void)check_run();
}

/* Without an idle moment the tree follows at a distance, so that what leaves the run is in it. */
static void test_tree_follows(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6000; i++) {
        add(NOS_AUDIT_EXIT, 1);
        assert_true(chain.ring.next - tree_size() <= AUDIT_RING - 2 * NOS_AUDIT_BLOCK + 1);
        struct nos_audit_head h;
        if (i % 177 == 0) {
            size_t before = n_leaves;
            audit_head(&h);
            assert_int_equal(n_leaves, before);  // reading takes none of the work over
            assert_int_equal(h.tree_at, (h.first + 63) / 64 * 64);
            (void)check_run();
        }
    }
    now += AUDIT_CHECKPOINT_NS + 1;
    assert_true(idle());
    assert_int_equal(check_run(), 1);
}

/* Each step is one of: a record, a root and a key, a signature. */
static void test_steps_are_small(void **state)
{
    (void)state;
    add(NOS_AUDIT_EXIT, 100);
    now += AUDIT_CHECKPOINT_NS + 1;
    for (bool more = true; more;) {
        size_t did = n_leaves + chain.sealed + signatures + key_ready;
        bool was_ready = key_ready;
        more = audit_checkpoint_step(now);
        size_t does = n_leaves + chain.sealed + signatures + key_ready;
        assert_true(was_ready ? does == did : does <= did + 1);
    }
    assert_int_equal(signatures, 1);
    assert_int_equal(check_run(), 1);
}

/* News that come while one is under way wait for the next, a second later. */
static void test_news_meanwhile(void **state)
{
    (void)state;
    now += AUDIT_CHECKPOINT_NS + 1000;
    assert_true(audit_checkpoint_step(now));  // begun
    assert_int_equal(audit_checkpoint_due(), 1);
    add(NOS_AUDIT_EXIT, 3);
    deny(3, 4, NOS_DENIED);
    deny(3, 4, NOS_DENIED);
    assert_true(idle());
    assert_int_equal(signatures, 1);
    assert_true(audit_checkpoint_due() > now);
    now += AUDIT_CHECKPOINT_NS + 1;
    assert_true(idle());
    assert_int_equal(signatures, 2);
    assert_int_equal(denials_told(), 2);
    assert_int_equal(audit_checkpoint_due(), 0);
    assert_int_equal(check_run(), 2);
}

/* The newest are kept, without a gap between them: each is by the key that the one before
 * announced. */
static void test_checkpoints_kept(void **state)
{
    struct nos_audit_checkpoint k;
    (void)state;
    assert_int_equal(audit_checkpoint(0, &k), NOS_NOT_FOUND);
    for (unsigned i = 0; i < 250; i++) {
        add(NOS_AUDIT_EXIT, 1 + i % 5);
        now += AUDIT_CHECKPOINT_NS + 1;
        assert_true(idle());
        assert_int_equal(signatures, i + 1);
        assert_int_equal(head_now().checkpoints, i + 1);
        assert_int_equal(audit_checkpoint(i, &k), NOS_OK);
        assert_int_equal(k.seq, i);
        assert_int_equal(audit_checkpoint(i + 1, &k), NOS_NOT_FOUND);
        if (i % 50 == 49 || i == AUDIT_CHECKPOINTS) {
            assert_int_equal(check_run(), i < AUDIT_CHECKPOINTS ? i + 1 : AUDIT_CHECKPOINTS);
        }
    }
    assert_int_equal(head_now().first_checkpoint, 250 - AUDIT_CHECKPOINTS);
    assert_int_equal(audit_checkpoint(0, &k), NOS_OK);
    assert_int_equal(k.seq, 250 - AUDIT_CHECKPOINTS);
}

/* ---- causes ---- */

static void test_causes(void **state)
{
    struct audit_ref a = { 0 }, b = { 0 }, c = { 0 };
    (void)state;
    add(NOS_AUDIT_LOAD, 1);  // 2
    audit_remember(&a);
    add(NOS_AUDIT_LOAD, 1);  // 3
    audit_remember(&b);
    add(NOS_AUDIT_LOAD, 1);  // 4
    audit_remember(&c);
    add(NOS_AUDIT_SPAWN, 1);  // 5
    audit_cause(&a);
    audit_cause(&c);  // nearer: goes first
    audit_cause(&b);  // a third is not taken
    audit_cause(NULL);
    add(NOS_AUDIT_SPAWN, 1);  // 6
    audit_cause(&b);
    audit_cause(&b);
    audit_cause(&(struct audit_ref){ 0 });
    struct nos_audit_record r = entry_at(5).rec;
    assert_int_equal(r.n_par, 3);
    assert_int_equal(r.back[0], 1);
    assert_int_equal(r.back[1], 3);
    r = entry_at(6).rec;
    assert_int_equal(r.n_par, 2);
    assert_int_equal(r.back[0], 3);
    assert_int_equal(r.back[1], 0);
    add(NOS_AUDIT_SPAWN, 1);  // 7
    struct audit_ref self = { 0 }, ahead = { .at = chain.ring.next + 5 };
    audit_remember(&self);
    audit_cause(&b);
    audit_cause(&self);   // nothing causes itself
    audit_cause(&ahead);  // and nothing is caused by what is still to come
    audit_forget(&self);
    assert_int_equal(entry_at(7).rec.n_par, 2);
    (void)check_run();
    struct nos_audit_entry first = entry_at(2);
    add(NOS_AUDIT_EXIT, 5000);  // what is remembered lasts longer than its record
    audit_cause(&a);
    bool named;
    r = entry_at(head_now().next - 1).rec;
    assert_int_equal(audit_check_cause(&r, &first.rec, &named), NOS_OK);
    assert_true(named);
    (void)check_run();
}

/* A ref whose memory goes before its record is sealed is not written to. */
static void test_forget(void **state)
{
    struct audit_ref *r = calloc(1, sizeof *r), s = { 0 };
    (void)state;
    add(NOS_AUDIT_LOAD, 1);
    audit_remember(r);
    audit_forget(r);
    assert_int_equal(r->at, 0);
    free(r);
    add(NOS_AUDIT_LOAD, 1);
    audit_remember(&s);
    add(NOS_AUDIT_LOAD, 1);
    audit_remember(&s);  // stands for another one from now on
    assert_int_equal(s.at, head_now().next);
    assert_memory_equal(s.hash, head_now().head, 32);
    add(NOS_AUDIT_LOAD, 40);
    audit_forget(&s);
    (void)check_run();
}

/* A copy made before the record was sealed works for as long as the record is in the run. */
static void test_copies(void **state)
{
    struct audit_ref a = { 0 };
    (void)state;
    add(NOS_AUDIT_LOAD, 1);
    audit_remember(&a);
    struct audit_ref copy = a;
    assert_true(span_is_zero(SPAN_OF(copy.hash)));
    add(NOS_AUDIT_EXIT, 300);
    audit_cause(&copy);
    assert_int_equal(entry_at(302).rec.back[0], 300);
    add(NOS_AUDIT_EXIT, 1000);
    audit_cause(&copy);
    assert_int_equal(entry_at(1302).rec.back[0], 0);
    audit_cause(&a);
    assert_int_equal(entry_at(1302).rec.n_par, 1);  // sealed: too late
    (void)check_run();
}

/* On a machine without memory for more than a few records the same holds. */
static void test_causes_in_a_short_run(void **state)
{
    static struct audit_ref ref[30];
    (void)state;
    srand(5);
    for (size_t frames = 1; frames < 12; frames++) {
        memset(ref, 0, sizeof ref);
        start(frames);
        for (unsigned i = 0; i < 700; i++) {
            add(NOS_AUDIT_EXIT, 1);
            audit_cause(&ref[rand() % 30]);
            audit_cause(&ref[rand() % 30]);
            audit_remember(&ref[i % 30]);
            if (i % 67 == 0) {
                now += AUDIT_CHECKPOINT_NS + 1;
                (void)idle();
            }
            if (i % 13 == 0) {
                (void)check_run();
            }
        }
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        TEST(test_first_record_names_the_issuer),
        TEST(test_fields),
        TEST(test_salts_differ),
        TEST(test_chain_at_every_length),
        TEST(test_random_mix),
        TEST(test_protected_room),
        TEST(test_shares),
        TEST(test_newest_of_a_share_stay),
        TEST(test_drop_is_told),
        TEST(test_short_of_memory),
        TEST(test_no_memory_at_all),
        TEST(test_reserve),
        TEST(test_short_run_seals_what_leaves),
        TEST(test_repeats_are_counted),
        TEST(test_capsules_and_codes_are_apart),
        TEST(test_quiet_is_forgotten),
        TEST(test_many_refused_capsules),
        TEST(test_storm_is_bounded),
        TEST(test_checkpoint_after_a_second_with_news),
        TEST(test_checkpoint_after_1024),
        TEST(test_sealing_lags_by_a_bounded_number),
        TEST(test_rewriting_shows),
        TEST(test_clock_jumps_back),
        TEST(test_tree_follows),
        TEST(test_steps_are_small),
        TEST(test_news_meanwhile),
        TEST(test_checkpoints_kept),
        TEST(test_causes),
        TEST(test_forget),
        TEST(test_copies),
        TEST(test_causes_in_a_short_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
