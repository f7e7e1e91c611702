#pragma once
/* Whom to believe, from the command line: --root (with --threshold) and --policy, or --key for one
 * publisher. */
#include "cli/cli.h"
#include "cli/file.h"
#include "cli/keyfile.h"
#include "cli/modcheck.h"
#include "lib/compiler.h"

struct judge_args {
    const char *policy;    /* BOOT.POL */
    const char *publisher; /* one publisher's public key */
    struct words roots;
    uint32_t threshold; /* 0: all of them */
};

struct judge_loaded { /* what the judge borrows; release with judge_free */
    struct module_judge judge;
    struct trust_view trust;
    struct policy policy;
    struct buf policy_file;
    struct key_public publisher;
};

/** Read and verify what the arguments name. A policy is only believed when root keys are given for
 * it. Errors: IO_FAILED, USAGE, REFUSED; reported. */
MUST_CHECK int judge_load(const struct judge_args *a, struct judge_loaded *out);
void judge_free(struct judge_loaded *j);

struct wad_loaded;

/** As `wad verify` would say; when nobody is named to believe, only a warning. `path`: for
 * messages. Errors: REFUSED, reported. */
MUST_CHECK int wad_judge_first(const char *path, const struct wad_loaded *w,
                               const struct judge_loaded *j);

/** Verify a policy file against a root set. Errors: REFUSED, reported; `out` borrows the file. */
MUST_CHECK int judge_policy(const char *path, span_t file, const struct trust_view *trust,
                            struct policy *out);

/** The one child parser of these options. */
extern const struct argp judge_argp;

/* Verbs that look at files: whom to believe, -o, FILE... */
struct show_args {
    struct judge_args judge;
    struct words files;
    enum out_form form;
};
extern const struct argp_child show_children[];
extern const struct argp_option show_options[];
error_t parse_show(int key, char *arg, struct argp_state *state);
