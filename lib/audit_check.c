/* Checking a log from its head's first record to its last. Changing, dropping or swapping any entry
 * changes every hash after it and the root of every checkpoint after it; the head pins the last
 * hash, whoever holds a checkpoint pins all before it. */
#include <string.h>

#include "lib/audit.h"
#include "lib/crypto/ed25519.h"

static uint64_t tree_at(uint64_t first)
{
    return (first + NOS_AUDIT_BLOCK - 1) / NOS_AUDIT_BLOCK * NOS_AUDIT_BLOCK;
}

/* Only the subtrees that its size has, and none that nobody has yet. */
static bool tree_ok(const struct nos_audit_head *h)
{
    for (unsigned i = 0; i < NOS_AUDIT_LEVELS; i++) {
        bool used = h->tree_at <= h->next && (h->tree_at >> i & 1) != 0;
        if (!used && !span_is_zero(SPAN_OF(h->tree[i]))) {
            return false;
        }
    }
    return h->tree_at == tree_at(h->first) && h->tree_at >> NOS_AUDIT_LEVELS == 0;
}

nos_status_t audit_check_begin(struct audit_checker *c, const struct nos_audit_head *head)
{
    if (head->first > head->next || head->first > UINT64_MAX / 2 ||
        (head->first == 0) != span_is_zero(SPAN_OF(head->prefix)) ||
        (head->first == head->next && memcmp(head->head, head->prefix, 32) != 0) ||
        head->first_checkpoint > head->checkpoints || !tree_ok(head)) {
        return NOS_AUDIT_CHAIN;
    }
    *c = (struct audit_checker){ .head = *head, .next = head->first };
    memcpy(c->hash, head->prefix, sizeof c->hash);
    c->tree.size = head->tree_at;
    memcpy(c->tree.node, head->tree, sizeof c->tree.node);
    c->keys =
        (struct audit_keys){ .seq = head->first_checkpoint, .any_pk = head->first_checkpoint != 0 };
    memcpy(c->keys.pk, head->key0, sizeof c->keys.pk);
    return NOS_OK;
}

/* ---- checkpoints ---- */

nos_status_t audit_keys_next(struct audit_keys *k, const uint8_t boot_id[32],
                             const struct nos_audit_checkpoint *c)
{
    char room[AUDIT_NOTE_TEXT_MAX];
    struct fmt f;

    if (c->seq != k->seq || (!k->any_pk && memcmp(c->pk, k->pk, sizeof c->pk) != 0)) {
        return NOS_AUDIT_KEY;
    }
    if (c->size <= k->size) {
        return NOS_AUDIT_TREE;
    }
    FMT_INIT(&f, room);
    audit_note_text(&f, boot_id, c);
    if (!ed25519_verify(c->sig, fmt_text(&f), c->pk)) {
        return NOS_BAD_SIGNATURE;
    }
    *k = (struct audit_keys){ .seq = c->seq + 1, .size = c->size };
    memcpy(k->pk, c->next_pk, sizeof k->pk);
    return NOS_OK;
}

nos_status_t audit_check_checkpoint(struct audit_checker *c, const struct nos_audit_checkpoint *k)
{
    uint8_t root[32];

    if (c->keys.seq >= c->head.checkpoints) {
        return NOS_AUDIT_KEY;
    }
    if (k->size >= c->head.tree_at) {  // below it is what only an earlier reader can tell
        merkle_root(&c->tree, root);
        if (k->size != c->next || memcmp(root, k->root, sizeof root) != 0) {
            return NOS_AUDIT_TREE;
        }
    }
    nos_status_t st = audit_keys_next(&c->keys, c->head.boot_id, k);
    c->checkpoints += st == NOS_OK;
    return st;
}

/* ---- records ---- */

static nos_status_t check_causes(const struct nos_audit_record *r)
{
    for (size_t i = 0; i < 2; i++) {
        bool none = r->back[i] == 0;
        if (none != span_is_zero(SPAN_OF(r->parent[1 + i])) || r->back[i] > r->seq ||
            (r->back[i] == 1 && memcmp(r->parent[1 + i], r->parent[0], 32) != 0)) {
            return NOS_AUDIT_CAUSE;
        }
    }
    return r->back[1] == 0 || (r->back[0] != 0 && r->back[0] < r->back[1]) ? NOS_OK
                                                                           : NOS_AUDIT_CAUSE;
}

nos_status_t audit_check_record(const struct nos_audit_record *r)
{
    int n_par = (r->seq != 0) + (r->back[0] != 0) + (r->back[1] != 0);

    if (r->rsv1 != 0 || (r->seq == 0) != span_is_zero(SPAN_OF(r->parent[0]))) {
        return NOS_AUDIT_CHAIN;
    }
    nos_status_t st = check_causes(r);
    return st == NOS_OK && r->n_par != n_par ? NOS_AUDIT_CHAIN : st;
}

nos_status_t audit_check_cause(const struct nos_audit_record *r, const struct nos_audit_record *of,
                               bool *named)
{
    uint8_t hash[32];

    *named = false;
    for (size_t i = 0; i < 2; i++) {
        if (r->back[i] == 0 || r->seq - r->back[i] != of->seq) {
            continue;
        }
        *named = true;
        audit_hash(of, hash);
        return memcmp(hash, r->parent[1 + i], sizeof hash) == 0 ? NOS_OK : NOS_AUDIT_CAUSE;
    }
    return NOS_OK;
}

nos_status_t audit_check_body(const struct nos_audit_entry *e)
{
    uint8_t commit[32];

    audit_body_commit(e->salt, &e->body, commit);
    return memcmp(commit, e->rec.body_commit, sizeof commit) == 0 && e->body.rsv == 0
               ? NOS_OK
               : NOS_AUDIT_BODY;
}

static nos_status_t check_place(const struct audit_checker *c, const struct nos_audit_entry *e)
{
    const struct nos_audit_record *r = &e->rec;

    if (c->next >= c->head.next || r->seq != c->next || r->tick < c->tick ||
        memcmp(r->parent[0], c->hash, 32) != 0) {
        return NOS_AUDIT_CHAIN;
    }
    nos_status_t st = audit_check_record(r);
    if (st == NOS_OK) {
        st = audit_check_body(e);
    }
    if (st == NOS_OK && r->seq == 1 && memcmp(e->body.subject, c->head.key0, 32) != 0) {
        st = NOS_AUDIT_KEY;
    }
    return st;
}

nos_status_t audit_check_next(struct audit_checker *c, const struct nos_audit_entry *e)
{
    uint8_t leaf[32];

    nos_status_t st = check_place(c, e);
    if (st != NOS_OK) {
        return st;
    }
    if (e->rec.seq >= c->head.tree_at) {
        merkle_leaf(span_of(&e->rec, sizeof e->rec), leaf);
        merkle_push(&c->tree, 0, leaf);
    }
    c->tick = e->rec.tick;
    c->next++;
    audit_hash(&e->rec, c->hash);
    return NOS_OK;
}

nos_status_t audit_check_end(const struct audit_checker *c)
{
    if (c->next != c->head.next || memcmp(c->hash, c->head.head, 32) != 0) {
        return NOS_AUDIT_CHAIN;
    }
    return c->keys.seq == c->head.checkpoints ? NOS_OK : NOS_AUDIT_GAP;
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
