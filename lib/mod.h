#pragma once
/*
 * The .mod file, stage by stage: extract (the fixed header and the file's shape), signatures over
 * the header, hashes.
 * Each stage is a pure function that leans only on what the stages before it proved. Stage 4 is
 * lib/manifest.h.
 * Spec: docs/formats.md, "Module".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/module.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/crypto/blake3.h"
#include "lib/span.h"
#include "lib/trust.h"

struct mod_view {  // borrows the file
    uint64_t version, image_len, manifest_len;
    uint32_t sec_version, flags, n_sig;
    const uint8_t *name_hash, *publisher_id, *manifest_hash, *image_root;  // 32 bytes each
    span_t header, sigs, manifest, table, image;
    size_t image_off;  // of the image in the file, a multiple of 4096
    span_t symbols;    // what follows the image after its padding; empty: nothing does
};

enum { MOD_SIGNED_BYTES = sizeof(NOS_DOMAIN_MOD) + NOS_MOD_HDR_LEN };

/**
 * Stage 1: the fixed header, the order of key ids, exact lengths, zero padding. Says nothing about
 * who made the file.
 * Bytes after the image are taken for the symbol lump, up to its limit; manifest_check_header
 * settles its length.
 * Errors: MOD_TRUNCATED, MOD_MAGIC, MOD_VERSION, MOD_RESERVED, MOD_LAYOUT, MOD_OVERSIZE.
 */
MUST_CHECK nos_status_t mod_extract(span_t file, struct mod_view *out);

/**
 * Length of a file's parts: offset of the image, when a header says n_sig, manifest_len and
 * image_len.
 */
MUST_CHECK size_t mod_image_off(uint32_t n_sig, uint64_t manifest_len, uint64_t image_len);

/** Signature `i`; false, and the outputs untouched, when there is none. */
MUST_CHECK bool mod_sig(const struct mod_view *v, uint32_t i, const uint8_t **key_id,
                        const uint8_t **sig);

/** What the signatures cover: the domain, its zero, the header. */
void mod_signed_bytes(const struct mod_view *v, uint8_t out[MOD_SIGNED_BYTES]);

/** module_id: NOS_CTX_MODULE_ID over the header. */
void mod_id(const struct mod_view *v, uint8_t out[32]);

/**
 * Stage 2 for a capsule's module: all signatures are by the publisher's key and verify. One
 * signature check.
 * Errors: KEY_UNKNOWN, BAD_SIGNATURE.
 */
MUST_CHECK nos_status_t mod_check_sigs_publisher(const struct mod_view *v, const uint8_t pk[32]);

/**
 * Stage 2 for a kernel: k of n roots.
 * Errors: as sigs_check_roots.
 */
MUST_CHECK nos_status_t mod_check_sigs_roots(const struct mod_view *v,
                                             const struct trust_view *trust);

/**
 * Stage 2, first half, for a kernel: it is one, it names this root set as its publisher, it is not
 * too old.
 * Errors: BOOT_NOT_KERNEL, PUB_UNKNOWN, SEC_VERSION (below the loader's own floor).
 */
MUST_CHECK nos_status_t mod_check_kernel(const struct mod_view *v, const struct trust_view *trust);

/* Stage 3 in one piece, for those who may take their time (loader, nonosctl). */
MUST_CHECK nos_status_t mod_check_manifest_hash(const struct mod_view *v);  // HASH_MANIFEST
MUST_CHECK nos_status_t mod_check_table(const struct mod_view *v);          // HASH_TABLE
MUST_CHECK uint32_t mod_chunk_count(uint64_t len);
MUST_CHECK nos_status_t mod_check_chunk(const struct mod_view *v, uint32_t i);  // HASH_CHUNK

/**
 * Chunk `i` of `lump` against row `i` of `hashes`. Errors: HASH_CHUNK, also when there is no such
 * chunk.
 */
MUST_CHECK nos_status_t mod_check_lump_chunk(span_t lump, span_t hashes, uint32_t i);

enum mod_hash_stage {
    MOD_HASH_MANIFEST,
    MOD_HASH_TABLE,
    MOD_HASH_IMAGE,
    MOD_HASH_SYMBOLS,
    MOD_HASH_DONE,
};

/** Stage 3 in bounded steps, for the kernel: some 2 KiB, not for a stack. */
struct mod_hasher {
    const struct mod_view *view;  // must stay, as must the file
    enum mod_hash_stage stage;
    nos_status_t status;  // the first refusal; sticks
    uint32_t chunk;       // of the image or the symbol lump
    size_t at;            // bytes of the current manifest, table or chunk already hashed
    span_t symbols_hashes;
    struct blake3_ctx ctx;
};

/** Borrows: `v` until the last step. */
void mod_hash_init(struct mod_hasher *h, const struct mod_view *v);

/**
 * Hash at most `max_bytes` more: manifest, chunk table, image chunks, symbol chunks.
 * Gives:  `*done` true when nothing is left, or on a refusal.
 * Errors: HASH_MANIFEST, HASH_TABLE, HASH_CHUNK; INVALID when max_bytes is 0.
 */
MUST_CHECK nos_status_t mod_hash_step(struct mod_hasher *h, size_t max_bytes, bool *done);

/** Stages 3's steps to the end. Errors: as mod_hash_step. */
MUST_CHECK nos_status_t mod_check_hashes(struct mod_hasher *scratch, const struct mod_view *v);
