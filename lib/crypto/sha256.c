/* SHA-256 behind a context whose layout is not ours to show. */
#include "lib/crypto/sha256.h"

#include <sodium/crypto_hash_sha256.h>

_Static_assert(SHA256_LEN == crypto_hash_sha256_BYTES, "hash");
_Static_assert(sizeof(crypto_hash_sha256_state) == sizeof(struct sha256_ctx), "size");
_Static_assert(_Alignof(crypto_hash_sha256_state) <= _Alignof(struct sha256_ctx), "alignment");

static crypto_hash_sha256_state *state(struct sha256_ctx *c)
{
    return (crypto_hash_sha256_state *)(void *)c;
}

void sha256_init(struct sha256_ctx *c)
{
    crypto_hash_sha256_init(state(c));
}

void sha256_update(struct sha256_ctx *c, span_t in)
{
    crypto_hash_sha256_update(state(c), in.data, in.len);
}

void sha256_final(struct sha256_ctx *c, uint8_t out[SHA256_LEN])
{
    crypto_hash_sha256_final(state(c), out);  // leaves the state zero
}

void sha256_hash(span_t in, uint8_t out[SHA256_LEN])
{
    struct sha256_ctx c;
    sha256_init(&c);
    sha256_update(&c, in);
    sha256_final(&c, out);
}
