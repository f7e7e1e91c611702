#pragma once
/* Wads made here by the words of docs/formats.md: what the tests break one rule at a time, and what
 * the fuzzer starts from. */
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/blake3.h"
#include "lib/crypto/sha256.h"
#include "lib/wad.h"
#include "tests/host/golden.h"

enum { GOLDWAD_MAX = 16 };

struct goldwad_part {
    uint16_t type;
    const char *path;
    span_t bytes;
};

static inline void goldwad_row(uint8_t *row, uint16_t type, span_t bytes)
{
    memset(row, 0, NOS_WAD_ROW);
    store_le16(row, type);
    store_le64(row + 16, bytes.len);
    blake3_hash(bytes, row + 24);
    sha256_hash(bytes, row + 56);
}

static inline int goldwad_by_row(const void *a, const void *b)
{
    const uint8_t *x = a, *y = b;
    int type = (int)load_le16(x) - (int)load_le16(y);
    return type != 0 ? type : memcmp(x + 24, y + 24, 32);
}

/* Both hashes of lump `i` from its bytes as they are now. */
static inline void goldwad_rehash(struct buf f, uint32_t i)
{
    uint8_t *row = f.data + 16 + 88 * (size_t)i;
    span_t bytes = span_of(f.data + load_le64(row + 8), load_le64(row + 16));
    blake3_hash(bytes, row + 24);
    sha256_hash(bytes, row + 56);
}

/* The tree of parts that stand in the order of their paths; rows as the index has them. */
static inline struct buf goldwad_tree(const struct goldwad_part *p, size_t n, const uint8_t *rows,
                                      size_t n_rows)
{
    size_t len = 8 + 8 * n, at = len;
    for (size_t i = 0; i < n; i++) {
        len += strlen(p[i].path);
    }
    struct buf t = buf_new(len);
    store_le32(t.data, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        uint8_t want[88];
        size_t r = 0, path = strlen(p[i].path);
        goldwad_row(want, p[i].type, p[i].bytes);
        while (r < n_rows && goldwad_by_row(rows + 88 * r, want) != 0) {
            r++;
        }
        store_le32(t.data + 8 + 8 * i, (uint32_t)r + 1);
        store_le32(t.data + 12 + 8 * i, (uint32_t)path);
        memcpy(t.data + at, p[i].path, path);
        at += path;
    }
    return t;
}

/* Parts in the order of their paths; two of one content are one lump. */
static inline struct buf goldwad(const struct goldwad_part *p, size_t n, span_t detached)
{
    uint8_t rows[88 * (GOLDWAD_MAX + 1)];
    const span_t *of[GOLDWAD_MAX + 1] = { 0 };
    size_t n_rows = 0;
    for (size_t i = 0; i < n; i++) {
        goldwad_row(rows + 88 * n_rows, p[i].type, p[i].bytes);
        bool again = false;
        for (size_t k = 0; k < n_rows; k++) {
            again |= goldwad_by_row(rows + 88 * k, rows + 88 * n_rows) == 0;
        }
        n_rows += !again;
    }
    qsort(rows, n_rows, 88, goldwad_by_row);
    struct buf tree = goldwad_tree(p, n, rows, n_rows);
    span_t tree_span = buf_span(tree);
    memmove(rows + 88, rows, 88 * n_rows);
    goldwad_row(rows, NOS_WAD_TREE, tree_span);
    n_rows++;
    size_t at = 16 + 88 * n_rows;
    for (size_t r = 0; r < n_rows; r++) {
        at = (at + 4095) & ~(size_t)4095;
        store_le64(rows + 88 * r + 8, at);
        at += load_le64(rows + 88 * r + 16);
        of[r] = &tree_span;
        for (size_t i = 0; r != 0 && i < n; i++) {
            uint8_t want[88];
            goldwad_row(want, p[i].type, p[i].bytes);
            of[r] = goldwad_by_row(rows + 88 * r, want) == 0 ? &p[i].bytes : of[r];
        }
    }
    size_t end = detached.len == 0 ? at : ((at + 4095) & ~(size_t)4095) + detached.len;
    struct buf f = buf_new(end);
    memcpy(f.data, NOS_MAGIC_WAD, 8);
    store_le32(f.data + 8, (uint32_t)n_rows);
    memcpy(f.data + 16, rows, 88 * n_rows);
    for (size_t r = 0; r < n_rows; r++) {
        if (of[r]->len != 0) {
            memcpy(f.data + load_le64(rows + 88 * r + 8), of[r]->data, of[r]->len);
        }
    }
    if (detached.len != 0) {
        memcpy(f.data + end - detached.len, detached.data, detached.len);
    }
    buf_free(&tree);
    return f;
}

/* One of everything; two files with one content; an empty one. */
static const struct goldwad_part goldwad_parts[] = {
    { NOS_WAD_LICENCE, "LICENSE", { (const uint8_t *)"ISC", 3 } },
    { NOS_WAD_ASSET, "assets/a", { (const uint8_t *)"hello", 5 } },
    { NOS_WAD_ASSET, "assets/a-b", { (const uint8_t *)"hello", 5 } },
    { NOS_WAD_ASSET, "assets/c/d", { NULL, 0 } },
    { NOS_WAD_DOC, "docs/guide.md", { (const uint8_t *)"# guide\n", 8 } },
    { NOS_WAD_MODULE, "modules/hello.mod", { (const uint8_t *)"module", 6 } },
    { NOS_WAD_PROVENANCE, "provenance.json", { (const uint8_t *)"{}", 2 } },
    { NOS_WAD_SBOM, "sbom.spdx.json", { (const uint8_t *)"{ }", 3 } },
};
enum { GOLDWAD_PARTS = 8, GOLDWAD_LUMPS = 8 };

static inline struct buf goldwad_plain(span_t detached)
{
    return goldwad(goldwad_parts, GOLDWAD_PARTS, detached);
}
