/* Proofs about a log: checkpoints that follow each other, consistency of the first with the last,
 * and items that are either in the tree of the last or named as a cause by one that is. */
#include <string.h>

#include "lib/audit_file.h"

enum { POINT = sizeof(struct nos_audit_checkpoint), BODY = 32 + 96 };

bool audit_proof_next(span_t *rest, struct audit_item *out)
{
    span_t head, body = { NULL, 0 };

    if (!span_take(rest, sizeof out->head, &head)) {
        return false;
    }
    memcpy(&out->head, head.data, sizeof out->head);
    bool has_body = (out->head.flags & NOS_AUDIT_ITEM_BODY) != 0;
    if (out->head.n_hashes > MERKLE_PROOF_MAX || (has_body && !span_take(rest, BODY, &body)) ||
        !span_take(rest, out->head.n_hashes * (size_t)32, &out->hashes)) {
        return false;
    }
    out->entry = (struct nos_audit_entry){ .rec = out->head.rec };
    if (has_body) {
        memcpy(out->entry.salt, body.data, 32);
        memcpy(&out->entry.body, body.data + 32, 96);
    }
    return true;
}

static bool item_ok(const struct audit_item *i)
{
    bool in_tree = (i->head.flags & NOS_AUDIT_ITEM_IN_TREE) != 0;
    return (i->head.flags & ~(uint32_t)(NOS_AUDIT_ITEM_BODY | NOS_AUDIT_ITEM_IN_TREE)) == 0 &&
           (in_tree || i->head.n_hashes == 0);
}

static bool items_ok(span_t items, uint32_t n)
{
    struct audit_item item;

    for (uint32_t i = 0; i < n; i++) {
        if (!audit_proof_next(&items, &item) || !item_ok(&item)) {
            return false;
        }
    }
    return items.len == 0;
}

static bool head_ok(const struct nos_audit_proof *h)
{
    return memcmp(h->magic, NOS_MAGIC_AUDIT_PROOF, sizeof h->magic) == 0 && h->rsv == 0 &&
           h->rsv2 == 0 && h->n_checkpoints > 0 && h->n_checkpoints <= AUDIT_FILE_KEYS_MAX &&
           h->n_hashes <= MERKLE_PROOF_MAX && h->n_items <= AUDIT_ITEMS_MAX;
}

nos_status_t audit_proof_parse(span_t file, struct audit_proof *out)
{
    struct audit_proof p;
    uint8_t want[AUDIT_CHECK_BYTES];
    span_t head, rest = file, have;

    if (!span_take(&rest, sizeof p.head, &head)) {
        return NOS_AUDIT_FORMAT;
    }
    memcpy(&p.head, head.data, sizeof p.head);
    if (!head_ok(&p.head) ||
        !span_take(&rest, p.head.n_checkpoints * (size_t)POINT, &p.checkpoints) ||
        !span_take(&rest, p.head.n_hashes * (size_t)32, &p.hashes) ||
        rest.len < AUDIT_CHECK_BYTES || !span_take(&rest, rest.len - AUDIT_CHECK_BYTES, &p.items) ||
        !items_ok(p.items, p.head.n_items) || !span_cut(rest, 0, AUDIT_CHECK_BYTES, &have)) {
        return NOS_AUDIT_FORMAT;
    }
    audit_file_check(span_of(file.data, file.len - AUDIT_CHECK_BYTES), want);
    if (!span_equal(have, SPAN_OF(want))) {
        return NOS_IO_ERROR;
    }
    *out = p;
    return NOS_OK;
}

void audit_proof_checkpoint(const struct audit_proof *p, uint32_t i,
                            struct nos_audit_checkpoint *out)
{
    memcpy(out, p->checkpoints.data + i * (size_t)POINT, sizeof *out);
}

/* ---- checkpoints ---- */

static nos_status_t verify_keys(const struct audit_proof *p, struct nos_audit_checkpoint *first,
                                struct nos_audit_checkpoint *last, struct audit_report *r)
{
    struct audit_keys k;
    nos_status_t st = NOS_OK;

    audit_proof_checkpoint(p, 0, first);
    k = (struct audit_keys){ .seq = first->seq, .any_pk = first->seq != 0 };
    memcpy(k.pk, p->head.key0, sizeof k.pk);
    r->in_checkpoint = true;
    for (uint32_t i = 0; i < p->head.n_checkpoints && st == NOS_OK; i++) {
        audit_proof_checkpoint(p, i, last);
        r->at = last->seq;
        st = audit_keys_next(&k, p->head.boot_id, last);
        r->checkpoints += st == NOS_OK;
    }
    r->in_checkpoint = st != NOS_OK;
    return st;
}

