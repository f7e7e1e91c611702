/* ps, modules, caps, mem, about, log: what a live node tells, or the dump of a dead one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/capsrows.h"
#include "cli/node.h"
#include "cli/noderows.h"
#include "cli/watch.h"
#include "lib/render.h"
#include "lib/status.h"
#include "lib/text.h"

enum { OPT_COUNT = 256 };

struct ask_args {
    struct node_args node;
    const char *word; /* the one positional argument, or NULL */
    bool takes_word, follow, tree, watch;
    uint64_t count;
};

static error_t parse_ask(int key, char *arg, struct argp_state *state)
{
    struct ask_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->node;
        return 0;
    case 'f':
        a->follow = true;
        return 0;
    case 't':
        a->tree = true;
        return 0;
    case 'w':
        a->watch = true;
        return 0;
    case OPT_COUNT:
        a->count = parse_number(arg, state, "--count", 1, UINT64_MAX);
        return 0;
    case ARGP_KEY_ARG:
        if (a->word != NULL || !a->takes_word) {
            argp_error(state, "what is %s?", arg);
        }
        a->word = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = { { &node_argp, 0, NULL, 0 }, { 0 } };

static int ask_open(const struct argp *argp, int argc, char **argv, struct ask_args *a,
                    struct node *n)
{
    node_args_init(&a->node);
    parse_args(argp, argc, argv, a);
    return node_open(&a->node, n);
}

/** Print what stands in `f`, and empty it. */
static void print_fmt(struct fmt *f)
{
    fputs(f->buf, stdout);
    fmt_init(f, f->buf, f->cap);
}

static int uptime(struct node *n, uint64_t *ns)
{
    struct nos_about about;
    int rc = node_need(n, NOS_TOPIC_ABOUT, 0, &about, sizeof(about));
    if (rc == DONE) {
        *ns = about.uptime_ns;
    }
    return rc;
}

/** Record `i` of a list; `*more` is false at its end. */
static int list_item(struct node *n, uint64_t topic, uint64_t index, void *out, size_t size,
                     bool *more)
{
    nos_status_t st = NOS_OK;
    int rc = node_record(n, topic, index, out, size, &st);
    *more = rc == DONE && st == NOS_OK;
    return rc == DONE && st != NOS_OK && st != NOS_NOT_FOUND ? node_refused(n, "to tell", st) : rc;
}

static int finish(cJSON *rows, enum out_form form)
{
    if (form == OUT_JSON) {
        return out_table(rows, NULL, 0, form);
    }
    cJSON_Delete(rows);
    return out_flush();
}

static int print_ps(struct node *n, enum out_form form)
{
    char line[RENDER_LINE_MAX];
    struct fmt f;
    uint64_t now = 0;
    bool more = true;
    FMT_INIT(&f, line);
    cJSON *rows = cJSON_CreateArray();
    int rc = uptime(n, &now);
    if (rc == DONE && form == OUT_TEXT) {
        render_ps_head(&f);
        print_fmt(&f);
    }
    for (uint64_t i = 0; rc == DONE && more; i++) {
        struct nos_capsule_info c;
        rc = list_item(n, NOS_TOPIC_CAPSULES, i, &c, sizeof(c), &more);
        if (more && form == OUT_TEXT) {
            render_ps(&f, &c, now);
            print_fmt(&f);
        } else if (more) {
            cJSON_AddItemToArray(rows, row_capsule(&c));
        }
    }
    int printed = finish(rows, rc == DONE ? form : OUT_TEXT);
    return rc == DONE ? printed : rc;
}

static const struct argp_option ps_options[] = {
    { "watch", 'w', 0, 0, "go on showing them as they change; Ctrl-C ends it", 0 },
    { "count", OPT_COUNT, "N", 0, "with -w: end after so many changes, on a terminal tables", 0 },
    { 0 },
};

int cmd_ps(int argc, char **argv)
{
    static const struct argp argp = { ps_options, parse_ask, "",  "Capsules of a live node.",
                                      children,   NULL,      NULL };
    struct ask_args a = { 0 };
    struct node n;
    int rc = ask_open(&argp, argc, argv, &a, &n);
    if (rc == DONE) {
        if (a.watch && a.node.dump != NULL) {
            rc = fail(USAGE, "--watch: a dump does not change");
        } else if (a.count != 0 && !a.watch) {
            rc = fail(USAGE, "--count is for --watch");
        } else {
            rc = a.watch ? watch_capsules(&n, a.node.form, a.count) : print_ps(&n, a.node.form);
        }
        node_close(&n);
    }
    return rc;
}

static int print_modules(struct node *n, enum out_form form)
{
    char line[RENDER_LINE_MAX];
    struct fmt f;
    bool more = true;
    int rc = DONE;
    FMT_INIT(&f, line);
    cJSON *rows = cJSON_CreateArray();
    if (form == OUT_TEXT) {
        render_modules_head(&f);
        print_fmt(&f);
    }
    for (uint64_t i = 0; rc == DONE && more; i++) {
        struct nos_module_info m;
        rc = list_item(n, NOS_TOPIC_MODULES, i, &m, sizeof(m), &more);
        if (more && form == OUT_TEXT) {
            render_module(&f, &m);
            print_fmt(&f);
        } else if (more) {
            cJSON_AddItemToArray(rows, row_module(&m));
        }
    }
    int printed = finish(rows, rc == DONE ? form : OUT_TEXT);
    return rc == DONE ? printed : rc;
}

int cmd_modules(int argc, char **argv)
{
    static const struct argp argp = {
        NULL, parse_ask, "", "Modules that a live node verified, or refused.", children, NULL, NULL
    };
    struct ask_args a = { 0 };
    struct node n;
    int rc = ask_open(&argp, argc, argv, &a, &n);
    if (rc == DONE) {
        rc = print_modules(&n, a.node.form);
        node_close(&n);
    }
    return rc;
}

/** Does the user's word mean this capsule? No word means all. */
static bool is_meant(const char *word, const struct nos_capsule_info *c)
{
    uint64_t id;
    if (word == NULL) {
        return true;
    }
    span_t w = span_of(word, strlen(word));
    return (parse_u64(w, &id) && id == c->id) || span_equal(w, name16_span(c->name));
}

static int print_handles(struct node *n, uint32_t capsule, uint64_t now, enum out_form form,
                         cJSON *rows)
{
    char line[RENDER_LINE_MAX];
    struct fmt f;
    bool more = true;
    int rc = DONE;
    FMT_INIT(&f, line);
    for (uint64_t i = 0; rc == DONE && more; i++) {
        struct nos_handle_info h;
        rc = list_item(n, NOS_TOPIC_HANDLES, (uint64_t)capsule << 32 | i, &h, sizeof(h), &more);
        if (more && form == OUT_TEXT) {
            render_cap(&f, &h, now);
            print_fmt(&f);
        } else if (more) {
            cJSON_AddItemToArray(rows, row_handle(&h, capsule));
        }
    }
    return rc;
}

static void print_caps_head(const struct nos_capsule_info *c, bool first)
{
    char line[RENDER_LINE_MAX];
    struct fmt f;
    FMT_INIT(&f, line);
    fmt_str(&f, first ? "" : "\n");
    fmt_str(&f, "capsule ");
    fmt_u64(&f, c->id);
    fmt_str(&f, " ");
    fmt_name(&f, c->name, sizeof(c->name));
    fmt_str(&f, "\n");
    render_caps_head(&f);
    print_fmt(&f);
}

static int print_caps(struct node *n, const char *word, enum out_form form)
{
    uint64_t now = 0;
    size_t found = 0;
    bool more = true;
    cJSON *rows = cJSON_CreateArray();
    int rc = uptime(n, &now);
    for (uint64_t i = 0; rc == DONE && more; i++) {
        struct nos_capsule_info c;
        rc = list_item(n, NOS_TOPIC_CAPSULES, i, &c, sizeof(c), &more);
        if (!more || !is_meant(word, &c) || (word == NULL && c.state != NOS_CAPSULE_RUNNING)) {
            continue;
        }
        if (form == OUT_TEXT) {
            print_caps_head(&c, found == 0);
        }
        found++;
        rc = print_handles(n, c.id, now, form, rows);
    }
    int printed = finish(rows, rc == DONE ? form : OUT_TEXT);
    if (rc == DONE && found == 0) {
        rc = fail(NODE_REFUSED, "no capsule \"%s\" on this node; `nonosctl ps` lists them",
                  word == NULL ? "" : word);
    }
    return rc == DONE ? printed : rc;
}

static cJSON *tree_row(const struct captree_row *r)
{
    cJSON *row = row_handle(&r->h, r->capsule);
    out_untrusted(row, "capsule_name", r->name, sizeof(r->name));
    out_u64(row, "level", r->level);
    return row;
}

/** Every object, below it the handles to it, below each those made from it. */
static int print_tree(struct node *n, enum out_form form)
{
    char text[2 * RENDER_LINE_MAX];
    struct caps_rows caps;
    struct fmt f;
    int rc = caps_collect(n, &caps);
    if (rc != DONE) {
        return rc;
    }
    cJSON *rows = cJSON_CreateArray();
    for (uint32_t i = 0; i < caps.n; i++) {
        if (form == OUT_JSON) {
            cJSON_AddItemToArray(rows, tree_row(&caps.row[i]));
            continue;
        }
        FMT_INIT(&f, text);
        if (captree_first(caps.row, i)) {
            captree_object(&f, &caps.row[i]);
        }
        captree_line(&f, &caps.row[i], caps.now_ns);
        print_fmt(&f);
    }
    caps_rows_free(&caps);
    return finish(rows, form);
}

static const struct argp_option caps_options[] = {
    { "tree", 't', 0, 0, "by object: who holds it, and what was made from what", 0 },
    { 0 },
};

int cmd_caps(int argc, char **argv)
{
    static const struct argp argp = {
        caps_options,
        parse_ask,
        "[CAPSULE]",
        "Handles of the capsules of a live node: what each may do, and where it got it "
        "from. CAPSULE is an id or a name.",
        children,
        NULL,
        NULL
    };
    struct ask_args a = { .takes_word = true };
    struct node n;
    int rc = ask_open(&argp, argc, argv, &a, &n);
    if (rc == DONE) {
        if (a.tree && a.word != NULL) {
            rc = fail(USAGE, "--tree shows all capsules");
        } else {
            rc = a.tree ? print_tree(&n, a.node.form) : print_caps(&n, a.word, a.node.form);
        }
        node_close(&n);
    }
    return rc;
}

static int print_page(const struct fmt *f, cJSON *row, enum out_form form)
{
    if (form == OUT_JSON) {
        return out_object(row, form);
    }
    cJSON_Delete(row);
    fputs(f->buf, stdout);
    return out_flush();
}

int cmd_mem(int argc, char **argv)
{
    static const struct argp argp = { NULL,     parse_ask, "",  "Memory of a live node.",
                                      children, NULL,      NULL };
    struct ask_args a = { 0 };
    struct node n;
    struct nos_mem_info m;
    char page[RENDER_PAGE_MAX];
    struct fmt f;
    int rc = ask_open(&argp, argc, argv, &a, &n);
    if (rc != DONE) {
        return rc;
    }
    rc = node_need(&n, NOS_TOPIC_MEM, 0, &m, sizeof(m));
    node_close(&n);
    if (rc == DONE) {
        FMT_INIT(&f, page);
        render_mem(&f, &m);
        rc = print_page(&f, row_mem(&m), a.node.form);
    }
    return rc;
}

int cmd_about(int argc, char **argv)
{
    static const struct argp argp = {
        NULL, parse_ask, "", "What a live node is, and what it booted.", children, NULL, NULL
    };
    struct ask_args a = { 0 };
    struct node n;
    struct nos_about about;
    char page[RENDER_PAGE_MAX];
    struct fmt f;
    int rc = ask_open(&argp, argc, argv, &a, &n);
    if (rc != DONE) {
        return rc;
    }
    rc = node_need(&n, NOS_TOPIC_ABOUT, 0, &about, sizeof(about));
    node_close(&n);
    if (rc == DONE) {
        FMT_INIT(&f, page);
        render_about(&f, &about);
        rc = print_page(&f, row_about(&about), a.node.form);
    }
    return rc;
}

/* --- log --- */

struct log_reader {
    struct node *n;
    enum out_form form;
    uint64_t at;     /* offset to read on from */
    struct buf line; /* an unfinished line */
};

static void print_line(struct log_reader *r)
{
    char *safe = out_safe(buf_span(&r->line));
    if (r->form == OUT_JSON) {
        cJSON *row = out_row();
        out_text(row, "line", safe);
        int printed = out_line(row);
        (void)printed;  // the end of the listing looks at stdout once more
    } else {
        puts(safe);
    }
    free(safe);
    buf_free(&r->line);
}

static void take_text(struct log_reader *r, span_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n') {
            print_line(r);
        } else if (text.data[i] != '\r') {
            buf_add(&r->line, span_of(text.data + i, 1));
        }
    }
}

