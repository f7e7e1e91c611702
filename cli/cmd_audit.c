/* audit, audit show, audit export, audit checkpoint: the log of a live node, or of a file. What the
 * node says about its own log is not asked: all of it is checked here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/auditsrc.h"
#include "cli/hex.h"
#include "cli/noderows.h"
#include "lib/render.h"
#include "lib/status.h"

struct log_args {
    struct node_args node;
    struct audit_trust trust;
    const char *file, *out;
    bool takes_file;
};

static error_t parse_log(int key, char *arg, struct argp_state *state)
{
    struct log_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->node;
        state->child_inputs[1] = &a->trust;
        return 0;
    case ARGP_KEY_ARG:
        if (!a->takes_file) {
            parse_none(arg, state);
        }
        parse_one(arg, state, "log", &a->file);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- show ---- */

static void print_entry(const struct nos_audit_entry *e)
{
    char line[RENDER_LINE_MAX];
    struct fmt out;
    FMT_INIT(&out, line);
    render_audit(&out, e);
    fputs(line, stdout);
}

static void print_entries(const struct audit_file *f)
{
    char line[RENDER_LINE_MAX];
    struct nos_audit_entry e;
    struct fmt out;
    FMT_INIT(&out, line);
    render_audit_head(&out);
    fputs(line, stdout);
    for (uint32_t i = 0; i < f->n_old; i++) {
        audit_file_old(f, i, &e);
        print_entry(&e);
    }
    if (f->n_old != 0) {
        printf("   ... from here on without a gap\n");
    }
    for (uint32_t i = 0; i < f->n_run; i++) {
        audit_file_run(f, i, &e);
        print_entry(&e);
    }
}

static void print_verdict(const struct audit_file *f, const struct audit_verdict *v,
                          const struct audit_pinned *p)
{
    const struct audit_report *r = &v->report;
    printf("checked here: records %llu to %llu, %llu of them under %llu checkpoints from number "
           "%llu on; %llu causes, %llu more are gone\n",
           (unsigned long long)f->head.first, (unsigned long long)f->head.next - 1,
           (unsigned long long)(r->under > f->head.first ? r->under - f->head.first : 0),
           (unsigned long long)r->checkpoints, (unsigned long long)f->head.first_checkpoint,
           (unsigned long long)r->causes, (unsigned long long)r->lost_causes);
    if (r->old != 0 || f->head.dropped != 0) {
        printf("from before: %u kept, %u of them proved by what names them; %llu dropped\n", r->old,
               r->old_proved, (unsigned long long)f->head.dropped);
    }
    printf("trusted: %s; boot %s, first checkpoint key %s\n", audit_trust_name(p),
           hex32(f->head.boot_id).text, hex32(f->head.key0).text);
}

static cJSON *verdict_row(const struct audit_file *f, const struct audit_verdict *v,
                          const struct audit_pinned *p)
{
    cJSON *row = out_row();
    out_bool(row, "chain_ok", v->status == NOS_OK);
    out_status(row, "chain_status", v->status);
    out_u64(row, "at", v->report.at);
    out_bool(row, "at_checkpoint", v->report.in_checkpoint);
    out_text(row, "trusted", audit_trust_name(p));
    out_u64(row, "checkpoints", v->report.checkpoints);
    out_u64(row, "first_checkpoint", f->head.first_checkpoint);
    out_u64(row, "first", f->head.first);
    out_u64(row, "next", f->head.next);
    out_u64(row, "under_checkpoint", v->report.under);
    out_u64(row, "provable_from", f->head.tree_at);
    out_u64(row, "causes", v->report.causes);
    out_u64(row, "causes_gone", v->report.lost_causes);
    out_u64(row, "old", v->report.old);
    out_u64(row, "old_proved", v->report.old_proved);
    out_u64(row, "dropped", f->head.dropped);
    out_hex(row, "head", f->head.head, 32);
    out_hex(row, "boot_id", f->head.boot_id, 32);
    out_hex(row, "key", f->head.key0, 32);
    return row;
}

static cJSON *point_rows(const struct audit_file *f)
{
    cJSON *list = cJSON_CreateArray();
    for (uint32_t i = 0; i < f->n_checkpoints; i++) {
        struct nos_audit_checkpoint c;
        audit_file_checkpoint(f, i, &c);
        cJSON *row = out_row();
        out_u64(row, "seq", c.seq);
        out_u64(row, "size", c.size);
        out_hex(row, "root", c.root, 32);
        out_hex(row, "key", c.pk, 32);
        out_hex(row, "next_key", c.next_pk, 32);
        cJSON_AddItemToArray(list, row);
    }
    return list;
}

static int print_json(const struct audit_file *f, const struct audit_verdict *v,
                      const struct audit_pinned *p)
{
    struct nos_audit_entry e;
    cJSON *row = verdict_row(f, v, p);
    cJSON_AddItemToObject(row, "signed", point_rows(f));
    cJSON *old = cJSON_AddArrayToObject(row, "old_records");
    for (uint32_t i = 0; i < f->n_old; i++) {
        audit_file_old(f, i, &e);
        cJSON_AddItemToArray(old, row_audit(&e));
    }
    cJSON *list = cJSON_AddArrayToObject(row, "records");
    for (uint32_t i = 0; i < f->n_run; i++) {
        audit_file_run(f, i, &e);
        cJSON_AddItemToArray(list, row_audit(&e));
    }
    return out_object(row, OUT_JSON);
}

