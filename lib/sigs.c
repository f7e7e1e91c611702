/*
 * Signature rows. Key ids are looked at before any curve arithmetic: a file that cannot be accepted
 * costs little.
 */
#include "lib/sigs.h"

#include <string.h>

#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"

bool sigs_row(span_t sigs, size_t i, const uint8_t **key_id, const uint8_t **sig)
{
    span_t row;
    if (i > sigs.len / SIG_ROW || !span_cut(sigs, i * SIG_ROW, SIG_ROW, &row)) {
        return false;
    }
    *key_id = row.data;
    *sig = row.data + 32;
    return true;
}

bool sigs_ascending(span_t sigs)
{
    const uint8_t *id, *sig, *before = NULL;

    for (size_t i = 0; sigs_row(sigs, i, &id, &sig); i++) {
        if (before != NULL && memcmp(before, id, 32) >= 0) {
            return false;
        }
        before = id;
    }
    return true;
}

void key_id_of(const uint8_t pk[32], uint8_t out[32])
{
    blake3_derive(NOS_CTX_KEY_ID, span_of(pk, 32), out);
}

static const uint8_t *root_of(const struct trust_view *trust, const uint8_t *key_id)
{
    for (uint32_t i = 0; i < trust->n_root && i < TRUST_ROOTS_MAX; i++) {
        if (memcmp(trust->key_id[i], key_id, 32) == 0) {
            return trust->root[i];
        }
    }
    return NULL;
}

nos_status_t sigs_check_roots(span_t msg, span_t sigs, const struct trust_view *trust)
{
    const uint8_t *id, *sig;
    uint32_t n = 0;

    for (; sigs_row(sigs, n, &id, &sig); n++) {
        if (root_of(trust, id) == NULL) {
            return NOS_KEY_UNKNOWN;
        }
    }
    // Ids are strictly ascending (extract), so n rows are n roots.
    if (n == 0 || n < trust->k) {
        return NOS_FEW_SIGNATURES;
    }
    for (uint32_t i = 0; sigs_row(sigs, i, &id, &sig); i++) {
        const uint8_t *pk = root_of(trust, id);
        /* uncovered(1): every row had a root above */
        if (pk == NULL || !ed25519_verify(sig, msg, pk)) {
            return NOS_BAD_SIGNATURE;
        }
    }
    return NOS_OK;
}

nos_status_t sigs_check_key(span_t msg, span_t sigs, const uint8_t pk[32])
{
    const uint8_t *id, *sig;
    uint8_t own[32];
    uint32_t n = 0;

    key_id_of(pk, own);
    for (; sigs_row(sigs, n, &id, &sig); n++) {
        if (n > 0 || memcmp(id, own, 32) != 0) {
            return NOS_KEY_UNKNOWN;
        }
    }
    if (n == 0) {
        return NOS_FEW_SIGNATURES;
    }
    /* uncovered(1): n is 1, so there is a row 0 */
    return sigs_row(sigs, 0, &id, &sig) && ed25519_verify(sig, msg, pk) ? NOS_OK
                                                                        : NOS_BAD_SIGNATURE;
}
