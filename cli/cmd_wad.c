/* wad build, wad diff. */
#include <string.h>

#include "cli/cli.h"
#include "cli/show.h"
#include "cli/wadbill.h"
#include "lib/status.h"

enum { OPT_SIGN = 256, OPT_BUILDER };

struct build_args {
    const char *source, *out, *sign, *builder;
};

static error_t parse_build(int key, char *arg, struct argp_state *state)
{
    struct build_args *a = state->input;
    switch (key) {
    case 'o':
        a->out = arg;
        return 0;
    case OPT_SIGN:
        a->sign = arg;
        return 0;
    case OPT_BUILDER:
        a->builder = arg;
        return 0;
    case ARGP_KEY_ARG:
        parse_one(arg, state, "source", &a->source);
        return 0;
    case ARGP_KEY_END:
        if (a->source == NULL || a->out == NULL) {
            argp_error(state, "a source and -o are needed");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option build_options[] = {
    { "output", 'o', "FILE", 0, "wad to write", 0 },
    { "sign", OPT_SIGN, "KEY", 0, "sign the provenance with this publisher's secret key", 0 },
    { "builder", OPT_BUILDER, "URI", 0, "where this is built, for the provenance", 0 },
    { 0 },
};
static const struct argp argp_build = {
    build_options,
    parse_build,
    "SOURCE.json",
    "Put modules, assets, licences and documents into one file, with a bill of materials and the "
    "build's provenance. The same inputs give the same bytes.",
    NULL,
    NULL,
    NULL,
};

static int add_bills(const struct build_args *a, const struct wad_source *src, struct wad_draft *d,
                     const struct key_secret *signer)
{
    const char *builder = a->builder != NULL ? a->builder : "urn:n0n:builder:local";
    struct buf sbom = { NULL, 0 }, provenance = { NULL, 0 };
    draft_sort(d);
    int rc = bill_sbom(src, d, &sbom);
    if (rc == DONE) {
        bill_provenance(src, d, builder, signer, &provenance);
        rc = draft_add(d, NOS_WAD_SBOM, "sbom.spdx.json", &sbom);
    }
    if (rc == DONE) {
        rc = draft_add(d, NOS_WAD_PROVENANCE, "provenance.json", &provenance);
    }
    buf_free(&provenance);
    return rc;
}

static int load_signer(const char *path, struct key_secret *key)
{
    int rc = key_load_secret(path, key);
    if (rc == DONE && key->pub.type != KEY_PUBLISHER) {
        rc = fail(REFUSED, "%s is a key of type %s; a publisher signs provenance", path,
                  key_type_name(key->pub.type));
        key_wipe(key);
    }
    return rc;
}

int cmd_wad_build(int argc, char **argv)
{
    struct build_args a = { 0 };
    struct wad_source src = { 0 };
    struct wad_draft d = { NULL, 0 };
    struct buf file = { NULL, 0 };
    struct key_secret key;
    parse_args(&argp_build, argc, argv, &a);

    int rc = wadsrc_read(a.source, &src, &d);
    if (rc == DONE && a.sign != NULL) {
        rc = load_signer(a.sign, &key);
    }
    if (rc == DONE) {
        rc = add_bills(&a, &src, &d, a.sign != NULL ? &key : NULL);
        if (a.sign != NULL) {
            key_wipe(&key);
        }
    }
    if (rc == DONE) {
        rc = wadfile_make(&d, &file);
    }
    if (rc == DONE) {
        rc = file_write(a.out, buf_span(&file), 0644);
    }
    buf_free(&file);
    draft_free(&d);
    wadsrc_free(&src);
    return rc;
}

/* --- diff --- */

struct diff_args {
    const char *file[2];
    size_t n;
    enum out_form form;
};

static error_t parse_diff(int key, char *arg, struct argp_state *state)
{
    struct diff_args *a = state->input;
    switch (key) {
    case 'o':
        parse_form(arg, state, &a->form);
        return 0;
    case ARGP_KEY_ARG:
        if (a->n == 2) {
            argp_error(state, "two wads at a time");
        }
        a->file[a->n++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->n != 2) {
            argp_error(state, "which two wads?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option diff_options[] = {
    { "output", 'o', "FORM", 0, "json or text", 0 },
    { 0 },
};
static const struct argp argp_diff = {
    diff_options,
    parse_diff,
    "OLD.wad NEW.wad",
    "What is new, gone or changed, by name. Exit code 0: nothing; 1: something, or a wad that is "
    "refused.",
    NULL,
    NULL,
    NULL,
};

static const struct out_column diff_columns[] = {
    { "change", "CHANGE" }, { "type", "TYPE" },     { "path", "PATH" },
    { "old_bytes", "OLD" }, { "new_bytes", "NEW" },
};

/** The next name and its lump; false: no more, and then its path is empty. */
static bool step(const struct wad_loaded *w, struct wad_walk *walk, struct wad_name *n,
                 struct wad_lump *l)
{
    *n = (struct wad_name){ 0 };
    return wad_tree_next(&w->tree, walk, n) && wad_lump(&w->wad, n->row, l);
}

static void add_change(cJSON *rows, const char *what, span_t path, const struct wad_lump *old,
                       const struct wad_lump *new)
{
    cJSON *row = out_row();
    uint16_t type = old != NULL ? old->type : 0;
    type = new != NULL ? new->type : type;
    out_text(row, "change", what);
    out_text(row, "type", wad_type_name(type));
    out_untrusted(row, "path", (const char *)path.data, path.len);
    if (old != NULL) {
        out_u64(row, "old_bytes", old->bytes.len);
    }
    if (new != NULL) {
        out_u64(row, "new_bytes", new->bytes.len);
    }
    cJSON_AddItemToArray(rows, row);
}

/** Both in the order of their names, side by side. */
static cJSON *changes(const struct wad_loaded *old, const struct wad_loaded *new)
{
    cJSON *rows = cJSON_CreateArray();
    struct wad_walk a = { 0 }, b = { 0 };
    struct wad_name x, y;
    struct wad_lump p, q;
    bool more_x = step(old, &a, &x, &p), more_y = step(new, &b, &y, &q);
    while (more_x || more_y) {
        int order = !more_y ? -1 : !more_x ? 1 : wad_path_compare(x.path, y.path);
        if (order < 0) {
            add_change(rows, "gone", x.path, &p, NULL);
        } else if (order > 0) {
            add_change(rows, "new", y.path, NULL, &q);
        } else if (p.type != q.type || memcmp(p.blake3, q.blake3, 32) != 0) {
            add_change(rows, "changed", x.path, &p, &q);
        }
        if (order <= 0) {
            more_x = step(old, &a, &x, &p);
        }
        if (order >= 0) {
            more_y = step(new, &b, &y, &q);
        }
    }
    return rows;
}

int cmd_wad_diff(int argc, char **argv)
{
    struct diff_args a = { 0 };
    struct wad_loaded old = { 0 }, new = { 0 };
    parse_args(&argp_diff, argc, argv, &a);

    int rc = wad_load(a.file[0], &old);
    if (rc == DONE) {
        rc = wad_load(a.file[1], &new);
    }
    if (rc == DONE) {
        cJSON *rows = changes(&old, &new);
        bool any = rows->child != NULL;
        if (any || a.form == OUT_JSON) {
            rc = out_table(rows, diff_columns, ARRAY_LEN(diff_columns), a.form);
        } else {
            cJSON_Delete(rows);
        }
        rc = rc == DONE && any ? REFUSED : rc;
    }
    wad_unload(&old);
    wad_unload(&new);
    return rc;
}
