#pragma once
/* The kernel's audit log on a machine that is made up, and its reader: lib/audit.h's checker.
 * Included once. */
#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/host/test.h"

#include "kernel/arch/api/arch.h"
#include "kernel/core/panic.h"
#include "kernel/core/percpu.h"
#include "kernel/crypto/vault.h"
#include "kernel/memory/frame.h"
#include "lib/audit.h"
#include "lib/crypto/ed25519.h"
#include "tests/host/auditlog.h"
#include "tests/host/golden.h"

uint32_t background_news;
static struct cpu cpu;

/* What the tree is given, for a second tree that is made at once. */
enum { LEAVES = 20000 };
static uint8_t leaves[LEAVES][32];
static size_t n_leaves;

static void shadow_leaf(span_t entry, uint8_t out[32])
{
    merkle_leaf(entry, out);
    memcpy(leaves[n_leaves++ % LEAVES], out, 32);
}

#include "kernel/audit/audit.c"
#include "kernel/audit/checkpoint.c"
#include "kernel/audit/deny.c"
#include "kernel/audit/ring.c"
#define merkle_leaf shadow_leaf
#define now tree_now
#include "kernel/audit/tree.c"
#undef now
#undef merkle_leaf

/* ---- the machine ---- */

static uint64_t now;
static uint8_t arena[200][PAGE_SIZE] ALIGNED(4096);
static size_t frames_used, frames_max;
static unsigned signatures;
static uint8_t salt;

uint64_t arch_clock_ns(void)
{
    return now;
}

/* Frames are host memory: the kernel's pointer is base + address, and so the address is pointer -
 * base. */
paddr_t frame_alloc_dirty(unsigned order)
{
    assert_int_equal(order, 0);
    if (frames_used == frames_max) {
        return (paddr_t){ 0 };
    }
    memset(arena[frames_used], 0xa5, PAGE_SIZE);
    return ptr_phys(arena[frames_used++]);
}

void vault_random(void *out, size_t len)
{
    memset(out, ++salt, len);
}

const uint8_t *vault_issuer_pk(void)
{
    static struct golden_key k;
    k = golden_key(GOLDEN_ISSUER);
    return k.pk;
}

static bool key_ready;

const uint8_t *vault_boot_id(void)
{
    static const uint8_t id[32] = { 0xb0 };
    return id;
}

static const uint8_t *key_pk(unsigned i)
{
    static uint8_t pk[2][32];
    uint8_t sk[64];
    auditlog_key(i, pk[i % 2], sk);
    return pk[i % 2];
}

const uint8_t *vault_audit_pk(void)
{
    return key_pk(signatures);
}

const uint8_t *vault_audit_next_pk(void)
{
    assert_true(key_ready);
    return key_pk(signatures + 1);
}

bool vault_audit_ready(void)
{
    return key_ready;
}

void vault_audit_prepare(void)
{
    assert_false(key_ready);
    key_ready = true;
}

void vault_audit_sign(span_t text, uint8_t sig[64])
{
    uint8_t pk[32], sk[64];
    assert_true(key_ready);
    auditlog_key(signatures++, pk, sk);
    ed25519_sign(sig, text, sk);
    key_ready = false;
}

static jmp_buf *panics; /* where a panic that is wanted goes */

void panic(const char *format, ...)
{
    if (panics != NULL) {
        longjmp(*panics, 1);
    }
    fail_msg("panic: %s", format);
    abort();
}

static void start(size_t frames)
{
    memset(run_frame, 0, sizeof run_frame);
    memset(room_frame, 0, sizeof room_frame);
    frames_used = 0;
    frames_max = frames;
    now = 1000;
    signatures = 0;
    key_ready = false;
    n_leaves = 0;
    audit_init();
}

static int fresh(void **state)
{
    (void)state;
    cpu.self = &cpu;
    background_news = 0;
    cpu.resched = false;
    assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu), 0);
    start(ARRAY_LEN(arena));
    return 0;
}

/* ---- looking ---- */

static struct nos_audit_head head_now(void)
{
    struct nos_audit_head h;
    audit_head(&h);
    return h;
}

