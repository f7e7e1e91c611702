/* Keys and blocks of tokens. */
#include "sdk/token.h"

#include <string.h>

#include "lib/crypto/ed25519.h"
#include "lib/secret.h"

nos_status_t nos_token_key_new(struct nos_token_key *out)
{
    uint8_t seed[ED25519_SEED_LEN];

    nos_status_t st = nos_sys_random(seed, sizeof seed);
    if (st == NOS_OK) {
        ed25519_keypair_from_seed(out->pk, out->sk, seed);
    }
    secret_wipe(seed, sizeof seed);
    return st;
}

void nos_token_sign(uint8_t *token, size_t at, const struct token *block,
                    const struct nos_token_key *key)
{
    uint8_t msg[TOKEN_SIGNED_BYTES];

    token_write(block, token + at);
    token_signed_bytes(at == 0 ? NULL : token + at - TOKEN_BYTES, token + at, msg);
    ed25519_sign(token + at + TOKEN_BODY, SPAN_OF(msg), key->sk);
}

nos_status_t nos_token_add(uint8_t token[TOKEN_CHAIN_BYTES], size_t *len, const struct token *block,
                           const struct nos_token_key *key)
{
    struct token_chain chain;

    nos_status_t st = token_chain_parse(span_of(token, *len), &chain);
    if (st == NOS_OK && *len == TOKEN_CHAIN_BYTES) {
        st = NOS_TOKEN_DEPTH;
    }
    if (st != NOS_OK) {
        return st;
    }
    nos_token_sign(token, *len, block, key);
    st = token_chain_parse(span_of(token, *len + TOKEN_BYTES), &chain);
    if (st == NOS_OK) {
        st = token_chain_links(&chain);
    }
    if (st == NOS_OK) {
        *len += TOKEN_BYTES;
    }
    return st;
}
