/* SHA-512 in one go. */
#include "lib/crypto/sha512.h"

#include <sodium/crypto_hash_sha512.h>

_Static_assert(SHA512_LEN == crypto_hash_sha512_BYTES, "hash");

void sha512_hash(span_t in, uint8_t out[SHA512_LEN])
{
    crypto_hash_sha512(out, in.data, in.len);
}
