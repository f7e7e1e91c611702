/* Inception events. The id field is filled before signing, so the signature covers it; the id
 * itself is computed over the same bytes with that field zero. */
#include "cli/kel.h"

#include <string.h>

#include "abi/module.h"
#include "cli/keyfile.h"
#include "lib/crypto/blake3.h"

enum {
    AT_TYPE = 4,
    AT_SN = 8,
    AT_ID = 16,
    AT_PREV = 48,
    AT_PK = 80,
    AT_NEXT = 112,
    AT_ANCHOR = 144,
    AT_SIG = 176
};
enum { TYPE_INCEPTION = 1 };

struct signed_event { /* domain, its zero, the event's signed bytes */
    uint8_t bytes[sizeof(NOS_DOMAIN_KEL) + KEL_SIGNED_LEN];
};

static struct signed_event to_sign(const uint8_t event[KEL_EVENT_LEN])
{
    struct signed_event m;
    memcpy(m.bytes, NOS_DOMAIN_KEL, sizeof(NOS_DOMAIN_KEL));
    memcpy(m.bytes + sizeof(NOS_DOMAIN_KEL), event, KEL_SIGNED_LEN);
    return m;
}

void kel_id(const uint8_t event[KEL_EVENT_LEN], uint8_t id[32])
{
    uint8_t bytes[KEL_SIGNED_LEN];
    memcpy(bytes, event, sizeof(bytes));
    memset(bytes + AT_ID, 0, 32);
    blake3_hash(SPAN_OF(bytes), id);
}

void kel_inception(const uint8_t sk[64], const uint8_t pk[32], const uint8_t next_pk[32],
                   uint8_t event[KEL_EVENT_LEN])
{
    memset(event, 0, KEL_EVENT_LEN);
    memcpy(event, "NKE1", 4);
    event[AT_TYPE] = TYPE_INCEPTION;
    memcpy(event + AT_PK, pk, 32);
    blake3_derive(NOS_CTX_KEL_NEXT, span_of(next_pk, 32), event + AT_NEXT);
    kel_id(event, event + AT_ID);
    struct signed_event m = to_sign(event);
    ed25519_sign(event + AT_SIG, SPAN_OF(m.bytes), sk);
}

bool kel_check_inception(span_t event, uint8_t id[32], uint8_t pk[32])
{
    uint8_t want[32];
    if (event.len != KEL_EVENT_LEN || memcmp(event.data, "NKE1", 4) != 0 ||
        event.data[AT_TYPE] != TYPE_INCEPTION ||
        !span_is_zero(span_of(event.data + AT_TYPE + 1, AT_ID - AT_TYPE - 1)) ||  // flags, rsv, sn
        !span_is_zero(span_of(event.data + AT_PREV, 32)) ||
        !span_is_zero(span_of(event.data + AT_ANCHOR, 32))) {
        return false;
    }
    kel_id(event.data, want);
    struct signed_event m = to_sign(event.data);
    if (memcmp(want, event.data + AT_ID, 32) != 0 ||
        !ed25519_verify(event.data + AT_SIG, SPAN_OF(m.bytes), event.data + AT_PK)) {
        return false;
    }
    memcpy(id, want, 32);
    memcpy(pk, event.data + AT_PK, 32);
    return true;
}
