/*
 * Our ed25519_verify beside nettle's, which shares no code with it: other authors, other field and
 * curve arithmetic (numbers of GMP's kind). Every case is made by calculation, so what must come
 * out is known before either is asked; where the two differ, both answers are pinned, and
 * docs/proofs.md, "A second implementation", says why ours is the right one.
 *
 * A point here is a multiple of the base point plus one of the eight points whose order divides 8.
 * The cofactorless equation S*B = R + h*A, with A = a*B + i*T, R = r*B + k*T, S = r + h*a, is met
 * exactly if k + h*i is a multiple of 8; the equation times 8 always is.
 */
#include "lib/crypto/ed25519.h"

#include <nettle/eddsa.h>
#include <sodium/crypto_core_ed25519.h>  // arithmetic of points and scalars, for crafting

#include "lib/crypto/sha512.h"
#include "lib/splitmix.h"
#include "tests/host/hex.h"

enum { MSG = 16, MESSAGES = 24 };

static const uint8_t base_point[32] = { [0] = 0x58, [1 ... 31] = 0x66 };
static const uint8_t identity[32] = { 1 };
static const uint8_t group_order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                         0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
static uint8_t torsion[8][32];  // i * T
static unsigned asked, differ;  // of one test

static void add(uint8_t out[32], const uint8_t a[32], const uint8_t b[32])
{
    assert_int_equal(crypto_core_ed25519_add(out, a, b), 0);
}

/* n * P, bit by bit: no clamping, which would lose what we are here for. */
static void multiply(uint8_t out[32], const uint8_t n[32], const uint8_t p[32])
{
    uint8_t sum[32];

    memcpy(sum, identity, 32);
    for (int bit = 255; bit >= 0; bit--) {
        add(sum, sum, sum);
        if ((n[bit / 8] >> bit % 8 & 1) != 0) {
            add(sum, sum, p);
        }
    }
    memcpy(out, sum, 32);
}

/* L times a point of the whole curve leaves its part of small order: look for one of order 8. */
static int find_torsion(void **state)
{
    uint8_t p[32] = { 2 }, t[32], four[32];

    (void)state;
    for (; p[0] < 250; p[0]++) {
        if (crypto_core_ed25519_add(t, p, identity) != 0) {
            continue;  // no point has this y
        }
        multiply(t, group_order, p);
        add(four, t, t);
        add(four, four, four);
        if (memcmp(four, identity, 32) != 0) {
            memcpy(torsion[0], identity, 32);
            for (int i = 1; i < 8; i++) {
                add(torsion[i], torsion[i - 1], t);
            }
            add(four, torsion[7], t);
            assert_memory_equal(four, identity, 32);
            return 0;
        }
    }
    return 1;
}

static bool nettle_verify(const uint8_t sig[64], span_t msg, const uint8_t pk[32])
{
    return nettle_ed25519_sha512_verify(pk, msg.len, msg.data, sig) == 1;
}

/* Ask both. */
static void both(const uint8_t sig[64], span_t msg, const uint8_t pk[32], bool ours, bool nettle)
{
    asked++;
    differ += ours != nettle;
    assert_int_equal(ed25519_verify(sig, msg, pk), ours);
    assert_int_equal(nettle_verify(sig, msg, pk), nettle);
}

static void random_bytes(uint64_t *seed, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(splitmix64(seed) & 0xff);
    }
}

static void random_scalar(uint64_t *seed, uint8_t out[32])
{
    uint8_t wide[64];

    random_bytes(seed, wide, sizeof wide);
    crypto_core_ed25519_scalar_reduce(out, wide);
}

/* h = H(R, A, M) modulo L. */
static void challenge(uint8_t h[32], const uint8_t r[32], const uint8_t pk[32], span_t msg)
{
    uint8_t text[64 + MSG], wide[64];

    assert_true(msg.len <= MSG);
    memcpy(text, r, 32);
    memcpy(text + 32, pk, 32);
    memcpy(text + 64, msg.data, msg.len);
    sha512_hash(span_of(text, 64 + msg.len), wide);
    crypto_core_ed25519_scalar_reduce(h, wide);
}

