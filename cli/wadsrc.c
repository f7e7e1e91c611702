/* Sources of wads. */
#include "cli/wadsrc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hex.h"
#include "cli/modcheck.h"
#include "cli/modfile.h"
#include "cli/report.h"
#include "cli/waddir.h"
#include "lib/status.h"
#include "lib/text.h"

static const char *const keys[] = { "name",   "version",  "licence", "about",      "modules",
                                    "assets", "licences", "docs",    "components", NULL };
static const char *const component_keys[] = { "name", "version", "licence", "purl",
                                              "url",  "sha256",  NULL };

enum { TEXT_MAX = 256, FILES_MAX = 1024 };

/** A path of the source as one of this process. Gives: a string to be freed. */
static char *beside(const struct source *s, const char *path)
{
    const char *slash = strrchr(s->file, '/');
    return slash == NULL || path[0] == '/'
               ? must_printf("%s", path)
               : must_printf("%.*s/%s", (int)(slash - s->file), s->file, path);
}

static const char *last_step(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/** A module that the loader would refuse for itself has no business in a package. */
static int check_module(const char *path, span_t bytes)
{
    const struct module_judge nobody = { 0 };
    struct module_check c;
    nos_status_t st = module_check(bytes, &nobody, &c);
    return st == NOS_OK ? DONE
                        : fail(REFUSED, "%s would be refused at stage %s: %s (%s)", path,
                               stage_name(c.stage), status_text(st), status_name(st));
}

static int add_file(const struct source *s, uint16_t type, const char *folder, const char *file,
                    struct wad_draft *d)
{
    struct buf bytes = { NULL, 0 };
    char *path = beside(s, file), *called = must_printf("%s/%s", folder, last_step(file));
    int rc = file_read(path, type == NOS_WAD_MODULE ? MODFILE_MAX : NOS_WAD_MAX, &bytes);
    if (rc == DONE && type == NOS_WAD_MODULE) {
        rc = check_module(path, buf_span(&bytes));
    }
    if (rc == DONE && bytes.len == 0) {
        rc = fail(REFUSED, "%s is empty", path);
    }
    if (rc == DONE) {
        rc = draft_add(d, type, called, &bytes);
    }
    buf_free(&bytes);
    free(path);
    free(called);
    return rc;
}

/** The files of a list, if it is there. */
static int add_list(const struct field *root, const char *key, uint16_t type, struct wad_draft *d)
{
    struct field list, f;
    size_t n = 0;
    const char *file;
    if (!field_get(root, key, &list)) {
        return DONE;
    }
    int rc = field_array(&list, 1, FILES_MAX, &n);
    for (size_t i = 0; rc == DONE && i < n; i++) {
        f = field_item(&list, i);
        rc = field_text(&f, 1, NOS_WAD_PATH_MAX, &file);
        if (rc == DONE) {
            rc = add_file(root->src, type, key, file, d);
        }
    }
    return rc;
}

static int add_assets(const struct field *root, struct wad_draft *d)
{
    struct field f;
    const char *dir;
    if (!field_get(root, "assets", &f)) {
        return DONE;
    }
    int rc = field_text(&f, 1, NOS_WAD_PATH_MAX, &dir);
    if (rc == DONE) {
        char *path = beside(root->src, dir);
        rc = waddir_read(path, "assets", d);
        free(path);
    }
    return rc;
}

static int text_of(const struct field *obj, const char *key, bool need, const char **out)
{
    struct field f;
    if (!need && !field_get(obj, key, &f)) {
        return DONE;
    }
    int rc = field_need(obj, key, &f);
    return rc == DONE ? field_text(&f, 1, TEXT_MAX, out) : rc;
}

static int read_component(const struct field *f, struct wad_component *c)
{
    struct field hash;
    uint8_t bytes[32];
    int rc = field_object(f, component_keys);
    rc = rc == DONE ? text_of(f, "name", true, &c->name) : rc;
    rc = rc == DONE ? text_of(f, "version", true, &c->version) : rc;
    rc = rc == DONE ? text_of(f, "licence", true, &c->licence) : rc;
    rc = rc == DONE ? text_of(f, "purl", false, &c->purl) : rc;
    rc = rc == DONE ? text_of(f, "url", false, &c->url) : rc;
    rc = rc == DONE ? text_of(f, "sha256", false, &c->sha256) : rc;
    if (rc == DONE && c->sha256 != NULL && field_get(f, "sha256", &hash) &&
        !hex_decode(c->sha256, strlen(c->sha256), MSPAN_OF(bytes))) {
        rc = field_fail(&hash, "must be 64 hexadecimal digits");
    }
    return rc;
}

static int read_components(const struct field *root, struct wad_source *out)
{
    struct field list;
    if (!field_get(root, "components", &list)) {
        return DONE;
    }
    int rc = field_array(&list, 1, WAD_COMPONENTS_MAX, &out->n_components);
    for (size_t i = 0; rc == DONE && i < out->n_components; i++) {
        struct field f = field_item(&list, i);
        rc = read_component(&f, &out->component[i]);
    }
    return rc;
}

static int read_head(const struct field *root, struct wad_source *out)
{
    struct field f;
    char name[NOS_NAME_MAX];
    int rc = field_object(root, keys);
    rc = rc == DONE ? need_nos_name(root, "name", name) : rc;
    rc = rc == DONE ? text_of(root, "version", true, &out->version) : rc;
    rc = rc == DONE ? text_of(root, "licence", true, &out->licence) : rc;
    rc = rc == DONE ? text_of(root, "about", false, &out->about) : rc;
    if (rc != DONE) {
        return rc;
    }
    if (field_get(root, "version", &f) &&
        !text_is_semver(span_of(out->version, strlen(out->version)))) {
        return field_fail(&f, "must be like 1.2.3, with -tail or +tail if need be");
    }
    snprintf(out->name, sizeof(out->name), "%.16s", name);
    return field_need(root, "licences", &f);
}

int wadsrc_read(const char *file, struct wad_source *out, struct wad_draft *draft)
{
    *out = (struct wad_source){ 0 };
    int rc = source_load(file, &out->json);
    if (rc != DONE) {
        return rc;
    }
    struct field root = field_root(&out->json);
    rc = read_head(&root, out);
    rc = rc == DONE ? read_components(&root, out) : rc;
    rc = rc == DONE ? add_list(&root, "modules", NOS_WAD_MODULE, draft) : rc;
    rc = rc == DONE ? add_list(&root, "licences", NOS_WAD_LICENCE, draft) : rc;
    rc = rc == DONE ? add_list(&root, "docs", NOS_WAD_DOC, draft) : rc;
    return rc == DONE ? add_assets(&root, draft) : rc;
}

void wadsrc_free(struct wad_source *s)
{
    source_free(&s->json);
}
