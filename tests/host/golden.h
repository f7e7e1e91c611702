#pragma once
/*
 * Good modules, policies, tokens and images, built in memory with keys from fixed seeds: what the
 * tests break one rule at a time, and what the fuzzers start from. Buffers are exactly as long as
 * their contents, on the heap, so that the address sanitiser sees one byte past them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/manage.h"
#include "abi/module.h"
#include "abi/policy.h"
#include "abi/status.h"
#include "lib/manifest.h"
#include "lib/mod.h"
#include "lib/policy.h"
#include "lib/span.h"
#include "lib/trust.h"

struct golden_key {
    uint8_t pk[32], sk[64], id[32];
};
/** The key pair of a seed of 32 times `n`. */
struct golden_key golden_key(uint8_t n);

enum {
    GOLDEN_PUBLISHER = 1,
    GOLDEN_OPERATOR = 2,
    GOLDEN_ISSUER = 3,
    GOLDEN_STRANGER = 9,
    GOLDEN_ROOT = 16,
    GOLDEN_HOLDER = 32
};

struct buf {  // on the heap
    uint8_t *data;
    size_t len;
};
struct buf buf_new(size_t len);  // zeroed
struct buf buf_copy(span_t s);
void buf_free(struct buf *b);
span_t buf_span(struct buf b);

/** A trust section with `n` roots (keys GOLDEN_ROOT.., ascending), of which `k` must sign. */
struct trust_view golden_trust(uint32_t n, uint32_t k);
/** The key of root `i` of that section. */
struct golden_key golden_root(uint32_t n, uint32_t i);

/* --- TLV with changes
 * ------------------------------------------------------------------------------------------ */

struct change {    // to one record of a golden manifest or policy body
    uint16_t tag;  // 0: no change
    bool drop;
    span_t value;  // replaces the value; or is added, in order, when the tag is not there
};
struct buf golden_manifest(struct change c);
struct buf golden_policy_body(struct change c);

/* --- images and modules
 * ---------------------------------------------------------------------------------------- */

enum {  // offsets in the golden image
    ELF_PHDR = 64,
    ELF_PHDR_LEN = 56,
    ELF_TEXT = 0,  // program headers by number
    ELF_DATA = 1,
    ELF_DYN = 2,
    ELF_RELRO = 3,
    ELF_STACK = 4,
    ELF_N_PHDR = 5,
    ELF_RELA_AT = 0x240,
    ELF_ENTRY_AT = 0x200,
    ELF_DYN_AT = 0x1000,
    ELF_IMAGE_LEN = 0x1100,
    ELF_MEM_LEN = 0x3000,
};
struct buf golden_image(void);
struct buf golden_symbols(void);

struct golden_mod {
    struct buf manifest, image, symbols;
    uint32_t flags, sec_version;
    uint64_t version;
    const char *name;
    uint8_t publisher_id[32];
    uint32_t n_sig;
    struct golden_key signer[NOS_MOD_SIG_MAX];
};
/** The parts of a good module, to be changed before golden_module puts them together. */
struct golden_mod golden_parts(void);
void golden_parts_free(struct golden_mod *p);
struct buf golden_module(const struct golden_mod *p);
/** golden_parts, golden_module, golden_parts_free. */
struct buf golden_module_plain(void);
/** A kernel, signed by the first `k` of `n` roots. */
struct buf golden_kernel(uint32_t n, uint32_t k);
/** Sign anew after a change to the header: signer `i` of `p` in row `i`. */
void golden_sign(struct buf file, const struct golden_mod *p);

/* --- policies
 * --------------------------------------------------------------------------------------------------
 */

struct buf golden_policy(span_t body, uint32_t n, uint32_t k);
struct buf golden_policy_plain(void);

/* --- the rest
 * --------------------------------------------------------------------------------------------------
 */

struct buf golden_token(void);

struct token;
/** `n` good blocks, each narrower than the one before. */
void golden_blocks(struct token *t, uint32_t n);
/** The chain of these blocks: signed by GOLDEN_ISSUER, then by golden_key(GOLDEN_HOLDER + i), which
 * golden_blocks names. */
struct buf golden_chain(const struct token *t, uint32_t n);
struct buf golden_pe(span_t section);
struct buf golden_font1(void);
struct buf golden_font2(void);
struct nos_crash_record;
void golden_crash(struct nos_crash_record *r);  // every part of it is there
struct buf golden_frame(span_t payload);

/** All of stages 1 to 4 for a capsule's module by GOLDEN_PUBLISHER. */
nos_status_t golden_verify_module(span_t file, bool signatures);
/** Extract, signatures by golden_trust(1, 1), body. */
nos_status_t golden_verify_policy(span_t file);
