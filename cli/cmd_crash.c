/* crash ls, show, save: what the deaths of capsules left behind, on a live node or in a file. What
 * came is checked whole (lib/crash.h) before anything of it is shown. */
#include <stdio.h>
#include <string.h>

#include "cli/node.h"
#include "cli/noderows.h"
#include "lib/crash.h"
#include "lib/render.h"
#include "lib/status.h"

struct crash_args {
    struct node_args node;
    const char *word[2];
    int words, max; /* given, and taken at most */
};

static error_t parse_crash(int key, char *arg, struct argp_state *state)
{
    struct crash_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->node;
        return 0;
    case ARGP_KEY_ARG:
        if (a->words == a->max) {
            argp_error(state, "what is %s?", arg);
        }
        a->word[a->words++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->words < a->max) {
            argp_error(state, a->words == 0 ? "which record?" : "into which file?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = { { &node_argp, 0, NULL, 0 }, { 0 } };

static void crash_args(const struct argp *argp, int argc, char **argv, struct crash_args *a)
{
    node_args_init(&a->node);
    parse_args(argp, argc, argv, a);
}

/** The oldest record from `seq` on; `*found` is false when there is none. */
static int fetch(struct node *n, uint64_t seq, struct nos_crash_record *out, bool *found)
{
    struct nos_crash_record raw;
    nos_status_t st = NOS_OK;
    int rc = node_record(n, NOS_TOPIC_CRASH, seq, &raw, sizeof(raw), &st);
    *found = rc == DONE && st == NOS_OK;
    if (rc == DONE && st != NOS_OK && st != NOS_NOT_FOUND) {
        return node_refused(n, "to show its crash records", st);
    }
    if (*found && (crash_parse(span_of(&raw, sizeof(raw)), out) != NOS_OK || out->seq < seq)) {
        *found = false;
        return fail(NODE_REFUSED, "the node's crash record makes no sense: another version?");
    }
    return rc;
}

static int fetch_one(struct node *n, uint64_t seq, struct nos_crash_record *out)
{
    bool found = false;
    int rc = fetch(n, seq, out, &found);
    if (rc == DONE && (!found || out->seq != seq)) {
        rc = fail(NODE_REFUSED, "no crash record %llu on this node; `nonosctl crash ls` lists them",
                  (unsigned long long)seq);
    }
    return rc;
}

static int print_list(struct node *n, enum out_form form)
{
    char line[RENDER_LINE_MAX];
    struct nos_crash_record r;
    struct fmt f;
    uint64_t seq = 0;
    bool found = false;
    cJSON *rows = cJSON_CreateArray();
    FMT_INIT(&f, line);
    render_crash_head(&f);
    fputs(form == OUT_TEXT ? line : "", stdout);
    int rc = fetch(n, seq, &r, &found);
    while (rc == DONE && found && seq <= r.seq) {
        FMT_INIT(&f, line);
        render_crash_row(&f, &r);
        if (form == OUT_TEXT) {
            fputs(line, stdout);
        } else {
            cJSON_AddItemToArray(rows, row_crash(&r));
        }
        seq = r.seq + 1;
        rc = fetch(n, seq, &r, &found);
    }
    if (rc == DONE && form == OUT_JSON) {
        return out_table(rows, NULL, 0, form);
    }
    cJSON_Delete(rows);
    return rc == DONE ? out_flush() : rc;
}

int cmd_crash_ls(int argc, char **argv)
{
    static const struct argp argp = {
        NULL,     parse_crash,
        "",       "Records of the deaths that a live node still remembers, oldest first.",
        children, NULL,
        NULL
    };
    struct crash_args a = { 0 };
    struct node n;
    crash_args(&argp, argc, argv, &a);
    int rc = node_open(&a.node, &n);
    if (rc == DONE) {
        rc = print_list(&n, a.node.form);
        node_close(&n);
    }
    return rc;
}

static int print_record(const struct nos_crash_record *r, enum out_form form)
{
    static char page[RENDER_CRASH_MAX];
    struct fmt f;
    if (form == OUT_JSON) {
        return out_object(row_crash(r), form);
    }
    FMT_INIT(&f, page);
    render_crash_page(&f, r);
    fputs(page, stdout);
    return out_flush();
}

static int from_node(const struct crash_args *a, uint64_t seq, struct nos_crash_record *out)
{
    struct node n;
    int rc = node_open(&a->node, &n);
    if (rc == DONE) {
        rc = fetch_one(&n, seq, out);
        node_close(&n);
    }
    return rc;
}

static int from_file(const char *path, struct nos_crash_record *out)
{
    struct buf file;
    int rc = file_read(path, 2 * sizeof(struct nos_crash_file), &file);
    if (rc != DONE) {
        return rc;
    }
    nos_status_t st = crash_file_parse(buf_span(&file), out);
    buf_free(&file);
    if (st == NOS_IO_ERROR) {
        return fail(REFUSED, "%s: these are not the bytes that were saved", path);
    }
    return st == NOS_OK ? DONE : fail(REFUSED, "%s: no crash record: %s", path, status_text(st));
}

int cmd_crash_show(int argc, char **argv)
{
    static const struct argp argp = { NULL,
                                      parse_crash,
                                      "NUMBER|FILE",
                                      "One crash record in full: by its number from a live node, "
                                      "or from a file that `crash save` "
                                      "wrote (a file whose name is a number: ./7).",
                                      children,
                                      NULL,
                                      NULL };
    struct crash_args a = { .max = 1 };
    struct nos_crash_record r;
    uint64_t seq;
    crash_args(&argp, argc, argv, &a);
    int rc = parse_u64(span_of(a.word[0], strlen(a.word[0])), &seq) ? from_node(&a, seq, &r)
                                                                    : from_file(a.word[0], &r);
    return rc == DONE ? print_record(&r, a.node.form) : rc;
}

int cmd_crash_save(int argc, char **argv)
{
    static const struct argp argp = { NULL,
                                      parse_crash,
                                      "NUMBER FILE",
                                      "Save a crash record of a live node. The file holds "
                                      "registers and memory of the capsule: only "
                                      "its owner may read it.",
                                      children,
                                      NULL,
                                      NULL };
    struct crash_args a = { .max = 2 };
    struct nos_crash_record r;
    struct nos_crash_file file;
    uint64_t seq;
    crash_args(&argp, argc, argv, &a);
    if (!parse_u64(span_of(a.word[0], strlen(a.word[0])), &seq)) {
        return fail(USAGE, "\"%s\" is not the number of a record", a.word[0]);
    }
    int rc = from_node(&a, seq, &r);
    if (rc != DONE) {
        return rc;
    }
    crash_seal(&r, &file);
    return file_write(a.word[1], span_of(&file, sizeof(file)), 0600);
}