static int show(const struct log_args *a, bool all)
{
    struct audit_pinned p;
    struct audit_log l;
    int rc = audit_trust_load(&a->trust, &p);
    if (rc == DONE) {
        rc = audit_log_get(a->file, &a->node, &l);
    }
    if (rc != DONE) {
        return rc;
    }
    struct audit_verdict v = audit_log_judge(&l, &p);
    int printed = DONE;
    if (a->node.form == OUT_JSON) {
        printed =
            all ? print_json(&l.file, &v, &p) : out_object(verdict_row(&l.file, &v, &p), OUT_JSON);
    } else {
        if (all) {
            print_entries(&l.file);
        }
        if (v.status == NOS_OK) {
            print_verdict(&l.file, &v, &p);
        }
        printed = out_flush();
    }
    rc = audit_verdict_report(l.from, &v);
    audit_log_free(&l);
    return rc == DONE ? printed : rc;
}

static const struct argp_child show_children[] = { { &node_argp, 0, NULL, 0 },
                                                   { &audit_trust_argp, 0, NULL, 0 },
                                                   { 0 } };

static int show_command(int argc, char **argv, bool takes_file)
{
    const struct argp argp = {
        NULL,
        parse_log,
        takes_file ? "[FILE]" : "",
        "The audit log of a live node, or of a file that `audit export` wrote. Every record is "
        "checked here against the one before, its causes, its body, and the signed checkpoints; "
        "exit code 1 when one does not fit.",
        show_children,
        NULL,
        NULL,
    };
    struct log_args a = { .takes_file = takes_file };
    node_args_init(&a.node);
    parse_args(&argp, argc, argv, &a);
    return show(&a, true);
}

int cmd_audit(int argc, char **argv)
{
    return show_command(argc, argv, false);
}

int cmd_audit_show(int argc, char **argv)
{
    return show_command(argc, argv, true);
}

int audit_verify_log(const char *path, const struct audit_trust *trust, enum out_form form)
{
    struct log_args a = { .trust = *trust, .file = path, .takes_file = true };
    a.node.form = form;
    return show(&a, false);
}

/* ---- export, checkpoint ---- */

static const struct argp_child reach_children[] = { { &node_reach_argp, 0, NULL, 0 }, { 0 } };

static error_t parse_export(int key, char *arg, struct argp_state *state)
{
    struct log_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->node;
        return 0;
    case 'o':
        a->out = arg;
        return 0;
    case ARGP_KEY_ARG:
        parse_one(arg, state, a->takes_file ? "log" : "file", a->takes_file ? &a->file : &a->out);
        return 0;
    case ARGP_KEY_END:
        if (a->out == NULL) {
            argp_error(state, "into which file?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cmd_audit_export(int argc, char **argv)
{
    static const struct argp argp = {
        NULL,
        parse_export,
        "FILE",
        "Save the audit log of a live node, with salts and bodies: only its owner may read the "
        "file. It is checked first, and not written when it does not hold.",
        reach_children,
        NULL,
        NULL,
    };
    struct log_args a = { 0 };
    struct audit_log l;
    node_args_init(&a.node);
    parse_args(&argp, argc, argv, &a);
    int rc = audit_log_fetch(&a.node, &l);
    if (rc != DONE) {
        return rc;
    }
    rc = audit_log_need_good(&l);
    if (rc == DONE) {
        rc = file_write(a.out, buf_span(&l.bytes), 0600);
    }
    if (rc == DONE) {
        printf("%s: records %llu to %llu, %u older ones, %u checkpoints\n", a.out,
               (unsigned long long)l.file.head.first, (unsigned long long)l.file.head.next - 1,
               l.file.n_old, l.file.n_checkpoints);
        rc = out_flush();
    }
    audit_log_free(&l);
    return rc;
}

static int write_note(const struct audit_log *l, const char *path)
{
    char text[AUDIT_NOTE_MAX];
    struct nos_audit_checkpoint c;
    struct fmt f;
    if (l->file.n_checkpoints == 0) {
        fail(REFUSED, "%s has no checkpoint yet (AUDIT_GAP)", l->from);
        hint("a node makes one a second after the first news: ask again");
        return REFUSED;
    }
    audit_file_checkpoint(&l->file, l->file.n_checkpoints - 1, &c);
    FMT_INIT(&f, text);
    audit_note(&f, l->file.head.boot_id, &c);
    int rc = file_write(path, fmt_text(&f), 0644);
    if (rc == DONE) {
        printf("%s: checkpoint %llu, of %llu records\n", path, (unsigned long long)c.seq,
               (unsigned long long)c.size);
        rc = out_flush();
    }
    return rc;
}

int cmd_audit_checkpoint(int argc, char **argv)
{
    static const struct argp_option options[] = {
        { "output", 'o', "NOTE", 0, "the file to write", 0 },
        { 0 },
    };
    static const struct argp argp = {
        options,
        parse_export,
        "[FILE]",
        "Save the newest checkpoint of a live node, or of a log in a file, as a signed note. Who "
        "keeps it can tell later whether a log is still the same (`audit verify --checkpoint`).",
        reach_children,
        NULL,
        NULL,
    };
    struct log_args a = { .takes_file = true };
    struct audit_log l;
    node_args_init(&a.node);
    parse_args(&argp, argc, argv, &a);
    int rc = audit_log_get(a.file, &a.node, &l);
    if (rc != DONE) {
        return rc;
    }
    rc = audit_log_need_good(&l);
    if (rc == DONE) {
        rc = write_note(&l, a.out);
    }
    audit_log_free(&l);
    return rc;
}
