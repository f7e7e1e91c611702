/* A log in a file. Causes are looked up in it, so it is read in any order: nothing is remembered
 * but which of the old records are proved. */
#include "lib/audit_file.h"

#include <string.h>

#include "lib/crypto/blake3.h"

enum { ENTRY = sizeof(struct nos_audit_entry), POINT = sizeof(struct nos_audit_checkpoint) };

void audit_file_check(span_t bytes, uint8_t out[AUDIT_CHECK_BYTES])
{
    blake3_derive(NOS_CTX_AUDIT_FILE, bytes, out);
}

static bool check_ok(span_t file, span_t *body)
{
    uint8_t want[AUDIT_CHECK_BYTES];
    span_t have;

    if (file.len < AUDIT_CHECK_BYTES || !span_cut(file, 0, file.len - AUDIT_CHECK_BYTES, body) ||
        !span_from(file, body->len, &have)) {
        return false;
    }
    audit_file_check(*body, want);
    return span_equal(have, SPAN_OF(want));
}

nos_status_t audit_file_parse(span_t file, struct audit_file *out)
{
    struct nos_audit_file h;
    struct audit_file f;
    span_t head, rest = file;

    if (!span_take(&rest, sizeof h, &head)) {
        return NOS_AUDIT_FORMAT;
    }
    memcpy(&h, head.data, sizeof h);
    uint64_t run = h.head.next - h.head.first;
    if (memcmp(h.magic, NOS_MAGIC_AUDIT, sizeof h.magic) != 0 || h.head.first > h.head.next ||
        run > AUDIT_FILE_RUN_MAX || h.n_old > AUDIT_FILE_OLD_MAX ||
        h.n_checkpoints > AUDIT_FILE_KEYS_MAX) {
        return NOS_AUDIT_FORMAT;
    }
    f = (struct audit_file){
        .head = h.head, .n_checkpoints = h.n_checkpoints, .n_old = h.n_old, .n_run = (uint32_t)run
    };
    if (!span_take(&rest, f.n_checkpoints * (size_t)POINT, &f.checkpoints) ||
        !span_take(&rest, f.n_old * (size_t)ENTRY, &f.old) ||
        !span_take(&rest, f.n_run * (size_t)ENTRY, &f.run) || rest.len != AUDIT_CHECK_BYTES) {
        return NOS_AUDIT_FORMAT;
    }
    span_t body;
    if (!check_ok(file, &body)) {
        return NOS_IO_ERROR;
    }
    *out = f;
    return NOS_OK;
}

static void get(span_t all, uint32_t i, void *out, size_t size)
{
    memcpy(out, all.data + i * size, size);
}

void audit_file_checkpoint(const struct audit_file *f, uint32_t i, struct nos_audit_checkpoint *out)
{
    get(f->checkpoints, i, out, sizeof *out);
}

void audit_file_old(const struct audit_file *f, uint32_t i, struct nos_audit_entry *out)
{
    get(f->old, i, out, sizeof *out);
}

void audit_file_run(const struct audit_file *f, uint32_t i, struct nos_audit_entry *out)
{
    get(f->run, i, out, sizeof *out);
}

/* Where old record `seq` is. */
static bool find_old(const struct audit_file *f, uint64_t seq, uint32_t *out)
{
    uint32_t low = 0, high = f->n_old;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        uint64_t at = load_le64(f->old.data + mid * (size_t)ENTRY);
        if (at == seq) {
            *out = mid;
            return true;
        }
        low = at < seq ? mid + 1 : low;
        high = at < seq ? high : mid;
    }
    return false;
}

bool audit_file_find(const struct audit_file *f, uint64_t seq, struct nos_audit_entry *out)
{
    uint32_t i;

    if (seq >= f->head.first && seq < f->head.next) {
        audit_file_run(f, (uint32_t)(seq - f->head.first), out);
        return true;
    }
    if (!find_old(f, seq, &i)) {
        return false;
    }
    audit_file_old(f, i, out);
    return true;
}

