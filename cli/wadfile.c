/* .wad files are laid out from the lengths alone: index, lumps, each on a page. */
#include "cli/wadfile.h"

#include <stdlib.h>
#include <string.h>

#include "cli/out.h"
#include "cli/report.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/sha256.h"
#include "lib/status.h"
#include "lib/wad.h"

#define OFF(field) offsetof(struct nos_wad_lump, field)

static void fill_row(uint8_t row[NOS_WAD_ROW], uint16_t type, span_t bytes)
{
    memset(row, 0, NOS_WAD_ROW);
    store_le16(row, type);
    store_le64(row + OFF(len), bytes.len);
    blake3_hash(bytes, row + OFF(blake3));
    sha256_hash(bytes, row + OFF(sha256));
}

int draft_add(struct wad_draft *d, uint16_t type, const char *path, struct buf *bytes)
{
    if (!wad_path_ok(span_of(path, strlen(path)))) {
        char *safe = out_safe(span_of(path, strlen(path)));
        int rc = fail(REFUSED, "%s cannot be the name of a part of a wad (WAD_PATH)", safe);
        hint("docs/formats.md, \"Wad\", says what a path may look like");
        free(safe);
        buf_free(bytes);
        return rc;
    }
    struct wad_part *more = must_alloc((d->n + 1) * sizeof(*more));
    if (d->n > 0) {
        memcpy(more, d->part, d->n * sizeof(*more));
    }
    free(d->part);
    d->part = more;
    struct wad_part *p = &d->part[d->n++];
    *p = (struct wad_part){ .type = type, .path = must_printf("%s", path), .bytes = *bytes };
    *bytes = (struct buf){ NULL, 0 };
    fill_row(p->row, type, buf_span(&p->bytes));
    return DONE;
}

void draft_free(struct wad_draft *d)
{
    for (size_t i = 0; i < d->n; i++) {
        free(d->part[i].path);
        buf_free(&d->part[i].bytes);
    }
    free(d->part);
    *d = (struct wad_draft){ NULL, 0 };
}

static int by_path(const void *a, const void *b)
{
    const struct wad_part *x = a, *y = b;
    return wad_path_compare(span_of(x->path, strlen(x->path)), span_of(y->path, strlen(y->path)));
}

void draft_sort(struct wad_draft *d)
{
    if (d->n > 0) {
        qsort(d->part, d->n, sizeof(*d->part), by_path);
    }
}

static int row_compare(const uint8_t *a, const uint8_t *b)
{
    int type = (int)load_le16(a) - (int)load_le16(b);
    return type != 0 ? type : memcmp(a + OFF(blake3), b + OFF(blake3), 32);
}

/* One lump of the file to be. `of`: the part it comes from; NULL: the tree. */
struct lump {
    const struct wad_part *of;
    uint8_t row[NOS_WAD_ROW];
};

static int by_row(const void *a, const void *b)
{
    return row_compare(((const struct lump *)a)->row, ((const struct lump *)b)->row);
}

/** The lumps of all parts, sorted, each content once; lump 0 is left for the tree. */
static size_t gather(const struct wad_draft *d, struct lump *lumps)
{
    size_t kept = 1;
    for (size_t i = 0; i < d->n; i++) {
        lumps[i + 1].of = &d->part[i];
        memcpy(lumps[i + 1].row, d->part[i].row, NOS_WAD_ROW);
    }
    qsort(lumps + 1, d->n, sizeof(*lumps), by_row);
    for (size_t i = 1; i <= d->n; i++) {
        if (kept == 1 || by_row(&lumps[kept - 1], &lumps[i]) != 0) {
            lumps[kept++] = lumps[i];
        }
    }
    return kept;
}

