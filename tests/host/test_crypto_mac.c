/* ChaCha20-Poly1305 (RFC 8439) and HMAC-SHA-512 (RFC 4231). */
#include "lib/crypto/aead.h"
#include "lib/crypto/hmac.h"
#include "tests/host/guard.h"
#include "tests/host/hex.h"

static void test_hmac_rfc_4231(void **state)
{
    static const struct {
        size_t key_len;
        const char *key;  // one byte repeated key_len times when NULL
        uint8_t key_byte;
        const char *text;  // 50 times text_byte when NULL
        uint8_t text_byte;
        const char *want;
    } row[] = {
        { 20, NULL, 0x0b, "Hi There", 0,
          "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
          "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
        { 4, "Jefe", 0, "what do ya want for nothing?", 0,
          "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
          "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
        { 20, NULL, 0xaa, NULL, 0xdd,
          "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
          "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb" },
        { 25, "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27\30\31", 0, NULL, 0xcd,
          "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
          "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd" },
        { 131, NULL, 0xaa, "Test Using Larger Than Block-Size Key - Hash Key First", 0,
          "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
          "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598" },
        { 131, NULL, 0xaa,
          "This is a test using a larger than block-size key and a larger than block-size data. "
          "The key needs to be hashed before being used by the HMAC algorithm.",
          0,
          "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
          "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        uint8_t key[131], text[50], out[64];
        memset(key, row[i].key_byte, sizeof(key));
        memset(text, row[i].text_byte, sizeof(text));
        span_t k = span_of(row[i].key != NULL ? (const void *)row[i].key : key, row[i].key_len);
        span_t t = row[i].text != NULL ? span_of(row[i].text, strlen(row[i].text)) : SPAN_OF(text);
        hmac_sha512(k, t, out);
        assert_hex(out, row[i].want);
    }
}

static void test_aead_rfc_8439_2_8_2(void **state)
{
    static const char plain[] =
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
        "the future, sunscreen would be it.";
    uint8_t key[32], nonce[12], ad[12], out[sizeof(plain) - 1 + 16], back[sizeof(plain) - 1];
    (void)state;
    for (size_t i = 0; i < 32; i++) {
        key[i] = (uint8_t)(0x80 + i);
    }
    unhex("070000004041424344454647", nonce, sizeof(nonce));
    unhex("50515253c0c1c2c3c4c5c6c7", ad, sizeof(ad));
    assert_true(aead_seal(MSPAN_OF(out),
                          SPAN_LIT("Ladies and Gentlemen of the class of '99: If I could offer "
                                   "you only one tip for the future, sunscreen would be it."),
                          SPAN_OF(ad), nonce, key));
    assert_hex(out, "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
                    "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
                    "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
                    "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691");
    assert_true(aead_open(MSPAN_OF(back), SPAN_OF(out), SPAN_OF(ad), nonce, key));
    assert_memory_equal(back, plain, sizeof(back));
}

static void test_aead_rfc_8439_a_5(void **state)
{
    uint8_t key[32], nonce[12], ad[12], in[512], out[265];
    (void)state;
    unhex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0", key, sizeof(key));
    unhex("000000000102030405060708", nonce, sizeof(nonce));
    unhex("f33388860000000000004e91", ad, sizeof(ad));
    span_t sealed = unhex("64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2"
                          "4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf"
                          "332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855"
                          "9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4"
                          "b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e"
                          "af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
                          "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
                          "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29"
                          "a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38",
                          in, sizeof(in));
    assert_int_equal(sealed.len, sizeof(out) + 16);
    assert_true(aead_open(MSPAN_OF(out), sealed, SPAN_OF(ad), nonce, key));
    assert_memory_equal(out, "Internet-Drafts are draft documents valid", 41);
}

static void test_aead_refuses(void **state)
{
    uint8_t key[32] = { 1 }, nonce[12] = { 2 }, ad[3] = "ad", sealed[21], out[5];
    (void)state;
    assert_true(aead_seal(MSPAN_OF(sealed), SPAN_LIT("hello"), SPAN_OF(ad), nonce, key));
    uint8_t *part[] = { sealed, key, nonce, ad };
    size_t len[] = { sizeof(sealed), sizeof(key), sizeof(nonce), sizeof(ad) };
    for (size_t p = 0; p < 4; p++) {
        for (size_t bit = 0; bit < 8 * len[p]; bit++) {
            part[p][bit / 8] ^= (uint8_t)(1u << bit % 8);
            memset(out, 0x55, sizeof(out));
            assert_false(aead_open(MSPAN_OF(out), SPAN_OF(sealed), SPAN_OF(ad), nonce, key));
            assert_true(span_is_zero(SPAN_OF(out)));
            part[p][bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    assert_true(aead_open(MSPAN_OF(out), SPAN_OF(sealed), SPAN_OF(ad), nonce, key));
    for (size_t n = 0; n < sizeof(sealed);
         n++) {  // every truncation, and lengths that do not belong together
        assert_false(aead_open(MSPAN_OF(out), span_of(sealed, n), SPAN_OF(ad), nonce, key));
        assert_false(aead_seal(mspan_of(sealed, n), SPAN_LIT("hello"), SPAN_OF(ad), nonce, key));
    }
    // what is good opens into room of its own length alone
    uint8_t room[6] = { 0 };
    assert_false(aead_open(mspan_of(room, 4), SPAN_OF(sealed), SPAN_OF(ad), nonce, key));
    assert_false(aead_open(mspan_of(room, 6), SPAN_OF(sealed), SPAN_OF(ad), nonce, key));
    assert_true(span_is_zero(SPAN_OF(room)));
    // lengths that wrap, and more than one nonce may cipher: nothing is read
    const size_t most = 64 * (((size_t)1 << 32) - 1);
    assert_false(aead_seal(mspan_of(sealed, 15), span_of(out, SIZE_MAX), SPAN_OF(ad), nonce, key));
    assert_false(
        aead_seal(mspan_of(sealed, most + 17), span_of(out, most + 1), SPAN_OF(ad), nonce, key));
}

static void seal_the_most(void)
{
    static const uint8_t key[32], nonce[12];
    const size_t most = 64 * (((size_t)1 << 32) - 1);
    uint8_t *none = forbidden(GUARD_PAGE);
    (void)!aead_seal(mspan_of(none, most + 16), span_of(none, most), SPAN_LIT("ad"), nonce, key);
}

/* Under one nonce 256 GiB less 64 bytes may be sealed: it is begun, and finds no such plain text.
 */
static void test_aead_most(void **state)
{
    (void)state;
    assert_true(touches(seal_the_most));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hmac_rfc_4231),     cmocka_unit_test(test_aead_rfc_8439_2_8_2),
        cmocka_unit_test(test_aead_rfc_8439_a_5), cmocka_unit_test(test_aead_refuses),
        cmocka_unit_test(test_aead_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
