/* Tokens of one block. */
#include "lib/token.h"

#include <string.h>

#include "abi/caps.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"

#define OFF(field) offsetof(struct nos_token_block, field)

enum { VERSION = 1 };

static void token_read(const uint8_t *p, struct token *t)
{
    t->kind = p[OFF(kind)];
    memcpy(t->audience, p + OFF(audience), 32);
    t->classes = load_le32(p + OFF(classes));
    t->rights = load_le32(p + OFF(rights));
    memcpy(t->obj, p + OFF(obj), 32);
    t->nbf = load_le64(p + OFF(nbf));
    t->exp = load_le64(p + OFF(exp));
    t->depth = p[OFF(depth)];
    t->nonce = load_le32(p + OFF(nonce));
    memcpy(t->next_pk, p + OFF(next_pk), 32);
}

static bool token_ok(const struct token *t)
{
    bool may_go_on = t->depth != 0;

    return t->kind > NOS_TYPE_NONE && t->kind < NOS_TYPE_COUNT &&
           (t->classes & ~(uint32_t)NOS_CLASS_ALL) == 0 &&
           (t->rights & ~(uint32_t)NOS_RIGHT_ALL) == 0 && (t->exp == 0 || t->exp > t->nbf) &&
           t->depth <= TOKEN_DEPTH_MAX && may_go_on == !span_is_zero(SPAN_OF(t->next_pk));
}

nos_status_t token_parse(span_t bytes, struct token *out)
{
    struct token t;
    uint16_t len;
    uint8_t ver;
    span_t rsv;

    if (bytes.len != TOKEN_BYTES || !span_le16(bytes, 0, &len) || len != TOKEN_BYTES ||
        !span_u8(bytes, OFF(ver), &ver) || ver != VERSION || !span_cut(bytes, OFF(rsv), 3, &rsv) ||
        !span_is_zero(rsv)) {
        return NOS_TOKEN_FORMAT;
    }
    token_read(bytes.data, &t);
    if (!token_ok(&t)) {
        return NOS_TOKEN_FORMAT;
    }
    *out = t;
    return NOS_OK;
}

void token_write(const struct token *t, uint8_t out[TOKEN_BODY])
{
    memset(out, 0, TOKEN_BODY);
    store_le16(out, TOKEN_BYTES);
    out[OFF(ver)] = VERSION;
    out[OFF(kind)] = t->kind;
    memcpy(out + OFF(audience), t->audience, 32);
    store_le32(out + OFF(classes), t->classes);
    store_le32(out + OFF(rights), t->rights);
    memcpy(out + OFF(obj), t->obj, 32);
    store_le64(out + OFF(nbf), t->nbf);
    store_le64(out + OFF(exp), t->exp);
    out[OFF(depth)] = t->depth;
    store_le32(out + OFF(nonce), t->nonce);
    memcpy(out + OFF(next_pk), t->next_pk, 32);
}

void token_signed_bytes(const uint8_t body[TOKEN_BODY], uint8_t out[TOKEN_SIGNED_BYTES])
{
    memcpy(out, NOS_DOMAIN_CAP, sizeof(NOS_DOMAIN_CAP));
    memset(out + sizeof(NOS_DOMAIN_CAP), 0, 32);
    memcpy(out + sizeof(NOS_DOMAIN_CAP) + 32, body, TOKEN_BODY);
}

void token_id(const uint8_t body[TOKEN_BODY], uint8_t out[32])
{
    blake3_hash(span_of(body, TOKEN_BODY), out);
}

nos_status_t token_check_time(const struct token *t, uint64_t now_ns)
{
    return now_ns >= t->nbf && (t->exp == 0 || now_ns < t->exp) ? NOS_OK : NOS_TOKEN_TIME;
}

nos_status_t token_check_sig(span_t bytes, const uint8_t issuer_pk[32], struct token *out)
{
    uint8_t msg[TOKEN_SIGNED_BYTES];
    struct token t;

    nos_status_t st = token_parse(bytes, &t);
    if (st != NOS_OK) {
        return st;
    }
    token_signed_bytes(bytes.data, msg);
    if (!ed25519_verify(bytes.data + OFF(sig), SPAN_OF(msg), issuer_pk)) {
        return NOS_TOKEN_ISSUER;
    }
    *out = t;
    return NOS_OK;
}

nos_status_t token_verify(span_t bytes, const uint8_t issuer_pk[32], uint64_t now_ns,
                          struct token *out)
{
    struct token t;

    nos_status_t st = token_check_sig(bytes, issuer_pk, &t);
    if (st == NOS_OK) {
        st = token_check_time(&t, now_ns);
    }
    if (st == NOS_OK) {
        *out = t;
    }
    return st;
}
