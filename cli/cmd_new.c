/* new: a folder with a project, copied from the SDK's templates. In these the project is called
 * "newcapsule"; nothing else is put in, so a template is itself a project. What the languages share
 * lies in templates/TEMPLATE, the rest in templates/TEMPLATE-LANG. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/file.h"
#include "cli/sdkdir.h"
#include "lib/text.h"

#define OWN_NAME "newcapsule"

enum { OPT_LANG = 256, OPT_TEMPLATE, NAME_MAX_BYTES = 12, FILE_MAX_BYTES = 1 << 20 };

struct new_args {
    const char *name, *lang, *template;
};

/** Is it one of `words`, which end with NULL? `text` says them. */
static const char *one_of(const char *arg, struct argp_state *state, const char *const *words,
                          const char *text)
{
    while (*words != NULL && strcmp(arg, *words) != 0) {
        words++;
    }
    if (*words == NULL) {
        argp_error(state, "%s", text);
    }
    return arg;
}

static error_t parse_new(int key, char *arg, struct argp_state *state)
{
    static const char *const langs[] = { "c", "c-nolibc", NULL };
    static const char *const templates[] = { "cli", "service", "driver", NULL };
    struct new_args *a = state->input;
    switch (key) {
    case OPT_LANG:
        a->lang = one_of(arg, state, langs, "--lang takes c or c-nolibc");
        return 0;
    case OPT_TEMPLATE:
        a->template = one_of(arg, state, templates, "--template takes cli, service or driver");
        return 0;
    case ARGP_KEY_ARG:
        parse_one(arg, state, "name", &a->name);
        return 0;
    case ARGP_KEY_END:
        if (a->name == NULL) {
            argp_error(state, "what is it to be called?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    { "lang", OPT_LANG, "LANG", 0, "c: with the C library; c-nolibc: below 8 KiB without (c)", 0 },
    { "template", OPT_TEMPLATE, "WHAT", 0,
      "cli: runs and ends; service: answers others; driver: serves a device (cli)", 0 },
    { 0 },
};
static const struct argp argp = {
    options,
    parse_new,
    "NAME",
    "Make a folder NAME with a project: sources, a test, manifest.json, the operator's rule.json, "
    "Makefile. `nonosctl build`, `test` and `run` work in it.",
    NULL,
    NULL,
    NULL,
};

/** Copy `text`, the project's own name replaced. */
static void rename_into(struct buf *out, span_t text, const char *name)
{
    const size_t own = sizeof(OWN_NAME) - 1;
    size_t from = 0, at = 0;
    while (at + own <= text.len) {
        if (memcmp(text.data + at, OWN_NAME, own) != 0) {
            at++;
            continue;
        }
        buf_add(out, span_of(text.data + from, at - from));
        buf_add(out, span_of(name, strlen(name)));
        at += own;
        from = at;
    }
    buf_add(out, span_of(text.data + from, text.len - from));
}

static int copy_file(const char *from, const char *to, const char *name)
{
    struct buf in = { NULL, 0 }, out = { NULL, 0 };
    int rc = file_read(from, FILE_MAX_BYTES, &in);
    if (rc == DONE) {
        rename_into(&out, buf_span(&in), name);
        rc = file_write_new(to, buf_span(&out), 0644);
    }
    buf_free(&in);
    buf_free(&out);
    return rc;
}

/** Every file of the folder `from` into the folder `to`. Takes: `from`. */
static int copy_folder(char *from, const char *to, const char *name)
{
    DIR *d = opendir(from);
    int rc =
        d != NULL ? DONE : fail(IO_FAILED, "cannot read the SDK's %s: %s", from, strerror(errno));
    for (struct dirent *e; d != NULL && rc == DONE && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.') {
            continue;
        }
        char *source = must_printf("%s/%s", from, e->d_name),
             *target = must_printf("%s/%s", to, e->d_name);
        rc = copy_file(source, target, name);
        free(source);
        free(target);
    }
    if (d != NULL) {
        closedir(d);
    }
    free(from);
    return rc;
}

static void remove_folder(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d != NULL) {
        closedir(d);
    }
    rmdir(path);
}

/** In a folder of another name first: a project is there whole or not at all. */
static int make_project(const char *sdk, const struct new_args *a)
{
    char *temp = must_printf("%s.new.%ld", a->name, (long)getpid());
    int rc = mkdir(temp, 0777) == 0
                 ? DONE
                 : fail(IO_FAILED, "cannot make the folder %s: %s", temp, strerror(errno));
    if (rc == DONE) {
        rc = copy_folder(must_printf("%s/templates/%s", sdk, a->template), temp, a->name);
        if (rc == DONE) {
            rc = copy_folder(must_printf("%s/templates/%s-%s", sdk, a->template, a->lang), temp,
                             a->name);
        }
        if (rc == DONE && renameat2(AT_FDCWD, temp, AT_FDCWD, a->name, RENAME_NOREPLACE) != 0) {
            rc = fail(IO_FAILED, "cannot make the folder %s: %s", a->name, strerror(errno));
        }
        if (rc != DONE) {
            remove_folder(temp);
        }
    }
    free(temp);
    return rc;
}

/** What can be known before anything is made. */
static int check_name(const char *name)
{
    struct stat there;
    if (!name_ok(span_of(name, strlen(name))) || strlen(name) > NAME_MAX_BYTES) {
        char *safe = out_safe(span_of(name, strlen(name)));
        fail(USAGE, "%s is no name for a module that boots: 1 to %d of a-z 0-9 _ -, first a letter",
             safe, NAME_MAX_BYTES);
        free(safe);
        return USAGE;
    }
    if (lstat(name, &there) == 0) {
        fail(IO_FAILED, "%s exists here; nothing is overwritten", name);
        hint("choose another name, or move it away first");
        return IO_FAILED;
    }
    return DONE;
}

int cmd_new(int argc, char **argv)
{
    struct new_args a = { .lang = "c", .template = "cli" };
    char *sdk = NULL;
    parse_args(&argp, argc, argv, &a);

    int rc = check_name(a.name);
    if (rc == DONE) {
        rc = sdk_find(&sdk);
    }
    if (rc == DONE) {
        rc = make_project(sdk, &a);
    }
    free(sdk);
    if (rc == DONE) {
        printf("%s/: a %s in %s. Now: cd %s && nonosctl run\n", a.name, a.template, a.lang, a.name);
        rc = out_flush();
    }
    return rc;
}
