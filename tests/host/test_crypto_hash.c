/* BLAKE3 (official vectors, three modes), SHA-256 and SHA-512 (FIPS 180-4 examples). */
#include "lib/crypto/blake3.h"
#include "lib/crypto/sha256.h"
#include "lib/crypto/sha512.h"
#include "tests/host/hex.h"

#include <cjson/cJSON.h>

static const char *const context = "BLAKE3 2019-12-27 16:29:52 test vectors context";
enum { XOF_LEN = 131, INPUT_MAX = 1 << 17 };

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);
    assert_non_null(f);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
    fclose(f);
    return text;
}

/** The input of every vector: 0, 1, ... 250, 0, 1, ... */
static uint8_t *pattern(void)
{
    uint8_t *p = malloc(INPUT_MAX);
    assert_non_null(p);
    for (size_t i = 0; i < INPUT_MAX; i++) {
        p[i] = (uint8_t)(i % 251);
    }
    return p;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    assert_true(cJSON_IsString(item));
    return item->valuestring;
}

/** All of the output; then its first half and, by seeking, its second. */
static void check_output(const struct blake3_ctx *c, const char *want)
{
    uint8_t out[XOF_LEN];
    assert_int_equal(strlen(want), 2 * XOF_LEN);
    blake3_final_xof(c, 0, MSPAN_OF(out));
    assert_hex(out, want);
    memset(out, 0, sizeof(out));
    blake3_final_xof(c, 65, mspan_of(out + 65, XOF_LEN - 65));
    blake3_final_xof(c, 0, mspan_of(out, 65));
    assert_hex(out, want);
}

static void check_modes(span_t in, const uint8_t *key, const cJSON *want)
{
    struct blake3_ctx c;
    blake3_init(&c);
    blake3_update(&c, in);
    check_output(&c, text_of(want, "hash"));
    blake3_init_keyed(&c, key);
    blake3_update(&c, in);
    check_output(&c, text_of(want, "keyed_hash"));
    blake3_init_derive(&c, context);
    blake3_update(&c, in);
    check_output(&c, text_of(want, "derive_key"));
}

/** The one-call forms give the first 32 bytes of the same. */
static void check_one_shot(span_t in, const uint8_t *key, const cJSON *want)
{
    char hex[65] = { 0 };
    uint8_t out[32];
    blake3_hash(in, out);
    assert_hex(out, memcpy(hex, text_of(want, "hash"), 64));
    blake3_keyed(key, in, out);
    assert_hex(out, memcpy(hex, text_of(want, "keyed_hash"), 64));
    blake3_derive(context, in, out);
    assert_hex(out, memcpy(hex, text_of(want, "derive_key"), 64));
}

static void test_blake3_vectors(void **state)
{
    char *text = read_file("build/deps/blake3-vectors/vectors.json");
    uint8_t *input = pattern();
    cJSON *root = cJSON_Parse(text);
    const uint8_t *key = (const uint8_t *)text_of(root, "key");
    const cJSON *cases = cJSON_GetObjectItemCaseSensitive(root, "cases");
    const cJSON *item;
    (void)state;
    assert_int_equal(cJSON_GetArraySize(cases), 22);
    cJSON_ArrayForEach(item, cases)
    {
        const cJSON *len = cJSON_GetObjectItemCaseSensitive(item, "input_len");
        assert_true(cJSON_IsNumber(len) && len->valueint >= 0 && len->valueint <= INPUT_MAX);
        span_t in = span_of(input, (size_t)len->valueint);
        check_modes(in, key, item);
        check_one_shot(in, key, item);
    }
    cJSON_Delete(root);
    free(input);
    free(text);
}

static void test_blake3_any_split(void **state)
{
    uint8_t *input = pattern(), want[32], got[32];
    struct blake3_ctx c;
    (void)state;
    blake3_hash(span_of(input, 5000), want);
    for (size_t step = 1; step < 5000; step = step * 3 + 1) {
        blake3_init(&c);
        for (size_t at = 0; at < 5000; at += step) {
            blake3_update(&c, span_of(input + at, 5000 - at < step ? 5000 - at : step));
            blake3_update(&c, (span_t){ NULL, 0 });
        }
        blake3_final(&c, got);
        assert_memory_equal(got, want, 32);
        blake3_final_xof(&c, 0, (mspan_t){ NULL, 0 });
    }
    free(input);
}

static void test_sha256(void **state)
{
    uint8_t out[32], million[1000] = { 0 };
    struct sha256_ctx c;
    (void)state;
    sha256_hash((span_t){ NULL, 0 }, out);
    assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_hash(SPAN_LIT("abc"), out);
    assert_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_hash(SPAN_LIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), out);
    assert_hex(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    memset(million, 'a', sizeof(million));
    sha256_init(&c);
    for (int i = 0; i < 1000; i++) {
        sha256_update(&c, SPAN_OF(million));
    }
    sha256_final(&c, out);
    assert_hex(out, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    assert_true(span_is_zero(SPAN_OF(c.opaque)));
}

static void test_sha512(void **state)
{
    uint8_t out[64];
    (void)state;
    sha512_hash(SPAN_LIT("abc"), out);
    assert_hex(out, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    sha512_hash((span_t){ NULL, 0 }, out);
    assert_hex(out, "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blake3_vectors),
        cmocka_unit_test(test_blake3_any_split),
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_sha512),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
