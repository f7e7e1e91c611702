/* audit: fetch the log and check it here. What the node says about its own chain is not asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hex.h"
#include "cli/node.h"
#include "cli/noderows.h"
#include "lib/audit.h"
#include "lib/render.h"
#include "lib/status.h"

struct audit_args {
    struct node_args node;
    bool have_issuer;
    uint8_t issuer[32];
};

enum { OPT_ISSUER = 256, TRIES = 4 };

static error_t parse_audit(int key, char *arg, struct argp_state *state)
{
    struct audit_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->node;
        return 0;
    case OPT_ISSUER:
        parse_hex32(arg, state, "--issuer", "", a->issuer);
        a->have_issuer = true;
        return 0;
    case ARGP_KEY_ARG:
        parse_none(arg, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = { { &node_argp, 0, NULL, 0 }, { 0 } };
static const struct argp_option options[] = {
    { "issuer", OPT_ISSUER, "HEX", 0,
      "the key that must have signed the checkpoints (`nonosctl about`)", 0 },
    { 0 },
};
static const struct argp argp_audit = {
    options,
    parse_audit,
    "",
    "Audit log of a live node. Every record is re-checked here against the one before, against its "
    "body, and against "
    "the signed checkpoints; exit code 1 when one does not fit.",
    children,
    NULL,
    NULL,
};

struct fetched {
    struct nos_audit_head head;
    struct nos_audit_entry *entry; /* head.next - head.first of them, or fewer when `gone` */
    size_t n;
    bool gone; /* the ring overtook us */
};

enum { ENTRIES_MAX = 1 << 20 };

static int fetch_entries(struct node *n, struct fetched *f)
{
    nos_status_t st = NOS_OK;
    int rc = DONE;
    uint64_t want = f->head.next - f->head.first;
    if (f->head.next < f->head.first || want > ENTRIES_MAX) {
        return fail(NODE_REFUSED, "the node's audit head makes no sense");
    }
    f->entry = must_alloc((size_t)want * sizeof(*f->entry));
    for (uint64_t i = 0; rc == DONE && st == NOS_OK && i < want; i++) {
        rc = node_record(n, NOS_TOPIC_AUDIT, f->head.first + i, &f->entry[i], sizeof(f->entry[i]),
                         &st);
        // a ring that is full and goes on answers with the oldest that it still has
        if (rc == DONE && st == NOS_OK && f->entry[i].rec.seq > f->head.first + i) {
            st = NOS_NOT_FOUND;
        }
        f->n += rc == DONE && st == NOS_OK;
    }
    if (rc == DONE && st != NOS_OK && st != NOS_NOT_FOUND) {
        rc = node_refused(n, "to show its audit log", st);
    }
    f->gone = st == NOS_NOT_FOUND;
    return rc;
}

/** The head, and all entries that it stands for. Records may be dropped meanwhile: then once more
 * from the start. */
static int fetch(struct node *n, struct fetched *out)
{
    int rc = DONE;
    for (int i = 0; i < TRIES; i++) {
        struct fetched f = { 0 };
        rc = node_need(n, NOS_TOPIC_AUDIT_HEAD, 0, &f.head, sizeof(f.head));
        if (rc == DONE) {
            rc = fetch_entries(n, &f);
        }
        if (rc != DONE || !f.gone) {
            *out = f;
            return rc;
        }
        free(f.entry);
    }
    return fail(NODE_REFUSED, "the audit log of %s moves on faster than it can be read", n->socket);
}

struct verdict {
    nos_status_t status;
    uint64_t at, checkpoints;
};

static struct verdict check(const struct fetched *f, const struct audit_args *a)
{
    struct audit_checker c;
    struct verdict v = { .at = f->head.first };
    if (a->have_issuer && memcmp(a->issuer, f->head.issuer_pk, 32) != 0) {
        v.status = NOS_TOKEN_ISSUER;
        return v;
    }
    v.status = audit_check_begin(&c, &f->head);
    for (size_t i = 0; v.status == NOS_OK && i < f->n; i++) {
        v.at = f->head.first + i;
        v.status = audit_check_next(&c, &f->entry[i]);
    }
    if (v.status == NOS_OK) {
        v.status = audit_check_end(&c);
        v.checkpoints = c.checkpoints;
    }
    return v;
}

static int report(const struct node *n, const struct verdict *v)
{
    if (v->status == NOS_OK) {
        return DONE;
    }
    fail(REFUSED, "the audit log of %s does not hold at record %llu: %s (%s)", n->socket,
         (unsigned long long)v->at, status_text(v->status), status_name(v->status));
    hint("do not trust this node: its log was changed, or is not signed by the key that was "
         "expected");
    return REFUSED;
}

static int print_text(const struct fetched *f, const struct verdict *v)
{
    char line[RENDER_LINE_MAX];
    struct fmt out;
    FMT_INIT(&out, line);
    render_audit_head(&out);
    fputs(line, stdout);
    for (size_t i = 0; i < f->n; i++) {
        FMT_INIT(&out, line);
        render_audit(&out, &f->entry[i]);
        fputs(line, stdout);
    }
    if (v->status == NOS_OK) {
        printf(
            "checked here: %zu records, %llu signed checkpoints, %llu dropped before; issuer %s\n",
            f->n, (unsigned long long)v->checkpoints, (unsigned long long)f->head.dropped,
            hex32(f->head.issuer_pk).text);
    }
    return out_flush();
}

static int print_json(const struct fetched *f, const struct verdict *v)
{
    cJSON *row = out_row();
    out_bool(row, "chain_ok", v->status == NOS_OK);
    out_status(row, "chain_status", v->status);
    out_u64(row, "checkpoints", v->checkpoints);
    out_u64(row, "first", f->head.first);
    out_u64(row, "next", f->head.next);
    out_u64(row, "dropped", f->head.dropped);
    out_hex(row, "head", f->head.head, 32);
    out_hex(row, "issuer", f->head.issuer_pk, 32);
    cJSON *list = cJSON_AddArrayToObject(row, "records");
    for (size_t i = 0; i < f->n; i++) {
        cJSON_AddItemToArray(list, row_audit(&f->entry[i]));
    }
    return out_object(row, OUT_JSON);
}

int cmd_audit(int argc, char **argv)
{
    struct audit_args a = { 0 };
    struct node n;
    struct fetched f = { 0 };
    node_args_init(&a.node);
    parse_args(&argp_audit, argc, argv, &a);

    int rc = node_open(&a.node, &n);
    if (rc != DONE) {
        return rc;
    }
    rc = fetch(&n, &f);
    if (rc == DONE) {
        struct verdict v = check(&f, &a);
        int printed = a.node.form == OUT_JSON ? print_json(&f, &v) : print_text(&f, &v);
        rc = report(&n, &v);
        rc = rc == DONE ? printed : rc;
    }
    free(f.entry);
    node_close(&n);
    return rc;
}
