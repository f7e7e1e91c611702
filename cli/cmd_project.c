/* build, test: the project in the current folder. */
#include "cli/cli.h"
#include "cli/sdkdir.h"

static error_t parse_nothing(int key, char *arg, struct argp_state *state)
{
    if (key == ARGP_KEY_ARG) {
        parse_none(arg, state);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static const struct argp argp_build = {
    NULL,
    parse_nothing,
    "",
    "Compile, link and sign the project in this folder: build/NAME.mod. Keys for development are "
    "made when there "
    "are none.",
    NULL,
    NULL,
    NULL,
};

int cmd_build(int argc, char **argv)
{
    parse_args(&argp_build, argc, argv, NULL);
    return project_make("build");
}

static const struct argp argp_test = {
    NULL,
    parse_nothing,
    "",
    "Test the project in this folder: each test_*.c on this machine, then the capsule in a machine "
    "of its own, which "
    "must say what SAYS in the Makefile says.",
    NULL,
    NULL,
    NULL,
};

int cmd_test(int argc, char **argv)
{
    parse_args(&argp_test, argc, argv, NULL);
    int rc = project_make("host-test");
    return rc == DONE ? project_make("machine-test") : rc;
}
