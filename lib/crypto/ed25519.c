/* Ed25519: see ed25519.h for what is accepted. */
#include "lib/crypto/ed25519.h"

#include <sodium/crypto_sign_ed25519.h>

#include "lib/crypto/scrub.h"

_Static_assert(ED25519_PK_LEN == crypto_sign_ed25519_PUBLICKEYBYTES, "public key");
_Static_assert(ED25519_SK_LEN == crypto_sign_ed25519_SECRETKEYBYTES, "secret key");
_Static_assert(ED25519_SEED_LEN == crypto_sign_ed25519_SEEDBYTES, "seed");
_Static_assert(ED25519_SIG_LEN == crypto_sign_ed25519_BYTES, "signature");

bool ed25519_verify(const uint8_t sig[ED25519_SIG_LEN], span_t msg,
                    const uint8_t pk[ED25519_PK_LEN])
{
    return crypto_sign_ed25519_verify_detached(sig, msg.data, msg.len, pk) == 0;
}

void ed25519_sign(uint8_t sig[ED25519_SIG_LEN], span_t msg, const uint8_t sk[ED25519_SK_LEN])
{
    crypto_sign_ed25519_detached(sig, NULL, msg.data, msg.len, sk);
    secret_scrub();
}

void ed25519_keypair_from_seed(uint8_t pk[ED25519_PK_LEN], uint8_t sk[ED25519_SK_LEN],
                               const uint8_t seed[ED25519_SEED_LEN])
{
    crypto_sign_ed25519_seed_keypair(pk, sk, seed);
    secret_scrub();
}
