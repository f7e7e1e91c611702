/* load, start, kill, poweroff, token export: what changes a live node. Each is signed by the
 * operator over the node's nonce and a counter, so a recorded request is worth nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/start.h"
#include "cli/hex.h"
#include "cli/loadable.h"
#include "cli/missing.h"
#include "cli/modcheck.h"
#include "cli/modfile.h"
#include "cli/node.h"
#include "lib/crypto/blake3.h"
#include "lib/fmt.h"
#include "lib/mod.h"
#include "lib/render.h"
#include "lib/status.h"
#include "lib/text.h"

enum {
    OPT_START = 256,
    OPT_RESET,
    OPT_NOW,
    OPT_ID,
    OPT_WITH_ALL,
    OPT_MODULE,
    OPT_MANIFEST,
    POWER_OFF = 1,
    POWER_RESET = 2,
    LOAD_MS = 60000,
    STOP_MS = 120000,
    WORDS_MAX = 2,
    LEFT_OUT = 128, /* zeros in a row; a piece more costs the line 70 bytes */
};

struct command_args {
    struct node_args node;
    const char *word[WORDS_MAX], *out, *id, *module, *manifest;
    size_t n, least, most;
    const char *missing; /* what to say when there are fewer than `least` */
    bool start, reset, now, with_all;
};

