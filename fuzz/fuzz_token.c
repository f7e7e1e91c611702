/*
 * Tokens. Bytes as they come: what is accepted, written again, is the same bytes. And by structure:
 * the first byte says how many blocks, the rest is laid over good blocks, which are then signed by
 * the right keys: so the search reaches the links, and whatever they let through is narrower.
 */
#include "abi/caps.h"
#include "fuzz/fuzz.h"
#include "lib/crypto/ed25519.h"
#include "lib/token.h"

static struct {
    uint8_t pk[32], sk[64];
} key[NOS_TOKEN_BLOCKS_MAX];

static void make_keys(void)
{
    for (uint8_t i = 0; i < NOS_TOKEN_BLOCKS_MAX && key[i].pk[0] == 0; i++) {
        uint8_t seed[32] = { (uint8_t)(i + 1) };
        ed25519_keypair_from_seed(key[i].pk, key[i].sk, seed);
    }
}

static bool within(uint64_t nbf, uint64_t exp, const struct token *t)
{
    return t->nbf >= nbf && (exp == 0 || (t->exp != 0 && t->exp <= exp));
}

static void check_narrow(const struct token_chain *c)
{
    const struct token *first = &c->block[0], *last = token_last(c);

    PROMISE(c->n >= 1 && c->n <= NOS_TOKEN_BLOCKS_MAX && last->depth + c->n - 1 <= first->depth);
    PROMISE(last->kind == first->kind && memcmp(last->obj, first->obj, 32) == 0);
    PROMISE((last->rights & ~first->rights) == 0 && (last->classes & ~first->classes) == 0);
    PROMISE(within(first->nbf, first->exp, last));
    for (uint32_t i = 1; i < c->n; i++) {
        PROMISE((c->block[i - 1].rights & NOS_RIGHT_TRANSFER) != 0 ||
                memcmp(c->block[i].audience, c->block[i - 1].audience, 32) == 0);
    }
}

static void check_bytes(span_t bytes)
{
    struct token_chain c;
    uint8_t body[TOKEN_BODY];

    if (token_chain_parse(bytes, &c) != NOS_OK) {
        return;
    }
    PROMISE(bytes.len == c.n * (size_t)TOKEN_BYTES);
    for (uint32_t i = 0; i < c.n; i++) {
        token_write(&c.block[i], body);
        PROMISE(memcmp(body, bytes.data + i * (size_t)TOKEN_BYTES, TOKEN_BODY) == 0);
    }
    static const uint8_t nobody[32] = { 2 };
    PROMISE(token_verify(bytes, nobody, &c) == NOS_TOKEN_ISSUER);
    PROMISE(token_check_time(token_last(&c), token_last(&c)->nbf) == NOS_OK);
    if (token_chain_links(&c) == NOS_OK) {
        check_narrow(&c);
    }
}

static void good_block(struct token *t, uint8_t depth, const uint8_t pk[32])
{
    *t = (struct token){ .kind = NOS_TYPE_ENDPOINT,
                         .classes = NOS_CLASS_IPC,
                         .rights = NOS_RIGHT_CALL | NOS_RIGHT_TRANSFER,
                         .exp = 100,
                         .depth = depth };
    if (depth != 0) {
        memcpy(t->next_pk, pk, 32);
    }
}

static void check_signed(uint32_t n, span_t in)
{
    uint8_t bytes[TOKEN_CHAIN_BYTES], msg[TOKEN_SIGNED_BYTES];
    struct token_chain c;
    struct token t;

    for (uint32_t i = 0; i < n; i++) {
        uint8_t *at = bytes + i * (size_t)TOKEN_BYTES;
        span_t row;
        good_block(&t, (uint8_t)(n - 1 - i), key[(i + 1) % NOS_TOKEN_BLOCKS_MAX].pk);
        token_write(&t, at);
        for (size_t k = 0; span_take(&in, 2, &row) && k < 8; k++) {  // offset, what to flip there
            if (row.data[0] % TOKEN_BODY < offsetof(struct nos_token_block, next_pk)) {
                at[row.data[0] % TOKEN_BODY] ^= row.data[1];
            }
        }
        token_signed_bytes(i == 0 ? NULL : at - TOKEN_BYTES, at, msg);
        ed25519_sign(at + TOKEN_BODY, SPAN_OF(msg), key[i].sk);
    }
    nos_status_t st = token_verify(span_of(bytes, n * (size_t)TOKEN_BYTES), key[0].pk, &c);
    PROMISE(st != NOS_TOKEN_ISSUER && st != NOS_TOKEN_LINK);
    if (st == NOS_OK) {
        check_narrow(&c);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    make_keys();
    check_bytes(span_of(data, size));
    if (size > 1 && size < 128) {
        check_signed(1 + data[0] % NOS_TOKEN_BLOCKS_MAX, span_of(data + 1, size - 1));
    }
    return 0;
}
