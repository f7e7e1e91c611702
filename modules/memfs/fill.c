/* What the parser of wads has proved is leant on: a path has no step that leads up, none is empty
 * or too long, and no file is another's folder. So what is made here is made once. */
#include "modules/memfs/fill.h"

#include <string.h>

#include "modules/memfs/tree_impl.h"

enum { MODE_FILE = 0444, MODE_FOLDER = 0555 };

nos_status_t fill_check(span_t file, struct wad *w, struct wad_tree *names)
{
    uint32_t at;
    nos_status_t st = wad_parse(file, w);

    st = st == NOS_OK ? wad_check(w, &at) : st;
    return st == NOS_OK ? wad_tree_parse(w, names) : st;
}

static nos_status_t enter(span_t name, uint64_t now, struct node **dir)
{
    const struct name *there = dir_find(*dir, name);
    struct place at = { .dir = *dir, .name = name, .node = there == NULL ? NULL : there->node };
    nos_status_t st = NOS_OK;

    if (at.node == NULL) {
        struct node *made = NULL;
        st = tree_make(&at, NOS_FS_KIND_DIR, span_of(NULL, 0), now, &made);
        if (st == NOS_OK && made != NULL) {
            made->mode = MODE_FOLDER;
        }
        at.node = made;
    }
    *dir = at.node;
    return st;
}

/* The folder that `path` stands in, made as far as it is not there. Gives: its last step. */
static nos_status_t make_folders(struct tree *t, span_t *path, uint64_t now, struct node **dir)
{
    nos_status_t st = NOS_OK;
    size_t n = 0;

    *dir = t->root;
    while (st == NOS_OK && n < path->len) {
        if (path->data[n] != '/') {
            n++;
            continue;
        }
        st = enter(span_of(path->data, n), now, dir);
        *path = span_of(path->data + n + 1, path->len - n - 1);
        n = 0;
    }
    return st;
}

static nos_status_t make_file(struct tree *t, span_t path, span_t bytes, uint64_t now)
{
    struct node *dir = NULL, *n = NULL;
    size_t done = 0;

    nos_status_t st = make_folders(t, &path, now, &dir);
    const struct place at = { .dir = dir, .name = path };
    st = st == NOS_OK ? tree_make(&at, NOS_FS_KIND_FILE, span_of(NULL, 0), now, &n) : st;
    if (st != NOS_OK) {
        return st;
    }
    n->mode = MODE_FILE;
    while (st == NOS_OK && bytes.len != 0) {
        st = data_write(&t->purse, &n->file.data, n->file.data.size, bytes, &done);
        bytes = span_of(bytes.data + done, bytes.len - done);
        done = 0;
    }
    return st;
}

static bool is_asset(const struct wad *w, const struct wad_name *n, span_t *path, span_t *bytes)
{
    static const char folder[] = "assets/";
    struct wad_lump l;

    if (!wad_lump(w, n->row, &l) || l.type != NOS_WAD_ASSET || n->path.len < sizeof folder ||
        memcmp(n->path.data, folder, sizeof folder - 1) != 0) {
        return false;
    }
    *path = span_of(n->path.data + sizeof folder - 1, n->path.len - (sizeof folder - 1));
    *bytes = l.bytes;
    return true;
}

nos_status_t fill_tree(const struct wad *w, const struct wad_tree *names, struct tree *t,
                       uint64_t now, uint32_t *files)
{
    struct wad_walk walk = { 0 };
    struct wad_name n;
    span_t path, bytes;
    nos_status_t st = t->root->dir.first == NULL ? NOS_OK : NOS_FS_EXISTS;
    bool empty = st == NOS_OK;

    *files = 0;
    while (st == NOS_OK && wad_tree_next(names, &walk, &n)) {
        if (is_asset(w, &n, &path, &bytes)) {
            st = make_file(t, path, bytes, now);
            ++*files;
        }
    }
    if (st != NOS_OK && empty) {
        tree_clear(t);
    }
    return st;
}
