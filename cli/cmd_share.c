/* share: the assets of a wad become files of a share of a live node. The wad is judged here as
 * `wad verify` does; the operator's signature then says to the node which bytes are meant, and the
 * node holds each lump against the index before it uses one. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/judge.h"
#include "cli/node.h"
#include "cli/wadload.h"
#include "lib/crypto/blake3.h"
#include "lib/text.h"

enum { SHARE_MS = 60000 };

struct share_args {
    struct node_args node;
    struct judge_args judge;
    const char *file, *name;
};

static error_t parse_share(int key, char *arg, struct argp_state *state)
{
    struct share_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->node;
        state->child_inputs[1] = &a->judge;
        return 0;
    case ARGP_KEY_ARG:
        parse_one(arg, state, "share", a->file == NULL ? &a->file : &a->name);
        return 0;
    case ARGP_KEY_END:
        if (a->name == NULL) {
            argp_error(state, "a wad and the name of a share are needed");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
    { &node_signed_argp, 0, NULL, 0 },
    { &judge_argp, 0, NULL, 0 },
    { 0 },
};
static const struct argp argp_share = {
    NULL,
    parse_share,
    "FILE.wad NAME",
    "Give the assets of a wad to whoever may read the share NAME of a live node: a capsule with "
    "the "
    "grant ro-NAME. Only of a wad that is believed: by --root and --policy, or by --key.",
    children,
    NULL,
    NULL,
};

static int finish(struct node *n, const struct share_args *a, span_t file,
                  const char name[NOS_NAME_MAX])
{
    struct buf args = { NULL, 0 }, answer = { NULL, 0 };
    uint32_t files = 0;
    uint64_t bytes = 0;
    store_le64(buf_add_zero(&args, 8), file.len);
    blake3_hash(file, buf_add_zero(&args, 32));
    buf_add(&args, span_of(name, NOS_NAME_MAX));
    n->timeout_ms = n->timeout_ms > SHARE_MS ? n->timeout_ms : SHARE_MS;
    int rc = node_signed(n, &a->node, NOS_MG_SHARE, buf_span(&args), &answer);
    if (rc == DONE && (answer.len != 12 || !span_le32(buf_span(&answer), 0, &files) ||
                       !span_le64(buf_span(&answer), 4, &bytes))) {
        rc = fail(NODE_REFUSED, "the node's answer makes no sense: another version?");
    }
    if (rc == DONE) {
        printf("share %s has %u files, %llu bytes\n", a->name, files, (unsigned long long)bytes);
        rc = out_flush();
    }
    buf_free(&args);
    buf_free(&answer);
    return rc;
}

static int judge(const struct share_args *a, struct wad_loaded *w)
{
    struct judge_loaded j;
    int rc = judge_load(&a->judge, &j);
    if (rc != DONE) {
        return rc;
    }
    if (j.judge.policy == NULL && j.judge.publisher_pk == NULL) {
        rc = fail(USAGE, "whose wads are believed? Name --root and --policy, or --key");
    }
    rc = rc == DONE ? wad_load(a->file, w) : rc;
    rc = rc == DONE ? wad_judge_first(a->file, w, &j) : rc;
    judge_free(&j);
    return rc;
}

int cmd_share(int argc, char **argv)
{
    struct share_args a = { 0 };
    struct wad_loaded w = { 0 };
    struct node n;
    char name[NOS_NAME_MAX];
    node_args_init(&a.node);
    parse_args(&argp_share, argc, argv, &a);
    span_t word = span_of(a.name, strlen(a.name));
    if (word.len > NOS_NAME_MAX - 3 || !name_ok(word) || !name16_set(name, word)) {
        return fail(USAGE, "%s is no share's name: 1 to 13 of a-z 0-9 _ -, first a letter", a.name);
    }
    int rc = judge(&a, &w);
    if (rc == DONE) {
        rc = node_open(&a.node, &n);
        if (rc == DONE) {
            rc = node_upload(&n, buf_span(&w.file));
            rc = rc == DONE ? finish(&n, &a, buf_span(&w.file), name) : rc;
            node_close(&n);
        }
    }
    wad_unload(&w);
    return rc;
}
