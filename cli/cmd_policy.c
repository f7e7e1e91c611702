/* policy sign, policy inspect. */
#include <stdlib.h>

#include "abi/policy.h"
#include "cli/cli.h"
#include "cli/judge.h"
#include "cli/policysrc.h"
#include "cli/show.h"
#include "cli/trustsrc.h"
#include "lib/status.h"

struct sign_args {
    const char *in, *out;
    struct words roots;
    struct policy_wishes wish;
    bool add;
};

enum { OPT_IN = 256, OPT_ROOT, OPT_KEYS, OPT_EPOCH, OPT_SIGNATURES, OPT_ADD };

static error_t parse_sign(int key, char *arg, struct argp_state *state)
{
    struct sign_args *a = state->input;
    switch (key) {
    case OPT_IN:
        a->in = arg;
        return 0;
    case 'o':
        a->out = arg;
        return 0;
    case OPT_ROOT:
        words_add(&a->roots, arg, state);
        return 0;
    case OPT_KEYS:
        a->wish.keys_dir = arg;
        return 0;
    case OPT_EPOCH:
        a->wish.epoch = parse_number(arg, state, "--epoch", 0, UINT64_MAX);
        a->wish.have_epoch = true;
        return 0;
    case OPT_SIGNATURES:
        a->wish.n_sig = (uint32_t)parse_number(arg, state, "--signatures", 1, NOS_MOD_SIG_MAX);
        return 0;
    case OPT_ADD:
        a->add = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "what is %s? The source is given by --in", arg);
        return 0;
    case ARGP_KEY_END:
        if (a->in == NULL || a->out == NULL || a->roots.n == 0) {
            argp_error(state, "--in, --root and -o are needed");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option sign_options[] = {
    { "in", OPT_IN, "FILE", 0, "policy source (JSON, docs/manifest.md); with --add a policy", 0 },
    { "root", OPT_ROOT, "KEY", 0, "secret root key to sign with; once for each", 0 },
    { "keys", OPT_KEYS, "DIR", 0, "folder of the key files that the source names (build/keys)", 0 },
    { "epoch", OPT_EPOCH, "N", 0, "instead of the source's", 0 },
    { "signatures", OPT_SIGNATURES, "N", 0,
      "rows for signatures (as many as --root): the others sign with --add", 0 },
    { "add", OPT_ADD, 0, 0, "sign a policy that was made before and has rows left", 0 },
    { "output", 'o', "FILE", 0, "policy to write", 0 },
    { 0 },
};
static const struct argp argp_sign = {
    sign_options, parse_sign, "",   "Make BOOT.POL: compile the source and sign it.",
    NULL,         NULL,       NULL,
};

static int sign_all(const struct sign_args *a, struct buf *file)
{
    int rc = DONE;
    for (size_t i = 0; rc == DONE && i < a->roots.n; i++) {
        struct key_secret key;
        rc = key_load_secret(a->roots.item[i], &key);
        if (rc == DONE) {
            rc = policyfile_sign(a->out, file, &key);
            key_wipe(&key);
        }
    }
    return rc;
}

int cmd_policy_sign(int argc, char **argv)
{
    struct sign_args a = { .wish.keys_dir = "build/keys" };
    struct buf file = { NULL, 0 };
    parse_args(&argp_sign, argc, argv, &a);
    if (a.roots.n > NOS_MOD_SIG_MAX) {
        return fail(USAGE, "%zu root keys given; a policy has at most %d signatures", a.roots.n,
                    NOS_MOD_SIG_MAX);
    }
    a.wish.n_sig = a.wish.n_sig != 0 ? a.wish.n_sig : (uint32_t)a.roots.n;

    int rc =
        a.add ? file_read(a.in, NOS_POL_FILE_MAX, &file) : policysrc_read(a.in, &a.wish, &file);
    if (rc == DONE) {
        rc = sign_all(&a, &file);
    }
    if (rc == DONE) {
        rc = file_write(a.out, buf_span(&file), 0644);
    }
    buf_free(&file);
    return rc;
}

struct inspect_args {
    struct view_args view;
    struct words roots;
    uint32_t threshold;
};

enum { OPT_THRESHOLD = 300 };

static error_t parse_inspect(int key, char *arg, struct argp_state *state)
{
    struct inspect_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->view;
        return 0;
    case OPT_ROOT:
        words_add(&a->roots, arg, state);
        return 0;
    case OPT_THRESHOLD:
        a->threshold = (uint32_t)parse_number(arg, state, "--threshold", 1, TRUST_ROOTS_MAX);
        return 0;
    case ARGP_KEY_END:
        if (a->roots.n == 0) {
            argp_error(state, "--root is needed: only a verified policy is shown");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option inspect_options[] = {
    { "root", OPT_ROOT, "PUB", 0, "a root key to believe; once for each", 0 },
    { "threshold", OPT_THRESHOLD, "K", 0, "signatures that it must have (all)", 0 },
    { 0 },
};
static const struct argp_child inspect_children[] = { { &view_argp, 0, NULL, 0 }, { 0 } };
static const struct argp argp_inspect = {
    inspect_options,
    parse_inspect,
    "BOOT.POL",
    "Verify a policy against root keys and show what it says.",
    inspect_children,
    NULL,
    NULL,
};

int cmd_policy_inspect(int argc, char **argv)
{
    struct inspect_args a = { .view = { .what = "policy" } };
    struct trust_view trust;
    struct policy policy;
    struct buf file;
    parse_args(&argp_inspect, argc, argv, &a);

    int rc = trustsrc_read(&a.roots, a.threshold, 0, 0, &trust);
    if (rc == DONE) {
        rc = file_read(a.view.file, NOS_POL_FILE_MAX, &file);
    }
    if (rc != DONE) {
        return rc;
    }
    rc = judge_policy(a.view.file, buf_span(&file), &trust, &policy);
    if (rc == DONE) {
        rc = out_object(show_policy(&policy), a.view.form);
    }
    buf_free(&file);
    return rc;
}