static struct nos_audit_entry entry_at(uint64_t seq)
{
    struct nos_audit_entry e;
    assert_int_equal(audit_entry(seq, &e), NOS_OK);
    return e;
}

/* The root over the first `n` leaves that the tree was ever given. */
static void whole_root(uint64_t n, uint8_t out[32])
{
    static struct merkle t;
    memset(&t, 0, sizeof t);
    assert_true(n <= n_leaves && n_leaves <= LEAVES);
    for (uint64_t i = 0; i < n; i++) {
        merkle_push(&t, 0, leaves[i]);
    }
    merkle_root(&t, out);
}

/* What is due, with what the checker asks and the roots that it cannot know. */
static nos_status_t check_points(struct audit_checker *c)
{
    struct nos_audit_checkpoint k;
    uint8_t root[32];
    nos_status_t st = NOS_OK;

    while (st == NOS_OK && c->keys.seq < c->head.checkpoints) {
        assert_int_equal(audit_checkpoint(c->keys.seq, &k), NOS_OK);
        if (!audit_check_is_due(c, &k)) {
            break;
        }
        whole_root(k.size, root);
        assert_memory_equal(k.root, root, 32);
        st = audit_check_checkpoint(c, &k);
    }
    return st;
}

static nos_status_t check_log(struct audit_checker *c)
{
    struct nos_audit_head h = head_now();

    nos_status_t st = audit_check_begin(c, &h);
    if (st == NOS_OK) {
        st = check_points(c);
    }
    for (uint64_t seq = h.first; seq < h.next && st == NOS_OK; seq++) {
        struct nos_audit_entry e = entry_at(seq);
        st = audit_check_next(c, &e);
        if (st == NOS_OK) {
            st = check_points(c);
        }
    }
    return st == NOS_OK ? audit_check_end(c) : st;
}

/* Every cause that is still in the run is what it is said to be. */
static void check_causes_of_run(const struct nos_audit_head *h)
{
    bool named;
    for (uint64_t seq = h->first; seq < h->next; seq++) {
        const struct nos_audit_record *r = &ring_at(&chain.ring, seq)->rec;
        for (size_t i = 0; i < 2; i++) {
            if (r->back[i] != 0 && seq - r->back[i] >= h->first) {
                assert_int_equal(
                    audit_check_cause(r, &ring_at(&chain.ring, seq - r->back[i])->rec, &named),
                    NOS_OK);
                assert_true(named);
            }
        }
    }
}

/* All of the run, as an auditor would. Returns the checkpoints that verified. */
static uint64_t check_run(void)
{
    static struct audit_checker c;
    struct nos_audit_head h = head_now();
    assert_int_equal(check_log(&c), NOS_OK);
    check_causes_of_run(&h);
    return c.checkpoints;
}

struct tally {
    uint64_t entries, old, kinds[16];
};

/* Everything kept, in order, gaps and all; each commitment holds, also outside the run. */
static struct tally walk(void)
{
    struct tally t = { 0 };
    struct nos_audit_entry e;
    uint8_t commit[32];

    for (uint64_t at = 0; audit_entry(at, &e) == NOS_OK; at = e.rec.seq + 1) {
        assert_true(e.rec.seq >= at);
        audit_body_commit(e.salt, &e.body, commit);
        assert_memory_equal(commit, e.rec.body_commit, 32);
        t.entries++;
        t.old += e.rec.seq < head_now().first;
        t.kinds[e.rec.kind]++;
    }
    return t;
}

static void check_count(void)
{
    struct nos_audit_head h = head_now();
    assert_int_equal(walk().entries + h.dropped, h.next);
}

static void add(enum nos_audit_kind kind, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        now++;
        audit_add(kind, 1, NOS_OK, NULL, i, 0, "x");
    }
}

static void deny(uint32_t actor, uint32_t nr, nos_status_t status)
{
    audit_deny(actor, nr, status, NULL);
}

static bool idle(void)
{
    unsigned steps = 0;
    while (audit_checkpoint_step(now)) {
        assert_true(++steps < 3000);
    }
    return steps > 0;
}
