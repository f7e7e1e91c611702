/* Where an audit log comes from, and whether to believe it. */
#include "cli/auditsrc.h"

#include <string.h>

#include "cli/hex.h"
#include "lib/status.h"

enum { TRIES = 4, FILE_MAX = 512 << 20, NOTE_FILE_MAX = 1 << 20 };

void audit_log_free(struct audit_log *l)
{
    buf_free(&l->bytes);
}

/* ---- from a node ---- */

/** `*gone`: the log moved on, and what was asked for is not there any more. */
static int fetch(struct node *n, uint64_t topic, uint64_t index, void *out, size_t size, bool *gone)
{
    nos_status_t st = NOS_OK;
    int rc = node_record(n, topic, index, out, size, &st);
    uint64_t got = rc == DONE && st == NOS_OK ? load_le64(out) : index;
    *gone = st == NOS_NOT_FOUND || got > index;
    if (rc == DONE && st != NOS_OK && st != NOS_NOT_FOUND) {
        return node_refused(n, "to show its audit log", st);
    }
    return rc;
}

static int fetch_points(struct node *n, struct nos_audit_file *h, struct buf *b, bool *gone)
{
    struct nos_audit_checkpoint c;
    int rc = DONE;
    for (uint64_t i = h->head.first_checkpoint; i < h->head.checkpoints; i++) {
        rc = fetch(n, NOS_TOPIC_CHECKPOINT, i, &c, sizeof(c), gone);
        if (rc != DONE || *gone) {
            return rc;
        }
        buf_add(b, span_of(&c, sizeof(c)));
        h->n_checkpoints++;
    }
    return rc;
}

/** What was kept from before the run, with gaps. */
static int fetch_old(struct node *n, struct nos_audit_file *h, struct buf *b)
{
    struct nos_audit_entry e;
    bool past = false;
    for (uint64_t at = 0; at < h->head.first && h->n_old < AUDIT_FILE_OLD_MAX; at = e.rec.seq + 1) {
        int rc = fetch(n, NOS_TOPIC_AUDIT, at, &e, sizeof(e), &past);
        if (rc != DONE || e.rec.seq < at) {
            return rc != DONE ? rc : fail(NODE_REFUSED, "the node's audit log makes no sense");
        }
        if (e.rec.seq >= h->head.first) {
            break;
        }
        buf_add(b, span_of(&e, sizeof(e)));
        h->n_old++;
    }
    return DONE;
}

static int fetch_run(struct node *n, const struct nos_audit_head *h, struct buf *b, bool *gone)
{
    struct nos_audit_entry e;
    for (uint64_t at = h->first; at < h->next; at++) {
        int rc = fetch(n, NOS_TOPIC_AUDIT, at, &e, sizeof(e), gone);
        if (rc != DONE || *gone) {
            return rc;
        }
        buf_add(b, span_of(&e, sizeof(e)));
    }
    return DONE;
}

static int fetch_once(struct node *n, struct buf *out, bool *gone)
{
    struct nos_audit_file h = { .magic = NOS_MAGIC_AUDIT };
    *gone = false;
    int rc = node_need(n, NOS_TOPIC_AUDIT_HEAD, 0, &h.head, sizeof(h.head));
    if (rc == DONE &&
        (h.head.first > h.head.next || h.head.next - h.head.first > AUDIT_FILE_RUN_MAX ||
         h.head.first_checkpoint > h.head.checkpoints ||
         h.head.checkpoints - h.head.first_checkpoint > AUDIT_FILE_KEYS_MAX)) {
        return fail(NODE_REFUSED, "the node's audit head makes no sense");
    }
    if (rc != DONE) {
        return rc;
    }
    buf_add(out, span_of(&h, sizeof(h)));
    rc = fetch_points(n, &h, out, gone);
    if (rc == DONE && !*gone) {
        rc = fetch_old(n, &h, out);
    }
    if (rc == DONE && !*gone) {
        rc = fetch_run(n, &h.head, out, gone);
    }
    memcpy(out->data, &h, sizeof(h));  // the counts are known now
    return rc;
}

static int fetch_all(struct node *n, struct buf *out)
{
    bool gone = true;
    for (int i = 0; i < TRIES && gone; i++) {
        buf_free(out);
        int rc = fetch_once(n, out, &gone);
        if (rc != DONE) {
            return rc;
        }
    }
    return gone ? fail(NODE_REFUSED, "the audit log of %s moves on faster than it can be read",
                       n->socket)
                : DONE;
}

int audit_log_fetch(const struct node_args *a, struct audit_log *out)
{
    uint8_t check[AUDIT_CHECK_BYTES];
    struct node n;
    *out = (struct audit_log){ .from = a->dump != NULL ? a->dump : a->socket };
    int rc = node_open(a, &n);
    if (rc != DONE) {
        return rc;
    }
    rc = fetch_all(&n, &out->bytes);
    node_close(&n);
    if (rc == DONE) {
        audit_file_check(buf_span(&out->bytes), check);
        buf_add(&out->bytes, SPAN_OF(check));
        nos_status_t st = audit_file_parse(buf_span(&out->bytes), &out->file);
        rc = st == NOS_OK ? DONE : audit_bytes_bad(out->from, st);
    }
    if (rc != DONE) {
        audit_log_free(out);
    }
    return rc;
}

