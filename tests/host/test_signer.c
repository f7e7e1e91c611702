/* The signing service's rules, without a machine: what is signed, for whom, how often, and what is
 * left. */
#include "lib/crypto/blake3.h"
#include "lib/text.h"
#include "modules/signer/desk.h"
#include "sdk/signer.h"
#include "tests/host/test.h"

#define SECOND 1000000000ull

static struct desk desk;
static struct desk_answer answer;
static uint64_t words[64];
static uint64_t now = 5 * SECOND;

static struct asker by(const char *name, uint8_t publisher, uint32_t capsule)
{
    struct asker a = { .capsule = capsule };
    memcpy(a.who.name, name, strlen(name));
    memset(a.who.publisher_id, publisher, sizeof a.who.publisher_id);
    return a;
}

static int fresh(void **state)
{
    static const uint8_t seed[ED25519_SEED_LEN] = { 7, 1, 7 };
    (void)state;
    desk_open(&desk, seed);
    memset(words, 0, sizeof words);
    now = 5 * SECOND;
    return 0;
}

static nos_status_t serve(const struct asker *a, uint64_t label, size_t n)
{
    // exactly so many bytes on the heap: the sanitiser sees one past them
    uint8_t *copy = malloc(8 * n + 1);
    memcpy(copy, words, 8 * n);
    const struct desk_question q = { .label = label, .words = span_of(copy, 8 * n) };
    desk_serve(&desk, a, &q, now, &answer);
    free(copy);
    return answer.status;
}

static nos_status_t sign(const struct asker *a, const char *context, const char *message)
{
    memset(words, 0, sizeof words);
    memcpy(words, context, strlen(context));
    memcpy(words + 4, message, strlen(message));
    return serve(a, NOS_SIGNER_SIGN | (uint64_t)strlen(message) << 8,
                 4 + (strlen(message) + 7) / 8);
}

static bool holds(const char *bytes, size_t len)
{
    return ed25519_verify((const uint8_t *)answer.word, span_of(bytes, len), desk.pk);
}

/* Laid out by hand, from docs/signer.md. */
static void what_is_signed(void **state)
{
    const struct asker web = by("web", 1, 9);
    static const char all[] = "N0N/signer/v1\0web\0release/1.0\0the bytes";
    uint8_t digest[32];
    (void)state;
    assert_int_equal(sign(&web, "release/1.0", "the bytes"), NOS_OK);
    assert_int_equal(answer.n_words, 9);
    assert_int_equal(answer.word[8], 1);
    assert_true(holds(all, sizeof all - 1));
    assert_false(holds("N0N/signer/v1\0api\0release/1.0\0the bytes", sizeof all - 1));
    assert_false(holds("N0N/signer/v1\0web\0release/1.1\0the bytes", sizeof all - 1));
    assert_false(holds("the bytes", 9));
    assert_non_null(answer.made);
    assert_int_equal(answer.made->capsule, 9);
    assert_int_equal(answer.made->message_len, 9);
    assert_int_equal(answer.made->time_ns, now);
    assert_string_equal(answer.made->module, "web");
    assert_string_equal((const char *)answer.made->context, "release/1.0");
    blake3_hash(span_of(all, sizeof all - 1), digest);
    assert_memory_equal(answer.made->digest, digest, 32);
}

static void parts_cannot_run_into_each_other(void **state)
{
    const struct asker web = by("web", 1, 9);
    uint64_t one[8];
    (void)state;
    assert_int_equal(sign(&web, "ab", "c"), NOS_OK);
    memcpy(one, answer.word, sizeof one);
    assert_int_equal(sign(&web, "a", "bc"), NOS_OK);
    assert_memory_not_equal(one, answer.word, sizeof one);
    // a zero in the message is the message's
    assert_int_equal(sign(&web, "a", ""), NOS_OK);
    assert_true(holds("N0N/signer/v1\0web\0a\0", 20));
}