/** Read and print what is there; `*more` is false at the end. */
static int log_step(struct log_reader *r, bool *more)
{
    uint8_t args[16];
    uint64_t from = 0, end = 0;
    struct buf got = { NULL, 0 };
    nos_status_t st = NOS_OK;
    span_t text;
    store_le64(args, NOS_TOPIC_LOG);
    store_le64(args + 8, r->at);
    int rc = node_call(r->n, NOS_MG_INFO, SPAN_OF(args), &st, &got);
    if (rc == DONE && st != NOS_OK) {
        rc = node_refused(r->n, "to show its log", st);
    }
    if (rc == DONE &&
        (!span_le64(buf_span(&got), 0, &from) || !span_le64(buf_span(&got), 8, &end) ||
         !span_from(buf_span(&got), sizeof(struct nos_log_head), &text) || from > end ||
         text.len > end - from)) {
        rc = fail(NODE_REFUSED, "the node's answer about its log makes no sense: another version?");
    }
    if (rc == DONE) {
        if (from > r->at) {
            warn_loud("%llu bytes of the log were overwritten before they could be read",
                      (unsigned long long)(from - r->at));
        }
        take_text(r, text);
        r->at = from + text.len;
        *more = text.len > 0 && r->at < end;
    }
    buf_free(&got);
    return rc;
}

