/*
 * The names in a wad. What a path may look like is decided here, once, for whoever unpacks a wad
 * into a folder and for whoever serves it to a capsule: no path leads up, and none leads two ways.
 */
#include "lib/wad.h"

#include <string.h>

#include "lib/text.h"

enum { SEEN_BYTES = NOS_WAD_LUMPS_MAX / 8 };

static bool step_ok(span_t step)
{
    return step.len >= 1 && step.len <= NOS_WAD_STEP_MAX &&
           !(step.len == 1 && step.data[0] == '.') &&
           !(step.len == 2 && step.data[0] == '.' && step.data[1] == '.');
}

bool wad_path_ok(span_t path)
{
    size_t from = 0;
    span_t step;

    if (path.len > NOS_WAD_PATH_MAX || !text_ok(path)) {
        return false;
    }
    for (size_t i = 0; i <= path.len; i++) {
        if (i < path.len && path.data[i] == '\\') {
            return false;
        }
        if (i < path.len && path.data[i] != '/') {
            continue;
        }
        if (!span_cut(path, from, i - from, &step) || !step_ok(step)) {
            return false;
        }
        from = i + 1;
    }
    return true;
}

/* A path's byte for comparing: its end before the slash, the slash before all else. */
static unsigned rank_at(span_t path, size_t i)
{
    if (i >= path.len) {
        return 0;
    }
    return path.data[i] == '/' ? 1 : (unsigned)path.data[i] + 2;
}

int wad_path_compare(span_t a, span_t b)
{
    for (size_t i = 0; i < a.len || i < b.len; i++) {
        unsigned x = rank_at(a, i), y = rank_at(b, i);
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return 0;
}

bool wad_path_above(span_t a, span_t b)
{
    return a.len < b.len && b.data[a.len] == '/' && memcmp(a.data, b.data, a.len) == 0;
}

bool wad_path_called(span_t path, span_t name)
{
    static const char suffix[] = ".mod";
    size_t at = 0, more = sizeof(suffix) - 1;
    span_t last;

    for (size_t i = 0; i < path.len; i++) {
        at = path.data[i] == '/' ? i + 1 : at;
    }
    if (span_equal(path, name)) {
        return true;
    }
    if (!span_from(path, at, &last) || last.len < name.len ||
        memcmp(last.data, name.data, name.len) != 0) {
        return false;
    }
    return last.len == name.len ||
           (last.len == name.len + more && memcmp(last.data + name.len, suffix, more) == 0);
}

bool wad_tree_next(const struct wad_tree *t, struct wad_walk *walk, struct wad_name *out)
{
    span_t row;
    struct wad_name n;

    if (!span_cut(t->rows, (size_t)walk->i * NOS_WAD_TREE_ROW, NOS_WAD_TREE_ROW, &row) ||
        !span_cut(t->paths, walk->at, load_le32(row.data + 4), &n.path)) {
        return false;
    }
    n.row = load_le32(row.data);
    walk->i++;
    walk->at += n.path.len;
    *out = n;
    return true;
}

/* The tree lump: there is one, and it is the first. */
static nos_status_t tree_parts(const struct wad *w, struct wad_tree *t)
{
    struct wad_lump l;
    uint32_t rsv;

    if (!wad_lump(w, 0, &l) || !span_le32(l.bytes, 0, &t->n) || !span_le32(l.bytes, 4, &rsv) ||
        rsv != 0 ||
        !span_cut(l.bytes, NOS_WAD_TREE_HDR, (size_t)t->n * NOS_WAD_TREE_ROW, &t->rows) ||
        !span_from(l.bytes, NOS_WAD_TREE_HDR + t->rows.len, &t->paths)) {
        return NOS_WAD_NAMES;
    }
    return NOS_OK;
}

/* One name after `before`. A path that lies in the folder "a" comes right after "a", if that is a
 * file. */
static nos_status_t check_name(const struct wad *w, const struct wad_name *n, span_t before)
{
    if (n->row == 0 || n->row >= w->n) {
        return NOS_WAD_NAMES;
    }
    if (!wad_path_ok(n->path)) {
        return NOS_WAD_PATH;
    }
    if (before.len != 0 && wad_path_compare(before, n->path) >= 0) {
        return NOS_WAD_NAMES;
    }
    return before.len != 0 && wad_path_above(before, n->path) ? NOS_WAD_PATH : NOS_OK;
}

nos_status_t wad_tree_parse(const struct wad *w, struct wad_tree *out)
{
    struct wad_tree t;
    struct wad_walk walk = { 0 };
    struct wad_name n;
    span_t before = { NULL, 0 };
    uint8_t seen[SEEN_BYTES] = { 0 };
    uint32_t named = 0;

    nos_status_t st = tree_parts(w, &t);
    while (st == NOS_OK && wad_tree_next(&t, &walk, &n)) {
        st = check_name(w, &n, before);
        if (st == NOS_OK) {
            uint8_t bit = (uint8_t)(1u << (n.row % 8));
            named += (seen[n.row / 8] & bit) == 0;
            seen[n.row / 8] |= bit;
            before = n.path;
        }
    }
    if (st == NOS_OK && (walk.i != t.n || walk.at != t.paths.len || named != w->n - 1)) {
        st = NOS_WAD_NAMES;
    }
    if (st == NOS_OK) {
        *out = t;
    }
    return st;
}

bool wad_tree_find(const struct wad_tree *t, span_t path, uint32_t *row)
{
    struct wad_walk walk = { 0 };
    struct wad_name n;
    while (wad_tree_next(t, &walk, &n)) {
        if (wad_path_compare(n.path, path) == 0) {
            *row = n.row;
            return true;
        }
    }
    return false;
}
