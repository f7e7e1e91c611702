/* A wad in memory. */
#include "cli/wadload.h"

#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "lib/status.h"

static const char *const type_words[NOS_WAD_TYPES] = {
    "?", "tree", "module", "asset", "licence", "sbom", "provenance", "document"
};

const char *wad_type_name(uint16_t type)
{
    return type_words[type < NOS_WAD_TYPES ? type : 0];
}

bool is_wad(span_t file)
{
    return file.len >= NOS_WAD_INDEX && memcmp(file.data, NOS_MAGIC_WAD, NOS_WAD_INDEX - 1) == 0;
}

int wad_take(struct buf *file, struct wad_loaded *out)
{
    uint32_t at = 0;
    *out = (struct wad_loaded){ .file = *file };
    *file = (struct buf){ NULL, 0 };
    out->status = wad_parse(buf_span(&out->file), &out->wad);
    if (out->status == NOS_OK) {
        out->status = wad_check(&out->wad, &at);
    }
    if (out->status == NOS_OK) {
        out->status = wad_tree_parse(&out->wad, &out->tree);
    }
    return out->status == NOS_OK ? DONE : REFUSED;
}

int wad_load(const char *path, struct wad_loaded *out)
{
    struct buf file;
    *out = (struct wad_loaded){ .status = NOS_NOT_FOUND };
    int rc = file_read(path, NOS_WAD_MAX, &file);
    if (rc == DONE && wad_take(&file, out) != DONE) {
        rc = fail(REFUSED, "%s: %s (%s); nothing of it is used", path, status_text(out->status),
                  status_name(out->status));
    }
    return rc;
}

void wad_unload(struct wad_loaded *w)
{
    buf_free(&w->file);
}

char *wad_name_of(const struct wad_loaded *w, uint32_t row)
{
    struct wad_walk walk = { 0 };
    struct wad_name n;
    while (wad_tree_next(&w->tree, &walk, &n)) {
        if (n.row == row) {
            return must_printf("%.*s", (int)n.path.len, (const char *)n.path.data);
        }
    }
    return must_printf("%s", "");
}

span_t wad_only(const struct wad *w, uint16_t type)
{
    struct wad_lump l;
    for (uint32_t i = 0; wad_lump(w, i, &l); i++) {
        if (l.type == type) {
            return l.bytes;
        }
    }
    return (span_t){ NULL, 0 };
}

int wad_module(const struct wad_loaded *w, const char *path, const char *name, span_t *out)
{
    struct wad_walk walk = { 0 };
    struct wad_name n;
    struct wad_lump l;
    size_t found = 0;
    while (wad_tree_next(&w->tree, &walk, &n)) {
        if (wad_lump(&w->wad, n.row, &l) && l.type == NOS_WAD_MODULE &&
            (name == NULL || wad_path_called(n.path, span_of(name, strlen(name))))) {
            *out = l.bytes;
            found++;
        }
    }
    if (found == 1) {
        return DONE;
    }
    if (name == NULL) {
        fail(REFUSED, "%s holds %zu modules", path, found);
        hint(found == 0 ? "nothing in it can be started" : "say which: --module NAME");
    } else {
        fail(REFUSED, "%s holds %zu modules called %s", path, found, name);
    }
    hint("nonosctl wad inspect %s lists them", path);
    return REFUSED;
}