/* ---- items ---- */

/* Is item `n` named by one before it? All that name its number must have its hash. */
static nos_status_t find_namer(const struct audit_proof *p, uint32_t n,
                               const struct nos_audit_record *rec, bool *found)
{
    struct audit_item other;
    span_t rest = p->items;

    *found = false;
    for (uint32_t i = 0; i < n && audit_proof_next(&rest, &other); i++) {
        bool named;
        nos_status_t st = audit_check_cause(&other.entry.rec, rec, &named);
        if (st != NOS_OK) {
            return st;
        }
        *found |= named;
    }
    return NOS_OK;
}

static nos_status_t verify_item(const struct audit_proof *p, uint32_t n,
                                const struct audit_item *item,
                                const struct nos_audit_checkpoint *last)
{
    const struct nos_audit_record *rec = &item->entry.rec;
    bool named, in_tree = (item->head.flags & NOS_AUDIT_ITEM_IN_TREE) != 0;
    uint8_t leaf[32];

    nos_status_t st = audit_check_record(rec);
    if (st == NOS_OK) {
        st = find_namer(p, n, rec, &named);
    }
    if (st != NOS_OK) {
        return st;
    }
    merkle_leaf(span_of(rec, sizeof *rec), leaf);
    if (in_tree && !merkle_included(leaf, rec->seq, last->size, item->hashes, last->root)) {
        return NOS_AUDIT_TREE;
    }
    if (!in_tree && !named) {
        return NOS_AUDIT_CAUSE;
    }
    return (item->head.flags & NOS_AUDIT_ITEM_BODY) != 0 ? audit_check_body(&item->entry) : NOS_OK;
}

static nos_status_t verify_items(const struct audit_proof *p,
                                 const struct nos_audit_checkpoint *last, struct audit_report *r)
{
    struct audit_item item;
    span_t rest = p->items;
    uint64_t below = UINT64_MAX;

    for (uint32_t n = 0; audit_proof_next(&rest, &item); n++) {
        r->at = item.entry.rec.seq;
        if (r->at >= below) {
            return NOS_AUDIT_CHAIN;
        }
        below = r->at;
        nos_status_t st = verify_item(p, n, &item, last);
        if (st != NOS_OK) {
            return st;
        }
        r->records++;
    }
    return NOS_OK;
}

nos_status_t audit_proof_verify(const struct audit_proof *p, struct audit_report *r)
{
    struct nos_audit_checkpoint first, last;

    *r = (struct audit_report){ 0 };
    nos_status_t st = verify_keys(p, &first, &last, r);
    if (st != NOS_OK) {
        return st;
    }
    bool claims = p->head.n_hashes != 0 || p->head.n_items == 0;
    if (claims && !merkle_consistent(first.size, first.root, last.size, last.root, p->hashes)) {
        r->in_checkpoint = true;
        r->at = last.seq;
        return NOS_AUDIT_TREE;
    }
    r->under = last.size;
    return verify_items(p, &last, r);
}

/* ---- what is trusted ---- */

nos_status_t audit_proof_pin(const struct audit_proof *p, const struct audit_pin *pin)
{
    struct nos_audit_checkpoint c = { 0 };

    if (pin->key0 != NULL) {
        audit_proof_checkpoint(p, 0, &c);
        if (memcmp(pin->key0, p->head.key0, 32) != 0) {
            return NOS_AUDIT_KEY;
        }
        if (c.seq != 0) {
            return NOS_AUDIT_GAP;
        }
    }
    if (pin->held == NULL) {
        return NOS_OK;
    }
    if (memcmp(pin->held->boot_id, p->head.boot_id, 32) != 0) {
        return NOS_AUDIT_FORK;
    }
    for (uint32_t i = 0; i < p->head.n_checkpoints; i++) {
        audit_proof_checkpoint(p, i, &c);
        if (i == 0 && c.size > pin->held->size && c.seq != 0) {
            return memcmp(pin->held->next_pk, c.pk, 32) == 0 ? NOS_OK : NOS_AUDIT_GAP;
        }
        if (c.size >= pin->held->size) {
            return audit_note_is(pin->held, p->head.boot_id, &c) ? NOS_OK : NOS_AUDIT_FORK;
        }
    }
    return NOS_AUDIT_SHORT;
}
