/* kernel/audit/tree.c, lib/merkle.c: the frontier of the whole log, and the one that ends where the run begins. Trees of
 * less than 2^9 leaves, not 2^40; a run of 128 records. A hash is the numbers of the leaves that it covers. */
#include "tests/cbmc/proof.h"

#define memcpy short_memcpy
#define memset short_memset
static inline void *short_memset(void *to, int byte, size_t n)
{
    claim(n == 0 || __CPROVER_w_ok(to, n), "memset: there are so many bytes");
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)to)[i] = (uint8_t)byte;
    }
    return to;
}

#include "abi/audit.h"
#define NOS_AUDIT_LEVELS LEVELS
#define MERKLE_LEVELS MERKLE_LEVELS_OF_THE_KERNEL
#define AUDIT_RING AUDIT_RING_OF_THE_KERNEL
enum { LEVELS = 9 };
#include "kernel/audit/audit.h"
#include "lib/merkle.h"
#undef MERKLE_LEVELS
#undef AUDIT_RING
enum { MERKLE_LEVELS = LEVELS, AUDIT_RING = 128, BELOW = 1 << LEVELS };

#include "lib/crypto/sha256.h"

struct range {
    uint16_t lo, hi;
};

static struct range covers(const uint8_t hash[32])
{
    return (struct range){ load_le16(hash), load_le16(hash + 2) };
}

static void name(uint16_t lo, uint16_t hi, uint8_t out[32])
{
    store_le16(out, lo);
    store_le16(out + 2, hi);
}

/* SHA-256: of a leaf it covers that one; of a node what both sides do, which lie side by side. */
static unsigned step;
static uint8_t prefix;
static struct range sum;

void sha256_init(struct sha256_ctx *c)
{
    (void)c;
    step = 0;
}

void sha256_update(struct sha256_ctx *c, span_t in)
{
    (void)c;
    if (step == 0) {
        claim(in.len == 1 && in.data[0] <= 1, "leaf or node");
        prefix = in.data[0];
    } else if (prefix == 0 && step == 1) {
        claim(in.len == sizeof(struct nos_audit_record), "a record");
        uint16_t seq = load_le16(in.data);
        sum = (struct range){ seq, (uint16_t)(seq + 1) };
    } else if (prefix == 1) {
        claim(in.len == 32, "a hash");
        struct range r = covers(in.data);
        claim(step == 1 || sum.hi == r.lo, "what stands on the right comes next");
        sum = (struct range){ step == 1 ? r.lo : sum.lo, r.hi };
    } else {
        claim(in.len == 0, "nothing but the record");
    }
    step++;
}

void sha256_final(struct sha256_ctx *c, uint8_t out[32])
{
    (void)c;
    claim(step == 3, "prefix and both sides");
    name(sum.lo, sum.hi, out);
}

#include "lib/span.c"
#include "lib/merkle.c"
#include "kernel/audit/tree.c"

/* The subtree that node[h] of `size` leaves has to be. */
static bool is_node(const uint8_t hash[32], uint64_t size, unsigned h)
{
    uint64_t lo = size >> (h + 1) << (h + 1);
    struct range r = covers(hash);

    return r.lo == lo && r.hi == lo + (1u << h);
}

static bool frontier(const struct merkle *t)
{
    bool ok = true;

    for (unsigned h = 0; h < LEVELS; h++) {
        ok &= (t->size >> h & 1) == 0 || is_node(t->node[h], t->size, h);
    }
    return ok;
}

/* What both frontiers are between two calls: the whole one, the older one in whole blocks, and the blocks between. */
static bool tree_ok(void)
{
    bool ok = frontier(&now) && frontier(&base) && base.size % NOS_AUDIT_BLOCK == 0 && base.size <= now.size &&
              now.size - base.size <= AUDIT_RING;

    for (uint64_t at = 0; at + NOS_AUDIT_BLOCK <= BELOW; at += NOS_AUDIT_BLOCK) {
        struct range r = covers(block_at(at));
        ok &= at < base.size || at + NOS_AUDIT_BLOCK > now.size || (r.lo == at && r.hi == at + NOS_AUDIT_BLOCK);
    }
    return ok;
}

