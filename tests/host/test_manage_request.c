/* The management channel's requests: every length, and every field that has a rule. */
#include "abi/debug.h"
#include "abi/start.h"
#include "modules/manage/request.h"
#include "tests/host/test.h"

static nos_status_t parse(uint16_t verb, const void *bytes, size_t len, struct request *out)
{
    uint8_t *copy = malloc(len + 1);  // exactly len bytes, but never none: malloc(0) may be NULL
    if (len > 0) {
        memcpy(copy + 1, bytes, len);
    }
    nos_status_t st = request_parse(verb, span_of(copy + 1, len), out);
    free(copy);
    return st;
}

/* Only one length is right. */
static void exact(uint16_t verb, size_t want)
{
    uint8_t bytes[160] = { 0 };
    struct request r;
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        assert_int_equal(parse(verb, bytes, len, &r), len == want ? NOS_OK : NOS_BAD_MESSAGE);
    }
}

static void test_fixed(void **state)
{
    const uint8_t words[] = { 1, 0, 0, 0, 2, 0, 0, 0 }, words_all[] = { 1, 0, 0, 0, 1, 0, 0, 0 };
    struct request r;
    (void)state;
    exact(NOS_MG_HELLO, 0);
    exact(NOS_MG_INFO, 16);
    exact(NOS_MG_KILL, 4);
    exact(NOS_MG_POWER, 4);
    exact(NOS_MG_STOP, 8);
    exact(NOS_MG_UPGRADE, 36);
    exact(NOS_MG_TOKEN, 8);
    exact(NOS_MG_DEBUGGED, 0);
    exact(NOS_MG_DEBUG, 8);
    exact(NOS_MG_DEBUG_END, 0);
    exact(NOS_MG_DEBUG_THREADS, 4);
    exact(NOS_MG_DEBUG_SET, 148);
    exact(NOS_MG_DEBUG_READ, 12);
    exact(NOS_MG_DEBUG_BREAK, 12);
    exact(NOS_MG_DEBUG_RUN, 8);
    assert_int_equal(parse(NOS_MG_STOP, words, 8, &r), NOS_BAD_MESSAGE);  // with all: 0 or 1
    assert_int_equal(parse(NOS_MG_STOP, words_all, 8, &r), NOS_OK);
    assert_true(r.id == 1 && r.with_all == 1);
    assert_int_equal(parse(NOS_MG_TOKEN, words, 8, &r), NOS_OK);
    assert_int_equal(r.id, 1);
    assert_int_equal(r.handle, 2);
}

static void test_unknown(void **state)
{
    struct request r;
    (void)state;
    for (unsigned verb = 0; verb <= UINT16_MAX; verb++) {
        bool known = (verb >= NOS_MG_HELLO && verb <= NOS_MG_UPLOAD) ||
                     (verb >= NOS_MG_LOAD && verb <= NOS_MG_SHARE) || verb == NOS_MG_DEBUGGED ||
                     (verb >= NOS_MG_DEBUG && verb <= NOS_MG_DEBUG_RUN);
        assert_true((parse((uint16_t)verb, "", 0, &r) == NOS_NOT_SUPPORTED) == !known);
        assert_true(request_is_signed((uint16_t)verb) == (verb >= NOS_MG_LOAD));
    }
}

static void test_share(void **state)
{
    uint8_t bytes[80] = { 1 };
    struct request r;
    (void)state;
    memcpy(bytes + 40, "wad", 3);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        assert_int_equal(parse(NOS_MG_SHARE, bytes, len, &r), len == 56 ? NOS_OK : NOS_BAD_MESSAGE);
    }
    assert_int_equal(parse(NOS_MG_SHARE, bytes, 56, &r), NOS_OK);
    assert_true(r.len == 1 && r.hash.len == 32 && memcmp(r.name, "wad", 4) == 0);
    store_le64(bytes, NOS_MG_UPLOAD_MAX + 1);
    assert_int_equal(parse(NOS_MG_SHARE, bytes, 56, &r), NOS_TOO_BIG);
    store_le64(bytes, 0);
    assert_int_equal(parse(NOS_MG_SHARE, bytes, 56, &r), NOS_BAD_MESSAGE);
    store_le64(bytes, 1);
    bytes[41] = '/';  // no name of a share
    assert_int_equal(parse(NOS_MG_SHARE, bytes, 56, &r), NOS_BAD_MESSAGE);
    memset(bytes + 40, 0, 16);
    assert_int_equal(parse(NOS_MG_SHARE, bytes, 56, &r), NOS_BAD_MESSAGE);
}

