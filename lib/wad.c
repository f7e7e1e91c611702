/*
 * The .wad file's shape. Where each lump lies follows from the lengths before it, so there is one
 * file for one content: an offset is read only to be compared.
 */
#include "lib/wad.h"

#include <string.h>

#include "lib/crypto/blake3.h"
#include "lib/crypto/sha256.h"
#include "lib/tlv.h"

#define OFF(field) offsetof(struct nos_wad_lump, field)
enum { HASH_LEN = 32, MAGIC_LEN = 8, MAGIC_NAME = 7 };

_Static_assert(sizeof(NOS_MAGIC_WAD) - 1 == MAGIC_LEN, "the magic is 8 bytes");

/* Neither of a length that was not held against NOS_WAD_MAX. */
static uint64_t page_up(uint64_t n)
{
    return (n + NOS_WAD_PAGE - 1) & ~(uint64_t)(NOS_WAD_PAGE - 1);
}

/* Row `i`; it is there. */
static const uint8_t *row_of(const struct wad *w, uint32_t i)
{
    return w->index.data + NOS_WAD_INDEX_HDR + (size_t)i * NOS_WAD_ROW;
}

/* By type, then by hash. */
static int row_compare(const uint8_t *a, const uint8_t *b)
{
    uint16_t x = load_le16(a), y = load_le16(b);
    if (x != y) {
        return x < y ? -1 : 1;
    }
    return memcmp(a + OFF(blake3), b + OFF(blake3), HASH_LEN);
}

static nos_status_t check_row(const uint8_t *row, const uint8_t *before, uint64_t at)
{
    uint16_t type = load_le16(row);
    uint64_t len = load_le64(row + OFF(len));

    if (load_le16(row + OFF(rsv)) != 0 || load_le32(row + OFF(rsv2)) != 0) {
        return NOS_WAD_RESERVED;
    }
    if (type == 0 || type >= NOS_WAD_TYPES) {
        return NOS_WAD_TYPE;
    }
    if (before != NULL && row_compare(before, row) >= 0) {
        return NOS_WAD_ORDER;
    }
    if (load_le64(row + OFF(off)) != at) {
        return NOS_WAD_LAYOUT;
    }
    if (len > NOS_WAD_MAX || at + len > NOS_WAD_MAX) {
        return NOS_WAD_OVERSIZE;
    }
    return len != 0 || type == NOS_WAD_ASSET ? NOS_OK : NOS_WAD_PARTS;
}

/* How many of each type there must be. */
static bool parts_ok(const uint32_t count[NOS_WAD_TYPES])
{
    return count[NOS_WAD_TREE] == 1 && count[NOS_WAD_SBOM] == 1 && count[NOS_WAD_PROVENANCE] == 1 &&
           count[NOS_WAD_LICENCE] >= 1 && count[NOS_WAD_MODULE] + count[NOS_WAD_ASSET] >= 1;
}

static nos_status_t check_rows(const struct wad *w, uint64_t *end)
{
    uint32_t count[NOS_WAD_TYPES] = { 0 };

    *end = NOS_WAD_INDEX + w->index.len;
    for (uint32_t i = 0; i < w->n; i++) {
        const uint8_t *row = row_of(w, i);
        uint64_t at = page_up(*end);
        nos_status_t st = check_row(row, i == 0 ? NULL : row_of(w, i - 1), at);
        if (st != NOS_OK) {
            return st;
        }
        count[load_le16(row)]++;
        *end = at + load_le64(row + OFF(len));
    }
    return parts_ok(count) ? NOS_OK : NOS_WAD_PARTS;
}

/* The index at the start of `bytes`. */
static nos_status_t index_of(span_t bytes, struct wad *w)
{
    uint32_t flags;

    if (!span_le32(bytes, 0, &w->n) || !span_le32(bytes, 4, &flags)) {
        return NOS_WAD_TRUNCATED;
    }
    if (flags != 0) {
        return NOS_WAD_VERSION;
    }
    if (w->n > NOS_WAD_LUMPS_MAX) {
        return NOS_WAD_OVERSIZE;
    }
    return span_cut(bytes, 0, NOS_WAD_INDEX_HDR + (size_t)w->n * NOS_WAD_ROW, &w->index)
               ? NOS_OK
               : NOS_WAD_TRUNCATED;
}

nos_status_t wad_parse_index(span_t index, struct wad *out, uint64_t *len)
{
    struct wad w = { 0 };
    uint64_t end = 0;

    nos_status_t st = index_of(index, &w);
    if (st == NOS_OK && w.index.len != index.len) {
        st = NOS_WAD_OVERSIZE;
    }
    if (st == NOS_OK) {
        st = check_rows(&w, &end);
    }
    if (st == NOS_OK) {
        *out = w;
        *len = end;
    }
    return st;
}

/* From `from` up to `to` all is zero. */
static nos_status_t check_padding(span_t file, uint64_t from, uint64_t to)
{
    span_t pad;
    if (!span_cut(file, (size_t)from, (size_t)(to - from), &pad)) {
        return NOS_WAD_TRUNCATED;
    }
    return span_is_zero(pad) ? NOS_OK : NOS_WAD_RESERVED;
}

/* Before each of the first `n` lumps; these and the padding are then inside the file. */
static nos_status_t check_paddings(const struct wad *w, uint32_t n)
{
    uint64_t at = NOS_WAD_INDEX + w->index.len;

    for (uint32_t i = 0; i < n; i++) {
        uint64_t off = load_le64(row_of(w, i) + OFF(off));
        nos_status_t st = check_padding(w->file, at, off);
        if (st != NOS_OK) {
            return st;
        }
        at = off + load_le64(row_of(w, i) + OFF(len));
    }
    return at <= w->file.len ? NOS_OK : NOS_WAD_TRUNCATED;
}