static void refused(void **state)
{
    const struct asker web = by("web", 1, 9);
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        const char text[] = { 'a', (char)c, 'b', 0 };
        memset(words, 0, sizeof words);
        memcpy(words, text, 3);
        bool good =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("._/-", (int)c) != NULL;
        good = good && c != 0;
        assert_int_equal(serve(&web, NOS_SIGNER_SIGN, 4), good ? NOS_OK : NOS_INVALID);
        now += SECOND;
    }
    assert_int_equal(sign(&web, "", "x"), NOS_INVALID);
    assert_int_equal(sign(&web, "abcdefghijklmnopqrstuvwxyz012345", "x"), NOS_OK);
    memset(words, 'a', sizeof words);
    assert_int_equal(serve(&web, NOS_SIGNER_SIGN | 480 << 8, 64), NOS_OK);
    assert_int_equal(serve(&web, NOS_SIGNER_SIGN | 481 << 8, 64), NOS_TOO_BIG);
    assert_int_equal(serve(&web, NOS_SIGNER_SIGN | ~0ull << 8, 64), NOS_TOO_BIG);
    for (size_t n = 0; n <= 64; n++) {
        assert_int_equal(serve(&web, NOS_SIGNER_SIGN | 9 << 8, n) == NOS_OK, n == 6);
    }
    assert_int_equal(serve(&web, NOS_SIGNER_KEY, 1), NOS_BAD_MESSAGE);
    assert_int_equal(serve(&web, NOS_SIGNER_KEY | 256, 0), NOS_BAD_MESSAGE);
    assert_int_equal(serve(&web, NOS_SIGNER_LOG, 0), NOS_BAD_MESSAGE);
    assert_int_equal(serve(&web, NOS_SIGNER_LOG, 2), NOS_BAD_MESSAGE);
    assert_int_equal(serve(&web, 0, 0), NOS_BAD_MESSAGE);
    assert_int_equal(serve(&web, 4, 0), NOS_BAD_MESSAGE);
    assert_int_equal(answer.n_words, 0);
}

static void what_is_refused_leaves_no_record(void **state)
{
    const struct asker web = by("web", 1, 9);
    (void)state;
    assert_int_equal(sign(&web, "A", "x"), NOS_INVALID);
    assert_int_equal(desk.made, 0);
    assert_null(answer.made);
    words[0] = 0;
    assert_int_equal(serve(&web, NOS_SIGNER_LOG, 1), NOS_NOT_FOUND);
}

static void so_often_and_no_more(void **state)
{
    const struct asker web = by("web", 1, 9), again = by("web", 1, 10), other = by("web", 2, 11);
    (void)state;
    for (unsigned i = 0; i < DESK_BURST; i++) {
        assert_int_equal(sign(&web, "a", "x"), NOS_OK);
    }
    assert_int_equal(sign(&web, "a", "x"), NOS_QUOTA);
    assert_int_equal(answer.n_words, 1);
    assert_int_equal(answer.word[0], DESK_EACH_NS);
    assert_true(answer.tell);
    assert_int_equal(sign(&again, "a", "x"), NOS_QUOTA);  // another capsule of the module
    assert_false(answer.tell);                            // one line a second
    assert_int_equal(sign(&other, "a", "x"), NOS_OK);     // another publisher's module
    now += DESK_EACH_NS - 1;
    assert_int_equal(sign(&web, "a", "x"), NOS_QUOTA);
    now += 1;
    assert_int_equal(sign(&web, "a", "x"), NOS_OK);
    assert_int_equal(sign(&web, "a", "x"), NOS_QUOTA);
    now += SECOND;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(sign(&web, "a", "x"), NOS_OK);
    }
    assert_int_equal(sign(&web, "a", "x"), NOS_QUOTA);
    assert_true(answer.tell);
    assert_int_equal(desk.made, DESK_BURST + 1 + 1 + 10);
}

