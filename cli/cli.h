#pragma once
/* The verbs. Each parses its own arguments (argp) and returns an exit code of cli/report.h. */
#include "cli/report.h"
#include "cli/out.h"

#include <argp.h>
#include <stdint.h>

#define NONOSCTL_VERSION "0.1.0"

struct verb {
    const char *name; /* one or two words */
    const char *summary;
    int (*run)(int argc, char **argv); /* argv[0] = "nonosctl key new" */
};

extern const struct verb verbs[];
extern const size_t n_verbs;

int cmd_key_new(int argc, char **argv);
int cmd_key_show(int argc, char **argv);
int cmd_mod_build(int argc, char **argv);
int cmd_mod_sign(int argc, char **argv);
int cmd_mod_verify(int argc, char **argv);
int cmd_mod_inspect(int argc, char **argv);
int cmd_wad_build(int argc, char **argv);
int cmd_wad_verify(int argc, char **argv);
int cmd_wad_inspect(int argc, char **argv);
int cmd_wad_unpack(int argc, char **argv);
int cmd_wad_diff(int argc, char **argv);
int cmd_wad_push(int argc, char **argv);
int cmd_wad_pull(int argc, char **argv);
int cmd_policy_sign(int argc, char **argv);
int cmd_policy_inspect(int argc, char **argv);
int cmd_image_make(int argc, char **argv);
int cmd_image_inspect(int argc, char **argv);
int cmd_image_verify(int argc, char **argv);
int cmd_new(int argc, char **argv);
int cmd_build(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_dev(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_storm(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_modules(int argc, char **argv);
int cmd_caps(int argc, char **argv);
int cmd_caps_graph(int argc, char **argv);
int cmd_mem(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_audit_show(int argc, char **argv);
int cmd_audit_export(int argc, char **argv);
int cmd_audit_checkpoint(int argc, char **argv);
int cmd_audit_verify(int argc, char **argv);
int cmd_audit_prove(int argc, char **argv);
int cmd_audit_disclose(int argc, char **argv);
int cmd_audit_consistency(int argc, char **argv);
int cmd_crash_ls(int argc, char **argv);
int cmd_crash_show(int argc, char **argv);
int cmd_crash_save(int argc, char **argv);
int cmd_about(int argc, char **argv);
int cmd_load(int argc, char **argv);
int cmd_start(int argc, char **argv);
int cmd_kill(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_upgrade(int argc, char **argv);
int cmd_share(int argc, char **argv);
int cmd_poweroff(int argc, char **argv);
int cmd_gdb(int argc, char **argv);
int cmd_token_export(int argc, char **argv);
int cmd_token_verify(int argc, char **argv);
int cmd_token_show(int argc, char **argv);
int cmd_token_derive(int argc, char **argv);
int cmd_completion(int argc, char **argv);

/** argp_parse, which leaves with USAGE by itself when the arguments are wrong. */
void parse_args(const struct argp *argp, int argc, char **argv, void *into);

/** For an argp parser's `-o json|text` key. */
void parse_form(const char *arg, struct argp_state *state, enum out_form *out);

/** For an option, `what`, of 32 bytes as hexadecimal digits; `of` says what they are, or is empty.
 */
void parse_hex32(const char *arg, struct argp_state *state, const char *what, const char *of,
                 uint8_t out[32]);

/** For the ARGP_KEY_ARG of a verb that takes one `what`; and of a verb that takes none. */
void parse_one(const char *arg, struct argp_state *state, const char *what, const char **out);
void parse_none(const char *arg, struct argp_state *state);

/** A verb that shows one file: FILE and -o json|text. Child of its argp, with this as its input. */
struct view_args {
    const char *what; /* that is shown, for messages */
    const char *file;
    enum out_form form;
};
extern const struct argp view_argp;

/** A verb that takes nothing else: parsed at once. */
void parse_view(int argc, char **argv, const char *doc, struct view_args *a);

/** For an option that names a whole number of min..max. */
uint64_t parse_number(const char *arg, struct argp_state *state, const char *what, uint64_t min,
                      uint64_t max);

/** A list of option arguments, kept in order. */
struct words {
    const char *item[64];
    size_t n;
};
void words_add(struct words *w, const char *arg, struct argp_state *state);
