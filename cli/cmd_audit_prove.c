/* audit prove, disclose, consistency: from a log in a file, what others need to believe a part of
 * it and no more. Records before what can be proved by the tree are proved by those that name them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/auditsrc.h"
#include "lib/render.h"
#include "lib/status.h"

enum { NUMBERS_MAX = 256 };

struct prove_args {
    const char *file, *out;
    uint64_t number[NUMBERS_MAX];
    size_t n, least, most; /* numbers given, and wanted */
    bool path;
};

enum { OPT_PATH = 256 };

static void take_word(char *arg, struct argp_state *state, struct prove_args *a)
{
    if (a->file == NULL) {
        a->file = arg;
        return;
    }
    if (a->n == a->most) {
        argp_error(state, "what is %s?", arg);
    }
    a->number[a->n++] = parse_number(arg, state, "a record or size", 0, INT64_MAX);
}

static error_t parse_prove(int key, char *arg, struct argp_state *state)
{
    struct prove_args *a = state->input;
    switch (key) {
    case 'o':
        a->out = arg;
        return 0;
    case OPT_PATH:
        a->path = true;
        return 0;
    case ARGP_KEY_ARG:
        take_word(arg, state, a);
        return 0;
    case ARGP_KEY_END:
        if (a->file == NULL || a->n < a->least) {
            argp_error(state, a->file == NULL ? "which log?" : "a number is missing");
        }
        if (a->out == NULL) {
            argp_error(state, "-o: into which file?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option out_option[] = {
    { "output", 'o', "OUT", 0, "the file to write", 0 },
    { 0 },
};
static const struct argp_option disclose_options[] = {
    { "output", 'o', "OUT", 0, "the file to write", 0 },
    { "path", OPT_PATH, NULL, 0, "also what led to it, down to record 0: bodies stay hidden", 0 },
    { 0 },
};

/* ---- the tree over the run ---- */

struct tree {
    struct merkle base;
    uint8_t (*leaf)[32];
    struct merkle_source source;
};

static void tree_make(const struct audit_file *f, struct tree *t)
{
    struct nos_audit_entry e;
    uint64_t n = f->head.next > f->head.tree_at ? f->head.next - f->head.tree_at : 0;
    t->base = (struct merkle){ .size = f->head.tree_at };
    memcpy(t->base.node, f->head.tree, sizeof(t->base.node));
    t->leaf = must_alloc((size_t)n * 32 + 1);
    for (uint64_t i = 0; i < n; i++) {
        audit_file_run(f, (uint32_t)(f->head.tree_at - f->head.first + i), &e);
        merkle_leaf(span_of(&e.rec, sizeof(e.rec)), t->leaf[i]);
    }
    t->source = (struct merkle_source){ .base = &t->base, .leaf = t->leaf, .n = n };
}

/* ---- a proof file ---- */

static void proof_begin(const struct audit_file *f, struct nos_audit_proof *h, struct buf *b)
{
    *h = (struct nos_audit_proof){ .magic = NOS_MAGIC_AUDIT_PROOF };
    memcpy(h->boot_id, f->head.boot_id, 32);
    memcpy(h->key0, f->head.key0, 32);
    buf_add(b, span_of(h, sizeof(*h)));
}

static void proof_points(const struct audit_file *f, uint32_t from, uint32_t to,
                         struct nos_audit_proof *h, struct buf *b)
{
    for (uint32_t i = from; i <= to; i++) {
        struct nos_audit_checkpoint c;
        audit_file_checkpoint(f, i, &c);
        buf_add(b, span_of(&c, sizeof(c)));
        h->n_checkpoints++;
    }
}

static int proof_end(const struct nos_audit_proof *h, struct buf *b, const char *path)
{
    uint8_t check[AUDIT_CHECK_BYTES];
    struct audit_proof p;
    struct audit_report r;
    memcpy(b->data, h, sizeof(*h));
    audit_file_check(buf_span(b), check);
    buf_add(b, SPAN_OF(check));
    nos_status_t st = audit_proof_parse(buf_span(b), &p);
    if (st == NOS_OK) {
        st = audit_proof_verify(&p, &r);
    }
    if (st != NOS_OK) {  // what nobody would believe is not written
        return fail(REFUSED, "no proof came of it: %s (%s)", status_text(st), status_name(st));
    }
    return file_write(path, buf_span(b), 0644);
}

/* ---- items ---- */

struct wanted { /* records of a proof, numbers falling once sorted */
    uint64_t seq;
    bool body, in_tree;
};

struct list {
    struct wanted item[AUDIT_ITEMS_MAX];
    size_t n;
};

static struct wanted *list_find(struct list *l, uint64_t seq)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->item[i].seq == seq) {
            return &l->item[i];
        }
    }
    return NULL;
}

