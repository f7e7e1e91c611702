/* token verify, token show. */
#include <string.h>

#include "cli/hex.h"
#include "cli/names.h"
#include "cli/node.h"
#include "cli/show.h"
#include "lib/status.h"
#include "lib/token.h"

struct token_args {
    struct node_args node;
    struct view_args view;
    bool have_issuer, have_now, ask_node, have_audience;
    uint8_t issuer[32], audience[32];
    uint64_t now;
};

enum { OPT_ISSUER = 256, OPT_NOW, OPT_NODE, OPT_AUDIENCE };

static error_t parse_token(int key, char *arg, struct argp_state *state)
{
    struct token_args *a = state->input;
    switch (key) {
    case OPT_ISSUER:
        parse_hex32(arg, state, "--issuer", "", a->issuer);
        a->have_issuer = true;
        return 0;
    case OPT_NOW:
        a->now = parse_number(arg, state, "--now", 0, UINT64_MAX);
        a->have_now = true;
        return 0;
    case OPT_AUDIENCE:
        parse_hex32(arg, state, "--audience", ", a module_id", a->audience);
        a->have_audience = true;
        return 0;
    case OPT_NODE:
        a->ask_node = true;
        a->node.socket = arg != NULL ? arg : a->node.socket;
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->view;
        return 0;
    case ARGP_KEY_END:
        if (a->have_issuer == a->ask_node) {
            argp_error(state, "whom to believe? --issuer HEX or --node");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    { "issuer", OPT_ISSUER, "HEX", 0, "the vault's key of that boot (`nonosctl about`)", 0 },
    { "now", OPT_NOW, "NS", 0,
      "time since that boot to judge at; without it, and without --node, times are not judged", 0 },
    { "time", OPT_NOW, NULL, OPTION_ALIAS, NULL, 0 },
    { "audience", OPT_AUDIENCE, "HEX", 0,
      "module_id that wants to import it; without it, the audience is not judged", 0 },
    { "node", OPT_NODE, "SOCKET", OPTION_ARG_OPTIONAL,
      "believe this live node, and judge at its time", 0 },
    { 0 },
};
static const struct argp_child children[] = { { &view_argp, 0, NULL, 0 }, { 0 } };
static const struct argp argp_token = {
    options,
    parse_token,
    "FILE",
    "Check a token: shape, every signature, every block against the one before it, and show what "
    "it "
    "says. What was revoked since only the node knows.",
    children,
    NULL,
    NULL,
};

static int ask_node(struct token_args *a)
{
    struct node n;
    struct nos_about about;
    int rc = node_open(&a->node, &n);
    if (rc != DONE) {
        return rc;
    }
    rc = node_need(&n, NOS_TOPIC_ABOUT, 0, &about, sizeof(about));
    node_close(&n);
    if (rc == DONE) {
        memcpy(a->issuer, about.issuer_pk, 32);
        a->now = about.uptime_ns;
        a->have_now = true;
    }
    return rc;
}

static nos_status_t judge(const struct token_args *a, span_t file, struct token_chain *c)
{
    nos_status_t st = token_verify(file, a->issuer, c);
    if (st == NOS_OK && a->have_now) {
        st = token_check_time(token_last(c), a->now);
    }
    if (st == NOS_OK && a->have_audience &&
        memcmp(a->audience, token_last(c)->audience, sizeof(a->audience)) != 0) {
        st = NOS_TOKEN_AUDIENCE;
    }
    return st;
}

/** The first block that breaks a rule, counted from 1; 0: none of them alone. */
static unsigned broken_block(const struct token_args *a, span_t file)
{
    struct token_chain c;
    if (token_chain_parse(file, &c) != NOS_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < c.n; i++) {
        if (token_chain_sig(&c, i, a->issuer) != NOS_OK) {
            return i + 1;
        }
    }
    for (uint32_t i = 1; i < c.n; i++) {
        if (token_link(&c.block[i - 1], &c.block[i]) != NOS_OK) {
            return i + 1;
        }
    }
    return 0;
}

static int refuse(const struct token_args *a, span_t file, nos_status_t st)
{
    unsigned block = broken_block(a, file);
    if (block == 0) {
        return fail(REFUSED, "%s: %s (%s)", a->view.file, status_text(st), status_name(st));
    }
    return fail(REFUSED, "%s: block %u: %s (%s)", a->view.file, block, status_text(st),
                status_name(st));
}

int cmd_token_verify(int argc, char **argv)
{
    struct token_args a = { .view = { .what = "token" } };
    struct token_chain c;
    struct buf file = { NULL, 0 };
    node_args_init(&a.node);
    parse_args(&argp_token, argc, argv, &a);

    int rc = a.ask_node ? ask_node(&a) : DONE;
    if (rc == DONE) {
        rc = file_read(a.view.file, 4096, &file);
    }
    if (rc != DONE) {
        return rc;
    }
    nos_status_t st = judge(&a, buf_span(&file), &c);
    if (st != NOS_OK) {
        rc = refuse(&a, buf_span(&file), st);
    } else {
        cJSON *row = out_row();
        out_bool(row, "ok", true);
        show_token(row, &c);
        out_bool(row, "time_checked", a.have_now);
        out_bool(row, "audience_checked", a.have_audience);
        rc = out_object(row, a.view.form);
    }
    buf_free(&file);
    return rc;
}

int cmd_token_show(int argc, char **argv)
{
    struct view_args a = { .what = "token" };
    struct token_chain c;
    struct buf file = { NULL, 0 };
    parse_view(argc, argv, "Show the blocks of a well-formed token. No signature is looked at.",
               &a);

    int rc = file_read(a.file, 4096, &file);
    if (rc != DONE) {
        return rc;
    }
    nos_status_t st = token_chain_parse(buf_span(&file), &c);
    if (st != NOS_OK) {
        rc = fail(REFUSED, "%s: %s (%s)", a.file, status_text(st), status_name(st));
    } else {
        warn_loud("%s: no signature is checked; anybody can have made this file", a.file);
        hint("`nonosctl token verify` checks it");
        cJSON *row = out_row();
        out_bool(row, "signatures_checked", false);
        show_token(row, &c);
        rc = out_object(row, a.form);
    }
    buf_free(&file);
    return rc;
}
