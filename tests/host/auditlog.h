#pragma once
/* Logs made here, as the kernel makes them: from what the records say, everything that can be
 * worked out is. A test changes one thing and works out again what a forger could. */
#include <string.h>

#include "abi/module.h"
#include "lib/audit_file.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"

enum { AUDITLOG_MAX = 300 };

struct auditlog {
    struct nos_audit_head head;
    uint32_t n, n_k;
    struct nos_audit_entry e[AUDITLOG_MAX];
    struct nos_audit_checkpoint k[AUDITLOG_MAX];
    uint32_t old[AUDITLOG_MAX], n_old; /* numbers that were kept from before head.first */
};

/* The i-th checkpoint key. */
static inline void auditlog_key(uint32_t i, uint8_t pk[32], uint8_t sk[64])
{
    uint8_t seed[32] = { 9 }, next[32];
    while (i-- > 0) {
        blake3_derive(NOS_CTX_AUDIT_RATCHET, span_of(seed, 32), next);
        memcpy(seed, next, 32);
    }
    ed25519_keypair_from_seed(pk, sk, seed);
}

/* The tree by its definition, RFC 6962 section 2.1: MTH of records [lo, hi). */
static inline void auditlog_mth(const struct auditlog *l, uint32_t lo, uint32_t hi, uint8_t out[32])
{
    uint8_t left[32], right[32];
    uint32_t k = 1;
    if (hi - lo == 1) {
        merkle_leaf(span_of(&l->e[lo].rec, 160), out);
        return;
    }
    while (2 * k < hi - lo) {
        k *= 2;
    }
    auditlog_mth(l, lo, lo + k, left);
    auditlog_mth(l, lo + k, hi, right);
    merkle_node(left, right, out);
}

static inline void auditlog_commit(struct nos_audit_entry *e)
{
    audit_body_commit(e->salt, &e->body, e->rec.body_commit);
}

/* Parents of record i from what they are now. */
static inline void auditlog_parents(struct auditlog *l, uint32_t i)
{
    struct nos_audit_record *r = &l->e[i].rec;
    r->n_par = i != 0;
    memset(r->parent, 0, sizeof r->parent);
    if (i != 0) {
        audit_hash(&l->e[i - 1].rec, r->parent[0]);
    }
    for (uint32_t c = 0; c < 2; c++) {
        if (r->back[c] != 0 && r->back[c] <= i) {
            audit_hash(&l->e[i - r->back[c]].rec, r->parent[1 + c]);
            r->n_par++;
        }
    }
}

/* Sign checkpoint i with key `with`. */
static inline void auditlog_sign_with(struct auditlog *l, uint32_t i, uint32_t with)
{
    uint8_t sk[64];
    char room[AUDIT_NOTE_TEXT_MAX];
    struct fmt f;
    auditlog_key(with, l->k[i].pk, sk);
    FMT_INIT(&f, room);
    audit_note_text(&f, l->head.boot_id, &l->k[i]);
    ed25519_sign(l->k[i].sig, fmt_text(&f), sk);
}

static inline void auditlog_point(struct auditlog *l, uint32_t i)
{
    uint8_t sk[64];
    l->k[i].seq = l->head.first_checkpoint + i;
    auditlog_mth(l, 0, (uint32_t)l->k[i].size, l->k[i].root);
    auditlog_key((uint32_t)l->k[i].seq + 1, l->k[i].next_pk, sk);
    auditlog_sign_with(l, i, (uint32_t)l->k[i].seq);
}

static inline void auditlog_end(struct auditlog *l)
{
    l->head.next = l->n;
    audit_hash(&l->e[l->n - 1].rec, l->head.head);
    l->head.checkpoints = l->head.first_checkpoint + l->n_k;
}

/* Forget what is before `first`. */
static inline void auditlog_drop(struct auditlog *l, uint32_t first)
{
    uint32_t at = (first + 63) / 64 * 64, lo = 0;
    l->head.first = first;
    memset(l->head.prefix, 0, 32);
    if (first != 0) {
        audit_hash(&l->e[first - 1].rec, l->head.prefix);
    }
    l->head.tree_at = at;
    memset(l->head.tree, 0, sizeof l->head.tree);
    for (uint32_t h = 16; h-- > 0 && at <= l->n;) {
        if ((at >> h & 1) != 0) {
            auditlog_mth(l, lo, lo + (1u << h), l->head.tree[h]);
            lo += 1u << h;
        }
    }
}

/* All of it, as who has the keys would. */
static inline void auditlog_seal(struct auditlog *l)
{
    for (uint32_t i = 0; i < l->n; i++) {
        auditlog_commit(&l->e[i]);
        auditlog_parents(l, i);
    }
    for (uint32_t i = 0; i < l->n_k; i++) {
        auditlog_point(l, i);
    }
    auditlog_end(l);
}

/* `n` records, a checkpoint after each `every`. */
static inline void auditlog_make(struct auditlog *l, uint32_t n, uint32_t every)
{
    static const uint16_t kinds[] = { NOS_AUDIT_CRASH, NOS_AUDIT_LOAD, NOS_AUDIT_GRANT,
                                      NOS_AUDIT_SPAWN };
    uint8_t sk[64];
    memset(l, 0, sizeof *l);
    l->n = n;
    memset(l->head.boot_id, 0xb0, 32);
    auditlog_key(0, l->head.key0, sk);
    for (uint32_t i = 0; i < n; i++) {
        struct nos_audit_entry *e = &l->e[i];
        e->rec.seq = i;
        e->rec.tick = 1000 * (uint64_t)i;
        e->rec.actor = i % 5;
        e->rec.kind = i < 2 ? NOS_AUDIT_BOOT : kinds[i % 4];
        e->rec.back[0] = i == 0 ? 0 : i % 3 == 2 ? 2 : 1;
        e->rec.back[1] = i > 8 && i % 2 == 0 ? i / 2 + 1 : 0;  // far ones too
        memset(e->salt, (int)i + 1, 32);
        e->body.a = i;
        if (i == 1) {
            memcpy(e->body.subject, l->head.key0, 32);
        }
        memcpy(e->body.text, "text\x1b", 5);
        if ((i + 1) % every == 0) {
            l->k[l->n_k++].size = i + 1;
        }
    }
    auditlog_seal(l);
}

/* As a file; `room` is large enough. Gives: its length. */
static inline size_t auditlog_file(const struct auditlog *l, uint8_t *room)
{
    struct nos_audit_file h = {
        .magic = NOS_MAGIC_AUDIT, .n_checkpoints = l->n_k, .n_old = l->n_old, .head = l->head
    };
    uint8_t *to = room;
    memcpy(to, &h, sizeof h);
    to += sizeof h;
    memcpy(to, l->k, l->n_k * sizeof l->k[0]);
    to += l->n_k * sizeof l->k[0];
    for (uint32_t i = 0; i < l->n_old; i++, to += sizeof l->e[0]) {
        memcpy(to, &l->e[l->old[i]], sizeof l->e[0]);
    }
    size_t run = (size_t)(l->head.next - l->head.first) * sizeof l->e[0];
    memcpy(to, &l->e[l->head.first], run);
    to += run;
    audit_file_check(span_of(room, (size_t)(to - room)), to);
    return (size_t)(to - room) + AUDIT_CHECK_BYTES;
}
