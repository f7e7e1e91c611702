/*
 * Ed25519: RFC 8032, libsodium's 1,024 vectors, and the edges where implementations differ. A
 * signature that meets the equation is crafted for each edge, so that it is the named check that
 * refuses it.
 */
#include "lib/crypto/ed25519.h"
#include "lib/crypto/sha512.h"
#include "tests/host/hex.h"

#include <sodium/crypto_core_ed25519.h>  // scalar arithmetic for crafting, from the same library

typedef struct {
    const unsigned char sk[32];  // the seed
    const unsigned char pk[32];
    const unsigned char sig[64];
    const char *m;  // row i: i bytes
} TestData;
#include "build/gen/ed25519_vectors.inc"

static const uint8_t seed[32] = { 1, 2, 3 };
static const uint8_t base_point[32] = { 0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                        0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                        0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                        0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66 };
static const uint8_t identity[32] = { 1 };
static const uint8_t group_order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                         0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                         0,    0,    0,    0,    0,    0,    0,    0,
                                         0,    0,    0,    0,    0,    0,    0,    0x10 };

/** S := S + L, the same scalar modulo the group order. */
static void add_order(uint8_t s[32])
{
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        carry += s[i] + (unsigned)group_order[i];
        s[i] = (uint8_t)(carry & 0xff);
        carry >>= 8;
    }
}

static void test_rfc_8032_sha_abc(void **state)
{
    uint8_t key[32], pk[32], sk[64], sig[64], msg[64];
    (void)state;
    unhex("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42", key, sizeof(key));
    sha512_hash(SPAN_LIT("abc"), msg);
    ed25519_keypair_from_seed(pk, sk, key);
    assert_hex(pk, "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf");
    ed25519_sign(sig, SPAN_OF(msg), sk);
    assert_hex(sig, "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
                    "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704");
    assert_true(ed25519_verify(sig, SPAN_OF(msg), pk));
}

static void test_published_vectors(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LEN(test_data), 1024);
    for (size_t i = 0; i < ARRAY_LEN(test_data);
         i++) {  // rows 0, 1, 2 are RFC 8032's tests 1, 2, 3
        const TestData *t = &test_data[i];
        span_t msg = span_of(t->m, i);
        uint8_t pk[32], sk[64], sig[64];
        ed25519_keypair_from_seed(pk, sk, t->sk);
        assert_memory_equal(pk, t->pk, 32);
        ed25519_sign(sig, msg, sk);
        assert_memory_equal(sig, t->sig, 64);
        assert_true(ed25519_verify(sig, msg, pk));
    }
}

static void test_s_not_below_the_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(test_data); i++) {
        uint8_t sig[64];
        memcpy(sig, test_data[i].sig, 64);
        add_order(sig + 32);
        assert_false(ed25519_verify(sig, span_of(test_data[i].m, i), test_data[i].pk));
    }
}

static void test_every_bit_counts(void **state)
{
    uint8_t pk[32], sk[64], sig[64], msg[9] = "message";
    (void)state;
    ed25519_keypair_from_seed(pk, sk, seed);
    ed25519_sign(sig, SPAN_OF(msg), sk);
    uint8_t *part[] = { sig, pk, msg };
    size_t bits[] = { 8 * sizeof(sig), 8 * sizeof(pk), 8 * sizeof(msg) };
    for (size_t p = 0; p < 3; p++) {
        for (size_t b = 0; b < bits[p]; b++) {
            part[p][b / 8] ^= (uint8_t)(1u << b % 8);
            assert_false(ed25519_verify(sig, SPAN_OF(msg), pk));
            part[p][b / 8] ^= (uint8_t)(1u << b % 8);
        }
    }
    assert_true(ed25519_verify(sig, SPAN_OF(msg), pk));
    assert_false(ed25519_verify(sig, span_of(msg, sizeof(msg) - 1), pk));
}

/** Sign with the nonce scalar 0 or 1 and R = nonce * B: meets S*B = R + h*A whatever the nonce. */
static void sign_with_nonce(uint8_t nonce, const uint8_t r_point[32], span_t msg, uint8_t sig[64],
                            const uint8_t pk[32])
{
    uint8_t text[64 + 64], h[64], k[32], az[64], a[32], n[32] = { nonce };
    assert_true(msg.len <= 64);
    memcpy(text, r_point, 32);
    memcpy(text + 32, pk, 32);
    memcpy(text + 64, msg.data, msg.len);
    sha512_hash(span_of(text, 64 + msg.len), h);
    crypto_core_ed25519_scalar_reduce(k, h);

    sha512_hash(SPAN_OF(seed), az);
    az[0] &= 248;
    az[31] = (az[31] & 127) | 64;
    memset(az + 32, 0, 32);
    crypto_core_ed25519_scalar_reduce(a, az);

    memcpy(sig, r_point, 32);
    crypto_core_ed25519_scalar_mul(sig + 32, k, a);
    crypto_core_ed25519_scalar_add(sig + 32, sig + 32, n);
}

static void test_small_order_r(void **state)
{
    uint8_t pk[32], sk[64], sig[64];
    (void)state;
    ed25519_keypair_from_seed(pk, sk, seed);
    sign_with_nonce(1, base_point, SPAN_LIT("control"), sig, pk);
    assert_true(ed25519_verify(sig, SPAN_LIT("control"), pk));  // the crafting itself is right
    sign_with_nonce(0, identity, SPAN_LIT("control"), sig, pk);
    assert_false(ed25519_verify(sig, SPAN_LIT("control"), pk));
}

static void test_small_order_keys(void **state)
{
    static const char *const keys[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",  // order 1
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // 2
        "0000000000000000000000000000000000000000000000000000000000000000",  // 4
        "0000000000000000000000000000000000000000000000000000000000000080",  // 4
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",  // 8
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",  // 8
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",  // 8
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",  // 8
    };
    uint8_t pk[32], sig[64] = { 0 };
    (void)state;
    memcpy(sig, base_point, 32);
    sig[32] = 1;  // S*B = B = R: with a key of order n, one message in n meets the equation
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        unhex(keys[i], pk, sizeof(pk));
        for (uint8_t m = 0; m < 64; m++) {
            assert_false(ed25519_verify(sig, span_of(&m, 1), pk));
        }
    }
}

static void test_non_canonical_keys(void **state)
{
    uint8_t sig[64], pk[32];
    (void)state;
    memcpy(sig, base_point, 32);
    memset(sig + 32, 0, 32);
    sig[32] = 1;
    for (unsigned low = 0xed; low <= 0xff;
         low++) {  // y = p .. 2^255 - 1, and the same with the sign bit
        for (unsigned top = 0x7f; top <= 0xff; top += 0x80) {
            memset(pk, 0xff, sizeof(pk));
            pk[0] = (uint8_t)low;
            pk[31] = (uint8_t)top;
            for (uint8_t m = 0; m < 64; m++) {
                assert_false(ed25519_verify(sig, span_of(&m, 1), pk));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_8032_sha_abc),      cmocka_unit_test(test_published_vectors),
        cmocka_unit_test(test_s_not_below_the_order), cmocka_unit_test(test_every_bit_counts),
        cmocka_unit_test(test_small_order_r),         cmocka_unit_test(test_small_order_keys),
        cmocka_unit_test(test_non_canonical_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
