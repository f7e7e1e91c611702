/* audit verify: a log or a proof, from a file, without the node. */
#include <stdio.h>
#include <string.h>

#include "cli/auditsrc.h"
#include "cli/hex.h"
#include "cli/noderows.h"
#include "lib/render.h"
#include "lib/status.h"

struct verify_args {
    struct audit_trust trust;
    struct view_args view;
};

static error_t parse_verify(int key, char *arg, struct argp_state *state)
{
    struct verify_args *a = state->input;
    (void)arg;
    if (key == ARGP_KEY_INIT) {
        state->child_inputs[0] = &a->view;
        state->child_inputs[1] = &a->trust;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static const char *how(const struct audit_item *i)
{
    return (i->head.flags & NOS_AUDIT_ITEM_IN_TREE) != 0 ? "in the tree" : "named as a cause";
}

static bool is_open(const struct audit_item *i)
{
    return (i->head.flags & NOS_AUDIT_ITEM_BODY) != 0;
}

static void print_items(const struct audit_proof *p)
{
    char line[RENDER_LINE_MAX];
    struct audit_item item;
    struct fmt out;
    span_t rest = p->items;
    FMT_INIT(&out, line);
    render_audit_head(&out);
    fputs(p->head.n_items != 0 ? line : "", stdout);
    while (audit_proof_next(&rest, &item)) {
        FMT_INIT(&out, line);
        if (is_open(&item)) {
            render_audit(&out, &item.entry);
        } else {
            render_audit_hidden(&out, &item.entry.rec);
        }
        fputs(line, stdout);
    }
}

static void print_proof(const struct audit_proof *p, const struct audit_report *r,
                        const struct audit_pinned *pin)
{
    struct nos_audit_checkpoint a, b;
    audit_proof_checkpoint(p, 0, &a);
    audit_proof_checkpoint(p, p->head.n_checkpoints - 1, &b);
    print_items(p);
    if (p->head.n_hashes != 0) {
        printf("consistent: the first %llu of the %llu records are those of checkpoint %llu\n",
               (unsigned long long)a.size, (unsigned long long)b.size, (unsigned long long)a.seq);
    }
    printf("checked here: %llu records in checkpoint %llu of %llu records; its key follows over "
           "%llu checkpoints from number %llu\n",
           (unsigned long long)r->records, (unsigned long long)b.seq, (unsigned long long)b.size,
           (unsigned long long)r->checkpoints, (unsigned long long)a.seq);
    printf("trusted: %s; boot %s, first checkpoint key %s\n", audit_trust_name(pin),
           hex32(p->head.boot_id).text, hex32(p->head.key0).text);
}

static cJSON *item_row(const struct audit_item *i)
{
    cJSON *row = is_open(i) ? row_audit(&i->entry) : row_audit_hidden(&i->entry.rec);
    out_text(row, "proved", how(i));
    return row;
}

static int print_proof_json(const struct audit_proof *p, const struct audit_verdict *v,
                            const struct audit_pinned *pin)
{
    struct nos_audit_checkpoint a, b;
    struct audit_item item;
    span_t rest = p->items;
    cJSON *row = out_row();
    audit_proof_checkpoint(p, 0, &a);
    audit_proof_checkpoint(p, p->head.n_checkpoints - 1, &b);
    out_bool(row, "proof_ok", v->status == NOS_OK);
    out_status(row, "proof_status", v->status);
    out_u64(row, "at", v->report.at);
    out_bool(row, "at_checkpoint", v->report.in_checkpoint);
    out_text(row, "trusted", audit_trust_name(pin));
    out_u64(row, "first_checkpoint", a.seq);
    out_u64(row, "checkpoint", b.seq);
    out_u64(row, "first_size", a.size);
    out_u64(row, "size", b.size);
    out_bool(row, "consistency", p->head.n_hashes != 0);
    out_hex(row, "boot_id", p->head.boot_id, 32);
    out_hex(row, "key", p->head.key0, 32);
    cJSON *list = cJSON_AddArrayToObject(row, "records");
    while (v->status == NOS_OK && audit_proof_next(&rest, &item)) {
        cJSON_AddItemToArray(list, item_row(&item));
    }
    return out_object(row, OUT_JSON);
}

static int verify_proof(const struct audit_proof *p, const struct verify_args *a)
{
    struct audit_pinned pin;
    struct audit_verdict v = { .status = NOS_OK };
    int rc = audit_trust_load(&a->trust, &pin);
    if (rc != DONE) {
        return rc;
    }
    v.status = audit_proof_verify(p, &v.report);
    if (v.status == NOS_OK) {
        v.status = audit_proof_pin(p, &pin.pin);
        v.in_pin = v.status != NOS_OK;
    }
    int printed = DONE;
    if (a->view.form == OUT_JSON) {
        printed = print_proof_json(p, &v, &pin);
    } else if (v.status == NOS_OK) {
        print_proof(p, &v.report, &pin);
        printed = out_flush();
    }
    rc = audit_verdict_report(a->view.file, &v);
    return rc == DONE ? printed : rc;
}

int cmd_audit_verify(int argc, char **argv)
{
    static const struct argp_child children[] = { { &view_argp, 0, NULL, 0 },
                                                  { &audit_trust_argp, 0, NULL, 0 },
                                                  { 0 } };
    static const struct argp argp = {
        NULL,
        parse_verify,
        "FILE",
        "Check a log (`audit export`) or a proof (`audit prove`, `disclose`, `consistency`) "
        "without "
        "the node: all of it, or it is refused. Without --key or --checkpoint it is only shown to "
        "agree with itself.",
        children,
        NULL,
        NULL,
    };
    struct verify_args a = { .view = { .what = "file" } };
    struct audit_proof p;
    struct buf b;
    parse_args(&argp, argc, argv, &a);
    int rc = audit_bytes_read(a.view.file, &b);
    if (rc != DONE) {
        return rc;
    }
    bool proof = b.len >= 8 && memcmp(b.data, NOS_MAGIC_AUDIT_PROOF, 8) == 0;
    if (proof) {
        nos_status_t st = audit_proof_parse(buf_span(&b), &p);
        rc = st == NOS_OK ? verify_proof(&p, &a) : audit_bytes_bad(a.view.file, st);
    }
    buf_free(&b);
    return proof ? rc : audit_verify_log(a.view.file, &a.trust, a.view.form);
}
