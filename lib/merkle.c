/* The tree as it grows, and the two checks of RFC 9162. */
#include "lib/merkle.h"

#include <string.h>

#include "lib/crypto/sha256.h"

static void hash(uint8_t prefix, span_t a, span_t b, uint8_t out[32])
{
    struct sha256_ctx c;

    sha256_init(&c);
    sha256_update(&c, span_of(&prefix, 1));
    sha256_update(&c, a);
    sha256_update(&c, b);
    sha256_final(&c, out);
}

void merkle_leaf(span_t entry, uint8_t out[32])
{
    hash(0, entry, span_of(&entry, 0), out);
}

void merkle_node(const uint8_t left[32], const uint8_t right[32], uint8_t out[32])
{
    hash(1, span_of(left, 32), span_of(right, 32), out);
}

void merkle_push(struct merkle *t, unsigned height, const uint8_t hash[32])
{
    unsigned h = height;
    uint8_t sum[32];

    memcpy(sum, hash, sizeof sum);
    for (; h < MERKLE_LEVELS - 1 && (t->size >> h & 1) != 0; h++) {
        merkle_node(t->node[h], sum, sum);
    }
    memcpy(t->node[h], sum, sizeof sum);
    t->size += 1ull << height;
}

void merkle_root(const struct merkle *t, uint8_t out[32])
{
    static const uint8_t empty[32] = {
        // SHA-256 of nothing
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
        0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
        0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    };
    unsigned h = 0;

    while (h < MERKLE_LEVELS && (t->size >> h & 1) == 0) {
        h++;
    }
    memcpy(out, h == MERKLE_LEVELS ? empty : t->node[h], 32);
    while (++h < MERKLE_LEVELS) {
        if ((t->size >> h & 1) != 0) {
            merkle_node(t->node[h], out, out);
        }
    }
}

/* One step up both checks: the path of `fn`, in a tree whose last leaf is `sn`. */
struct climb {
    uint64_t fn, sn;
};

/* Does the next hash stand on the left? Then moves up to where it does. */
static bool from_left(struct climb *c)
{
    if ((c->fn & 1) == 0 && c->fn != c->sn) {
        return false;
    }
    /* uncovered(1): an even fn is sn here, and no step is made with sn 0 */
    while ((c->fn & 1) == 0 && c->fn != 0) {
        c->fn >>= 1;
        c->sn >>= 1;
    }
    return true;
}

static void up(struct climb *c)
{
    c->fn >>= 1;
    c->sn >>= 1;
}

bool merkle_included(const uint8_t leaf[32], uint64_t index, uint64_t size, span_t proof,
                     const uint8_t root[32])
{
    struct climb c = { index, size - 1 };
    uint8_t r[32];
    span_t p;

    if (index >= size || proof.len % 32 != 0) {
        return false;
    }
    memcpy(r, leaf, sizeof r);
    while (span_take(&proof, 32, &p)) {
        if (c.sn == 0) {
            return false;
        }
        if (from_left(&c)) {
            merkle_node(p.data, r, r);
        } else {
            merkle_node(r, p.data, r);
        }
        up(&c);
    }
    return c.sn == 0 && memcmp(r, root, sizeof r) == 0;
}

/* Both roots from one list: `fr` from what stands on the left, `sr` from all. */
static bool climb_both(struct climb *c, span_t proof, uint8_t fr[32], uint8_t sr[32])
{
    span_t p;

    while (span_take(&proof, 32, &p)) {
        if (c->sn == 0) {
            return false;
        }
        if (from_left(c)) {
            merkle_node(p.data, fr, fr);
            merkle_node(p.data, sr, sr);
        } else {
            merkle_node(sr, p.data, sr);
        }
        up(c);
    }
    return c->sn == 0;
}

bool merkle_consistent(uint64_t a, const uint8_t root_a[32], uint64_t b, const uint8_t root_b[32],
                       span_t proof)
{
    struct climb c = { a - 1, b - 1 };
    span_t first = span_of(root_a, 32);
    uint8_t fr[32], sr[32];

    if (a == 0 || a > b || proof.len % 32 != 0) {
        return false;
    }
    if (a == b) {
        return proof.len == 0 && memcmp(root_a, root_b, 32) == 0;
    }
    if ((a & (a - 1)) != 0 && !span_take(&proof, 32, &first)) {
        return false;
    }
    while ((c.fn & 1) != 0) {
        up(&c);
    }
    memcpy(fr, first.data, sizeof fr);
    memcpy(sr, first.data, sizeof sr);
    return climb_both(&c, proof, fr, sr) && memcmp(fr, root_a, sizeof fr) == 0 &&
           memcmp(sr, root_b, sizeof sr) == 0;
}
