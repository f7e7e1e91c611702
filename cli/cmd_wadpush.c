/* wad push, wad pull. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/ocilayout.h"
#include "cli/ocireg.h"

struct place {        /* release with place_close */
    char *name, *tag; /* tag: NULL: not said */
    bool folder;
    struct oci_layout layout;
    struct oci_registry registry;
    struct oci_store store;
};

struct push_args {
    const char *file, *place, *out;
    bool pull;
};

static error_t parse_push(int key, char *arg, struct argp_state *state)
{
    struct push_args *a = state->input;
    switch (key) {
    case 'o':
        a->out = arg;
        return 0;
    case ARGP_KEY_ARG:
        parse_one(arg, state, "place", a->pull || a->file != NULL ? &a->place : &a->file);
        return 0;
    case ARGP_KEY_END:
        if (a->place == NULL || (a->pull && a->out == NULL)) {
            argp_error(state,
                       a->pull ? "a place and -o are needed" : "a wad and a place are needed");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

#define PLACES \
    "A place is HOST[:PORT]/NAME:TAG, or oci:FOLDER:TAG for a folder in OCI's layout. Registries " \
    "are asked by HTTPS, those of this machine by HTTP."

static const struct argp argp_push = {
    NULL,
    parse_push,
    "FILE.wad PLACE",
    "Put a wad into an OCI registry or layout, each lump a blob of its own. " PLACES,
    NULL,
    NULL,
    NULL,
};
static const struct argp_option pull_options[] = {
    { "output", 'o', "FILE", 0, "wad to write", 0 },
    { 0 },
};
static const struct argp argp_pull = {
    pull_options,
    parse_push,
    "PLACE -o FILE.wad",
    "Get a wad back, the same bytes, every digest and hash compared. " PLACES
    " HOST/NAME@sha256:DIGEST names one for good.",
    NULL,
    NULL,
    NULL,
};

static void place_close(struct place *p)
{
    if (!p->folder && p->registry.curl != NULL) {
        ocireg_close(&p->registry);
    }
    free(p->name);
    free(p->tag);
}

/** Cut NAME:TAG or NAME@DIGEST. A colon before the last slash is a port's. */
static int split(const char *text, struct place *p)
{
    const char *slash = strrchr(text, '/'), *from = slash == NULL ? text : slash;
    const char *at = strchr(from, '@'), *mark = at != NULL ? at : strrchr(from, ':');
    p->name =
        mark == NULL ? must_printf("%s", text) : must_printf("%.*s", (int)(mark - text), text);
    p->tag = mark == NULL ? NULL : must_printf("%s", mark + 1);
    bool good = p->tag == NULL || (at != NULL && !p->folder && oci_digest_ok(p->tag)) ||
                (at == NULL && ocireg_tag_ok(p->tag));
    if (!good || p->name[0] == '\0') {
        fail(USAGE, "that is no place of a wad");
        hint("HOST[:PORT]/NAME:TAG, HOST[:PORT]/NAME@sha256:DIGEST or oci:FOLDER:TAG");
        return USAGE;
    }
    return DONE;
}

static int place_open(const char *text, bool to, struct place *p)
{
    *p = (struct place){ .folder = strncmp(text, "oci:", 4) == 0 };
    int rc = split(p->folder ? text + 4 : text, p);
    if (rc == DONE && p->tag == NULL && (to || !p->folder)) {
        rc = fail(USAGE, "%s: a tag is needed: %s:TAG", text, text);
    }
    if (rc == DONE && to && oci_digest_ok(p->tag)) {
        rc = fail(USAGE, "what is pushed gets a tag; its digest follows from its bytes");
    }
    if (rc == DONE && p->folder) {
        p->layout.dir = p->name;
        p->store = ocilayout_store(&p->layout);
    } else if (rc == DONE) {
        rc = ocireg_open(p->name, &p->registry);
        p->store = ocireg_store(&p->registry);
    }
    return rc;
}

int cmd_wad_push(int argc, char **argv)
{
    struct push_args a = { 0 };
    struct wad_loaded w = { 0 };
    struct place p = { 0 };
    struct buf manifest = { NULL, 0 };
    parse_args(&argp_push, argc, argv, &a);

    int rc = wad_load(a.file, &w);
    if (rc == DONE) {
        rc = place_open(a.place, true, &p);
    }
    if (rc == DONE) {
        rc = oci_put(&p.store, &w, &manifest);
    }
    if (rc == DONE) {
        rc = p.folder ? ocilayout_tag(&p.layout, buf_span(&manifest), p.tag)
                      : ocireg_tag(&p.registry, buf_span(&manifest), p.tag);
    }
    if (rc == DONE) {
        printf("%s@%s\n", p.name, oci_digest_of(buf_span(&manifest)).text);
        rc = out_flush();
    }
    buf_free(&manifest);
    place_close(&p);
    wad_unload(&w);
    return rc;
}

int cmd_wad_pull(int argc, char **argv)
{
    struct push_args a = { .pull = true };
    struct place p = { 0 };
    struct buf manifest = { NULL, 0 }, file = { NULL, 0 };
    parse_args(&argp_pull, argc, argv, &a);

    int rc = place_open(a.place, false, &p);
    if (rc == DONE) {
        rc = p.folder ? ocilayout_find(&p.layout, p.tag, &manifest)
                      : ocireg_find(&p.registry, p.tag, &manifest);
    }
    if (rc == DONE) {
        rc = oci_get(&p.store, buf_span(&manifest), &file);
    }
    if (rc == DONE) {
        rc = file_write(a.out, buf_span(&file), 0644);
    }
    buf_free(&file);
    buf_free(&manifest);
    place_close(&p);
    return rc;
}
