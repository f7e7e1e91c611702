/* nonosctl: find the verb, hand over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "lib/fmt.h"

const struct verb verbs[] = {
    { "key new", "make a root, publisher, operator or holder key", cmd_key_new },
    { "key show", "show type, public key and ids of a key file", cmd_key_show },
    { "mod build", "make a module from a program and its manifest", cmd_mod_build },
    { "mod sign", "sign a module", cmd_mod_sign },
    { "mod verify", "check a module as loader and kernel do", cmd_mod_verify },
    { "mod inspect", "show what is inside a module", cmd_mod_inspect },
    { "wad build", "put modules and what belongs to them into one file", cmd_wad_build },
    { "wad verify", "check a wad and every module in it", cmd_wad_verify },
    { "wad inspect", "show what is inside a wad", cmd_wad_inspect },
    { "wad unpack", "write what is inside a wad into a new folder", cmd_wad_unpack },
    { "wad diff", "what is new, gone or changed between two wads", cmd_wad_diff },
    { "wad push", "put a wad into an OCI registry or layout folder", cmd_wad_push },
    { "wad pull", "get a wad from an OCI registry or layout folder", cmd_wad_pull },
    { "policy sign", "make the signed boot policy from its source", cmd_policy_sign },
    { "policy inspect", "show what is inside a policy", cmd_policy_inspect },
    { "image make", "make a boot image, checking everything that goes in", cmd_image_make },
    { "image inspect", "show what is inside a boot image", cmd_image_inspect },
    { "image verify", "check a boot image as loader and kernel do", cmd_image_verify },
    { "new", "make a folder with a project: a capsule to be written", cmd_new },
    { "build", "compile, link and sign the project in this folder", cmd_build },
    { "test", "test that project, on this machine and in one of its own", cmd_test },
    { "dev", "at each save, build that project and put it into a running machine", cmd_dev },
    { "run", "boot an image in QEMU; in a project's folder, one with its capsule", cmd_run },
    { "storm", "break things by a seed in a machine of its own, and look what holds", cmd_storm },
    { "ps", "capsules of a live node", cmd_ps },
    { "modules", "modules that a live node verified or refused", cmd_modules },
    { "caps graph", "the capabilities of a live node as a picture", cmd_caps_graph },
    { "caps", "handles of the capsules of a live node", cmd_caps },
    { "mem", "memory of a live node", cmd_mem },
    { "log", "kernel log of a live node", cmd_log },
    { "events", "what happens on a live node, as it happens", cmd_events },
    { "audit show", "audit log of a live node or of a file, re-checked here", cmd_audit_show },
    { "audit export", "the audit log of a live node into a file", cmd_audit_export },
    { "audit verify", "check a saved audit log or a proof, without the node", cmd_audit_verify },
    { "audit checkpoint", "the newest checkpoint of a log, to be kept", cmd_audit_checkpoint },
    { "audit prove", "prove that a record is in a log", cmd_audit_prove },
    { "audit consistency", "prove that a log only grew", cmd_audit_consistency },
    { "audit disclose", "show records of a log, and keep the others hidden", cmd_audit_disclose },
    { "audit", "audit log of a live node, re-checked here", cmd_audit },
    { "crash ls", "what the capsules that ended left behind", cmd_crash_ls },
    { "crash show", "one crash record, of a live node or of a file", cmd_crash_show },
    { "crash save", "a crash record of a live node into a file", cmd_crash_save },
    { "about", "what a live node is and booted", cmd_about },
    { "load", "send a module to a live node, which verifies it", cmd_load },
    { "share", "give the assets of a wad to those who may read a share of a live node", cmd_share },
    { "start", "start a verified module on a live node", cmd_start },
    { "stop", "ask a capsule of a live node to end, then make it", cmd_stop },
    { "upgrade", "put a new version in the place of a capsule of a live node", cmd_upgrade },
    { "kill", "end a capsule of a live node", cmd_kill },
    { "gdb", "debug one capsule of a live node with gdb", cmd_gdb },
    { "poweroff", "switch a live node off", cmd_poweroff },
    { "token export", "have a live node sign what a handle grants", cmd_token_export },
    { "token verify", "check a token, block by block", cmd_token_verify },
    { "token show", "show what is inside a token, unchecked", cmd_token_show },
    { "token derive", "add a block to a token: pass on less of it", cmd_token_derive },
    { "completion", "print shell completion", cmd_completion },
};
const size_t n_verbs = ARRAY_LEN(verbs);

static void print_help(FILE *to)
{
    fputs("Usage: nonosctl VERB [OPTION...] [ARGUMENT...]\n\n", to);
    for (size_t i = 0; i < n_verbs; i++) {
        fprintf(to, "  %-16s %s\n", verbs[i].name, verbs[i].summary);
    }
    fputs("\n`nonosctl VERB --help` shows the options of a verb. Exit codes: 0 done, 1 refused, 2 "
          "usage or source,\n"
          "3 file, 4 node does not answer, 5 node refused, 6 a program that is needed failed or is "
          "missing.\n",
          to);
}

/** The verb that argv[1..] begins with, and how many words it takes. */
static const struct verb *find_verb(int argc, char **argv, int *words)
{
    for (size_t i = 0; i < n_verbs; i++) {
        const char *space = strchr(verbs[i].name, ' ');
        size_t first = space == NULL ? strlen(verbs[i].name) : (size_t)(space - verbs[i].name);
        if (argc < 2 || strlen(argv[1]) != first || strncmp(argv[1], verbs[i].name, first) != 0) {
            continue;
        }
        if (space == NULL || (argc > 2 && strcmp(argv[2], space + 1) == 0)) {
            *words = space == NULL ? 1 : 2;
            return &verbs[i];
        }
    }
    return NULL;
}

static int unknown_verb(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return USAGE;
    }
    char *safe = out_safe(span_of(argv[1], strlen(argv[1])));
    char *second = argc > 2 ? out_safe(span_of(argv[2], strlen(argv[2]))) : must_printf("%s", "");
    fail(USAGE, "no such verb: %s%s%s", safe, argc > 2 ? " " : "", second);
    hint("`nonosctl --help` lists the verbs");
    free(safe);
    free(second);
    return USAGE;
}

int main(int argc, char **argv)
{
    int words = 0;
    argp_err_exit_status = USAGE;
    argp_program_version = "nonosctl " NONOSCTL_VERSION;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        print_help(stdout);
        return out_flush();
    }
    if (argc > 1 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        puts(argp_program_version);
        return out_flush();
    }
    const struct verb *v = find_verb(argc, argv, &words);
    if (v == NULL) {
        return unknown_verb(argc, argv);
    }
    char *name = must_printf("nonosctl %s", v->name);
    argv[words] = name;
    int rc = v->run(argc - words, argv + words);
    free(name);
    return rc;
}
