/* token verify. */
#include <string.h>

#include "cli/hex.h"
#include "cli/names.h"
#include "cli/node.h"
#include "lib/status.h"
#include "lib/token.h"

struct token_args {
    struct node_args node;
    const char *file;
    bool have_issuer, have_now, ask_node;
    uint8_t issuer[32];
    uint64_t now;
};

enum { OPT_ISSUER = 256, OPT_NOW, OPT_NODE };

static error_t parse_token(int key, char *arg, struct argp_state *state)
{
    struct token_args *a = state->input;
    switch (key) {
    case OPT_ISSUER:
        a->have_issuer = hex_decode(arg, strlen(arg), MSPAN_OF(a->issuer));
        if (!a->have_issuer) {
            argp_error(state, "--issuer takes 64 hexadecimal digits");
        }
        return 0;
    case OPT_NOW:
        a->now = parse_number(arg, state, "--now", 0, UINT64_MAX);
        a->have_now = true;
        return 0;
    case OPT_NODE:
        a->ask_node = true;
        a->node.socket = arg != NULL ? arg : a->node.socket;
        return 0;
    case 'o':
        parse_form(arg, state, &a->node.form);
        return 0;
    case ARGP_KEY_ARG:
        if (a->file != NULL) {
            argp_error(state, "one token at a time");
        }
        a->file = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->file == NULL || a->have_issuer == a->ask_node) {
            argp_error(state, "a token is needed, and whom to believe: --issuer HEX or --node");
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
    { "node", OPT_NODE, "SOCKET", OPTION_ARG_OPTIONAL,
      "believe this live node, and judge at its time", 0 },
    { "output", 'o', "FORM", 0, "json or text", 0 },
    { 0 },
};
static const struct argp argp_token = {
    options, parse_token, "FILE", "Check a token, and show what it says.", NULL, NULL, NULL,
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

static cJSON *show(const struct token *t, const uint8_t *id, bool time_checked)
{
    cJSON *row = out_row();
    out_bool(row, "ok", true);
    out_hex(row, "token_id", id, 32);
    out_text(row, "type", name_of(&type_names, t->kind));
    out_hex(row, "audience", t->audience, 32);
    cJSON_AddItemToObject(row, "classes", names_of_mask(&class_names, t->classes));
    cJSON_AddItemToObject(row, "rights", names_of_mask(&right_names, t->rights));
    out_hex(row, "object", t->obj, 32);
    out_u64(row, "not_before_ns", t->nbf);
    out_u64(row, "expires_ns", t->exp);
    out_u64(row, "depth", t->depth);
    out_bool(row, "time_checked", time_checked);
    return row;
}

int cmd_token_verify(int argc, char **argv)
{
    struct token_args a = { 0 };
    struct token t;
    struct buf file = { NULL, 0 };
    uint8_t id[32];
    node_args_init(&a.node);
    parse_args(&argp_token, argc, argv, &a);

    int rc = a.ask_node ? ask_node(&a) : DONE;
    if (rc == DONE) {
        rc = file_read(a.file, 4096, &file);
    }
    if (rc != DONE) {
        return rc;
    }
    nos_status_t st = token_check_sig(buf_span(&file), a.issuer, &t);
    if (st == NOS_OK && a.have_now) {
        st = token_check_time(&t, a.now);
    }
    if (st != NOS_OK) {
        rc = fail(REFUSED, "%s: %s (%s)", a.file, status_text(st), status_name(st));
    } else {
        token_id(file.data, id);
        rc = out_object(show(&t, id, a.have_now), a.node.form);
    }
    buf_free(&file);
    return rc;
}