/* ---- the run and its checkpoints ---- */

struct points {  // which checkpoint comes next
    uint32_t i;
    struct nos_audit_checkpoint at;
};

static bool next_due(const struct audit_file *f, const struct audit_checker *c, struct points *p)
{
    if (p->i == f->n_checkpoints) {
        return false;
    }
    audit_file_checkpoint(f, p->i, &p->at);
    return audit_check_is_due(c, &p->at);
}

static nos_status_t verify_points(const struct audit_file *f, struct audit_checker *c,
                                  struct points *p, struct audit_report *r)
{
    nos_status_t st = NOS_OK;

    while (st == NOS_OK && next_due(f, c, p)) {
        st = audit_check_checkpoint(c, &p->at);
        if (st == NOS_OK) {
            p->i++;
            r->under = c->next < p->at.size ? r->under : p->at.size;
        } else {
            r->in_checkpoint = true;
            r->at = p->at.seq;
        }
    }
    return st;
}

static nos_status_t verify_run(const struct audit_file *f, struct audit_report *r)
{
    struct audit_checker c;
    struct nos_audit_entry e;
    struct points p = { 0 };

    nos_status_t st = audit_check_begin(&c, &f->head);
    if (st == NOS_OK) {
        st = verify_points(f, &c, &p, r);
    }
    for (uint32_t i = 0; i < f->n_run && st == NOS_OK; i++) {
        r->at = f->head.first + i;
        audit_file_run(f, i, &e);
        st = audit_check_next(&c, &e);
        if (st == NOS_OK) {
            r->records++;
            st = verify_points(f, &c, &p, r);
        }
    }
    if (st != NOS_OK) {
        return st;
    }
    r->checkpoints = c.checkpoints;
    if (p.i != f->n_checkpoints) {  // about more records than there are
        r->in_checkpoint = true;
        r->at = c.keys.seq;
        return NOS_AUDIT_TREE;
    }
    return audit_check_end(&c);
}

/* ---- old records ---- */

static nos_status_t verify_old(const struct audit_file *f, struct audit_report *r)
{
    struct nos_audit_entry e;
    uint64_t least = 0;

    for (uint32_t i = 0; i < f->n_old; i++) {
        audit_file_old(f, i, &e);
        r->at = e.rec.seq;
        if (e.rec.seq < least || e.rec.seq >= f->head.first) {
            return NOS_AUDIT_CHAIN;
        }
        least = e.rec.seq + 1;
        nos_status_t st = audit_check_record(&e.rec);
        st = st == NOS_OK ? audit_check_body(&e) : st;
        if (st != NOS_OK) {
            return st;
        }
    }
    r->old = f->n_old;
    return NOS_OK;
}

/* ---- causes, from the newest to the oldest: who is named by what is proved, is proved ---- */

struct proved {
    uint8_t bit[AUDIT_FILE_OLD_MAX / 8];
};

static void mark(const struct audit_file *f, struct proved *p, uint64_t seq)
{
    uint32_t i;
    if (find_old(f, seq, &i)) {
        p->bit[i / 8] |= (uint8_t)(1u << i % 8);
    }
}

static nos_status_t verify_causes_of(const struct audit_file *f, const struct nos_audit_record *rec,
                                     bool is_proved, struct proved *p, struct audit_report *r)
{
    struct nos_audit_entry cause;
    bool named;

    for (size_t k = 0; k < 2; k++) {
        uint64_t seq = rec->seq - rec->back[k];
        if (rec->back[k] == 0) {
            continue;
        }
        if (!audit_file_find(f, seq, &cause)) {
            r->lost_causes++;
            continue;
        }
        r->at = rec->seq;
        nos_status_t st = audit_check_cause(rec, &cause.rec, &named);
        if (st != NOS_OK) {
            return st;
        }
        r->causes++;
        if (is_proved) {
            mark(f, p, seq);
        }
    }
    return NOS_OK;
}

