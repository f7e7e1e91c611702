/* Making proofs, by the definitions of RFC 6962 section 2.1. Of the leaves before the base only its
 * subtrees are known: that is enough for every proof about leaves and sizes behind it. */
#include <string.h>

#include "lib/merkle.h"

/* The largest power of two below `n`, which is at least 2. */
static uint64_t split(uint64_t n)
{
    uint64_t k = 1;
    while (k < n - k) {
        k *= 2;
    }
    return k;
}

/* [lo, hi) is one of the base's subtrees. */
static const uint8_t *base_node(const struct merkle *base, uint64_t lo, uint64_t hi)
{
    for (unsigned h = 0; h < MERKLE_LEVELS; h++) {
        uint64_t start = base->size >> h >> 1 << h << 1;
        if ((base->size >> h & 1) != 0 && lo == start && hi - lo == 1ull << h) {
            return base->node[h];
        }
    }
    return NULL;
}

bool merkle_range(const struct merkle_source *s, uint64_t lo, uint64_t hi, uint8_t out[32])
{
    const uint8_t *known = lo < s->base->size ? base_node(s->base, lo, hi) : NULL;
    uint8_t left[32], right[32];

    if (lo >= s->base->size && hi - lo == 1) {
        known = s->leaf[lo - s->base->size];
    }
    if (known != NULL) {
        memcpy(out, known, 32);
        return true;
    }
    if (hi - lo < 2) {
        return false;
    }
    uint64_t mid = lo + split(hi - lo);
    if (!merkle_range(s, lo, mid, left) || !merkle_range(s, mid, hi, right)) {
        return false;
    }
    merkle_node(left, right, out);
    return true;
}

static bool emit(const struct merkle_source *s, uint64_t lo, uint64_t hi, struct merkle_proof *out)
{
    return out->n < MERKLE_PROOF_MAX && merkle_range(s, lo, hi, out->hash[out->n++]);
}

static bool path(const struct merkle_source *s, uint64_t m, uint64_t lo, uint64_t hi,
                 struct merkle_proof *out)
{
    if (hi - lo == 1) {
        return true;
    }
    uint64_t mid = lo + split(hi - lo);
    if (m < mid) {
        return path(s, m, lo, mid, out) && emit(s, mid, hi, out);
    }
    return path(s, m, mid, hi, out) && emit(s, lo, mid, out);
}

bool merkle_prove(const struct merkle_source *s, uint64_t index, uint64_t size,
                  struct merkle_proof *out)
{
    out->n = 0;
    return index >= s->base->size && index < size && size <= s->base->size + s->n &&
           path(s, index, 0, size, out);
}

/* SUBPROOF of the RFC: leaves [lo, a) inside [lo, hi). */
static bool subproof(const struct merkle_source *s, uint64_t a, uint64_t lo, uint64_t hi,
                     struct merkle_proof *out)
{
    bool whole = lo == 0;  // the left edge has not been left: its root is what is claimed

    if (a == hi) {
        return whole || emit(s, lo, hi, out);
    }
    uint64_t mid = lo + split(hi - lo);
    if (a <= mid) {
        return subproof(s, a, lo, mid, out) && emit(s, mid, hi, out);
    }
    return subproof(s, a, mid, hi, out) && emit(s, lo, mid, out);
}

bool merkle_prove_consistent(const struct merkle_source *s, uint64_t a, uint64_t b,
                             struct merkle_proof *out)
{
    out->n = 0;
    return a > 0 && a >= s->base->size && a <= b && b <= s->base->size + s->n &&
           subproof(s, a, 0, b, out);
}