/* ---- from a file ---- */

int audit_bytes_read(const char *path, struct buf *out)
{
    return file_read(path, FILE_MAX, out);
}

int audit_bytes_bad(const char *path, nos_status_t st)
{
    if (st == NOS_IO_ERROR) {
        fail(REFUSED, "%s: these are not the bytes that were written (%s)", path, status_name(st));
        hint("its check at the end does not fit: copy it again");
    } else {
        fail(REFUSED, "%s: %s (%s)", path, status_text(st), status_name(st));
        hint("`nonosctl audit export` and `prove`, `disclose`, `consistency` write such files");
    }
    return REFUSED;
}

int audit_log_read(const char *path, struct audit_log *out)
{
    *out = (struct audit_log){ .from = path };
    int rc = audit_bytes_read(path, &out->bytes);
    if (rc != DONE) {
        return rc;
    }
    nos_status_t st = audit_file_parse(buf_span(&out->bytes), &out->file);
    if (st != NOS_OK) {
        audit_log_free(out);
        return audit_bytes_bad(path, st);
    }
    return DONE;
}

int audit_log_get(const char *path, const struct node_args *a, struct audit_log *out)
{
    return path != NULL ? audit_log_read(path, out) : audit_log_fetch(a, out);
}

/* ---- trust ---- */

enum { OPT_KEY = 700, OPT_CHECKPOINT };

static error_t parse_trust(int key, char *arg, struct argp_state *state)
{
    struct audit_trust *t = state->input;
    switch (key) {
    case OPT_KEY:
        parse_hex32(arg, state, "--key", ", the first checkpoint key", t->key);
        t->have_key = true;
        return 0;
    case OPT_CHECKPOINT:
        t->checkpoint = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option trust_options[] = {
    { "key", OPT_KEY, "HEX", 0,
      "the boot's first checkpoint key: all checkpoints must follow from it", 10 },
    { "checkpoint", OPT_CHECKPOINT, "NOTE", 0,
      "a checkpoint that you hold (`audit checkpoint`): this must be the same log", 10 },
    { 0 },
};
const struct argp audit_trust_argp = { trust_options, parse_trust, NULL, NULL, NULL, NULL, NULL };

int audit_trust_load(const struct audit_trust *t, struct audit_pinned *out)
{
    struct buf b = { NULL, 0 };
    *out = (struct audit_pinned){ 0 };
    if (t->have_key) {
        memcpy(out->key, t->key, sizeof(out->key));
        out->pin.key0 = out->key;
    }
    if (t->checkpoint == NULL) {
        return DONE;
    }
    int rc = file_read(t->checkpoint, NOTE_FILE_MAX, &b);
    if (rc == DONE && audit_note_parse(buf_span(&b), &out->note) != NOS_OK) {
        rc = fail(REFUSED, "%s is not a checkpoint of an audit log (AUDIT_FORMAT)", t->checkpoint);
    }
    out->pin.held = &out->note;
    buf_free(&b);
    return rc;
}

const char *audit_trust_name(const struct audit_pinned *p)
{
    if (p->pin.key0 != NULL) {
        return p->pin.held != NULL ? "key, checkpoint" : "key";
    }
    return p->pin.held != NULL ? "checkpoint" : "nothing";
}

/* ---- verdict ---- */

struct audit_verdict audit_log_judge(const struct audit_log *l, const struct audit_pinned *p)
{
    struct audit_verdict v = { .status = NOS_OK };
    v.status = audit_file_verify(&l->file, &v.report);
    if (v.status == NOS_OK) {
        v.status = audit_file_pin(&l->file, &p->pin);
        v.in_pin = v.status != NOS_OK;
    }
    return v;
}

static const char *advice(nos_status_t st)
{
    static const struct {
        nos_status_t status;
        const char *what;
    } rows[] = {
        { NOS_AUDIT_GAP,
          "give --checkpoint a newer one that you hold, or check an export that was made earlier" },
        { NOS_AUDIT_SHORT, "it was cut, or taken before that checkpoint was made" },
        { NOS_AUDIT_FORK, "keep both: two logs of one boot are proof that the node lied" },
        { NOS_AUDIT_KEY,
          "the first checkpoint key is what `nonosctl audit` shows; take it down soon after boot" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].status == st) {
            return rows[i].what;
        }
    }
    return "do not trust it: it was changed, or made by somebody else";
}

int audit_verdict_report(const char *from, const struct audit_verdict *v)
{
    const char *what = v->report.in_checkpoint ? "checkpoint" : "record";
    if (v->status == NOS_OK) {
        return DONE;
    }
    if (v->in_pin) {
        fail(REFUSED, "%s is good by itself, but not what you trust: %s (%s)", from,
             status_text(v->status), status_name(v->status));
    } else {
        fail(REFUSED, "%s does not hold at %s %llu: %s (%s)", from, what,
             (unsigned long long)v->report.at, status_text(v->status), status_name(v->status));
    }
    hint("%s", advice(v->status));
    return REFUSED;
}

int audit_log_need_good(const struct audit_log *l)
{
    const struct audit_pinned none = { 0 };
    struct audit_verdict v = audit_log_judge(l, &none);
    return audit_verdict_report(l->from, &v);
}