static int list_add(struct list *l, struct wanted w)
{
    struct wanted *there = list_find(l, w.seq);
    if (there != NULL) {
        there->body |= w.body;
        there->in_tree |= w.in_tree;
        return DONE;
    }
    if (l->n == AUDIT_ITEMS_MAX) {
        return fail(REFUSED, "more than %d records in one proof", (int)AUDIT_ITEMS_MAX);
    }
    l->item[l->n++] = w;
    return DONE;
}

/* What led to the records in the list, and to these, and so on. Those that are gone end it. */
static int list_follow(struct list *l, const struct audit_file *f)
{
    struct nos_audit_entry e, cause;
    int rc = DONE;
    for (size_t i = 0; i < l->n && rc == DONE; i++) {
        if (!audit_file_find(f, l->item[i].seq, &e)) {
            continue;
        }
        for (size_t k = 0; k < 2 && rc == DONE; k++) {
            uint64_t seq = e.rec.seq - e.rec.back[k];
            if (e.rec.back[k] != 0 && audit_file_find(f, seq, &cause)) {
                rc = list_add(l, (struct wanted){ .seq = seq });
            }
        }
    }
    return rc;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const struct wanted *)a)->seq, y = ((const struct wanted *)b)->seq;
    return (x < y) - (x > y);
}

static int add_item(const struct audit_file *f, const struct tree *t, struct wanted w,
                    uint64_t size, struct buf *b)
{
    struct nos_audit_item h = { 0 };
    struct nos_audit_entry e;
    static struct merkle_proof proof;
    proof.n = 0;
    if (!audit_file_find(f, w.seq, &e)) {
        return fail(REFUSED, "record %llu is not in this log (NOT_FOUND)",
                    (unsigned long long)w.seq);
    }
    if (w.in_tree && !merkle_prove(&t->source, w.seq, size, &proof)) {
        return fail(REFUSED, "record %llu cannot be found in the tree (AUDIT_GAP)",
                    (unsigned long long)w.seq);
    }
    h.rec = e.rec;
    h.flags = (w.body ? NOS_AUDIT_ITEM_BODY : 0u) | (w.in_tree ? NOS_AUDIT_ITEM_IN_TREE : 0u);
    h.n_hashes = proof.n;
    buf_add(b, span_of(&h, sizeof(h)));
    if (w.body) {
        buf_add(b, SPAN_OF(e.salt));
        buf_add(b, span_of(&e.body, sizeof(e.body)));
    }
    buf_add(b, span_of(proof.hash, (size_t)proof.n * 32));
    return DONE;
}

/* ---- prove, disclose ---- */

/* By the tree, when it reaches back that far; else somebody must name it. */
static int want(const struct audit_file *f, const struct nos_audit_checkpoint *last, uint64_t seq,
                bool body, struct list *l)
{
    if (seq >= f->head.next) {
        return fail(REFUSED, "there is no record %llu: the log ends at %llu (NOT_FOUND)",
                    (unsigned long long)seq, (unsigned long long)f->head.next - 1);
    }
    if (seq >= last->size) {
        fail(REFUSED, "record %llu is under no checkpoint yet (AUDIT_GAP)",
             (unsigned long long)seq);
        hint("export again: a node makes one a second while there are news");
        return REFUSED;
    }
    return list_add(l,
                    (struct wanted){ .seq = seq, .body = body, .in_tree = seq >= f->head.tree_at });
}

static int make_items(const struct audit_file *f, const struct prove_args *a, bool body,
                      struct buf *b)
{
    static struct list l;
    struct nos_audit_checkpoint last;
    struct nos_audit_proof h;
    struct tree t;
    int rc = DONE;
    if (f->n_checkpoints == 0) {
        return fail(REFUSED, "%s has no checkpoint, so nothing can be proved of it (AUDIT_GAP)",
                    a->file);
    }
    audit_file_checkpoint(f, f->n_checkpoints - 1, &last);
    for (size_t i = 0; i < a->n && rc == DONE; i++) {
        rc = want(f, &last, a->number[i], body, &l);
    }
    if (rc == DONE && a->path) {
        rc = list_follow(&l, f);
    }
    if (rc != DONE) {
        return rc;
    }
    qsort(l.item, l.n, sizeof(l.item[0]), by_number);
    proof_begin(f, &h, b);
    proof_points(f, 0, f->n_checkpoints - 1, &h, b);
    tree_make(f, &t);
    for (size_t i = 0; i < l.n && rc == DONE; i++) {
        rc = add_item(f, &t, l.item[i], last.size, b);
        h.n_items++;
    }
    free(t.leaf);
    return rc == DONE ? proof_end(&h, b, a->out) : rc;
}

