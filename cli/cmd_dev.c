/* dev: whenever a file of the project is saved, it is built, signed and put in the place of what
 * runs. The machine is the one that `nonosctl run` keeps in another terminal. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/node.h"
#include "cli/proc.h"
#include "cli/sdkdir.h"
#include "cli/source.h"
#include "lib/status.h"

enum { OPT_COUNT = 256, QUIET_MS = 15, CAPSULES_MAX = 65536, SAME_MAX = 16 };

struct dev_args {
    struct node_args node;
    uint64_t count;
    const char *arg;
};

static error_t parse_dev(int key, char *arg, struct argp_state *state)
{
    struct dev_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->node;
        return 0;
    case OPT_COUNT:
        a->count = parse_number(arg, state, "--count", 1, UINT32_MAX);
        return 0;
    case ARGP_KEY_ARG:
        parse_one(arg, state, "argument", &a->arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    { "count", OPT_COUNT, "N", 0, "end after so many builds (never)", 0 },
    { 0 },
};
static const struct argp_child children[] = { { &node_signed_argp, 0, NULL, 0 }, { 0 } };
static const struct argp argp = {
    options,
    parse_dev,
    "[ARG]",
    "Build the project in this folder, put it into the machine that `nonosctl run` has started, "
    "and do so again whenever a "
    "file of it is saved. The capsule is started with ARG; one of that name that still runs is "
    "stopped first.",
    children,
    NULL,
    NULL,
};

/** "manifest.json"'s name. Gives: to be freed. */
static int project_name(char **out)
{
    struct source src;
    struct field root, f;
    char name[NOS_NAME_MAX + 1] = { 0 };
    int rc = source_load("manifest.json", &src);
    if (rc == DONE) {
        root = field_root(&src);
        rc = field_need(&root, "name", &f);
        if (rc == DONE) {
            rc = field_nos_name(&f, name);
        }
        source_free(&src);
    }
    if (rc == DONE) {
        *out = must_printf("%s", name);
    }
    return rc;
}

/** Ids of the capsules of that name. Gives: how many. */
static int running(const struct node_args *args, const char *name, uint32_t id[SAME_MAX], size_t *n)
{
    struct nos_capsule_info c;
    struct node node;
    nos_status_t st = NOS_OK;
    int rc = node_open(args, &node);
    if (rc != DONE) {
        return rc;
    }
    for (size_t i = 0; rc == DONE && st == NOS_OK && i < CAPSULES_MAX && *n < SAME_MAX; i++) {
        rc = node_record(&node, NOS_TOPIC_CAPSULES, i, &c, sizeof(c), &st);
        if (rc == DONE && st == NOS_OK && strncmp(c.name, name, NOS_NAME_MAX) == 0 &&
            c.state == NOS_CAPSULE_RUNNING) {
            id[(*n)++] = c.id;
        }
    }
    node_close(&node);
    return rc;
}

/** Another verb, for the same node. */
static int verb(int (*run)(int, char **), const struct dev_args *a, const char *what,
                const char *const *words, size_t n)
{
    char *argv[9] = { must_printf("nonosctl %s", what), must_printf("--node=%s", a->node.socket),
                      must_printf("--operator=%s", a->node.operator_key) };
    int argc = 3;
    for (size_t i = 0; i < n && argc < 8; i++) {
        argv[argc++] = must_printf("%s", words[i]);
    }
    int rc = run(argc, argv);
    for (int i = 0; i < argc; i++) {
        free(argv[i]);
    }
    return rc;
}

static int replace(const struct dev_args *a, const char *name)
{
    uint32_t id[SAME_MAX];
    size_t n = 0;
    int rc = running(&a->node, name, id, &n);
    for (size_t i = 0; rc == DONE && i < n; i++) {
        char *text = must_printf("%u", id[i]);
        const char *const words[] = { text };
        (void)verb(cmd_stop, a, "stop", words, 1);  // it may have ended by itself meanwhile
        free(text);
    }
    char *file = must_printf("build/%s.mod", name);
    const char *const words[] = { file, "--start", a->arg };
    rc = rc == DONE ? verb(cmd_load, a, "load", words, a->arg == NULL ? 2 : 3) : rc;
    free(file);
    return rc;
}

static int one_round(const struct dev_args *a, uint64_t saved_ms)
{
    char *name = NULL;
    int rc = project_make("build");
    if (rc == DONE) {
        rc = project_name(&name);
    }
    if (rc == DONE) {
        rc = replace(a, name);
    }
    if (rc == DONE) {
        printf("%s runs, %llu ms after the save\n", name,
               (unsigned long long)(now_ms() - saved_ms));
        rc = out_flush();
    }
    free(name);
    return rc;
}

static bool is_source(const char *name)
{
    const char *dot = strrchr(name, '.');
    return name[0] != '.' &&
           (strcmp(name, "Makefile") == 0 ||
            (dot != NULL && (strcmp(dot, ".c") == 0 || strcmp(dot, ".h") == 0 ||
                             strcmp(dot, ".S") == 0 || strcmp(dot, ".json") == 0)));
}

/** What has come names a source? Blocks until something has. Gives: `*watching`, false when nothing
 * will come any more. */
static bool saved(int fd, bool *watching)
{
    _Alignas(struct inotify_event) char room[4096];
    bool found = false;
    ssize_t n = read(fd, room, sizeof(room));
    *watching = n > 0 || errno == EINTR;
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *e = (const struct inotify_event *)(const void *)(room + at);
        found = found || (e->len > 0 && is_source(e->name));
        at += (ssize_t)(sizeof(*e) + e->len);
    }
    return found;
}

/** Wait for a save, and until no more come: editors write several files. Gives: when the first
 * came. */
static int wait_for_save(int fd, uint64_t *first)
{
    struct pollfd p = { fd, POLLIN, 0 };
    bool found = false, watching = true;
    while (watching && !found) {
        found = saved(fd, &watching);
    }
    *first = now_ms();
    while (watching && poll(&p, 1, QUIET_MS) > 0) {
        (void)saved(fd, &watching);
    }
    return watching ? DONE
                    : fail(IO_FAILED, "cannot watch this folder any more: %s", strerror(errno));
}

int cmd_dev(int argc, char **argv)
{
    struct dev_args a = { 0 };
    node_args_init(&a.node);
    parse_args(&argp, argc, argv, &a);
    if (!project_here()) {
        return project_make("build"); /* which says so */
    }
    int fd = inotify_init1(IN_CLOEXEC);
    if (fd < 0 || inotify_add_watch(fd, ".", IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
        return fail(IO_FAILED, "cannot watch this folder: %s", strerror(errno));
    }
    uint64_t at = now_ms();
    int watch = DONE, rc = one_round(&a, at);
    for (uint64_t i = 1; watch == DONE && (a.count == 0 || i < a.count); i++) {
        puts("waiting for a file to be saved; Ctrl-C ends");
        watch = out_flush();
        watch = watch == DONE ? wait_for_save(fd, &at) : watch;
        rc = watch == DONE ? one_round(&a, at) : watch;
    }
    close(fd);
    return rc;
}
