/*
 * Stage 3: the manifest against the header's hash, the chunk table against the header's root, each
 * chunk of the image against its row of the table, each chunk of the symbol lump against its row in
 * the (by then proved) manifest.
 *
 * In steps, because the kernel may not hash 64 MiB in one system call. A step never spans two
 * units, so the state between steps is one running hash and a position.
 */
#include "lib/mod.h"

#include <string.h>

#include "lib/manifest.h"

enum { HASH_LEN = 32 };

static bool hash_matches(span_t bytes, const uint8_t want[HASH_LEN])
{
    uint8_t got[HASH_LEN];
    blake3_hash(bytes, got);
    return memcmp(got, want, HASH_LEN) == 0;
}

nos_status_t mod_check_manifest_hash(const struct mod_view *v)
{
    return hash_matches(v->manifest, v->manifest_hash) ? NOS_OK : NOS_HASH_MANIFEST;
}

nos_status_t mod_check_table(const struct mod_view *v)
{
    uint8_t got[HASH_LEN];
    blake3_derive(NOS_CTX_CHUNK_LIST, v->table, got);
    return memcmp(got, v->image_root, HASH_LEN) == 0 ? NOS_OK : NOS_HASH_TABLE;
}

/* Chunk `i` of a lump; false when there is none. */
static bool lump_chunk(span_t lump, uint32_t i, span_t *chunk)
{
    size_t at = (size_t)i << NOS_MOD_CHUNK_LOG2;
    if (at >= lump.len) {
        return false;
    }
    size_t left = lump.len - at;
    return span_cut(lump, at, left < NOS_MOD_CHUNK ? left : NOS_MOD_CHUNK, chunk);
}

nos_status_t mod_check_lump_chunk(span_t lump, span_t hashes, uint32_t i)
{
    span_t chunk = { 0 }, row = { 0 };
    if (!lump_chunk(lump, i, &chunk) || !span_cut(hashes, (size_t)i * HASH_LEN, HASH_LEN, &row) ||
        !hash_matches(chunk, row.data)) {
        return NOS_HASH_CHUNK;
    }
    return NOS_OK;
}

nos_status_t mod_check_chunk(const struct mod_view *v, uint32_t i)
{
    return mod_check_lump_chunk(v->image, v->table, i);
}

void mod_hash_init(struct mod_hasher *h, const struct mod_view *v)
{
    h->view = v;
    h->stage = MOD_HASH_MANIFEST;
    h->status = NOS_OK;
    h->chunk = 0;
    h->at = 0;
    h->symbols_hashes = (span_t){ NULL, 0 };
}

/* The bytes under way, and what their hash must be. False when the stage has no such unit left. */
static bool unit_of(const struct mod_hasher *h, span_t *bytes, span_t *want)
{
    const struct mod_view *v = h->view;
    size_t row = (size_t)h->chunk * HASH_LEN;

    switch (h->stage) {
    case MOD_HASH_MANIFEST:
        *bytes = v->manifest;
        *want = span_of(v->manifest_hash, HASH_LEN);
        return h->chunk == 0;
    case MOD_HASH_TABLE:
        *bytes = v->table;
        *want = span_of(v->image_root, HASH_LEN);
        return h->chunk == 0;
    case MOD_HASH_IMAGE:
        /* uncovered(1): mod_extract: the table has a row for each chunk */
        return lump_chunk(v->image, h->chunk, bytes) && span_cut(v->table, row, HASH_LEN, want);
    case MOD_HASH_SYMBOLS:
        /* uncovered(1): the manifest was parsed: a row for each chunk */
        return h->symbols_hashes.len != 0 && lump_chunk(v->symbols, h->chunk, bytes) &&
               span_cut(h->symbols_hashes, row, HASH_LEN, want);
    case MOD_HASH_DONE:
    default: /* uncovered(1): there is no other stage */
        return false;
    }
}

static nos_status_t refusal_of(enum mod_hash_stage stage)
{
    if (stage == MOD_HASH_MANIFEST) {
        return NOS_HASH_MANIFEST;
    }
    return stage == MOD_HASH_TABLE ? NOS_HASH_TABLE : NOS_HASH_CHUNK;
}

/*
 * The symbol lump's hashes stand in the manifest, which is proved by now. A manifest that does not
 * fit the lump is left to stage 4, which refuses it for certain (manifest_check_header).
 */
static void find_symbols(struct mod_hasher *h)
{
    uint64_t len = 0;
    span_t hashes = { 0 };
    if (manifest_find_symbols(h->view->manifest, &len, &hashes) && len == h->view->symbols.len) {
        h->symbols_hashes = hashes;
    }
}

/* Move on to the next stage that has something to hash. */
static void next_stage(struct mod_hasher *h)
{
    if (h->stage == MOD_HASH_MANIFEST) {
        find_symbols(h);
    }
    h->stage++;
    h->chunk = 0;
}

static void hash_some(struct mod_hasher *h, span_t bytes, size_t max)
{
    span_t part;
    size_t left = bytes.len - h->at;

    if (h->at == 0 && h->stage == MOD_HASH_TABLE) {
        blake3_init_derive(&h->ctx, NOS_CTX_CHUNK_LIST);
    } else if (h->at == 0) {
        blake3_init(&h->ctx);
    }
    /* uncovered(1): `at` lies inside, and so does `left` from there */
    if (span_cut(bytes, h->at, left < max ? left : max, &part)) {
        blake3_update(&h->ctx, part);
        h->at += part.len;
    }
}

nos_status_t mod_hash_step(struct mod_hasher *h, size_t max_bytes, bool *done)
{
    span_t bytes, want;
    uint8_t got[HASH_LEN];

    if (max_bytes == 0) {
        return NOS_INVALID;
    }
    if (h->status == NOS_OK && unit_of(h, &bytes, &want)) {
        hash_some(h, bytes, max_bytes);
        if (h->at == bytes.len) {
            blake3_final(&h->ctx, got);
            if (memcmp(got, want.data, HASH_LEN) != 0) {
                h->status = refusal_of(h->stage);
            }
            h->chunk++;
            h->at = 0;
        }
    }
    while (h->stage != MOD_HASH_DONE && !unit_of(h, &bytes, &want)) {
        next_stage(h);
    }
    *done = h->stage == MOD_HASH_DONE || h->status != NOS_OK;
    return h->status;
}

nos_status_t mod_check_hashes(struct mod_hasher *scratch, const struct mod_view *v)
{
    bool done = false;
    nos_status_t st = NOS_OK;

    mod_hash_init(scratch, v);
    while (!done) {
        st = mod_hash_step(scratch, NOS_MOD_CHUNK, &done);
    }
    return st;
}
