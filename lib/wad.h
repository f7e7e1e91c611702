#pragma once
/*
 * The .wad file. Three steps, each a pure function that leans on what the one before proved:
 * wad_parse (the shape of the whole file), wad_check_lump (its bytes are those of the index),
 * wad_tree_parse (names). Whoever uses a lump has checked it. Who made a wad is not asked: each
 * module in it carries its own signature. Spec: abi/wad.h; docs/formats.md, "Wad".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/status.h"
#include "abi/wad.h"
#include "lib/compiler.h"
#include "lib/span.h"

struct wad {  // borrows the file
    span_t file;
    span_t index;     // n, flags, rows: what ids and log entries are over
    uint32_t n;       // lumps
    span_t detached;  // TLV; empty: there is none
};

struct wad_lump {       // borrows the file
    uint16_t type;      // enum nos_wad_type
    uint64_t off, len;  // of its bytes in the file
    span_t bytes;
    const uint8_t *blake3, *sha256;
};

/**
 * Magic, index and layout: every byte of the file is then a lump's, the index's, padding or the
 * detached area's.
 * Errors: WAD_TRUNCATED, WAD_OVERSIZE, WAD_MAGIC, WAD_VERSION, WAD_RESERVED, WAD_TYPE, WAD_ORDER,
 *         WAD_LAYOUT, WAD_PARTS, WAD_DETACHED.
 */
MUST_CHECK nos_status_t wad_parse(span_t file, struct wad *out);

/**
 * The same for an index alone, which is how a wad travels in parts. `file` stays empty, and so are
 * the bytes of its lumps. Gives: `*len`, bytes of the file up to the end of the last lump. Errors:
 * as wad_parse, without WAD_MAGIC and WAD_DETACHED.
 */
MUST_CHECK nos_status_t wad_parse_index(span_t index, struct wad *out, uint64_t *len);

/**
 * For who reads a wad from a file, and of it no more than one lump: how many bytes of its begin
 * wad_parse_head wants, from the first NOS_WAD_PAGE of them (or all). Not one of them is believed:
 * the caller has a bound of his own. Errors: WAD_TRUNCATED, WAD_MAGIC, WAD_VERSION, WAD_OVERSIZE.
 */
MUST_CHECK nos_status_t wad_head_len(span_t first, uint64_t *len);

/**
 * As wad_parse, from the begin of a file of `len` bytes: magic, index, padding, the tree. `file` is
 * that begin: of the lumps behind the tree there are rows (wad_row), and no bytes. What lies behind
 * the last lump is not looked at.
 * Errors: as wad_parse, without WAD_DETACHED.
 */
MUST_CHECK nos_status_t wad_parse_head(span_t head, uint64_t len, struct wad *out);

/** Row `i`, without the lump's bytes; false, and `*out` untouched, when there is none. */
MUST_CHECK bool wad_row(const struct wad *w, uint32_t i, struct wad_lump *out);

/** Lump `i`; false, and `*out` untouched, when there is none, or it is not in the file. */
MUST_CHECK bool wad_lump(const struct wad *w, uint32_t i, struct wad_lump *out);

/** Both hashes of a lump's bytes, wherever they were read. Errors: WAD_BLAKE3, WAD_SHA256. */
MUST_CHECK nos_status_t wad_check_bytes(const struct wad_lump *row, span_t bytes);

/**
 * Both hashes of lump `i`.
 * Errors: WAD_BLAKE3, WAD_SHA256; NOT_FOUND: no such lump.
 */
MUST_CHECK nos_status_t wad_check_lump(const struct wad *w, uint32_t i);

/** All lumps. Gives: `*at`, the lump that was refused. Errors: as wad_check_lump. */
MUST_CHECK nos_status_t wad_check(const struct wad *w, uint32_t *at);

/** BLAKE3 of the index: names the wad with all that is in it. */
void wad_id(const struct wad *w, uint8_t out[32]);

struct wad_tree {  // borrows the lump
    uint32_t n;
    span_t rows, paths;
};

/**
 * The tree of a wad whose tree lump was checked. Every path is then one that leads down only, no
 * name is there twice or is a folder and a file at once, and every lump but the tree has a name.
 * Errors: WAD_NAMES, WAD_PATH.
 */
MUST_CHECK nos_status_t wad_tree_parse(const struct wad *w, struct wad_tree *out);

struct wad_name {  // borrows the tree
    uint32_t row;  // of the index
    span_t path;
};

/** Take names in order, from `*at` = 0 on. False: there are no more. */
struct wad_walk {
    uint32_t i;
    size_t at;
};
MUST_CHECK bool wad_tree_next(const struct wad_tree *t, struct wad_walk *walk,
                              struct wad_name *out);

/** The row that `path` names. False: nothing is called that. */
MUST_CHECK bool wad_tree_find(const struct wad_tree *t, span_t path, uint32_t *row);

/** Does a person mean the lump at `path` by `name`: all of it, its last step, or that without
 * ".mod"? */
MUST_CHECK bool wad_path_called(span_t path, span_t name);

/**
 * May a lump be called so? Steps with slashes between them; no step is empty, "." or "..", too
 * long, or has what text_ok refuses, or a backslash.
 */
MUST_CHECK bool wad_path_ok(span_t path);

/** The order of paths: by bytes, the slash first; so a folder's files stand together. <0, 0, >0. */
MUST_CHECK int wad_path_compare(span_t a, span_t b);

/** Is `a` a folder on the way to `b`? */
MUST_CHECK bool wad_path_above(span_t a, span_t b);
