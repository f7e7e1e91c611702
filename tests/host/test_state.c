/* The state that one version of a service hands to the next (sdk/state.h). */
#include "sdk/state.h"

#include <stdlib.h>
#include <string.h>

#include "tests/host/test.h"

enum { FORM = 7, TAG_A = 3, TAG_B = 0x8001 };

static size_t write_one(mspan_t room)
{
    struct nos_state_out out;
    size_t len = 0;

    nos_state_open(&out, room);
    nos_state_put_u64(&out, TAG_A, 0x1122334455667788ull);
    assert_int_equal(nos_state_pass(&out, (nos_handle_t){ 5 }, 1), 0);
    assert_int_equal(nos_state_pass(&out, (nos_handle_t){ 6 }, 2), 1);
    nos_state_put(&out, TAG_B, SPAN_LIT("bytes"));
    assert_int_equal(nos_state_close(&out, FORM, &len), NOS_OK);
    return len;
}

static void test_there_and_back(void **state)
{
    uint8_t room[256];
    struct nos_state_in in;
    uint64_t a = 0;
    span_t b;
    (void)state;
    size_t len = write_one(MSPAN_OF(room));
    assert_int_equal(nos_state_parse(span_of(room, len), &in), NOS_OK);
    assert_int_equal(in.form, FORM);
    assert_int_equal(in.n_handles, 2);
    assert_true(nos_state_get_u64(&in, TAG_A, &a));
    assert_true(a == 0x1122334455667788ull);
    assert_true(nos_state_get(&in, TAG_B, &b) && span_equal(b, SPAN_LIT("bytes")));
    assert_false(nos_state_get_u64(&in, TAG_B, &a));  // five bytes
    assert_false(nos_state_get(&in, TAG_A + 1, &b));
    in.handle[1] = (nos_handle_t){ 9 };
    assert_int_equal(nos_state_handle(&in, 1).v, 9);
    assert_int_equal(nos_state_handle(&in, 2).v, 0);
    assert_int_equal(nos_state_handle(&in, UINT64_MAX).v, 0);
}

/* A number is eight bytes, no more and no less. */
static void test_number(void **state)
{
    const uint8_t bytes[9] = { 1 };
    (void)state;
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        uint8_t room[256];
        struct nos_state_out out;
        struct nos_state_in in;
        uint64_t value;
        size_t len;
        nos_state_open(&out, MSPAN_OF(room));
        nos_state_put(&out, 1, span_of(bytes, n));
        assert_int_equal(nos_state_close(&out, 1, &len), NOS_OK);
        assert_int_equal(nos_state_parse(span_of(room, len), &in), NOS_OK);
        assert_int_equal(nos_state_get_u64(&in, 1, &value), n == 8);
    }
}

/* Each bit, each length: on a heap block of exactly that length. */
static void test_damage(void **state)
{
    uint8_t room[256];
    struct nos_state_in in;
    (void)state;
    size_t len = write_one(MSPAN_OF(room));
    for (size_t n = 0; n <= len + 1; n++) {
        uint8_t *copy = malloc(n + 1);
        assert_non_null(copy);
        uint8_t *exact = realloc(copy, n == 0 ? 1 : n);
        assert_non_null(exact);
        memcpy(exact, room, n);
        assert_int_equal(nos_state_parse(span_of(exact, n), &in),
                         n == len ? NOS_OK : NOS_BAD_MESSAGE);
        free(exact);
    }
    for (size_t bit = 0; bit < 8 * len; bit++) {
        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(nos_state_parse(span_of(room, len), &in), NOS_BAD_MESSAGE);
        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static uint64_t check_again(uint8_t *room, size_t len)
{
    uint64_t h = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < len; i++) {
        h = i < 32 || i >= 40 ? (h ^ room[i]) * 0x100000001b3ull : h;
    }
    store_le64(room + 32, h);
    return h;
}

/* What a writer with a mistake could send, its check in order. */
static void test_lies(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } lies[] = { { 0, 'X' }, { 8, 2 },  { 16, 33 },  { 20, 1 }, { 24, 1 },
                 { 31, 1 },  { 42, 1 }, { 44, 200 }, { 47, 1 }, { 40 + 17, 0 } };
    struct nos_state_in in;
    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        uint8_t room[256];
        size_t len = write_one(MSPAN_OF(room));
        check_again(room, len);
        assert_int_equal(nos_state_parse(span_of(room, len), &in), NOS_OK);
        room[lies[i].at] = lies[i].value;
        check_again(room, len);
        assert_int_equal(nos_state_parse(span_of(room, len), &in), NOS_BAD_MESSAGE);
    }
}

static void test_room(void **state)
{
    uint8_t room[256];
    struct nos_state_out out;
    size_t whole = write_one(MSPAN_OF(room)), len;
    (void)state;
    for (size_t n = 0; n < whole; n++) {
        nos_state_open(&out, mspan_of(room, n));
        nos_state_put_u64(&out, TAG_A, 1);
        nos_state_put(&out, TAG_B, SPAN_LIT("bytes"));
        assert_int_equal(nos_state_close(&out, FORM, &len), NOS_TOO_BIG);
    }
    nos_state_open(&out, MSPAN_OF(room));
    nos_state_put_u64(&out, TAG_B, 1);
    nos_state_put_u64(&out, TAG_A, 1);
    assert_int_equal(nos_state_close(&out, FORM, &len), NOS_TLV_ORDER);
    nos_state_open(&out, MSPAN_OF(room));
    for (uint32_t i = 0; i <= NOS_STATE_HANDLES; i++) {
        nos_state_pass(&out, (nos_handle_t){ i }, 1);
    }
    assert_int_equal(nos_state_close(&out, FORM, &len), NOS_TOO_BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_number),
        cmocka_unit_test(test_damage),         cmocka_unit_test(test_lies),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
