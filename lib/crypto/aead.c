/* ChaCha20-Poly1305, with the lengths checked here: libsodium would take the caller's word for the
 * output. */
#include "lib/crypto/aead.h"

#include <sodium/crypto_aead_chacha20poly1305.h>
#include <string.h>

#include "lib/crypto/scrub.h"

_Static_assert(AEAD_KEY_LEN == crypto_aead_chacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(AEAD_NONCE_LEN == crypto_aead_chacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(AEAD_TAG_LEN == crypto_aead_chacha20poly1305_ietf_ABYTES, "tag");

/** Is `sealed_len` what sealing `plain_len` bytes gives, and within one nonce's keystream? */
static bool lengths_fit(size_t plain_len, size_t sealed_len)
{
    return plain_len <= crypto_aead_chacha20poly1305_ietf_MESSAGEBYTES_MAX &&
           sealed_len == plain_len + AEAD_TAG_LEN;
}

bool aead_seal(mspan_t out, span_t plain, span_t ad, const uint8_t nonce[AEAD_NONCE_LEN],
               const uint8_t key[AEAD_KEY_LEN])
{
    if (!lengths_fit(plain.len, out.len)) {
        return false;
    }
    crypto_aead_chacha20poly1305_ietf_encrypt(out.data, NULL, plain.data, plain.len, ad.data,
                                              ad.len, NULL, nonce, key);
    secret_scrub();
    return true;
}

bool aead_open(mspan_t out, span_t sealed, span_t ad, const uint8_t nonce[AEAD_NONCE_LEN],
               const uint8_t key[AEAD_KEY_LEN])
{
    if (!lengths_fit(out.len, sealed.len)) {
        return false;
    }
    bool good =
        crypto_aead_chacha20poly1305_ietf_decrypt(out.data, NULL, NULL, sealed.data, sealed.len,
                                                  ad.data, ad.len, nonce, key) == 0;
    secret_scrub();
    return good;
}
