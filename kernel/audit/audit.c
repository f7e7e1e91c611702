/*
 * Appending fixes a record's place, content and causes at once; hashing it into the chain
 * ("sealing": salt, commitment, parents) and into the tree can wait for an idle moment, because a
 * log in the memory of the kernel that writes it proves nothing until somebody else holds a
 * checkpoint of it. At most AUDIT_UNSEALED_MAX wait to be sealed; whoever reads the log seals
 * first. A record is in the tree before it leaves the run.
 */
#include "kernel/audit/audit.h"

#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/audit/audit_impl.h"
#include "kernel/core/panic.h"
#include "kernel/core/percpu.h"
#include "kernel/crypto/vault.h"
#include "lib/audit.h"

/* A tree that lags behind further than the run less this takes a record with each that comes: so
 * the blocks that the run leaves are always full ones. */
enum { TREE_ROOM = 2 * NOS_AUDIT_BLOCK };

struct chain chain;

/* ---- sealing ---- */

/* Of an entry below `sealed`, not before the run: the one after it says. */
static const uint8_t *hash_of(uint64_t seq)
{
    KASSERT(seq < chain.sealed && seq + 1 >= chain.ring.first);
    return seq + 1 == chain.sealed ? chain.head : ring_at(&chain.ring, seq + 1)->rec.parent[0];
}

static void name_parents(struct nos_audit_record *r)
{
    r->n_par = r->seq != 0;
    memcpy(r->parent[0], chain.head, sizeof chain.head);
    for (size_t i = 0; i < ARRAY_LEN(r->back) && r->back[i] != 0; i++) {
        if (span_is_zero(SPAN_OF(r->parent[1 + i]))) {
            memcpy(r->parent[1 + i], hash_of(r->seq - r->back[i]), sizeof r->parent[1 + i]);
        }
        r->n_par++;
    }
}

void seal_one(void)
{
    struct nos_audit_entry *e = ring_at(&chain.ring, chain.sealed);
    struct audit_ref **ref = &chain.waiting[(e->rec.seq + 1) % AUDIT_UNSEALED_MAX];

    vault_random(e->salt, sizeof e->salt);
    audit_body_commit(e->salt, &e->body, e->rec.body_commit);
    name_parents(&e->rec);
    audit_hash(&e->rec, chain.head);
    chain.sealed++;
    if (*ref != NULL) {
        memcpy((*ref)->hash, chain.head, sizeof chain.head);
        *ref = NULL;
    }
}

static void seal_all(void)
{
    while (chain.sealed < chain.ring.next) {
        seal_one();
    }
}

static void tree_one(void)
{
    tree_add(&ring_at(&chain.ring, tree_size())->rec, chain.ring.first);
}

/* ---- appending ---- */

