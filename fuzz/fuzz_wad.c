/*
 * Wads. The hashes are put right in a copy, so that the names behind them are reached; then the
 * file as it came must be refused, or be that copy. The copy fills a tree of memfs's.
 */
#include "fuzz/fuzz.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/sha256.h"
#include "lib/wad.h"
#include "modules/memfs/fill.h"
#include "tests/host/memfs_host.h"

static void check_view(const struct wad *w)
{
    struct wad_lump l;
    uint64_t end = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        PROMISE(wad_lump(w, i, &l));
        PROMISE(fuzz_inside(l.bytes, w->file) && l.off % NOS_WAD_PAGE == 0 && l.off >= end);
        end = l.off + l.bytes.len;
    }
    PROMISE(!wad_lump(w, w->n, &l));
    PROMISE(fuzz_inside(w->index, w->file) && fuzz_inside(w->detached, w->file));
    PROMISE(w->detached.len == 0
                ? end == w->file.len
                : w->detached.data + w->detached.len == w->file.data + w->file.len);
}

static void check_names(const struct wad *w)
{
    struct wad_tree t;
    struct wad_walk walk = { 0 };
    struct wad_name n, before = { 0 };
    uint32_t row;

    if (wad_tree_parse(w, &t) != NOS_OK) {
        return;
    }
    while (wad_tree_next(&t, &walk, &n)) {
        PROMISE(n.row > 0 && n.row < w->n && wad_path_ok(n.path));
        PROMISE(fuzz_inside(n.path, w->file) && n.path.data[0] != '/');
        PROMISE(before.path.len == 0 || (wad_path_compare(before.path, n.path) < 0 &&
                                         !wad_path_above(before.path, n.path)));
        PROMISE(wad_tree_find(&t, n.path, &row) && row == n.row);
        before = n;
    }
    PROMISE(walk.i == t.n && walk.at == t.paths.len);
}

/* The file again, with the hashes of its rows as they should be. They may then be out of order. */
static void put_hashes_right(const struct wad *w, uint8_t *file)
{
    struct wad_lump l;
    for (uint32_t i = 0; wad_lump(w, i, &l); i++) {
        uint8_t *row = file + NOS_WAD_INDEX + NOS_WAD_INDEX_HDR + (size_t)i * NOS_WAD_ROW;
        blake3_hash(l.bytes, row + 24);
        sha256_hash(l.bytes, row + 56);
    }
}

/* Who reads only the begin sees the same rows, and the same names or none; and a file whose begin
 * is refused is refused. */
static void check_head(const struct wad *w, span_t file)
{
    struct wad head;
    struct wad_lump l, row;
    uint64_t len;

    bool begins =
        wad_head_len(span_of(file.data, file.len < 4096 ? file.len : 4096), &len) == NOS_OK &&
        len <= file.len;
    bool reads = begins && wad_parse_head(span_of(file.data, len), file.len, &head) == NOS_OK;
    PROMISE(w == NULL || reads);
    for (uint32_t i = 0; w != NULL && wad_lump(w, i, &l); i++) {
        PROMISE(wad_row(&head, i, &row) && row.off == l.off && row.len == l.len);
    }
    if (reads) {
        PROMISE(wad_lump(&head, 0, &l) && fuzz_inside(l.bytes, head.file));
        check_names(&head);
    }
}

/* A share of memfs is filled with it whole, or not at all; a tree may be too small, and memory run
 * out. */
static void fill(span_t file)
{
    struct wad w;
    struct wad_tree names;
    struct tree t;
    uint32_t files, seen = 0;

    if (fill_check(file, &w, &names) != NOS_OK) {
        return;
    }
    host_seed = load_le64(w.index.data + 24) | 1;
    host_fail = host_seed % 3 == 0 ? 8 : 0;
    if (tree_begin(&t, host_seed % 5 == 0 ? 8192 : 1 << 24, host_seed % 7 == 0 ? 4 : 4096) !=
        NOS_OK) {
        return;
    }
    nos_status_t st = fill_tree(&w, &names, &t, 1, &files);
    PROMISE(st == NOS_OK || st == NOS_QUOTA || st == NOS_NO_MEMORY);
    PROMISE(st == NOS_OK || (t.nodes == 1 && t.purse.bytes == 0 && t.root->dir.first == NULL));
    for (const struct name *e = t.root->dir.first, *up; e != NULL;) {
        const bool dir = e->node->kind == NOS_FS_KIND_DIR;
        PROMISE(e->node->mode == (dir ? 0555 : 0444) && e->node->names == 1);
        PROMISE(!dir || e->node->dir.first != NULL);
        seen += !dir;
        up = dir ? e->node->dir.first : e;
        while (up != NULL && up == e && e->next == NULL) {
            e = up = e->dir->dir.name;
        }
        e = up != e ? up : e != NULL ? e->next : NULL;
    }
    PROMISE(st != NOS_OK || seen == files);
    host_fail = 0;
    PROMISE(host_ended(&t));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wad w, mended, index;
    uint32_t at;
    uint64_t len;

    if (wad_parse(span_of(data, size), &w) != NOS_OK) {
        check_head(NULL, span_of(data, size));
        return 0;
    }
    check_view(&w);
    check_head(&w, span_of(data, size));
    PROMISE(wad_parse_index(w.index, &index, &len) == NOS_OK && len <= size && index.n == w.n);
    uint8_t *copy = malloc(size);
    PROMISE(copy != NULL);
    memcpy(copy, data, size);
    put_hashes_right(&w, copy);
    if (wad_parse(span_of(copy, size), &mended) == NOS_OK) {
        PROMISE(wad_check(&mended, &at) == NOS_OK);
        check_names(&mended);
        fill(span_of(copy, size));
    }
    PROMISE((wad_check(&w, &at) == NOS_OK) == (memcmp(copy, data, size) == 0));
    free(copy);
    return 0;
}
