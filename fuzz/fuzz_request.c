/* The management channel's requests: a verb, then its arguments. What is let through holds fields
 * that lie in the bytes and are within the limits of abi/manage.h; the same bytes signed by the
 * operator are given back whole, and any one of them changed is refused. */
#include "abi/debug.h"
#include "abi/start.h"
#include "fuzz/fuzz.h"
#include "lib/crypto/ed25519.h"
#include "lib/frame.h"
#include "lib/text.h"
#include "modules/manage/request.h"

static void check(const struct request *r, span_t args)
{
    PROMISE(fuzz_inside(r->bytes, args) && fuzz_inside(r->hash, args));
    PROMISE(fuzz_inside(r->module_id, args) && fuzz_inside(r->arg, args));
    PROMISE(r->arg.len <= NOS_ARG_MAX && r->with_all <= 1);
    PROMISE(r->name[0] == '\0' || name16_ok(r->name));
    switch (r->verb) {
    case NOS_MG_UPLOAD:
        PROMISE(r->bytes.len != 0 && r->offset + r->bytes.len <= NOS_MG_UPLOAD_MAX);
        break;
    case NOS_MG_LOAD:
    case NOS_MG_SHARE:
        PROMISE(r->hash.len == 32 && r->len != 0 && r->len <= NOS_MG_UPLOAD_MAX);
        break;
    case NOS_MG_START:
        PROMISE(r->name[0] != '\0');
        break;
    case NOS_MG_DEBUG_READ:
        PROMISE(r->len <= NOS_DEBUG_READ_MAX);
        break;
    case NOS_MG_DEBUG_WRITE:
        PROMISE(r->bytes.len != 0 && r->bytes.len <= NOS_DEBUG_WRITE_MAX);
        break;
    default:
        break;
    }
}

/* Signatures are dear: of short requests alone, and not of each. */
static void check_signed(uint16_t verb, span_t args, uint8_t change)
{
    static const uint8_t nonce[32] = { 1 }, seed[32] = { 2 };
    static uint8_t pk[32], sk[64];
    uint8_t room[NOS_MG_PAYLOAD];
    uint64_t counter;
    size_t len;
    span_t got;

    if (pk[0] == 0) {
        ed25519_keypair_from_seed(pk, sk, seed);
    }
    memcpy(room, args.data, args.len);
    PROMISE(mg_sign(MSPAN_OF(room), args.len, verb, nonce, 5, sk, &len) == NOS_OK);
    PROMISE(mg_verify(span_of(room, len), verb, nonce, 5, pk, &got, &counter) == NOS_OK);
    PROMISE(counter == 5 && span_equal(got, args));
    PROMISE(mg_verify(span_of(room, len), verb, nonce, 6, pk, &got, &counter) != NOS_OK);
    room[change % len] ^= 1;
    PROMISE(mg_verify(span_of(room, len), verb, nonce, 0, pk, &got, &counter) != NOS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request r;

    if (size < 2) {
        return 0;
    }
    uint16_t verb = load_le16(data);
    span_t args = span_of(data + 2, size - 2);
    if (request_parse(verb, args, &r) == NOS_OK) {
        PROMISE(r.verb == verb);
        check(&r, args);
    }
    if (size % 64 == 50 && request_is_signed(verb)) {
        check_signed(verb, args, data[size - 1]);
    }
    return 0;
}
