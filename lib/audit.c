/*
 * The audit chain. A record's hash covers its parent's hash and the commitment to its body, so
 * changing, dropping or swapping any entry changes every hash after it; the head, and the issuer's
 * checkpoints, pin the last one.
 */
#include "lib/audit.h"

#include <string.h>

#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "a record's bytes are hashed as they lie");

void audit_hash(const struct nos_audit_record *rec, uint8_t out[32])
{
    blake3_derive(NOS_CTX_AUDIT_NODE, span_of(rec, sizeof *rec), out);
}

void audit_body_commit(const uint8_t salt[32], const struct nos_audit_body *body, uint8_t out[32])
{
    blake3_keyed(salt, span_of(body, sizeof *body), out);
}

void audit_checkpoint_bytes(uint64_t seq, const uint8_t parent[32],
                            uint8_t out[AUDIT_CHECKPOINT_BYTES])
{
    memcpy(out, NOS_DOMAIN_AUDIT, sizeof(NOS_DOMAIN_AUDIT));
    store_le64(out + sizeof(NOS_DOMAIN_AUDIT), seq);
    memcpy(out + sizeof(NOS_DOMAIN_AUDIT) + 8, parent, 32);
}

void audit_sig_put(struct nos_audit_body *body, const uint8_t sig[64])
{
    memcpy(body->subject, sig, 32);
    memcpy(body->text, sig + 32, 32);
}

void audit_sig_get(const struct nos_audit_body *body, uint8_t sig[64])
{
    memcpy(sig, body->subject, 32);
    memcpy(sig + 32, body->text, 32);
}

nos_status_t audit_check_begin(struct audit_checker *c, const struct nos_audit_head *head)
{
    if (head->first > head->next || (head->first == 0) != span_is_zero(SPAN_OF(head->prefix)) ||
        (head->first == head->next && memcmp(head->head, head->prefix, 32) != 0)) {
        return NOS_AUDIT_CHAIN;
    }
    *c = (struct audit_checker){ .head = *head, .next = head->first };
    memcpy(c->hash, head->prefix, sizeof c->hash);
    return NOS_OK;
}

static bool record_ok(const struct audit_checker *c, const struct nos_audit_record *r)
{
    uint8_t n_par = r->seq == 0 ? 0 : 1;  // with none, parent[0] is zero, as is c->hash then
    span_t unused = span_of(r->parent[1], sizeof r->parent[1] + sizeof r->parent[2]);

    return r->seq == c->next && r->tick >= c->tick && r->n_par == n_par && r->rsv1 == 0 &&
           r->rsv2 == 0 && span_is_zero(unused) && memcmp(r->parent[0], c->hash, 32) == 0;
}

static bool checkpoint_ok(const struct audit_checker *c, const struct nos_audit_entry *e)
{
    uint8_t msg[AUDIT_CHECKPOINT_BYTES], sig[64];

    audit_checkpoint_bytes(e->rec.seq, e->rec.parent[0], msg);
    audit_sig_get(&e->body, sig);
    return ed25519_verify(sig, SPAN_OF(msg), c->head.issuer_pk);
}

nos_status_t audit_check_body(const struct nos_audit_entry *e)
{
    uint8_t commit[32];

    audit_body_commit(e->salt, &e->body, commit);
    return memcmp(commit, e->rec.body_commit, sizeof commit) == 0 && e->body.rsv == 0
               ? NOS_OK
               : NOS_AUDIT_CHAIN;
}

nos_status_t audit_check_next(struct audit_checker *c, const struct nos_audit_entry *e)
{
    bool checkpoint = e->rec.kind == NOS_AUDIT_CHECKPOINT;

    if (c->next >= c->head.next || !record_ok(c, &e->rec) || audit_check_body(e) != NOS_OK) {
        return NOS_AUDIT_CHAIN;
    }
    if (checkpoint && !checkpoint_ok(c, e)) {
        return NOS_BAD_SIGNATURE;
    }
    c->checkpoints += checkpoint;
    c->tick = e->rec.tick;
    c->next++;
    audit_hash(&e->rec, c->hash);
    return NOS_OK;
}

nos_status_t audit_check_end(const struct audit_checker *c)
{
    return c->next == c->head.next && memcmp(c->hash, c->head.head, 32) == 0 ? NOS_OK
                                                                             : NOS_AUDIT_CHAIN;
}

const char *audit_kind_name(uint32_t kind)
{
    switch (kind) {
#define X(name, value, text) \
    case value: \
        return text;
        NOS_AUDIT_LIST(X)
#undef X
    default:
        return "?";
    }
}
