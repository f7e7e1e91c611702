/*
 * Appending fixes a record's place and content at once; hashing it into the chain ("sealing": salt, commitment, parent)
 * can wait for an idle moment, because a chain in the memory of the kernel that writes it proves nothing until somebody
 * else holds a checkpoint of it. At most AUDIT_UNSEALED_MAX wait; whoever reads the log or signs it seals first.
 */
#include "kernel/audit/audit.h"

#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/audit/audit_impl.h"
#include "kernel/crypto/vault.h"
#include "lib/audit.h"

enum { DENIALS = 64 };

struct denial {     /* repeats of one capsule and status since the last record of them */
    uint32_t actor; /* 0 = free: the kernel is never refused */
    int32_t status;
    uint64_t nr;    /* NOS_AUDIT_SEVERAL: not all the same call */
    uint64_t times;
};

static struct {
    struct ring ring;
    uint64_t sealed;     /* entries below are in the chain */
    uint64_t signed_to;  /* entries below are under a checkpoint, or are one */
    uint64_t drop_said;  /* dropped, when the log last said so */
    uint64_t news_ns;    /* when the first thing not signed yet came; 0 = nothing did */
    uint8_t head[32];    /* hash of entry sealed - 1 */
    uint32_t denial_next; /* the one to go when all are taken */
    struct denial denial[DENIALS];
} log;

static void seal_one(void)
{
    struct nos_audit_entry *e = ring_at(&log.ring, log.sealed);

    vault_random(e->salt, sizeof e->salt);
    audit_body_commit(e->salt, &e->body, e->rec.body_commit);
    e->rec.n_par = e->rec.seq != 0;
    memcpy(e->rec.parent[0], log.head, sizeof log.head);
    audit_hash(&e->rec, log.head);
    log.sealed++;
}

static void seal_all(void)
{
    while (log.sealed < log.ring.next) {
        seal_one();
    }
}

static struct nos_audit_entry *append(enum nos_audit_kind kind, uint32_t actor)
{
    bool evicts = ring_evicts(&log.ring) && log.sealed == log.ring.first;
    if (evicts || log.ring.next - log.sealed == AUDIT_UNSEALED_MAX) {
        seal_one();
    }
    uint64_t seq = log.ring.next;
    struct nos_audit_entry *e = ring_push(&log.ring);
    e->rec.seq = seq;
    e->rec.tick = arch_clock_ns();
    e->rec.actor = actor;
    e->rec.kind = (uint16_t)kind;
    return e;
}

static void note_news(void)
{
    if (log.news_ns == 0) {
        log.news_ns = arch_clock_ns() | 1;  // 0 means none
    }
}

void audit_add(enum nos_audit_kind kind, uint32_t actor, nos_status_t status, const uint8_t subject[32], uint64_t a,
               uint64_t b, const char *text)
{
    struct nos_audit_body *body = &append(kind, actor)->body;

    if (subject != NULL) {
        memcpy(body->subject, subject, sizeof body->subject);
    }
    body->status = status;
    body->a = a;
    body->b = b;
    for (size_t i = 0; text != NULL && i < sizeof body->text && text[i] != 0; i++) {
        body->text[i] = text[i];
    }
    note_news();
}

void audit_init(void)
{
    memset(&log, 0, sizeof log);
    ring_init(&log.ring);
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
        if (log.denial[i].actor == actor && log.denial[i].status == status) {
            return &log.denial[i];
        }
    }
    return NULL;
}

static struct denial *denial_take(void)
{
    for (unsigned i = 0; i < DENIALS; i++) {
        if (log.denial[i].actor == 0) {
            return &log.denial[i];
        }
    }
    struct denial *d = &log.denial[log.denial_next++ % DENIALS];
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

/* Say what was counted; forget those that were quiet since the last time, so that their next refusal is told at once. */
static void denials_flush(void)
{
    for (unsigned i = 0; i < DENIALS; i++) {
        struct denial *d = &log.denial[i];
        if (d->times == 0) {
            d->actor = 0;
        }
        denial_flush(d);
    }
}

/* ---- checkpoints ---- */

static void say_dropped(void)
{
    if (log.ring.dropped != log.drop_said) {
        log.drop_said = log.ring.dropped;
        audit_add(NOS_AUDIT_DROP, 0, NOS_OK, NULL, log.ring.dropped, 0, NULL);
    }
}

static void sign_checkpoint(void)
{
    uint8_t bytes[AUDIT_CHECKPOINT_BYTES], sig[64];
    span_t msg = SPAN_OF(bytes);

    seal_all();
    audit_checkpoint_bytes(log.ring.next, log.head, bytes);
    if (!span_from(msg, sizeof NOS_DOMAIN_AUDIT, &msg)) {  // the vault puts the domain before it
        return;
    }
    vault_sign(NOS_DOMAIN_AUDIT, msg, sig);
    audit_sig_put(&append(NOS_AUDIT_CHECKPOINT, 0)->body, sig);
    log.signed_to = log.ring.next;
    log.news_ns = 0;
}

uint64_t audit_checkpoint_due(void)
{
    return log.news_ns == 0 ? 0 : log.news_ns + AUDIT_CHECKPOINT_NS;
}

bool audit_checkpoint_step(uint64_t now_ns)
{
    bool many = log.ring.next - log.signed_to >= AUDIT_CHECKPOINT_EVERY;

    if (many || (log.news_ns != 0 && now_ns >= audit_checkpoint_due())) {
        denials_flush();
        say_dropped();
        sign_checkpoint();
        return true;
    }
    if (log.sealed < log.ring.next) {
        seal_one();
        return true;
    }
    return false;
}

/* ---- reading ---- */

nos_status_t audit_entry(uint64_t seq, struct nos_audit_entry *out)
{
    const struct nos_audit_entry *old = seq < log.ring.first ? ring_protected(seq) : NULL;

    seal_all();
    if (old == NULL && seq >= log.ring.next) {
        return NOS_NOT_FOUND;
    }
    *out = old != NULL ? *old : *ring_at(&log.ring, seq < log.ring.first ? log.ring.first : seq);
    return NOS_OK;
}

void audit_head(struct nos_audit_head *out)
{
    seal_all();
    *out = (struct nos_audit_head){ .next = log.ring.next, .first = log.ring.first, .dropped = log.ring.dropped };
    memcpy(out->head, log.head, sizeof out->head);
    memcpy(out->prefix, ring_at(&log.ring, log.ring.first)->rec.parent[0], sizeof out->prefix);
    memcpy(out->issuer_pk, vault_issuer_pk(), sizeof out->issuer_pk);
}
