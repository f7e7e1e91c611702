/* The operator's signature under requests that change something: bound to this boot, this verb, one
 * use. */
#include <string.h>

#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"
#include "lib/frame.h"

void mg_signed_bytes(const uint8_t nonce[32], uint64_t counter, uint16_t verb, span_t args,
                     uint8_t out[MG_SIGNED_BYTES])
{
    uint8_t *p = out;

    memcpy(p, NOS_DOMAIN_MANAGE, sizeof(NOS_DOMAIN_MANAGE));
    p += sizeof(NOS_DOMAIN_MANAGE);
    memcpy(p, nonce, 32);
    store_le64(p + 32, counter);
    store_le16(p + 40, verb);
    blake3_hash(args, p + 42);
}

nos_status_t mg_verify(span_t payload, uint16_t verb, const uint8_t nonce[32], uint64_t least,
                       const uint8_t operator_pk[32], span_t *args, uint64_t *counter)
{
    uint8_t msg[MG_SIGNED_BYTES];
    span_t head, tail;

    if (payload.len < MG_SIGNED_TAIL ||
        !span_cut(payload, 0, payload.len - MG_SIGNED_TAIL, &head) ||
        !span_from(payload, head.len, &tail)) {
        return NOS_BAD_MESSAGE;
    }
    uint64_t used = load_le64(tail.data);
    if (used < least || used == UINT64_MAX) {
        return NOS_INVALID;
    }
    mg_signed_bytes(nonce, used, verb, head, msg);
    if (!ed25519_verify(tail.data + 8, SPAN_OF(msg), operator_pk)) {
        return NOS_BAD_SIGNATURE;
    }
    *args = head;
    *counter = used;
    return NOS_OK;
}

nos_status_t mg_sign(mspan_t room, size_t args_len, uint16_t verb, const uint8_t nonce[32],
                     uint64_t counter, const uint8_t sk[64], size_t *len)
{
    uint8_t msg[MG_SIGNED_BYTES];
    mspan_t args, tail;

    if (!mspan_cut(room, 0, args_len, &args) || !mspan_cut(room, args_len, MG_SIGNED_TAIL, &tail)) {
        return NOS_TOO_BIG;
    }
    mg_signed_bytes(nonce, counter, verb, span_const(args), msg);
    store_le64(tail.data, counter);
    ed25519_sign(tail.data + 8, SPAN_OF(msg), sk);
    *len = args_len + MG_SIGNED_TAIL;
    return NOS_OK;
}