static nos_status_t check_detached(span_t area)
{
    struct tlv_iter it;
    uint16_t tag = NOS_TLV_CRITICAL_BIT;
    span_t value;
    bool more = true;

    if (area.len > NOS_WAD_DETACHED_MAX) {
        return NOS_WAD_OVERSIZE;
    }
    tlv_init(&it, area);
    while (more) {
        if (tlv_next(&it, &tag, &value, &more) != NOS_OK ||
            (more && (tag & NOS_TLV_CRITICAL_BIT) == 0)) {
            return NOS_WAD_DETACHED;
        }
    }
    return NOS_OK;
}

/* What follows the last lump: nothing, or padding and then at least one record. */
static nos_status_t parse_detached(struct wad *w, uint64_t end)
{
    if (end == w->file.len) {
        return NOS_OK;
    }
    nos_status_t st = check_padding(w->file, end, page_up(end));
    if (st != NOS_OK) {
        return st;
    }
    if (!span_from(w->file, (size_t)page_up(end), &w->detached) || w->detached.len == 0) {
        return NOS_WAD_DETACHED;
    }
    return check_detached(w->detached);
}

/* What every file begins with. */
static nos_status_t check_magic(span_t file)
{
    span_t magic;

    if (!span_cut(file, 0, MAGIC_LEN, &magic)) {
        return NOS_WAD_TRUNCATED;
    }
    if (memcmp(magic.data, NOS_MAGIC_WAD, MAGIC_NAME) != 0) {
        return NOS_WAD_MAGIC;
    }
    return magic.data[MAGIC_NAME] == (uint8_t)NOS_MAGIC_WAD[MAGIC_NAME] ? NOS_OK : NOS_WAD_VERSION;
}

/* Magic, index, rows. Gives: `*end`, of the last lump. */
static nos_status_t parse_rows(span_t file, struct wad *w, uint64_t *end)
{
    span_t rest;

    *w = (struct wad){ .file = file };
    nos_status_t st = check_magic(file);
    if (st == NOS_OK) {
        st = span_from(file, NOS_WAD_INDEX, &rest) ? index_of(rest, w) : NOS_WAD_TRUNCATED;
    }
    return st == NOS_OK ? check_rows(w, end) : st;
}

nos_status_t wad_parse(span_t file, struct wad *out)
{
    struct wad w;
    uint64_t end = 0;

    nos_status_t st = parse_rows(file, &w, &end);
    if (st == NOS_OK) {
        st = check_paddings(&w, w.n);
    }
    if (st == NOS_OK) {
        st = parse_detached(&w, end);
    }
    if (st == NOS_OK) {
        *out = w;
    }
    return st;
}

nos_status_t wad_head_len(span_t first, uint64_t *len)
{
    span_t row;
    uint64_t end;

    nos_status_t st = check_magic(first);
    if (st != NOS_OK) {
        return st;
    }
    if (!span_cut(first, NOS_WAD_INDEX + NOS_WAD_INDEX_HDR, NOS_WAD_ROW, &row)) {
        return NOS_WAD_TRUNCATED;
    }
    if (__builtin_add_overflow(load_le64(row.data + OFF(off)), load_le64(row.data + OFF(len)),
                               &end) ||
        end > NOS_WAD_MAX) {
        return NOS_WAD_OVERSIZE;
    }
    *len = end;
    return NOS_OK;
}

nos_status_t wad_parse_head(span_t head, uint64_t len, struct wad *out)
{
    struct wad w;
    uint64_t end = 0;

    nos_status_t st = parse_rows(head, &w, &end);
    if (st == NOS_OK) {
        st = end <= len ? check_paddings(&w, 1) : NOS_WAD_TRUNCATED;
    }
    if (st == NOS_OK) {
        *out = w;
    }
    return st;
}

bool wad_row(const struct wad *w, uint32_t i, struct wad_lump *out)
{
    if (i >= w->n) {
        return false;
    }
    const uint8_t *row = row_of(w, i);
    *out = (struct wad_lump){ .type = load_le16(row),
                              .off = load_le64(row + OFF(off)),
                              .len = load_le64(row + OFF(len)),
                              .blake3 = row + OFF(blake3),
                              .sha256 = row + OFF(sha256) };
    return true;
}

bool wad_lump(const struct wad *w, uint32_t i, struct wad_lump *out)
{
    struct wad_lump l;

    if (!wad_row(w, i, &l) ||
        (w->file.len != 0 && !span_cut(w->file, (size_t)l.off, (size_t)l.len, &l.bytes))) {
        return false;
    }
    *out = l;
    return true;
}

nos_status_t wad_check_bytes(const struct wad_lump *row, span_t bytes)
{
    uint8_t got[HASH_LEN];

    blake3_hash(bytes, got);
    if (memcmp(got, row->blake3, HASH_LEN) != 0) {
        return NOS_WAD_BLAKE3;
    }
    sha256_hash(bytes, got);
    return memcmp(got, row->sha256, HASH_LEN) == 0 ? NOS_OK : NOS_WAD_SHA256;
}

nos_status_t wad_check_lump(const struct wad *w, uint32_t i)
{
    struct wad_lump l;
    return wad_lump(w, i, &l) ? wad_check_bytes(&l, l.bytes) : NOS_NOT_FOUND;
}

nos_status_t wad_check(const struct wad *w, uint32_t *at)
{
    nos_status_t st = NOS_OK;
    for (uint32_t i = 0; i < w->n && st == NOS_OK; i++) {
        *at = i;
        st = wad_check_lump(w, i);
    }
    return st;
}

void wad_id(const struct wad *w, uint8_t out[32])
{
    blake3_hash(w->index, out);
}
