/* mod build, mod sign. */
#include <stdlib.h>
#include <string.h>

#include "abi/module.h"
#include "cli/cli.h"
#include "cli/keyfile.h"
#include "cli/modcheck.h"
#include "cli/modfile.h"
#include "cli/trustsrc.h"
#include "lib/status.h"

struct build_args {
    const char *elf, *manifest, *out, *publisher;
    struct words roots, sign;
    struct module_wishes wish;
    bool no_symbols;
    uint32_t n_sig;
};

enum { OPT_VERSION = 256, OPT_SEC, OPT_ROOT, OPT_SIGN, OPT_KERNEL, OPT_NO_SYMBOLS, OPT_SIGNATURES };

static void build_end(const struct build_args *a, struct argp_state *state)
{
    if (a->elf == NULL || a->manifest == NULL || a->out == NULL) {
        argp_error(state, "--elf, --manifest and -o are needed");
    }
    if (a->wish.kernel && a->roots.n == 0) {
        argp_error(
            state,
            "--kernel needs the root set that the loader will hold: --root for each public key");
    }
    if (!a->wish.kernel && a->roots.n != 0) {
        argp_error(state, "--root goes with --kernel; a capsule's module takes --key or --sign");
    }
    if (!a->wish.kernel && a->publisher == NULL && a->sign.n == 0) {
        argp_error(
            state,
            "whose module is it? --sign PUBLISHER.key, or --key PUBLISHER.pub to sign later");
    }
}

