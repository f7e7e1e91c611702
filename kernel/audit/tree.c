/*
 * The Merkle tree over the log. Who reads the run can compute it from there on, if told the
 * subtrees of what lies before: so beside the frontier of the whole there is one that ends where
 * the run begins, in steps of a block. Its blocks' hashes are remembered from when the tree passed
 * them: what leaves the run costs nothing.
 */
#include <string.h>

#include "kernel/audit/audit_impl.h"

enum {
    BLOCK_LEVEL = 6,
    BLOCKS = AUDIT_RING / NOS_AUDIT_BLOCK + 2 /* the run, and one that it has left in part at each
                                                 end */
};
_Static_assert(1 << BLOCK_LEVEL == (int)NOS_AUDIT_BLOCK, "a block is a subtree");

static struct merkle now, base;
static uint8_t block[BLOCKS][32];

void tree_init(void)
{
    memset(&now, 0, sizeof now);
    memset(&base, 0, sizeof base);
}

uint64_t tree_size(void)
{
    return now.size;
}

static uint8_t *block_at(uint64_t size)
{
    return block[size / NOS_AUDIT_BLOCK % BLOCKS];
}

static void follow(uint64_t first)
{
    while (base.size < first && base.size + NOS_AUDIT_BLOCK <= now.size) {
        merkle_push(&base, BLOCK_LEVEL, block_at(base.size));
    }
}

void tree_add(const struct nos_audit_record *rec, uint64_t first)
{
    uint64_t inside = now.size % NOS_AUDIT_BLOCK;
    uint8_t hash[32];

    follow(first);
    merkle_leaf(span_of(rec, sizeof *rec), hash);
    if (inside != NOS_AUDIT_BLOCK - 1) {
        merkle_push(&now, 0, hash);
        return;
    }
    for (unsigned h = 0; h < BLOCK_LEVEL; h++) {  // the block is full: all its levels are
        merkle_node(now.node[h], hash, hash);
    }
    now.size -= inside;
    memcpy(block_at(now.size), hash, sizeof hash);
    merkle_push(&now, BLOCK_LEVEL, hash);
}

void tree_root(uint8_t out[32])
{
    merkle_root(&now, out);
}

void tree_base(uint64_t first, uint64_t *at, uint8_t node[NOS_AUDIT_LEVELS][32])
{
    *at = (first + NOS_AUDIT_BLOCK - 1) / NOS_AUDIT_BLOCK * NOS_AUDIT_BLOCK;
    follow(first);
    for (unsigned h = 0; h < NOS_AUDIT_LEVELS; h++) {
        bool used = base.size == *at && (base.size >> h & 1) != 0;
        memcpy(node[h], base.node[h], sizeof base.node[h]);
        if (!used) {
            memset(node[h], 0, sizeof base.node[h]);
        }
    }
}