static int say_items(const struct prove_args *a, const struct buf *b)
{
    struct audit_proof p;
    if (audit_proof_parse(buf_span(b), &p) == NOS_OK) {
        printf("%s: %u records, %u checkpoints, %zu bytes\n", a->out, p.head.n_items,
               p.head.n_checkpoints, b->len);
    }
    return out_flush();
}

static int items_command(const struct prove_args *a, bool body)
{
    struct buf b = { NULL, 0 };
    struct audit_log l;
    int rc = audit_log_read(a->file, &l);
    if (rc != DONE) {
        return rc;
    }
    rc = audit_log_need_good(&l);
    if (rc == DONE) {
        rc = make_items(&l.file, a, body, &b);
    }
    if (rc == DONE) {
        rc = say_items(a, &b);
    }
    buf_free(&b);
    audit_log_free(&l);
    return rc;
}

int cmd_audit_prove(int argc, char **argv)
{
    static const struct argp argp = {
        out_option,
        parse_prove,
        "FILE N",
        "That record N is in the log, as a file for others: its header and its place in the tree "
        "of "
        "the newest checkpoint. Its body stays hidden.",
        NULL,
        NULL,
        NULL,
    };
    struct prove_args a = { .least = 1, .most = 1 };
    parse_args(&argp, argc, argv, &a);
    return items_command(&a, false);
}

int cmd_audit_disclose(int argc, char **argv)
{
    static const struct argp argp = {
        disclose_options,
        parse_prove,
        "FILE N...",
        "Show records to somebody, and keep the others back: their salts and bodies, and their "
        "places in the tree of the newest checkpoint. What is not named stays hidden.",
        NULL,
        NULL,
        NULL,
    };
    struct prove_args a = { .least = 1, .most = NUMBERS_MAX };
    parse_args(&argp, argc, argv, &a);
    return items_command(&a, true);
}

/* ---- consistency ---- */

static int find_size(const struct audit_file *f, uint64_t size, uint32_t *out)
{
    struct nos_audit_checkpoint c = { 0 }, first = { 0 };
    for (uint32_t i = 0; i < f->n_checkpoints; i++) {
        audit_file_checkpoint(f, i, &c);
        first = i == 0 ? c : first;
        if (c.size == size) {
            *out = i;
            return DONE;
        }
    }
    fail(REFUSED, "no checkpoint of %llu records in this log (NOT_FOUND)",
         (unsigned long long)size);
    hint("it has %u, of %llu to %llu records: `audit show -o json` lists their sizes",
         f->n_checkpoints, (unsigned long long)first.size, (unsigned long long)c.size);
    return REFUSED;
}

static int make_consistency(const struct audit_file *f, const struct prove_args *a, struct buf *b)
{
    static struct merkle_proof proof;
    struct nos_audit_proof h;
    struct tree t;
    uint32_t from = 0, to = 0;
    int rc = find_size(f, a->number[0], &from);
    if (rc == DONE) {
        rc = find_size(f, a->number[1], &to);
    }
    if (rc != DONE) {
        return rc;
    }
    if (from > to) {
        return fail(USAGE, "the smaller size comes first");
    }
    tree_make(f, &t);
    bool ok = merkle_prove_consistent(&t.source, a->number[0], a->number[1], &proof);
    free(t.leaf);
    if (!ok) {
        return fail(REFUSED,
                    "the records around %llu are gone: only sizes from %llu on can be compared "
                    "(AUDIT_GAP)",
                    (unsigned long long)a->number[0], (unsigned long long)f->head.tree_at);
    }
    proof_begin(f, &h, b);
    proof_points(f, from, to, &h, b);
    h.n_hashes = proof.n;
    buf_add(b, span_of(proof.hash, (size_t)proof.n * 32));
    return proof_end(&h, b, a->out);
}

int cmd_audit_consistency(int argc, char **argv)
{
    static const struct argp argp = {
        out_option,
        parse_prove,
        "FILE A B",
        "That the log of B records begins with the log of A records, as a file for others; A and B "
        "are sizes of checkpoints in the log.",
        NULL,
        NULL,
        NULL,
    };
    struct prove_args a = { .least = 2, .most = 2 };
    struct buf b = { NULL, 0 };
    struct audit_log l;
    parse_args(&argp, argc, argv, &a);
    int rc = audit_log_read(a.file, &l);
    if (rc != DONE) {
        return rc;
    }
    rc = audit_log_need_good(&l);
    if (rc == DONE) {
        rc = make_consistency(&l.file, &a, &b);
    }
    if (rc == DONE) {
        printf("%s: %llu records begin with %llu\n", a.out, (unsigned long long)a.number[1],
               (unsigned long long)a.number[0]);
        rc = out_flush();
    }
    buf_free(&b);
    audit_log_free(&l);
    return rc;
}