static error_t parse_build(int key, char *arg, struct argp_state *state)
{
    struct build_args *a = state->input;
    switch (key) {
    case 'e':
        a->elf = arg;
        return 0;
    case 'm':
        a->manifest = arg;
        return 0;
    case 'o':
        a->out = arg;
        return 0;
    case 'k':
        a->publisher = arg;
        return 0;
    case OPT_VERSION:
        a->wish.version = arg;
        return 0;
    case OPT_SEC:
        a->wish.sec_version = (uint32_t)parse_number(arg, state, "--sec-version", 0, UINT32_MAX);
        a->wish.have_sec_version = true;
        return 0;
    case OPT_ROOT:
        words_add(&a->roots, arg, state);
        return 0;
    case OPT_SIGN:
        words_add(&a->sign, arg, state);
        return 0;
    case OPT_KERNEL:
        a->wish.kernel = true;
        return 0;
    case OPT_NO_SYMBOLS:
        a->no_symbols = true;
        return 0;
    case OPT_SIGNATURES:
        a->n_sig = (uint32_t)parse_number(arg, state, "--signatures", 1, NOS_MOD_SIG_MAX);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "what is %s? Files are given by --elf, --manifest, -o", arg);
        return 0;
    case ARGP_KEY_END:
        build_end(a, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option build_options[] = {
    { "elf", 'e', "FILE", 0, "the linked program, static PIE, with its symbols", 0 },
    { "manifest", 'm', "FILE", 0, "manifest source (JSON, docs/manifest.md)", 0 },
    { "output", 'o', "FILE", 0, "module to write", 0 },
    { "version", OPT_VERSION, "X.Y.Z", 0, "instead of the source's", 0 },
    { "sec-version", OPT_SEC, "N", 0, "instead of the source's", 0 },
    { "key", 'k', "PUB", 0, "publisher's public key, to sign later", 0 },
    { "sign", OPT_SIGN, "KEY", 0, "sign with this secret key at once (kernel: once per root)", 0 },
    { "kernel", OPT_KERNEL, 0, 0, "make KERNEL.MOD", 0 },
    { "root", OPT_ROOT, "PUB", 0,
      "a root public key of the loader; every one of them, for --kernel", 0 },
    { "signatures", OPT_SIGNATURES, "N", 0, "rows for signatures (1, or as many as --sign)", 0 },
    { "no-symbols", OPT_NO_SYMBOLS, 0, 0, "leave the symbol lump out", 0 },
    { 0 },
};
static const struct argp argp_build = {
    build_options,
    parse_build,
    "",
    "Make a module from a linked program and a manifest source. The same inputs give the same "
    "bytes.",
    NULL,
    NULL,
    NULL,
};

/** publisher_id of the module to be. */
static int read_publisher(const struct build_args *a, uint8_t id[32])
{
    struct key_public key;
    struct trust_view trust;
    int rc;
    if (a->wish.kernel) {
        rc = trustsrc_read(&a->roots, 0, 0, 0, &trust);
        if (rc == DONE) {
            memcpy(id, trust.set_id, 32);
        }
        return rc;
    }
    rc = key_load_public_as(a->publisher != NULL ? a->publisher : a->sign.item[0], KEY_PUBLISHER,
                            &key);
    if (rc == DONE) {
        memcpy(id, key.publisher_id, 32);
    }
    return rc;
}

static int sign_all(const char *path, struct buf *file, const struct words *keys)
{
    int rc = DONE;
    for (size_t i = 0; rc == DONE && i < keys->n; i++) {
        struct key_secret key;
        rc = key_load_secret(keys->item[i], &key);
        if (rc == DONE) {
            rc = modfile_sign(path, file, &key);
            key_wipe(&key);
        }
    }
    return rc;
}

/** The finished file must pass everything that does not depend on who is trusted. */
static int check_made(const char *path, const struct buf *file)
{
    const struct module_judge nobody = { 0 };
    struct module_check c;
    nos_status_t st = module_check(buf_span(file), &nobody, &c);
    if (st != NOS_OK) {
        return fail(REFUSED, "%s would be refused at stage %s: %s (%s)", path, stage_name(c.stage),
                    status_text(st), status_name(st));
    }
    return DONE;
}

static int build(struct build_args *a, struct program *prog, struct module_source *src,
                 struct buf *file)
{
    struct modfile_maker who = { .kernel = a->wish.kernel };
    who.n_sig = a->n_sig != 0 ? a->n_sig : a->sign.n > 1 ? (uint32_t)a->sign.n : 1;
    int rc = read_publisher(a, who.publisher_id);
    if (rc == DONE) {
        rc = program_load(a->elf, !a->no_symbols, prog);
    }
    if (rc == DONE) {
        a->wish.symbols = buf_span(&prog->symbols);
        rc = manifestsrc_read(a->manifest, &a->wish, src);
    }
    if (rc == DONE) {
        modfile_make(&who, src, prog, file);
        rc = sign_all(a->out, file, &a->sign);
    }
    if (rc == DONE) {
        rc = check_made(a->out, file);
    }
    return rc == DONE ? file_write(a->out, buf_span(file), 0644) : rc;
}

int cmd_mod_build(int argc, char **argv)
{
    struct build_args a = { 0 };
    struct program prog = { 0 };
    struct module_source src = { 0 };
    struct buf file = { NULL, 0 };
    parse_args(&argp_build, argc, argv, &a);

    int rc = build(&a, &prog, &src, &file);
    program_free(&prog);
    buf_free(&src.manifest);
    buf_free(&file);
    return rc;
}

struct sign_args {
    const char *file, *out;
    struct words keys;
};

static error_t parse_sign(int key, char *arg, struct argp_state *state)
{
    struct sign_args *a = state->input;
    switch (key) {
    case 'k':
        words_add(&a->keys, arg, state);
        return 0;
    case 'o':
        a->out = arg;
        return 0;
    case ARGP_KEY_ARG:
        parse_one(arg, state, "module", &a->file);
        return 0;
    case ARGP_KEY_END:
        if (a->file == NULL || a->keys.n == 0) {
            argp_error(state, "a module and --key are needed");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option sign_options[] = {
    { "key", 'k', "KEY", 0, "secret key to sign with; may be given several times for a kernel", 0 },
    { "output", 'o', "FILE", 0, "instead of changing the module in place", 0 },
    { 0 },
};
static const struct argp argp_sign = {
    sign_options,
    parse_sign,
    "FILE.mod",
    "Sign a module. A publisher's key makes the module that publisher's, whoever signed it before; "
    "root keys fill the "
    "rows of a kernel that wait. Only a module that is otherwise acceptable is signed.",
    NULL,
    NULL,
    NULL,
};

int cmd_mod_sign(int argc, char **argv)
{
    struct sign_args a = { 0 };
    struct buf file;
    parse_args(&argp_sign, argc, argv, &a);

    int rc = file_read(a.file, MODFILE_MAX, &file);
    if (rc != DONE) {
        return rc;
    }
    rc = check_made(a.file, &file);
    if (rc == DONE) {
        rc = sign_all(a.file, &file, &a.keys);
    }
    if (rc == DONE) {
        rc = file_write(a.out != NULL ? a.out : a.file, buf_span(&file), 0644);
    }
    buf_free(&file);
    return rc;
}