/* The tree of `size` leaves, and the older frontier at `old`. */
static void tree_of(uint64_t size, uint64_t old)
{
    struct merkle *both[2] = { &now, &base };

    now.size = size, base.size = old;
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned h = 0; h < LEVELS; h++) {
            uint64_t lo = both[i]->size >> (h + 1) << (h + 1);
            uint8_t *node = both[i]->node[h];
            memset(node, nondet_u8(), 32);
            if ((both[i]->size >> h & 1) != 0) {
                name((uint16_t)lo, (uint16_t)(lo + (1u << h)), node);
            }
        }
    }
    for (uint64_t at = old; at + NOS_AUDIT_BLOCK <= size; at += NOS_AUDIT_BLOCK) {
        name((uint16_t)at, (uint16_t)(at + NOS_AUDIT_BLOCK), block_at(at));
    }
}

static void add(uint64_t size, uint64_t old, uint64_t first)
{
    struct nos_audit_record rec = { .seq = size };

    tree_of(size, old);
    tree_add(&rec, first);
    claim(tree_size() == size + 1, "one more");
    claim(tree_ok(), "both frontiers and the blocks between");
    claim(base.size >= old && (base.size >= first || size - base.size < NOS_AUDIT_BLOCK), "the older one follows");
}

/* tree_add: one leaf more, the record's, behind all others; each node of both frontiers covers the leaves that it has to,
 * made of its two halves; the hash of a block is there until the older frontier has taken it
 * bound: trees of 63, 65, 255 and 510 leaves, a run of 128 records
 * assumed: a hash is the numbers of the leaves that it covers
 * unwind: 41
 * without: conversion-check (numbers of leaves are cut to 16 bits here)
 * planted: lib/merkle.c: merkle_node(t->node[h], sum, sum); => merkle_node(sum, t->node[h], sum);
 * planted: lib/merkle.c: t->size += 1ull << height; => t->size++;
 * planted: kernel/audit/tree.c: now.size -= inside; => ;
 * planted: kernel/audit/tree.c: base.size + NOS_AUDIT_BLOCK <= now.size => base.size <= now.size */
void prove_audit_tree_add(void)
{
    add(63, 0, 1); /* by cases: what is known is not searched for */
    add(65, 0, 1);
    add(255, 128, 192);
    add(510, 384, 383);
}

static void ends(uint64_t size, uint64_t old, uint64_t first)
{
    uint8_t node[NOS_AUDIT_LEVELS][32];
    uint64_t at;

    tree_of(size, old);
    tree_base(first, &at, node);
    claim(at % NOS_AUDIT_BLOCK == 0 && at >= first && at - first < NOS_AUDIT_BLOCK, "the next border");
    for (unsigned h = 0; h < LEVELS; h++) {
        bool there = at <= size && (at >> h & 1) != 0;
        claim(there ? is_node(node[h], at, h) : span_is_zero(span_of(node[h], 32)), "a subtree, or zero");
    }
    claim(tree_ok(), "both frontiers and the blocks between");
}

/* tree_base: the frontier of the first whole blocks from where the run begins, as soon as the tree has them; else zeros
 * bound: trees of 63, 191 and 510 leaves, a run of 128 records
 * assumed: a hash is the numbers of the leaves that it covers
 * unwind: 41
 * without: conversion-check (numbers of leaves are cut to 16 bits here)
 * planted: kernel/audit/tree.c: bool used = base.size == *at && => bool used =
 * planted: kernel/audit/tree.c: while (base.size < first && => while (base.size + NOS_AUDIT_BLOCK < first && */
void prove_audit_tree_base(void)
{
    ends(63, 0, 1);
    ends(191, 64, 65);
    ends(510, 384, 449);
}
