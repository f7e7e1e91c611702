/*
 * Appending fixes a record's place and content at once; hashing it into the chain ("sealing": salt,
 * commitment, parent) can wait for an idle moment, because a chain in the memory of the kernel that
 * writes it proves nothing until somebody else holds a checkpoint of it. At most AUDIT_UNSEALED_MAX
 * wait; whoever reads the log or signs it seals first.
 */
#include "kernel/audit/audit.h"

#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/audit/audit_impl.h"
#include "kernel/core/percpu.h"
#include "kernel/crypto/vault.h"
#include "lib/audit.h"

enum { DENIALS = 64 };

struct denial {     /* repeats of one capsule and status since the last record of them */
    uint32_t actor; /* 0 = free: the kernel is never refused */
    int32_t status;
    uint64_t nr; /* NOS_AUDIT_SEVERAL: not all the same call */
    uint64_t times;
};

static struct {
    struct ring ring;
    uint64_t tick;        /* of the entry before */
    uint64_t sealed;      /* entries below are in the chain */
    uint64_t signed_to;   /* entries below are under a checkpoint, or are one */
    uint64_t drop_said;   /* dropped, when the log last said so */
    uint64_t news_ns;     /* when the first thing not signed yet came; 0 = nothing did */
    uint8_t head[32];     /* hash of entry sealed - 1 */
    uint32_t denial_next; /* the one to go when all are taken */
    struct denial denial[DENIALS];
} chain;

static void seal_one(void)
{
    struct nos_audit_entry *e = ring_at(&chain.ring, chain.sealed);

    vault_random(e->salt, sizeof e->salt);
    audit_body_commit(e->salt, &e->body, e->rec.body_commit);
    e->rec.n_par = e->rec.seq != 0;
    memcpy(e->rec.parent[0], chain.head, sizeof chain.head);
    audit_hash(&e->rec, chain.head);
    chain.sealed++;
}

static void seal_all(void)
{
    while (chain.sealed < chain.ring.next) {
        seal_one();
    }
}

static struct nos_audit_entry *append(enum nos_audit_kind kind, uint32_t actor)
{
    bool evicts = ring_evicts(&chain.ring) && chain.sealed == chain.ring.first;
    if (evicts || chain.ring.next - chain.sealed == AUDIT_UNSEALED_MAX) {
        seal_one();
    }
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

static void note_news(void)
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
    note_news();
}

void audit_init(void)
{
    memset(&chain, 0, sizeof chain);
    ring_init(&chain.ring);
    audit_add(NOS_AUDIT_BOOT, 0, NOS_OK, vault_issuer_pk(), 0, 0, "issuer key");
}

/* ---- refused calls ---- */

static void denial_flush(struct denial *d)
{
    if (d->times != 0) {
        audit_add(NOS_AUDIT_DENY, d->actor, (nos_status_t)d->status, NULL, d->nr, d->times, NULL);
    }
    d->times = 0;
}

static struct denial *denial_find(uint32_t actor, nos_status_t status)
{
    for (unsigned i = 0; i < DENIALS; i++) {
        if (chain.denial[i].actor == actor && chain.denial[i].status == status) {
            return &chain.denial[i];
        }
    }
    return NULL;
}

static struct denial *denial_take(void)
{
    for (unsigned i = 0; i < DENIALS; i++) {
        if (chain.denial[i].actor == 0) {
            return &chain.denial[i];
        }
    }
    struct denial *d = &chain.denial[chain.denial_next++ % DENIALS];
    denial_flush(d);
    return d;
}

void audit_deny(uint32_t actor, uint32_t nr, nos_status_t status)
{
    struct denial *d = denial_find(actor, status);

    if (d == NULL) {
        *denial_take() = (struct denial){ .actor = actor, .status = status };
        audit_add(NOS_AUDIT_DENY, actor, status, NULL, nr, 1, NULL);
        return;
    }
    d->nr = d->times == 0 || d->nr == nr ? nr : NOS_AUDIT_SEVERAL;
    d->times++;
    note_news();
}

/* Say what was counted; forget those that were quiet since the last time, so that their next
 * refusal is told at once. */
static void denials_flush(void)
{
    for (unsigned i = 0; i < DENIALS; i++) {
        struct denial *d = &chain.denial[i];
        if (d->times == 0) {
            d->actor = 0;
        }
        denial_flush(d);
    }
}

/* ---- checkpoints ---- */

static void say_dropped(void)
{
    if (chain.ring.dropped != chain.drop_said) {
        chain.drop_said = chain.ring.dropped;
        audit_add(NOS_AUDIT_DROP, 0, NOS_OK, NULL, chain.ring.dropped, 0, NULL);
    }
}

static void sign_checkpoint(void)
{
    uint8_t bytes[AUDIT_CHECKPOINT_BYTES], sig[64];
    span_t msg = SPAN_OF(bytes);

    seal_all();
    audit_checkpoint_bytes(chain.ring.next, chain.head, bytes);
    if (!span_from(msg, sizeof NOS_DOMAIN_AUDIT, &msg)) {  // the vault puts the domain before it
        return;
    }
    vault_sign(NOS_DOMAIN_AUDIT, msg, sig);
    audit_sig_put(&append(NOS_AUDIT_CHECKPOINT, 0)->body, sig);
    chain.signed_to = chain.ring.next;
    chain.news_ns = 0;
}

uint64_t audit_checkpoint_due(void)
{
    return chain.news_ns == 0 ? 0 : chain.news_ns + AUDIT_CHECKPOINT_NS;
}

bool audit_checkpoint_step(uint64_t now_ns)
{
    bool many = chain.ring.next - chain.signed_to >= AUDIT_CHECKPOINT_EVERY;

    if (many || (chain.news_ns != 0 && now_ns >= audit_checkpoint_due())) {
        denials_flush();
        say_dropped();
        sign_checkpoint();
        return true;
    }
    if (chain.sealed < chain.ring.next) {
        seal_one();
        return true;
    }
    return false;
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
    seal_all();
    *out = (struct nos_audit_head){ .next = chain.ring.next,
                                    .first = chain.ring.first,
                                    .dropped = chain.ring.dropped };
    memcpy(out->head, chain.head, sizeof out->head);
    memcpy(out->prefix, ring_at(&chain.ring, chain.ring.first)->rec.parent[0], sizeof out->prefix);
    memcpy(out->issuer_pk, vault_issuer_pk(), sizeof out->issuer_pk);
}
