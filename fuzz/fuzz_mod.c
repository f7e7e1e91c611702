/*
 * Modules, all stages but the signatures, which no fuzzer can make. The hashes are put right in a
 * copy, so that what lies behind them is reached; then the file as it came must be refused, or be
 * that copy.
 */
#include "fuzz/fuzz.h"
#include "lib/elf.h"
#include "lib/manifest.h"
#include "lib/mod.h"
#include "lib/symbols.h"

static struct mod_hasher hasher;

static size_t at_of(span_t file, const uint8_t *p)
{
    return (size_t)(p - file.data);
}

/* Manifest hash, chunk hashes and chunk root, as they should be. */
static void put_hashes_right(uint8_t *file, span_t orig, const struct mod_view *v)
{
    blake3_hash(v->manifest, file + at_of(orig, v->manifest_hash));
    for (size_t i = 0; i * 32 < v->table.len; i++) {
        size_t at = i << NOS_MOD_CHUNK_LOG2, left = v->image.len - at;
        blake3_hash(span_of(v->image.data + at, left < NOS_MOD_CHUNK ? left : NOS_MOD_CHUNK),
                    file + at_of(orig, v->table.data) + 32 * i);
    }
    blake3_derive(NOS_CTX_CHUNK_LIST, span_of(file + at_of(orig, v->table.data), v->table.len),
                  file + at_of(orig, v->image_root));
}

static void check_view(const struct mod_view *v, span_t file)
{
    PROMISE(fuzz_inside(v->sigs, file) && fuzz_inside(v->manifest, file));
    PROMISE(fuzz_inside(v->table, file) && fuzz_inside(v->image, file));
    PROMISE(fuzz_inside(v->symbols, file) && v->image_off % NOS_MOD_PAGE == 0);
    PROMISE(v->table.len == 32 * (size_t)mod_chunk_count(v->image.len));
    PROMISE(v->symbols.len != 0 || v->image_off + v->image.len == file.len);
}

static void later_stages(const struct mod_view *v)
{
    struct manifest m;
    struct elf_view e;
    struct symbols s;

    if (manifest_parse(v->manifest, &m) == NOS_OK) {
        nos_status_t st = manifest_check_header(&m, v);
        PROMISE(st == NOS_OK ? m.symbols_len == v->symbols.len : true);
    }
    if (elf_parse(v->image, &e) == NOS_OK) {
        (void)!elf_check_relocs(&e);
    }
    (void)!symbols_parse(v->symbols, &s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mod_view v, w;
    span_t file = span_of(data, size);
    bool done = false;

    if (mod_extract(file, &v) != NOS_OK) {
        return 0;
    }
    check_view(&v, file);
    uint8_t *copy = malloc(size);
    PROMISE(copy != NULL);
    memcpy(copy, data, size);
    put_hashes_right(copy, file, &v);
    PROMISE(mod_extract(span_of(copy, size), &w) == NOS_OK);
    nos_status_t st = mod_check_hashes(&hasher, &w);
    PROMISE(st == NOS_OK || st == NOS_HASH_CHUNK);  // the symbol lump's may still be wrong
    if (st == NOS_OK) {
        mod_hash_init(&hasher, &w);
        while (!done) {
            PROMISE(mod_hash_step(&hasher, 777, &done) == NOS_OK);
        }
        if (memcmp(copy, data, size) != 0) {
            PROMISE(mod_check_hashes(&hasher, &v) != NOS_OK);
        }
    }
    later_stages(&w);
    free(copy);
    return 0;
}
