/* Tokens: what is cheap is looked at first, and whatever says who may do what only after all
 * signatures. */
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

    /* uncovered(3): bytes.len is TOKEN_BYTES by now */
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

void token_signed_bytes(const uint8_t *before, const uint8_t body[TOKEN_BODY],
                        uint8_t out[TOKEN_SIGNED_BYTES])
{
    uint8_t *hash = out + sizeof(NOS_DOMAIN_CAP);

    memcpy(out, NOS_DOMAIN_CAP, sizeof(NOS_DOMAIN_CAP));
    memset(hash, 0, 32);
    if (before != NULL) {
        blake3_hash(span_of(before, TOKEN_BYTES), hash);
    }
    memcpy(hash + 32, body, TOKEN_BODY);
}

void token_id(span_t blocks, uint8_t out[32])
{
    uint8_t bodies[NOS_TOKEN_BLOCKS_MAX * TOKEN_BODY];
    size_t n = 0;
    span_t body;

    while (n < NOS_TOKEN_BLOCKS_MAX && span_cut(blocks, n * TOKEN_BYTES, TOKEN_BODY, &body)) {
        memcpy(bodies + n * TOKEN_BODY, body.data, TOKEN_BODY);
        n++;
    }
    blake3_hash(span_of(bodies, n * TOKEN_BODY), out);
}

nos_status_t token_chain_parse(span_t bytes, struct token_chain *out)
{
    struct token_chain c = { .bytes = bytes, .n = (uint32_t)(bytes.len / TOKEN_BYTES) };
    span_t one;

    if (bytes.len == 0 || bytes.len % TOKEN_BYTES != 0) {
        return NOS_TOKEN_FORMAT;
    }
    if (bytes.len > TOKEN_CHAIN_BYTES) {
        return NOS_TOKEN_DEPTH;
    }
    for (uint32_t i = 0; span_cut(bytes, i * (size_t)TOKEN_BYTES, TOKEN_BYTES, &one); i++) {
        nos_status_t st = token_parse(one, &c.block[i]);
        if (st != NOS_OK) {
            return st;
        }
        if (i > 0 && c.block[i].depth >= c.block[i - 1].depth) {
            return NOS_TOKEN_DEPTH;
        }
    }
    *out = c;
    return NOS_OK;
}

const struct token *token_last(const struct token_chain *c)
{
    return &c->block[(c->n - 1) % NOS_TOKEN_BLOCKS_MAX];
}

nos_status_t token_chain_sig(const struct token_chain *c, uint32_t i, const uint8_t issuer_pk[32])
{
    uint8_t msg[TOKEN_SIGNED_BYTES];
    const uint8_t *at = c->bytes.data + i * (size_t)TOKEN_BYTES;

    token_signed_bytes(i == 0 ? NULL : at - TOKEN_BYTES, at, msg);
    if (ed25519_verify(at + OFF(sig), SPAN_OF(msg), i == 0 ? issuer_pk : c->block[i - 1].next_pk)) {
        return NOS_OK;
    }
    return i == 0 ? NOS_TOKEN_ISSUER : NOS_TOKEN_LINK;
}

/* An end of 0 is later than any other. */
static bool window_inside(const struct token *parent, const struct token *child)
{
    return child->nbf >= parent->nbf &&
           (parent->exp == 0 || (child->exp != 0 && child->exp <= parent->exp));
}

nos_status_t token_link(const struct token *parent, const struct token *child)
{
    if (child->kind != parent->kind || memcmp(child->obj, parent->obj, sizeof child->obj) != 0) {
        return NOS_TOKEN_OBJECT;
    }
    if ((child->rights & ~parent->rights) != 0 || (child->classes & ~parent->classes) != 0) {
        return NOS_TOKEN_RIGHTS;
    }
    if (!window_inside(parent, child)) {
        return NOS_TOKEN_WINDOW;
    }
    if ((parent->rights & NOS_RIGHT_TRANSFER) == 0 &&
        memcmp(child->audience, parent->audience, sizeof child->audience) != 0) {
        return NOS_TOKEN_AUDIENCE;
    }
    return NOS_OK;
}

nos_status_t token_chain_links(const struct token_chain *c)
{
    nos_status_t st = NOS_OK;

    for (uint32_t i = 1; i < c->n && st == NOS_OK; i++) {
        st = token_link(&c->block[i - 1], &c->block[i]);
    }
    return st;
}

nos_status_t token_check_time(const struct token *t, uint64_t now_ns)
{
    return now_ns >= t->nbf && (t->exp == 0 || now_ns < t->exp) ? NOS_OK : NOS_TOKEN_TIME;
}

nos_status_t token_verify(span_t bytes, const uint8_t issuer_pk[32], struct token_chain *out)
{
    struct token_chain c;

    nos_status_t st = token_chain_parse(bytes, &c);
    for (uint32_t i = 0; st == NOS_OK && i < c.n; i++) {
        st = token_chain_sig(&c, i, issuer_pk);
    }
    if (st == NOS_OK) {
        st = token_chain_links(&c);
    }
    if (st == NOS_OK) {
        *out = c;
    }
    return st;
}