static error_t parse_command(int key, char *arg, struct argp_state *state)
{
    struct command_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->node;
        return 0;
    case OPT_START:
        a->start = true;
        return 0;
    case OPT_RESET:
        a->reset = true;
        return 0;
    case OPT_NOW:
        a->now = true;
        return 0;
    case OPT_WITH_ALL:
        a->with_all = true;
        return 0;
    case OPT_MODULE:
        a->module = arg;
        return 0;
    case OPT_MANIFEST:
        a->manifest = arg;
        return 0;
    case OPT_ID:
        a->id = arg;
        return 0;
    case 'o':
        a->out = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (a->n == a->most) {
            argp_error(state, "what is %s? An argument with blanks needs quotes", arg);
        }
        a->word[a->n++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->n < a->least) {
            argp_error(state, "%s", a->missing);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = { { &node_signed_argp, 0, NULL, 0 }, { 0 } };

static int command_open(const struct argp *argp, int argc, char **argv, struct command_args *a,
                        struct node *n)
{
    node_args_init(&a->node);
    parse_args(argp, argc, argv, a);
    return node_open(&a->node, n);
}

static int check_arg(const char *arg)
{
    size_t len = arg == NULL ? 0 : strlen(arg);
    return len <= NOS_ARG_MAX
               ? DONE
               : fail(USAGE, "the argument has %zu bytes; at most %d", len, NOS_ARG_MAX);
}

static void add_arg(struct buf *b, const char *arg)
{
    if (arg != NULL) {
        buf_add(b, span_of(arg, strlen(arg)));
    }
}

/* --- load --- */

/* Zeros from there on, the last byte of a file not counted: it says how long the file is. */
static size_t zeros_at(span_t file, size_t at)
{
    size_t n = 0;
    while (at + n + 1 < file.len && file.data[at + n] == 0) {
        n++;
    }
    return n;
}

/* What is sent from `at` on, up to zeros that are not worth it. */
static span_t piece_at(span_t file, size_t at)
{
    size_t most = file.len - at < NOS_MG_PAYLOAD - 8 ? file.len - at : NOS_MG_PAYLOAD - 8, len = 0;
    while (len < most) {
        size_t zeros = zeros_at(file, at + len);
        if (zeros >= LEFT_OUT && len > 0) {
            break;
        }
        len += zeros + 1;
    }
    return span_of(file.data + at, len < most ? len : most);
}

int node_upload(struct node *n, span_t file)
{
    size_t at = 0;
    int rc = DONE;
    while (rc == DONE && at < file.len) {
        struct buf payload = { NULL, 0 };
        nos_status_t st = NOS_OK;
        span_t piece = piece_at(file, at);
        store_le64(buf_add_zero(&payload, 8), at);
        buf_add(&payload, piece);
        at += piece.len;
        size_t zeros = zeros_at(file, at);
        at += zeros >= LEFT_OUT ? zeros : 0;
        rc = node_call(n, NOS_MG_UPLOAD, buf_span(&payload), &st, NULL);
        buf_free(&payload);
        if (rc == DONE && st != NOS_OK) {
            rc = node_refused(n, "the file's bytes", st);
        }
    }
    return rc;
}

static int finish_load(struct node *n, const struct command_args *a, span_t file,
                       struct buf *answer)
{
    struct buf args = { NULL, 0 };
    store_le64(buf_add_zero(&args, 8), file.len);
    blake3_hash(file, buf_add_zero(&args, 32));
    buf_add_zero(&args, 1)[0] = a->start ? 1 : 0;
    add_arg(&args, a->word[1]);
    n->timeout_ms = n->timeout_ms > LOAD_MS ? n->timeout_ms : LOAD_MS;
    int rc = node_signed(n, &a->node, NOS_MG_LOAD, buf_span(&args), answer);
    buf_free(&args);
    return rc;
}

static int report_load(const char *path, span_t file, const struct buf *answer, uint32_t *started)
{
    struct mod_view v;
    uint8_t id[32];
    uint32_t capsule;
    span_t got;
    if (answer->len != 36 || !span_cut(buf_span(answer), 0, 32, &got) ||
        !span_le32(buf_span(answer), 32, &capsule) || mod_extract(file, &v) != NOS_OK) {
        return fail(NODE_REFUSED, "the node's answer makes no sense: another version?");
    }
    mod_id(&v, id);
    if (memcmp(got.data, id, 32) != 0) {
        return fail(NODE_REFUSED, "the node answers about another module than %s", path);
    }
    printf("verified %s\n", hex32(id).text);
    if (capsule != 0) {
        printf("started as capsule %u\n", capsule);
    }
    *started = capsule;
    return out_flush();
}

static const struct argp_option load_options[] = {
    { "start", OPT_START, 0, 0, "start it, with ARG", 0 },
    { "module", OPT_MODULE, "NAME", 0, "which one of a wad that holds several", 0 },
    { "manifest", OPT_MANIFEST, "FILE", 0,
      "its manifest.json: what is not granted is told with its line", 0 },
    { 0 },
};
static const struct argp argp_load = {
    load_options,
    parse_command,
    "FILE.mod|FILE.wad [ARG]",
    "Send a module to a live node, which verifies it as at boot: signature, hashes, manifest, "
    "policy. Out of a wad it is taken when every hash in the wad holds.",
    children,
    NULL,
    NULL,
};

/** The node judges, but a file that does not even hold here was damaged on the way here: say so. */
static void look_first(const char *path, span_t file)
{
    const struct module_judge nobody = { 0 };
    struct module_check c;
    if (module_check(file, &nobody, &c) != NOS_OK) {
        warn_loud("%s is not a sound module: stage %s: %s (%s); the node is asked all the same",
                  path, stage_name(c.stage), status_text(c.status), status_name(c.status));
    }
}

static int load(struct node *n, const struct command_args *a, span_t file)
{
    struct buf answer = { NULL, 0 };
    uint64_t mark = 0;
    uint32_t id = 0;
    int rc = node_upload(n, file);
    if (rc == DONE) {
        rc = missing_mark(n, a->manifest, &mark);
    }
    if (rc == DONE) {
        rc = finish_load(n, a, file, &answer);
    }
    if (rc == DONE) {
        rc = report_load(a->word[0], file, &answer, &id);
    }
    if (rc == DONE && id != 0) {
        rc = missing_report(n, mark, id, a->manifest);
    }
    buf_free(&answer);
    return rc;
}

int cmd_load(int argc, char **argv)
{
    struct command_args a = { .least = 1, .most = 2, .missing = "which module?" };
    struct node n;
    struct buf file = { NULL, 0 };
    node_args_init(&a.node);
    parse_args(&argp_load, argc, argv, &a);
    if (a.word[1] != NULL && !a.start) {
        return fail(USAGE, "an argument is for --start");
    }
    int rc = check_arg(a.word[1]);
    if (rc == DONE) {
        rc = loadable_read(a.word[0], a.module, &file);
    }
    if (rc == DONE) {
        rc = node_open(&a.node, &n);
    }
    if (rc == DONE) {
        look_first(a.word[0], buf_span(&file));
        rc = load(&n, &a, buf_span(&file));
        node_close(&n);
    }
    buf_free(&file);
    return rc;
}

/* --- start, kill, poweroff --- */

static const struct argp_option start_options[] = {
    { "manifest", OPT_MANIFEST, "FILE", 0,
      "its manifest.json: what is not granted is told with its line", 0 },
    { 0 },
};

static const struct argp argp_start = {
    start_options, parse_command,
    "NAME [ARG]",  "Start a module that the node has verified, the newest of that name.",
    children,      NULL,
    NULL,
};

static int start(struct node *n, const struct command_args *a)
{
    char name[NOS_NAME_MAX];
    struct buf args = { NULL, 0 }, answer = { NULL, 0 };
    uint32_t id = 0;
    uint64_t mark = 0;
    span_t word = span_of(a->word[0], strlen(a->word[0]));
    if (!name_ok(word) || !name16_set(name, word)) {
        return fail(USAGE, "%s is no module name: 1 to 16 of a-z 0-9 _ -, first a letter",
                    a->word[0]);
    }
    buf_add(&args, SPAN_OF(name));
    add_arg(&args, a->word[1]);
    int rc = missing_mark(n, a->manifest, &mark);
    rc = rc != DONE ? rc : node_signed(n, &a->node, NOS_MG_START, buf_span(&args), &answer);
    if (rc == DONE && (answer.len != 4 || !span_le32(buf_span(&answer), 0, &id))) {
        rc = fail(NODE_REFUSED, "the node's answer makes no sense: another version?");
    }
    if (rc == DONE) {
        printf("started as capsule %u\n", id);
        rc = out_flush();
    }
    if (rc == DONE) {
        rc = missing_report(n, mark, id, a->manifest);
    }
    buf_free(&args);
    buf_free(&answer);
    return rc;
}

int cmd_start(int argc, char **argv)
{
    struct command_args a = { .least = 1, .most = 2, .missing = "which module?" };
    struct node n;
    int rc = command_open(&argp_start, argc, argv, &a, &n);
    if (rc == DONE) {
        rc = check_arg(a.word[1]);
        rc = rc == DONE ? start(&n, &a) : rc;
        node_close(&n);
    }
    return rc;
}

/** A request of one or two 32-bit numbers whose answer is awaited. */
static int numbers(struct node *n, const struct command_args *a, uint16_t verb, const uint32_t *v,
                   size_t count, struct buf *answer)
{
    uint8_t args[8];
    for (size_t i = 0; i < count; i++) {
        store_le32(args + 4 * i, v[i]);
    }
    return node_signed(n, &a->node, verb, span_of(args, 4 * count), answer);
}

static int number_of(const char *word, const char *what, uint32_t *out)
{
    uint64_t v;
    if (!parse_u64(span_of(word, strlen(word)), &v) || v > UINT32_MAX) {
        return fail(USAGE, "%s is no %s: a number is needed, as the listings show it", word, what);
    }
    *out = (uint32_t)v;
    return DONE;
}

static const struct argp argp_kill = {
    NULL, parse_command, "ID", "End a capsule. It is not restarted.", children, NULL, NULL,
};

int cmd_kill(int argc, char **argv)
{
    struct command_args a = { .least = 1,
                              .most = 1,
                              .missing = "which capsule? `nonosctl ps` shows their ids" };
    struct node n;
    uint32_t id = 0;
    int rc = command_open(&argp_kill, argc, argv, &a, &n);
    if (rc == DONE) {
        rc = number_of(a.word[0], "capsule id", &id);
        rc = rc == DONE ? numbers(&n, &a, NOS_MG_KILL, &id, 1, NULL) : rc;
        node_close(&n);
    }
    return rc;
}

/* --- stop --- */

static const struct argp_option stop_options[] = {
    { "with-dependants", OPT_WITH_ALL, 0, 0, "stop all that need it first, and what needs these",
      0 },
    { 0 },
};
static const struct argp argp_stop = {
    stop_options,
    parse_command,
    "ID",
    "Ask a capsule to end. One that does not in the time of its manifest is killed. It is not "
    "restarted. When others need it they are named, and nothing is stopped.",
    children,
    NULL,
    NULL,
};

static int report_stop(const struct command_args *a, span_t got)
{
    char line[160];
    struct fmt f;
    uint32_t way, dependants, ms;
    if (got.len != 12 || !span_le32(got, 0, &way) || !span_le32(got, 4, &dependants) ||
        !span_le32(got, 8, &ms)) {
        return fail(NODE_REFUSED, "the node's answer makes no sense: another version?");
    }
    FMT_INIT(&f, line);
    fmt_str(&f, "capsule ");
    render_stop(&f, a->word[0], way, dependants, ms);
    fputs(f.buf, stdout);
    return out_flush();
}

/** Who would be stopped with it. */
static int report_needed(struct node *n, const struct command_args *a, span_t ids)
{
    struct nos_capsule_info c;
    uint32_t id;
    nos_status_t st;
    int rc = node_refused(n, "to stop it", NOS_NEEDED);
    for (size_t at = 0; span_le32(ids, at, &id); at += 4) {
        bool known = node_capsule(n, id, &c, &st) == DONE && st == NOS_OK;
        hint("capsule %u %.16s needs it", id, known ? c.name : "");
    }
    hint("nonosctl stop %s --with-dependants stops them first, then it", a->word[0]);
    return rc;
}

int cmd_stop(int argc, char **argv)
{
    struct command_args a = { .least = 1,
                              .most = 1,
                              .missing = "which capsule? `nonosctl ps` shows their ids" };
    struct node n;
    struct buf answer = { NULL, 0 };
    struct buf args = { NULL, 0 };
    nos_status_t st = NOS_OK;
    uint32_t id = 0;
    int rc = command_open(&argp_stop, argc, argv, &a, &n);
    if (rc != DONE) {
        return rc;
    }
    rc = number_of(a.word[0], "capsule id", &id);
    n.timeout_ms = n.timeout_ms > STOP_MS ? n.timeout_ms : STOP_MS;
    store_le32(buf_add_zero(&args, 4), id);
    store_le32(buf_add_zero(&args, 4), a.with_all ? 1 : 0);
    if (rc == DONE) {
        rc = node_try(&n, &a.node, NOS_MG_STOP, buf_span(&args), &st, &answer);
    }
    if (rc == DONE && st == NOS_NEEDED) {
        rc = report_needed(&n, &a, buf_span(&answer));
    } else if (rc == DONE) {
        rc =
            st == NOS_OK ? report_stop(&a, buf_span(&answer)) : node_refused(&n, "the request", st);
    }
    buf_free(&args);
    buf_free(&answer);
    node_close(&n);
    return rc;
}

/* --- upgrade --- */

static const struct argp_option upgrade_options[] = {
    { "id", OPT_ID, "MODULE_ID", 0, "a module that the node has verified, instead of a file", 0 },
    { "module", OPT_MODULE, "NAME", 0, "which one of a wad that holds several", 0 },
    { 0 },
};
static const struct argp argp_upgrade = {
    upgrade_options,
    parse_command,
    "ID NEW.mod|NEW.wad",
    "Put a new version in the place of a running capsule, with its state and its waiting callers. "
    "If the new version does not come up, refuses the state or does not answer, the old one goes "
    "on.",
    children,
    NULL,
    NULL,
};

/** Which module: loaded from the file first, or named. */
static int module_of(struct node *n, const struct command_args *a, struct buf *id)
{
    struct buf file = { NULL, 0 }, answer = { NULL, 0 };
    struct command_args load_args = { .node = a->node };
    span_t got;
    if (a->id != NULL) {
        uint8_t bytes[32];
        if (!hex_decode(a->id, strlen(a->id), MSPAN_OF(bytes))) {
            return fail(USAGE, "%s is no module id: 64 hexadecimal digits", a->id);
        }
        buf_add(id, SPAN_OF(bytes));
        return DONE;
    }
    int rc = loadable_read(a->word[1], a->module, &file);
    if (rc == DONE) {
        look_first(a->word[1], buf_span(&file));
        rc = node_upload(n, buf_span(&file));
    }
    if (rc == DONE) {
        rc = finish_load(n, &load_args, buf_span(&file), &answer);
    }
    if (rc == DONE && !span_cut(buf_span(&answer), 0, 32, &got)) {
        rc = fail(NODE_REFUSED, "the node's answer makes no sense: another version?");
    }
    if (rc == DONE) {
        buf_add(id, got);
    }
    buf_free(&answer);
    buf_free(&file);
    return rc;
}

static int report_upgrade(uint32_t old, span_t got)
{
    uint32_t id;
    uint64_t pause_ns;
    if (got.len != 12 || !span_le32(got, 0, &id) || !span_le64(got, 4, &pause_ns)) {
        return fail(NODE_REFUSED, "the node's answer makes no sense: another version?");
    }
    char line[160];
    struct fmt f;
    FMT_INIT(&f, line);
    render_upgrade(&f, old, id, pause_ns);
    fputs(f.buf, stdout);
    return out_flush();
}

static int upgrade(struct node *n, const struct command_args *a, uint32_t capsule)
{
    struct buf args = { NULL, 0 }, answer = { NULL, 0 };
    store_le32(buf_add_zero(&args, 4), capsule);
    int rc = module_of(n, a, &args);
    n->timeout_ms = n->timeout_ms > LOAD_MS ? n->timeout_ms : LOAD_MS;
    if (rc == DONE) {
        rc = node_signed(n, &a->node, NOS_MG_UPGRADE, buf_span(&args), &answer);
    }
    if (rc == DONE) {
        rc = report_upgrade(capsule, buf_span(&answer));
    }
    buf_free(&args);
    buf_free(&answer);
    return rc;
}

int cmd_upgrade(int argc, char **argv)
{
    struct command_args a = { .least = 1,
                              .most = 2,
                              .missing = "which capsule, and which module?" };
    struct node n;
    uint32_t id = 0;
    node_args_init(&a.node);
    parse_args(&argp_upgrade, argc, argv, &a);
    if ((a.n == 2) == (a.id != NULL)) {
        return fail(USAGE, "a module file, or --id with the id of a verified module");
    }
    int rc = number_of(a.word[0], "capsule id", &id);
    if (rc == DONE) {
        rc = node_open(&a.node, &n);
    }
    if (rc == DONE) {
        rc = upgrade(&n, &a, id);
        node_close(&n);
    }
    return rc;
}

static const struct argp_option power_options[] = {
    { "reset", OPT_RESET, 0, 0, "start anew instead", 0 },
    { "now", OPT_NOW, 0, 0, "without stopping first, in order, what runs", 0 },
    { 0 },
};
static const struct argp argp_power = {
    power_options, parse_command, "", "Switch a live node off.", children, NULL, NULL,
};

int cmd_poweroff(int argc, char **argv)
{
    struct command_args a = { 0 };
    struct node n;
    int rc = command_open(&argp_power, argc, argv, &a, &n);
    if (rc == DONE) {
        uint32_t action = a.reset ? POWER_RESET : POWER_OFF;
        action |= a.now ? NOS_MG_NOW : 0;
        rc = numbers(&n, &a, NOS_MG_POWER, &action, 1, NULL);
        node_close(&n);
    }
    return rc;
}

/* --- token export --- */

static const struct argp_option export_options[] = {
    { "output", 'o', "FILE", 0, "token to write", 0 },
    { 0 },
};
static const struct argp argp_export = {
    export_options,
    parse_command,
    "CAPSULE HANDLE -o FILE",
    "Have a live node's vault sign what a handle of a capsule grants. Both numbers are shown by "
    "`nonosctl caps`; "
    "`nonosctl token verify` checks the token anywhere.",
    children,
    NULL,
    NULL,
};

int cmd_token_export(int argc, char **argv)
{
    struct command_args a = { .least = 2,
                              .most = 2,
                              .missing = "a capsule and a handle are needed" };
    struct node n;
    struct buf token = { NULL, 0 };
    uint32_t v[2] = { 0, 0 };
    node_args_init(&a.node);
    parse_args(&argp_export, argc, argv, &a);
    if (a.out == NULL) {
        return fail(USAGE, "where shall the token go? -o FILE");
    }
    int rc = number_of(a.word[0], "capsule id", &v[0]);
    if (rc == DONE) {
        rc = number_of(a.word[1], "handle", &v[1]);
    }
    if (rc == DONE) {
        rc = node_open(&a.node, &n);
    }
    if (rc != DONE) {
        return rc;
    }
    rc = numbers(&n, &a, NOS_MG_TOKEN, v, 2, &token);
    node_close(&n);
    if (rc == DONE) {
        rc = file_write(a.out, buf_span(&token), 0644);
    }
    buf_free(&token);
    return rc;
}