static void clients_make_room_when_that_changes_nothing(void **state)
{
    char name[] = "m00";
    (void)state;
    for (unsigned i = 0; i < DESK_CLIENTS; i++) {
        name[1] = (char)('a' + i);
        const struct asker a = by(name, 1, i + 1);
        assert_int_equal(sign(&a, "a", "x"), NOS_OK);
    }
    const struct asker late = by("late", 1, 99), first = by("ma0", 1, 1);
    assert_int_equal(sign(&late, "a", "x"), NOS_BUSY);
    assert_int_equal(sign(&first, "a", "x"), NOS_OK);
    now += DESK_EACH_NS;
    assert_int_equal(sign(&late, "a", "x"), NOS_OK);
    // whoever is still paying is not forgotten
    for (unsigned i = 0; i < DESK_BURST - 2; i++) {
        assert_int_equal(sign(&first, "a", "x"), NOS_OK);
    }
    for (unsigned i = 0; i < DESK_CLIENTS + 4; i++) {
        name[2] = (char)('a' + i);
        const struct asker a = by(name, 1, i + 1);
        nos_status_t st = sign(&a, "a", "x");
        assert_true(st == NOS_OK || st == NOS_BUSY);
    }
    assert_int_equal(sign(&first, "a", "x"), NOS_OK);
    assert_int_equal(sign(&first, "a", "x"), NOS_QUOTA);
}

static const struct nos_signer_record *record(uint64_t from)
{
    const struct asker any = by("any", 1, 3);
    words[0] = from;
    return serve(&any, NOS_SIGNER_LOG, 1) == NOS_OK ? (const void *)answer.word : NULL;
}

static void records(void **state)
{
    const struct asker web = by("web", 1, 9);
    (void)state;
    assert_null(record(0));
    for (unsigned i = 0; i < DESK_RECORDS + 3; i++) {
        assert_int_equal(sign(&web, "a", "x"), NOS_OK);
        assert_int_equal(answer.word[8], i + 1);
        now += SECOND;
    }
    assert_int_equal(record(0)->number, 4);
    assert_int_equal(record(4)->number, 4);
    assert_int_equal(record(5)->number, 5);
    assert_int_equal(record(DESK_RECORDS + 3)->number, DESK_RECORDS + 3);
    assert_null(record(DESK_RECORDS + 4));
    assert_null(record(UINT64_MAX));
}

static bool has(const void *where, size_t len, const void *what, size_t n)
{
    return memmem(where, len, what, n) != NULL;
}

/* The secret is nowhere in an answer, and after the end nowhere at all. */
static void the_key_stays(void **state)
{
    const struct asker web = by("web", 1, 9);
    uint8_t sk[ED25519_SK_LEN];
    (void)state;
    memcpy(sk, desk.sk, sizeof sk);
    for (uint64_t label = 0; label < 512; label++) {
        for (size_t n = 0; n <= 8; n++) {
            memset(words, 'a', sizeof words);
            words[0] = n == 1 ? 0 : words[0];
            nos_status_t st = serve(&web, label, n);
            assert_false(has(&answer, sizeof answer, sk, 8));
            assert_true(st == NOS_OK || answer.n_words <= 1);
        }
        now += SECOND;
    }
    assert_int_equal(serve(&web, NOS_SIGNER_KEY, 0), NOS_OK);
    assert_int_equal(answer.n_words, 5);
    assert_memory_equal(answer.word, desk.pk, 32);
    desk_close(&desk);
    assert_true(span_is_zero(span_of(&desk, sizeof desk)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_signed, fresh),
        cmocka_unit_test_setup(parts_cannot_run_into_each_other, fresh),
        cmocka_unit_test_setup(refused, fresh),
        cmocka_unit_test_setup(what_is_refused_leaves_no_record, fresh),
        cmocka_unit_test_setup(so_often_and_no_more, fresh),
        cmocka_unit_test_setup(clients_make_room_when_that_changes_nothing, fresh),
        cmocka_unit_test_setup(records, fresh),
        cmocka_unit_test_setup(the_key_stays, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
