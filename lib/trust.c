/*
 * The trust section. Its 256 bytes have one form: keys ascending, unused ones zero, all padding
 * zero.
 */
#include "lib/trust.h"

#include <string.h>

#include "lib/crypto/blake3.h"
#include "lib/sigs.h"

#define OFF(field) offsetof(struct nos_trust, field)

static bool roots_ok(span_t s, uint32_t n)
{
    for (uint32_t i = 0; i < TRUST_ROOTS_MAX; i++) {
        const uint8_t *key = s.data + OFF(root) + 32 * (size_t)i;
        bool zero = span_is_zero(span_of(key, 32));
        if (zero != (i >= n)) {
            return false;
        }
        if (i > 0 && i < n && memcmp(key - 32, key, 32) >= 0) {
            return false;
        }
    }
    return true;
}

static nos_status_t trust_shape(span_t section, struct trust_view *t)
{
    uint32_t rsv;
    span_t head, pad, magic;

    /* uncovered(7): all of these lie inside TRUST_BYTES */
    if (!span_cut(section, 0, TRUST_BYTES, &head) || !span_from(section, OFF(pad), &pad) ||
        !span_cut(head, 0, 8, &magic) || !span_equal(magic, SPAN_LIT(NOS_TRUST_MAGIC)) ||
        !span_le32(head, OFF(n_root), &t->n_root) || !span_le32(head, OFF(k), &t->k) ||
        !span_le64(head, OFF(epoch_floor), &t->epoch_floor) ||
        !span_le32(head, OFF(kernel_sec_min), &t->kernel_sec_min) ||
        !span_le32(head, OFF(rsv), &rsv)) {
        return NOS_TRUST_FORMAT;
    }
    span_t after_magic;
    /* uncovered(1): the section is longer than its magic */
    if (t->n_root == 0 && span_from(section, 8, &after_magic) && span_is_zero(after_magic)) {
        return NOS_TRUST_EMPTY;
    }
    if (rsv != 0 || !span_is_zero(pad) || t->n_root > TRUST_ROOTS_MAX || t->k == 0 ||
        t->k > t->n_root || !roots_ok(head, t->n_root)) {
        return NOS_TRUST_FORMAT;
    }
    return NOS_OK;
}

nos_status_t trust_parse(span_t section, struct trust_view *out)
{
    struct trust_view t = { 0 };

    nos_status_t st = trust_shape(section, &t);
    if (st != NOS_OK) {
        return st;
    }
    memcpy(t.root, section.data + OFF(root), sizeof t.root);
    for (uint32_t i = 0; i < t.n_root; i++) {
        key_id_of(t.root[i], t.key_id[i]);
    }
    blake3_derive(NOS_CTX_ROOT_SET, span_of(t.root, 32 * (size_t)t.n_root), t.set_id);
    *out = t;
    return NOS_OK;
}

void trust_write(const struct trust_view *t, uint8_t out[TRUST_BYTES])
{
    memset(out, 0, TRUST_BYTES);
    memcpy(out, NOS_TRUST_MAGIC, 8);
    store_le32(out + OFF(n_root), t->n_root);
    store_le32(out + OFF(k), t->k);
    store_le64(out + OFF(epoch_floor), t->epoch_floor);
    store_le32(out + OFF(kernel_sec_min), t->kernel_sec_min);
    for (uint32_t i = 0; i < t->n_root && i < TRUST_ROOTS_MAX; i++) {
        memcpy(out + OFF(root) + 32 * (size_t)i, t->root[i], 32);
    }
}