static uint32_t lower(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Before the next entry comes: a run that is short keeps less waiting, so that causes are sealed
 * while those after them are in it. What leaves the run is sealed, as at most half of it waits, and
 * in the tree, which takes one for each that comes once it is full: prove_audit_append. */
static void make_room(void)
{
    uint32_t cap = chain.ring.cap;

    (void)ring_evicts(&chain.ring);  // here it gets shorter, if at all
    if (chain.ring.cap != cap) {
        seal_all();
    }
    cap = chain.ring.cap;
    if (chain.ring.next - chain.sealed >= lower(cap / 2, AUDIT_UNSEALED_MAX)) {
        seal_one();
    }
    uint32_t lag = cap > TREE_ROOM ? cap - TREE_ROOM : 0;
    if (tree_size() < chain.sealed && chain.ring.next - tree_size() > lag) {
        tree_one();
    }
}

static struct nos_audit_entry *append(enum nos_audit_kind kind, uint32_t actor)
{
    make_room();
    uint64_t seq = chain.ring.next;
    struct nos_audit_entry *e = ring_push(&chain.ring);
    e->rec.seq = seq;
    uint64_t now = arch_clock_ns();
    chain.tick = now > chain.tick ? now : chain.tick;  // a clock that jumps back breaks no chain
    e->rec.tick = chain.tick;
    e->rec.actor = actor;
    e->rec.kind = (uint16_t)kind;
    return e;
}

void note_news(void)
{
    if (chain.news_ns == 0) {
        chain.news_ns = arch_clock_ns() | 1;  // 0 means none
        background_begins();
    }
}

void audit_add(enum nos_audit_kind kind, uint32_t actor, nos_status_t status,
               const uint8_t subject[32], uint64_t a, uint64_t b, const char *text)
{
    struct nos_audit_body *body = &append(kind, actor)->body;

    if (subject != NULL) {
        memcpy(body->subject, subject, sizeof body->subject);
    }
    body->status = status;
    body->a = a;
    body->b = b;
    const char *end = body->text + sizeof body->text;
    for (char *to = body->text; text != NULL && to < end && *text != 0;) {
        *to++ = *text++;
    }
    if (kind == NOS_AUDIT_BOOT) {
        audit_cause(&chain.origin);
    }
    note_news();
}

/* ---- causes ---- */

static struct nos_audit_record *newest(void)
{
    return &ring_at(&chain.ring, chain.ring.next - 1)->rec;
}

void audit_cause(const struct audit_ref *cause)
{
    struct nos_audit_record *r = newest();

    if (cause == NULL || cause->at == 0 || r->back[1] != 0 || r->seq < chain.sealed) {
        return;
    }
    uint64_t back = r->seq - (cause->at - 1);
    const uint8_t *hash = cause->hash;
    if (back == 0 || back > UINT32_MAX || back == r->back[0]) {
        return;
    }
    if (span_is_zero(SPAN_OF(cause->hash)) && cause->at <= chain.sealed) {
        if (cause->at < chain.ring.first) {
            return;  // a copy made before it was sealed, and too old by now to be asked for
        }
        hash = hash_of(cause->at - 1);
    }
    size_t i = r->back[0] != 0 && r->back[0] < back;
    if (i == 0) {  // nearer than what is there
        r->back[1] = r->back[0];
        memcpy(r->parent[2], r->parent[1], sizeof r->parent[2]);
    }
    r->back[i] = (uint32_t)back;
    memcpy(r->parent[1 + i], hash, sizeof cause->hash);  // zero: seal_one fills it in
}

void audit_forget(struct audit_ref *ref)
{
    struct audit_ref **waits = &chain.waiting[ref->at % AUDIT_UNSEALED_MAX];

    if (*waits == ref) {
        *waits = NULL;
    }
    *ref = (struct audit_ref){ 0 };
}

void audit_remember(struct audit_ref *ref)
{
    audit_forget(ref);
    ref->at = newest()->seq + 1;
    struct audit_ref **waits = &chain.waiting[ref->at % AUDIT_UNSEALED_MAX];
    KASSERT(*waits == NULL);
    *waits = ref;
}

void audit_init(void)
{
    memset(&chain, 0, sizeof chain);
    ring_init(&chain.ring);
    tree_init();
    denials_init();
    checkpoints_init();
    audit_add(NOS_AUDIT_BOOT, 0, NOS_OK, vault_issuer_pk(), 0, 0, "issuer key");
    audit_remember(&chain.origin);
    memcpy(chain.key0, vault_audit_pk(), sizeof chain.key0);
    audit_add(NOS_AUDIT_BOOT, 0, NOS_OK, chain.key0, 0, 0, "first checkpoint key");
}

/* ---- reading ---- */

nos_status_t audit_entry(uint64_t seq, struct nos_audit_entry *out)
{
    const struct nos_audit_entry *old = seq < chain.ring.first ? ring_protected(seq) : NULL;

    seal_all();
    if (old == NULL && seq >= chain.ring.next) {
        return NOS_NOT_FOUND;
    }
    *out =
        old != NULL ? *old : *ring_at(&chain.ring, seq < chain.ring.first ? chain.ring.first : seq);
    return NOS_OK;
}

void audit_head(struct nos_audit_head *out)
{
    uint64_t first = chain.ring.first;

    seal_all();
    *out = (struct nos_audit_head){ .next = chain.ring.next,
                                    .first = first,
                                    .dropped = chain.ring.dropped };
    memcpy(out->boot_id, vault_boot_id(), sizeof out->boot_id);
    memcpy(out->head, chain.head, sizeof out->head);
    memcpy(out->prefix, ring_at(&chain.ring, first)->rec.parent[0], sizeof out->prefix);
    memcpy(out->key0, chain.key0, sizeof out->key0);
    checkpoints_count(&out->checkpoints, &out->first_checkpoint);
    while (tree_size() < chain.ring.next && tree_size() < first + NOS_AUDIT_BLOCK && first != 0) {
        tree_one();  // of a short run only
    }
    tree_base(first, &out->tree_at, out->tree);
}