struct craft {  // a NULL scalar is 0
    const uint8_t *a, *r;
    uint8_t pk[32], sig[64];
};

/* S for the points in `c`, whose encodings the caller chose. Gives: h modulo 8. */
static unsigned finish(struct craft *c, span_t msg)
{
    uint8_t h[32], s[32] = { 0 };

    challenge(h, c->sig, c->pk, msg);
    if (c->a != NULL) {
        crypto_core_ed25519_scalar_mul(s, h, c->a);
    }
    if (c->r != NULL) {
        crypto_core_ed25519_scalar_add(s, s, c->r);
    }
    memcpy(c->sig + 32, s, 32);
    return h[0] & 7;
}

static void place(uint8_t out[32], const uint8_t *scalar, unsigned small)
{
    memcpy(out, torsion[small], 32);
    if (scalar != NULL) {
        uint8_t p[32];
        multiply(p, scalar, base_point);
        add(out, p, torsion[small]);
    }
}

/* All 64 pairs of small parts, for the scalars given. */
static void every_cofactor(const uint8_t *a, const uint8_t *r, bool ours_may)
{
    struct craft c = { .a = a, .r = r };
    unsigned met = 0;

    for (unsigned i = 0; i < 8; i++) {
        place(c.pk, a, i);
        for (unsigned k = 0; k < 8; k++) {
            place(c.sig, r, k);
            for (uint8_t m = 0; m < MESSAGES; m++) {
                unsigned h = finish(&c, span_of(&m, 1));
                bool holds = (k + h * i) % 8 == 0;
                met += holds;
                both(c.sig, span_of(&m, 1), c.pk, holds && ours_may, holds);
            }
        }
    }
    assert_true(met > 64 * MESSAGES / 16);
}

static void test_mixed_cofactors(void **state)
{
    uint64_t seed = 1;
    uint8_t a[32], r[32];

    (void)state;
    random_scalar(&seed, a);
    random_scalar(&seed, r);
    every_cofactor(a, r, true);  // both small parts 0: plain signatures
}

static void test_small_order(void **state)
{
    uint64_t seed = 2;
    uint8_t scalar[32];

    (void)state;
    random_scalar(&seed, scalar);
    every_cofactor(NULL, scalar, false);  // the key alone is small: signs whatever it likes
    every_cofactor(scalar, NULL, false);  // R alone
    every_cofactor(NULL, NULL, false);    // both, S = 0
}

/* S + n*L for each n that fits into 32 bytes: the same signature to who does not look. */
static void test_s_above_the_order(void **state)
{
    uint64_t seed = 3;
    uint8_t a[32], r[32];
    struct craft c = { .a = a, .r = r };
    unsigned above = 0;

    (void)state;
    random_scalar(&seed, a);
    random_scalar(&seed, r);
    place(c.pk, a, 0);
    place(c.sig, r, 0);
    (void)finish(&c, SPAN_LIT("S"));
    both(c.sig, SPAN_LIT("S"), c.pk, true, true);
    for (unsigned carry = 0; carry == 0; above++) {
        for (size_t i = 0; i < 32; i++) {
            carry += c.sig[32 + i] + (unsigned)group_order[i];
            c.sig[32 + i] = (uint8_t)(carry & 0xff);
            carry >>= 8;
        }
        both(c.sig, SPAN_LIT("S"), c.pk, false, false);
    }
    assert_true(above >= 15);
}

/* S = L in place of S = 0, beside points that meet the equation with both. */
static void test_s_is_the_order(void **state)
{
    uint8_t sig[64] = { 1 };

    (void)state;
    both(sig, SPAN_LIT(""), identity, false, true);
    memcpy(sig + 32, group_order, 32);
    both(sig, SPAN_LIT(""), identity, false, false);
}

/* y at or above p; x = 0 with the sign of a negative x: nobody reads them. All are points of small
 * order, the only ones of which the equation can be met for such an encoding: with the key it holds
 * for one message in four. */