static nos_status_t verify_causes(const struct audit_file *f, struct audit_report *r)
{
    struct proved p = { { 0 } };
    struct nos_audit_entry e;
    nos_status_t st = NOS_OK;

    for (uint32_t i = f->n_run; i > 0 && st == NOS_OK; i--) {
        audit_file_run(f, i - 1, &e);
        st = verify_causes_of(f, &e.rec, true, &p, r);
    }
    for (uint32_t i = f->n_old; i > 0 && st == NOS_OK; i--) {
        bool is_proved = (p.bit[(i - 1) / 8] >> (i - 1) % 8 & 1) != 0;
        audit_file_old(f, i - 1, &e);
        r->old_proved += is_proved;
        st = verify_causes_of(f, &e.rec, is_proved, &p, r);
    }
    return st;
}

nos_status_t audit_file_verify(const struct audit_file *f, struct audit_report *r)
{
    *r = (struct audit_report){ .at = f->head.first };
    nos_status_t st = verify_run(f, r);
    if (st == NOS_OK) {
        st = verify_old(f, r);
    }
    return st == NOS_OK ? verify_causes(f, r) : st;
}

/* ---- what is trusted ---- */

/* The root over the first `size` records of a verified log; size >= tree_at. */
static void root_at(const struct audit_file *f, uint64_t size, uint8_t out[32])
{
    struct merkle t = { .size = f->head.tree_at };
    struct nos_audit_entry e;
    uint8_t leaf[32];

    memcpy(t.node, f->head.tree, sizeof t.node);
    for (uint64_t seq = t.size; seq < size; seq++) {
        audit_file_run(f, (uint32_t)(seq - f->head.first), &e);
        merkle_leaf(span_of(&e.rec, sizeof e.rec), leaf);
        merkle_push(&t, 0, leaf);
    }
    merkle_root(&t, out);
}

/* `c` is the oldest checkpoint here, `held` was made before it. */
static nos_status_t pin_joined(const struct audit_file *f, const struct audit_note *held,
                               const struct nos_audit_checkpoint *c)
{
    uint8_t root[32];

    if (memcmp(held->next_pk, c->pk, 32) != 0) {
        return NOS_AUDIT_GAP;
    }
    if (held->size < f->head.tree_at) {
        return NOS_OK;  // only the key can tell
    }
    root_at(f, held->size, root);
    return memcmp(root, held->root, sizeof root) == 0 ? NOS_OK : NOS_AUDIT_FORK;
}

static nos_status_t pin_held(const struct audit_file *f, const struct audit_note *held)
{
    struct nos_audit_checkpoint c = { 0 };
    uint8_t root[32];

    if (memcmp(held->boot_id, f->head.boot_id, 32) != 0) {
        return NOS_AUDIT_FORK;
    }
    if (held->size > f->head.next) {
        return NOS_AUDIT_SHORT;
    }
    for (uint32_t i = 0; i < f->n_checkpoints; i++) {
        audit_file_checkpoint(f, i, &c);
        if (i == 0 && c.size > held->size && c.seq != 0) {
            return pin_joined(f, held, &c);
        }
        if (c.size >= held->size) {
            return audit_note_is(held, f->head.boot_id, &c) ? NOS_OK : NOS_AUDIT_FORK;
        }
    }
    // newer than every checkpoint here, not than every record
    if (held->size < f->head.tree_at) {
        return NOS_AUDIT_GAP;
    }
    root_at(f, held->size, root);
    return memcmp(root, held->root, sizeof root) == 0 ? NOS_OK : NOS_AUDIT_FORK;
}

nos_status_t audit_file_pin(const struct audit_file *f, const struct audit_pin *pin)
{
    if (pin->key0 != NULL && memcmp(pin->key0, f->head.key0, 32) != 0) {
        return NOS_AUDIT_KEY;
    }
    if (pin->key0 != NULL && (f->head.first_checkpoint != 0 || f->n_checkpoints == 0)) {
        return NOS_AUDIT_GAP;
    }
    return pin->held == NULL ? NOS_OK : pin_held(f, pin->held);
}
