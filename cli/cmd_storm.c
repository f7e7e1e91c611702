/* storm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/proc.h"
#include "cli/storm.h"

enum {
    OPT_SEED = 256,
    OPT_COUNT,
    OPT_REPLAY,
    OPT_SAVE,
    OPT_STOP,
    OPT_GDB,
    OPT_LEAK,
    OPT_DIR,
    OPT_KEYS,
    OPT_LOADER,
    OPT_FIRMWARE,
    OPT_PATIENCE,
    OPT_DRY
};
enum { COUNT = 1000, COUNT_MAX = 1000000000, SAID_MAX = 1 << 30 };

static error_t parse_plan(int key, char *arg, struct argp_state *state, struct storm_config *c)
{
    switch (key) {
    case OPT_REPLAY:
        c->replay = true;
        __attribute__((fallthrough));
    case OPT_SEED:
        c->seed = parse_number(arg, state, "the seed", 0, UINT64_MAX);
        return 0;
    case OPT_COUNT:
        c->count = parse_number(arg, state, "--count", 1, COUNT_MAX);
        return 0;
    case OPT_STOP:
        c->stop = parse_number(arg, state, "--stop-before", 1, COUNT_MAX);
        return 0;
    case OPT_GDB:
        c->gdb = (uint32_t)parse_number(arg, state, "--gdb", 1, 65535);
        return 0;
    case OPT_LEAK:
        c->leak = parse_number(arg, state, "--leak", 1, COUNT_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_storm(int key, char *arg, struct argp_state *state)
{
    struct storm_config *c = state->input;
    switch (key) {
    case OPT_SAVE:
        c->save = arg;
        return 0;
    case OPT_DIR:
        c->dir = arg;
        return 0;
    case OPT_KEYS:
        c->keys = arg;
        return 0;
    case OPT_LOADER:
        c->loader = arg;
        return 0;
    case OPT_FIRMWARE:
        c->firmware = arg;
        return 0;
    case OPT_PATIENCE:
        c->patience_s = (uint32_t)parse_number(arg, state, "--patience", 1, 86400);
        return 0;
    case OPT_DRY:
        c->dry_run = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "what is %s?", arg);
        return 0;
    case ARGP_KEY_END:
        if (c->stop != 0 && c->gdb == 0) {
            argp_error(state, "--stop-before needs --gdb PORT, or nobody could go on");
        }
        return 0;
    default:
        return parse_plan(key, arg, state, c);
    }
}

static const struct argp_option options[] = {
    { "seed", OPT_SEED, "S", 0, "which storm (1)", 0 },
    { "count", OPT_COUNT, "N", 0, "how many faults (1000)", 0 },
    { "replay", OPT_REPLAY, "S", 0,
      "run the storm with that seed again, and compare it with what was saved, line for line", 0 },
    { "save", OPT_SAVE, "FILE", 0,
      "what the storm says, kept for a replay (build/run/storm-SEED.txt)", 0 },
    { "stop-before", OPT_STOP, "I", 0, "stop the machine right before fault I, for a debugger", 0 },
    { "gdb", OPT_GDB, "PORT", 0, "QEMU's gdb stub on that port of this machine", 0 },
    { "leak", OPT_LEAK, "I", 0,
      "let fault I lose a frame: a storm that does not report it would be no test", 0 },
    { "dir", OPT_DIR, "DIR", 0, "kernel flavour, driver and wards (build/storm)", 0 },
    { "keys", OPT_KEYS, "DIR", 0, "folder of the key files (build/keys)", 0 },
    { "loader", OPT_LOADER, "FILE", 0, "loader (build/boot/BOOTX64.EFI)", 0 },
    { "firmware", OPT_FIRMWARE, "DIR", 0,
      "folder with OVMF_CODE_4M.fd and OVMF_VARS_4M.fd (/usr/share/OVMF)", 0 },
    { "patience", OPT_PATIENCE, "SECONDS", 0, "silence that is taken for a hang (300)", 0 },
    { "dry-run", OPT_DRY, 0, 0, "print the QEMU command and do nothing", 0 },
    { 0 },
};
static const struct argp argp_storm = {
    options,
    parse_storm,
    "",
    "Break things by a seed in a machine of their own, and look after each fault whether "
    "everything "
    "else holds. The same seed gives the same storm, to the instruction. Exit code 1: a rule did "
    "not hold, or a replay differs.",
    NULL,
    NULL,
    NULL,
};

/** Everything that storm_volume and storm_run leave in their folder. */
static void remove_all(const char *tmp)
{
    static const char *const files[] = { "policy.json", "BOOT.POL", "storm.img", "VARS.fd",
                                         "console.log" };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char *path = must_printf("%s/%s", tmp, files[i]);
        unlink(path);
        free(path);
    }
    rmdir(tmp);
}

static int keep(const struct storm_config *c, span_t said)
{
    int rc = file_parent(c->save, 0755);
    return rc == DONE ? file_write(c->save, said, 0644) : rc;
}

static int finish(const struct storm_config *c, span_t said, const struct buf *before)
{
    int rc = storm_judge(c, said);
    if (c->replay) {
        int same = storm_compare(buf_span(before), said);
        return rc == DONE ? same : rc;
    }
    int kept = keep(c, said);
    if (kept == DONE) {
        printf("all it said is in %s\n", c->save);
    }
    return rc == DONE ? kept : rc;
}

static int run(const struct storm_config *c)
{
    struct buf before = { 0 }, said = { 0 };
    char tmp[] = "/tmp/nonosctl-storm-XXXXXX";
    int rc = c->replay ? file_read(c->save, SAID_MAX, &before) : DONE;
    if (rc != DONE) {
        hint("a replay is compared with what `storm --seed` saved; --save names the file");
        return rc;
    }
    if (mkdtemp(tmp) == NULL) {
        return fail(IO_FAILED, "cannot make a folder below /tmp");
    }
    rc = storm_volume(c, tmp);
    if (rc == DONE) {
        rc = storm_run(c, tmp, &said);
        int judged = said.len == 0 ? rc : finish(c, buf_span(&said), &before);
        rc = rc == DONE ? judged : rc;
    }
    remove_all(tmp);
    buf_free(&said);
    buf_free(&before);
    return rc == DONE ? out_flush() : rc;
}

int cmd_storm(int argc, char **argv)
{
    struct storm_config c = { .dir = "build/storm",
                              .keys = "build/keys",
                              .loader = "build/boot/BOOTX64.EFI",
                              .firmware = "/usr/share/OVMF",
                              .seed = 1,
                              .count = COUNT,
                              .patience_s = 300 };
    parse_args(&argp_storm, argc, argv, &c);
    char *save = must_printf("build/run/storm-%llu.txt", (unsigned long long)c.seed);
    c.save = c.save == NULL ? save : c.save;
    int rc = c.dry_run ? storm_run(&c, "TMP", NULL) : run(&c);
    free(save);
    return rc;
}
