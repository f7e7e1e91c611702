/* run. */
#include <string.h>

#include "cli/cli.h"
#include "cli/expect.h"
#include "cli/qemu.h"
#include "cli/sdkdir.h"

enum {
    OPT_IMAGE = 256,
    OPT_MEM,
    OPT_CPU,
    OPT_SMP,
    OPT_MACHINE,
    OPT_ACCEL,
    OPT_WINDOW,
    OPT_MANAGE,
    OPT_FIRMWARE,
    OPT_DRY,
    OPT_EXPECT,
    OPT_WITHIN
};

struct run_args {
    struct qemu_config config;
    struct words extra;
    const char *expect; /* NULL: the terminal's */
    uint32_t within_s;
};

static const char *one_of(const char *arg, struct argp_state *state, const char *what,
                          const char *const *allowed)
{
    for (size_t i = 0; allowed[i] != NULL; i++) {
        if (strcmp(arg, allowed[i]) == 0) {
            return arg;
        }
    }
    argp_error(state, "%s", what);
    return arg;
}

static error_t parse_machine(int key, char *arg, struct argp_state *state, struct qemu_config *c)
{
    static const char *const accels[] = { "tcg", "kvm", "auto", NULL };
    switch (key) {
    case OPT_MEM:
        c->mem_mib = (uint32_t)parse_number(arg, state, "--mem", 32, 1 << 20);
        return 0;
    case OPT_SMP:
        c->smp = (uint32_t)parse_number(arg, state, "--smp", 1, 255);
        return 0;
    case OPT_CPU:
        c->cpu = arg;
        return 0;
    case OPT_MACHINE:
        c->machine = arg;
        return 0;
    case OPT_ACCEL:
        c->accel = one_of(arg, state, "--accel takes tcg, kvm or auto", accels);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_run(int key, char *arg, struct argp_state *state)
{
    struct run_args *a = state->input;
    switch (key) {
    case OPT_IMAGE:
        a->config.image = arg;
        return 0;
    case OPT_WINDOW:
        a->config.window = true;
        return 0;
    case OPT_MANAGE:
        a->config.manage = arg;
        return 0;
    case OPT_FIRMWARE:
        a->config.firmware = arg;
        return 0;
    case OPT_DRY:
        a->config.dry_run = true;
        return 0;
    case OPT_EXPECT:
        a->expect = arg;
        return 0;
    case OPT_WITHIN:
        a->within_s = (uint32_t)parse_number(arg, state, "--within", 1, 3600);
        return 0;
    case ARGP_KEY_ARG:
        words_add(&a->extra, arg, state);
        return 0;
    default:
        return parse_machine(key, arg, state, &a->config);
    }
}

static const struct argp_option options[] = {
    { "image", OPT_IMAGE, "FILE", 0,
      "boot image (build/image/n0n.img; in a project's folder it is made first)", 0 },
    { "mem", OPT_MEM, "MIB", 0, "memory (512)", 0 },
    { "cpu", OPT_CPU, "MODEL", 0, "QEMU's CPU model (max)", 0 },
    { "smp", OPT_SMP, "N", 0, "CPUs (1)", 0 },
    { "machine", OPT_MACHINE, "NAME", 0, "q35 or pc (q35)", 0 },
    { "accel", OPT_ACCEL, "HOW", 0, "tcg, kvm, or auto: kvm where it really works (tcg)", 0 },
    { "window", OPT_WINDOW, 0, 0, "show the screen", 0 },
    { "manage", OPT_MANAGE, "SOCKET", 0,
      "where the management channel appears (build/run/manage.sock)", 0 },
    { "firmware", OPT_FIRMWARE, "DIR", 0,
      "folder with OVMF_CODE_4M.fd and OVMF_VARS_4M.fd (/usr/share/OVMF)", 0 },
    { "expect", OPT_EXPECT, "TEXT", 0,
      "nobody types: end well as soon as the console says this, and with 1 when it does not", 0 },
    { "within", OPT_WITHIN, "SECONDS", 0, "for --expect (120)", 0 },
    { "dry-run", OPT_DRY, 0, 0, "print the QEMU command and do nothing", 0 },
    { 0 },
};
static const struct argp argp_run = {
    options,
    parse_run,
    "[-- QEMU-ARGUMENT...]",
    "Boot an image in QEMU with OVMF, serial console on this terminal. Ctrl-A X leaves. The image "
    "is opened read-only.",
    NULL,
    NULL,
    NULL,
};

int cmd_run(int argc, char **argv)
{
    struct run_args a = { .within_s = 120,
                          .config = { .machine = "q35",
                                      .cpu = "max",
                                      .accel = "tcg",
                                      .firmware = "/usr/share/OVMF",
                                      .manage = "build/run/manage.sock",
                                      .mem_mib = 512,
                                      .smp = 1 } };
    parse_args(&argp_run, argc, argv, &a);
    a.config.extra = a.extra.item;
    a.config.n_extra = a.extra.n;
    int rc = DONE;
    if (a.config.image == NULL) {
        a.config.image = "build/image/n0n.img";
        rc = project_here() ? project_make("image") : DONE;
    }
    if (rc == DONE && a.expect != NULL && !a.config.dry_run) {
        return qemu_expect(&a.config, a.expect, a.within_s);
    }
    return rc == DONE ? qemu_run(&a.config) : rc;
}