static void test_other_encodings(void **state)
{
    static const struct {
        uint8_t low, rest, top;
    } rows[] = {
        { 0xee, 0xff, 0x7f },  // the identity, y = p + 1
        { 0xee, 0xff, 0xff },  // and x = -0
        { 0x01, 0x00, 0x80 },  // y = 1, x = -0
        { 0xec, 0xff, 0xff },  // order 2: y = -1, x = -0
        { 0xed, 0xff, 0x7f },  // order 4: y = p
        { 0xed, 0xff, 0xff },  // and the other x
    };
    uint64_t seed = 4;
    uint8_t scalar[32];

    (void)state;
    random_scalar(&seed, scalar);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct craft as_key = { .r = scalar }, as_r = { .a = scalar };
        place(as_key.sig, scalar, 0);
        place(as_r.pk, scalar, 0);
        memset(as_key.pk, rows[i].rest, 32);
        as_key.pk[0] = rows[i].low;
        as_key.pk[31] = rows[i].top;
        memcpy(as_r.sig, as_key.pk, 32);
        for (uint8_t m = 0; m < 64; m++) {
            (void)finish(&as_key, span_of(&m, 1));
            both(as_key.sig, span_of(&m, 1), as_key.pk, false, false);
            (void)finish(&as_r, span_of(&m, 1));
            both(as_r.sig, span_of(&m, 1), as_r.pk, false, false);
        }
    }
}

/* Each bit of signature, key and message; a message cut and longer. */
static void test_every_bit(void **state)
{
    uint8_t seed[32] = { 5 }, pk[32], sk[64], sig[64], msg[MSG + 1] = "the message: 16.";
    span_t m = span_of(msg, MSG);

    (void)state;
    ed25519_keypair_from_seed(pk, sk, seed);
    ed25519_sign(sig, m, sk);
    both(sig, m, pk, true, true);
    both(sig, span_of(msg, MSG - 1), pk, false, false);
    both(sig, span_of(msg, MSG + 1), pk, false, false);
    both(sig, span_of(msg, 0), pk, false, false);
    uint8_t *part[] = { sig, pk, msg };
    size_t bits[] = { 8 * sizeof sig, 8 * sizeof pk, 8 * MSG };
    for (size_t p = 0; p < ARRAY_LEN(part); p++) {
        for (size_t b = 0; b < bits[p]; b++) {
            part[p][b / 8] ^= (uint8_t)(1u << b % 8);
            both(sig, m, pk, false, false);
            part[p][b / 8] ^= (uint8_t)(1u << b % 8);
        }
    }
}

/* Keys and signatures are the same bytes, each verifies the other's; what is drawn at random is
 * refused. */
static void test_random(void **state)
{
    uint64_t seed = 6;

    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        uint8_t key[32], pk[32], sk[64], sig[64], their_pk[32], their_sig[64], msg[300];
        random_bytes(&seed, key, sizeof key);
        random_bytes(&seed, msg, sizeof msg);
        span_t m = span_of(msg, i);
        ed25519_keypair_from_seed(pk, sk, key);
        nettle_ed25519_sha512_public_key(their_pk, key);
        assert_memory_equal(pk, their_pk, 32);
        ed25519_sign(sig, m, sk);
        nettle_ed25519_sha512_sign(their_pk, key, m.len, m.data, their_sig);
        assert_memory_equal(sig, their_sig, 64);
        both(sig, m, pk, true, true);
        random_bytes(&seed, sig, 32);
        both(sig, m, pk, false, false);
        random_scalar(&seed, their_sig + 32);
        both(their_sig, m, pk, false, false);
        random_bytes(&seed, pk, sizeof pk);
        ed25519_sign(sig, m, sk);
        both(sig, m, pk, false, false);
    }
}

static int begin(void **state)
{
    (void)state;
    asked = differ = 0;
    return 0;
}

static int tell(void **state)
{
    (void)state;
    print_message("asked %u times, the two differ %u times\n", asked, differ);
    return 0;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, tell)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_mixed_cofactors), CASE(test_small_order),     CASE(test_s_above_the_order),
        CASE(test_s_is_the_order),  CASE(test_other_encodings), CASE(test_every_bit),
        CASE(test_random),
    };
    return cmocka_run_group_tests(tests, find_torsion, NULL);
}
