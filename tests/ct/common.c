/* lib/crypto and lib/secret.h, which every flavour has. */
#include "lib/crypto/aead.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"
#include "lib/crypto/hmac.h"
#include "lib/crypto/scrub.h"
#include "lib/crypto/sha256.h"
#include "lib/crypto/sha512.h"
#include "lib/secret.h"
#include "tests/ct/compare.h"
#include "tests/ct/ct.h"

static uint8_t a[256], b[256], out[256];

/* libsodium compares tags by this: whether a tag is right is what is asked. */
int __real_crypto_verify_16(const unsigned char *x, const unsigned char *y);
int __wrap_crypto_verify_16(const unsigned char *x, const unsigned char *y);
int __wrap_crypto_verify_16(const unsigned char *x, const unsigned char *y)
{
    return ct_known(__real_crypto_verify_16(x, y) == 0) ? 0 : -1;
}

/* As a caller should. */
static void forget(void)
{
    secret_wipe(a, sizeof a);
    secret_wipe(b, sizeof b);
    ct_public(out, sizeof out);
}

static void equal(void)
{
    ct_secret(a, 64);
    ct_secret(b, 64);
    out[0] = compare_secret(a, b, 64);
    memcpy(b, a, 64);
    out[1] = compare_secret(a, b, 64);
    b[63] ^= 1;
    out[2] = compare_secret(a, b, 64);
    forget();
}

static void wipe(void)
{
    ct_secret(a, 64);
    compare_wipe(a, 64);
}

static void keypair(void)
{
    ct_secret(a, ED25519_SEED_LEN);
    ed25519_keypair_from_seed(out, b, a);
    forget();
}

static void sign(void)
{
    ct_secret(a, ED25519_SK_LEN);
    ed25519_sign(out, SPAN_LIT("a message"), a);
    forget();
}

static void sign_long(void)
{
    static const uint8_t message[700];
    ct_secret(a, ED25519_SK_LEN);
    ed25519_sign(out, SPAN_OF(message), a);
    forget();
}

static void hmac(void)
{
    ct_secret(a, 200);  // longer than a block, so it is hashed first
    hmac_sha512(span_of(a, 200), SPAN_LIT("a message"), out);
    hmac_sha512(span_of(a, 32), span_of(a + 32, 150), out + 64);
    forget();
}

static void sha(void)
{
    ct_secret(a, 200);
    sha512_hash(span_of(a, 200), out);
    sha256_hash(span_of(a, 200), out + 64);
    secret_scrub();
    forget();
}

static void blake3(void)
{
    ct_secret(a, 200);
    ct_secret(b, 32);
    blake3_hash(span_of(a, 200), out);
    blake3_derive("N0N/test/v1", span_of(a, 200), out + 32);
    blake3_keyed(b, span_of(a, 200), out + 64);
    secret_scrub_deep();
    forget();
}

static void aead(void)
{
    static uint8_t nonce[AEAD_NONCE_LEN], sealed[100 + AEAD_TAG_LEN];

    ct_secret(a, AEAD_KEY_LEN);
    ct_secret(b, 100);
    out[0] = aead_seal(MSPAN_OF(sealed), span_of(b, 100), SPAN_LIT("with"), nonce, a);
    out[1] = aead_open(mspan_of(b, 100), SPAN_OF(sealed), SPAN_LIT("with"), nonce, a);
    sealed[50] ^= 1;
    out[2] = aead_open(mspan_of(b, 100), SPAN_OF(sealed), SPAN_LIT("with"), nonce, a);
    ct_public(sealed, sizeof sealed);
    forget();
}

static void early(void)
{
    ct_secret(a, 64);
    memcpy(b, a, 64);
    out[0] = compare_early(a, b, 64);
    compare_left(a, 64);
    forget();
}

static void look_up(void)
{
    ct_secret(a, 64);
    for (unsigned i = 0; i < 64; i++) {
        out[i] = compare_look_up(a[i]);
    }
    secret_wipe(a, 32);  // and not all of it
    ct_public(out, sizeof out);
}

const struct use ct_common[] = {
    { .name = "secret_equal", .run = equal },
    { .name = "secret_wipe", .run = wipe },
    { .name = "ed25519_keypair_from_seed", .run = keypair },
    { .name = "ed25519_sign", .run = sign },
    { .name = "ed25519_sign, a long message", .run = sign_long },
    { .name = "hmac_sha512", .run = hmac },
    { .name = "sha512_hash, sha256_hash", .run = sha },
    { .name = "blake3_hash, _derive, _keyed", .run = blake3 },
    { .name = "aead_seal, aead_open", .run = aead },
    { .name = "a comparison that stops early, a copy that stays", .run = early, .planted = true },
    { .name = "a table read where a secret says, half a secret that stays",
      .run = look_up,
      .planted = true },
};
const size_t ct_common_len = sizeof ct_common / sizeof *ct_common;