static void test_upload(void **state)
{
    uint8_t bytes[16] = { 0 };
    struct request r;
    (void)state;
    for (size_t len = 0; len <= 8; len++) {
        assert_int_equal(parse(NOS_MG_UPLOAD, bytes, len, &r), NOS_BAD_MESSAGE);
    }
    assert_int_equal(parse(NOS_MG_UPLOAD, bytes, 9, &r), NOS_OK);
    store_le64(bytes, NOS_MG_UPLOAD_MAX - 8);
    assert_int_equal(parse(NOS_MG_UPLOAD, bytes, 16, &r), NOS_OK);
    store_le64(bytes, NOS_MG_UPLOAD_MAX - 7);
    assert_int_equal(parse(NOS_MG_UPLOAD, bytes, 16, &r), NOS_TOO_BIG);
    store_le64(bytes, UINT64_MAX);
    assert_int_equal(parse(NOS_MG_UPLOAD, bytes, 16, &r), NOS_TOO_BIG);
}

static void test_debug(void **state)
{
    uint8_t bytes[8 + NOS_DEBUG_WRITE_MAX + 1] = { 0 };
    struct request r;
    (void)state;
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        nos_status_t want = len <= 8                        ? NOS_BAD_MESSAGE
                            : len > 8 + NOS_DEBUG_WRITE_MAX ? NOS_TOO_BIG
                                                            : NOS_OK;
        assert_int_equal(parse(NOS_MG_DEBUG_WRITE, bytes, len, &r), want);
    }
    store_le64(bytes, 0x1234);
    store_le32(bytes + 8, NOS_DEBUG_READ_MAX);
    assert_int_equal(parse(NOS_MG_DEBUG_READ, bytes, 12, &r), NOS_OK);
    assert_true(r.offset == 0x1234 && r.len == NOS_DEBUG_READ_MAX);
    store_le32(bytes + 8, NOS_DEBUG_READ_MAX + 1);
    assert_int_equal(parse(NOS_MG_DEBUG_READ, bytes, 12, &r), NOS_TOO_BIG);
}

static void test_load(void **state)
{
    uint8_t bytes[41 + NOS_ARG_MAX + 1] = { 0 };
    struct request r;
    (void)state;
    store_le64(bytes, 4096);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        nos_status_t want = len < 41                 ? NOS_BAD_MESSAGE
                            : len > 41 + NOS_ARG_MAX ? NOS_TOO_BIG
                                                     : NOS_OK;
        assert_int_equal(parse(NOS_MG_LOAD, bytes, len, &r), want);
    }
    bytes[40] = 1;
    assert_int_equal(parse(NOS_MG_LOAD, bytes, 43, &r), NOS_OK);
    assert_true(r.start && r.len == 4096 && r.arg.len == 2);
    bytes[40] = 2;
    assert_int_equal(parse(NOS_MG_LOAD, bytes, 43, &r), NOS_BAD_MESSAGE);
    bytes[40] = 0;
    store_le64(bytes, 0);
    assert_int_equal(parse(NOS_MG_LOAD, bytes, 43, &r), NOS_BAD_MESSAGE);
    store_le64(bytes, NOS_MG_UPLOAD_MAX + 1ull);
    assert_int_equal(parse(NOS_MG_LOAD, bytes, 43, &r), NOS_TOO_BIG);
}

static void test_start(void **state)
{
    uint8_t bytes[NOS_NAME_MAX + NOS_ARG_MAX + 1] = "hello";
    struct request r;
    (void)state;
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        nos_status_t want = len < NOS_NAME_MAX                 ? NOS_BAD_MESSAGE
                            : len > NOS_NAME_MAX + NOS_ARG_MAX ? NOS_TOO_BIG
                                                               : NOS_OK;
        assert_int_equal(parse(NOS_MG_START, bytes, len, &r), want);
    }
    bytes[9] = 'x';  // behind the padding
    assert_int_equal(parse(NOS_MG_START, bytes, 16, &r), NOS_BAD_MESSAGE);
    bytes[9] = 0;
    bytes[0] = '-';
    assert_int_equal(parse(NOS_MG_START, bytes, 16, &r), NOS_BAD_MESSAGE);
    bytes[0] = 0;
    assert_int_equal(parse(NOS_MG_START, bytes, 16, &r), NOS_BAD_MESSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed),  cmocka_unit_test(test_unknown), cmocka_unit_test(test_share),
        cmocka_unit_test(test_upload), cmocka_unit_test(test_debug),   cmocka_unit_test(test_load),
        cmocka_unit_test(test_start)
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