static int log_all(struct log_reader *r)
{
    bool more = true;
    int rc = DONE;
    while (rc == DONE && more) {
        rc = log_step(r, &more);
    }
    return rc == DONE ? out_flush() : rc;
}

int cmd_log(int argc, char **argv)
{
    static const struct argp_option options[] = {
        { "follow", 'f', 0, 0, "go on as lines are added; Ctrl-C ends it", 0 }, { 0 }
    };
    static const struct argp argp = {
        options,  parse_ask, "",  "Kernel log of a live node. With -o json, one object a line.",
        children, NULL,      NULL
    };
    const struct timespec pause = { 0, 300000000 };
    struct ask_args a = { 0 };
    struct node n;
    int rc = ask_open(&argp, argc, argv, &a, &n);
    if (rc != DONE) {
        return rc;
    }
    if (a.follow && a.node.dump != NULL) {
        node_close(&n);
        return fail(USAGE, "--follow: a dump does not grow");
    }
    struct log_reader r = { .n = &n, .form = a.node.form };
    rc = log_all(&r);
    while (rc == DONE && a.follow) {
        nanosleep(&pause, NULL);
        rc = log_all(&r);
    }
    if (rc == DONE && r.line.len > 0) {
        print_line(&r);
    }
    buf_free(&r.line);
    node_close(&n);
    return rc;
}
