/* HMAC-SHA-512 over a key of any length. */
#include "lib/crypto/hmac.h"

#include <sodium/crypto_auth_hmacsha512.h>

#include "lib/crypto/scrub.h"
#include "lib/secret.h"

_Static_assert(HMAC_SHA512_LEN == crypto_auth_hmacsha512_BYTES, "MAC");

void hmac_sha512(span_t key, span_t in, uint8_t out[HMAC_SHA512_LEN])
{
    crypto_auth_hmacsha512_state c;
    crypto_auth_hmacsha512_init(&c, key.data, key.len);
    crypto_auth_hmacsha512_update(&c, in.data, in.len);
    crypto_auth_hmacsha512_final(&c, out);
    secret_wipe(&c, sizeof(c));
    secret_scrub();
}