static void make_tree(const struct wad_draft *d, const struct lump *lumps, size_t n,
                      struct buf *tree)
{
    size_t paths = NOS_WAD_TREE_HDR + d->n * NOS_WAD_TREE_ROW, len = paths;
    for (size_t i = 0; i < d->n; i++) {
        len += strlen(d->part[i].path);
    }
    uint8_t *t = buf_add_zero(tree, len);
    store_le32(t, (uint32_t)d->n);
    for (size_t i = 0; i < d->n; i++) {
        struct lump key = { .of = NULL };
        memcpy(key.row, d->part[i].row, NOS_WAD_ROW);
        const struct lump *found = bsearch(&key, lumps + 1, n - 1, sizeof(*lumps), by_row);
        uint8_t *row = t + NOS_WAD_TREE_HDR + i * NOS_WAD_TREE_ROW;
        size_t path = strlen(d->part[i].path);
        store_le32(row, (uint32_t)(found - lumps));
        store_le32(row + 4, (uint32_t)path);
        memcpy(t + paths, d->part[i].path, path);
        paths += path;
    }
}

static size_t page_up(size_t n)
{
    return (n + NOS_WAD_PAGE - 1) & ~(size_t)(NOS_WAD_PAGE - 1);
}

static span_t lump_bytes(const struct lump *l, const struct buf *tree)
{
    return l->of == NULL ? buf_span(tree) : buf_span(&l->of->bytes);
}

static void lay_out(struct lump *lumps, size_t n, const struct buf *tree, struct buf *out)
{
    size_t end = NOS_WAD_INDEX + NOS_WAD_INDEX_HDR + n * NOS_WAD_ROW;
    for (size_t i = 0; i < n; i++) {
        store_le64(lumps[i].row + OFF(off), page_up(end));
        end = page_up(end) + lump_bytes(&lumps[i], tree).len;
    }
    uint8_t *file = buf_add_zero(out, end);
    memcpy(file, NOS_MAGIC_WAD, NOS_WAD_INDEX);
    store_le32(file + NOS_WAD_INDEX, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        span_t bytes = lump_bytes(&lumps[i], tree);
        memcpy(file + NOS_WAD_INDEX + NOS_WAD_INDEX_HDR + i * NOS_WAD_ROW, lumps[i].row,
               NOS_WAD_ROW);
        if (bytes.len > 0) {
            memcpy(file + load_le64(lumps[i].row + OFF(off)), bytes.data, bytes.len);
        }
    }
}

/** What is made passes what a reader asks of it. */
static int check_made(const struct buf *file)
{
    struct wad w;
    struct wad_tree t;
    uint32_t at;
    nos_status_t st = wad_parse(buf_span(file), &w);
    if (st == NOS_OK) {
        st = wad_check(&w, &at);
    }
    if (st == NOS_OK) {
        st = wad_tree_parse(&w, &t);
    }
    return st == NOS_OK ? DONE
                        : fail(REFUSED, "no wad can be made of this: %s (%s)", status_text(st),
                               status_name(st));
}

int wadfile_make(struct wad_draft *d, struct buf *out)
{
    size_t total = 0;
    draft_sort(d);
    for (size_t i = 0; i < d->n; i++) {
        if (i > 0 && by_path(&d->part[i - 1], &d->part[i]) == 0) {
            return fail(REFUSED, "two parts would have the name %s", d->part[i].path);
        }
        total += d->part[i].bytes.len;
    }
    if (d->n >= NOS_WAD_LUMPS_MAX || total > NOS_WAD_MAX) {
        return fail(REFUSED, "too much for one wad: %zu parts of %d, %zu bytes of %d", d->n,
                    NOS_WAD_LUMPS_MAX - 1, total, NOS_WAD_MAX);
    }
    struct lump *lumps = must_alloc((d->n + 1) * sizeof(*lumps));
    struct buf tree = { NULL, 0 };
    size_t n = gather(d, lumps);
    make_tree(d, lumps, n, &tree);
    fill_row(lumps[0].row, NOS_WAD_TREE, buf_span(&tree));
    lay_out(lumps, n, &tree, out);
    buf_free(&tree);
    free(lumps);
    return check_made(out);
}
