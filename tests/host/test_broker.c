/* The secret broker's rules, without a machine: who is given what, for how long, and what is left.
 */
#include "modules/broker/store.h"
#include "tests/host/test.h"

#define MS 1000000ull

static struct store store;
static struct store_answer answer;
static uint64_t words[64], now;

static struct nos_who who(const char *name, uint8_t publisher)
{
    struct nos_who w = { 0 };
    memcpy(w.name, name, strlen(name));
    memset(w.publisher_id, publisher, sizeof w.publisher_id);
    return w;
}

static int fresh(void **state)
{
    (void)state;
    memset(&store, 0, sizeof store);
    memset(words, 0, sizeof words);
    now = 1000 * MS;
    return 0;
}

static nos_status_t serve(const struct nos_who *by, uint64_t label, size_t n)
{
    // exactly so many bytes on the heap: the sanitiser sees one past them
    uint8_t *copy = malloc(8 * n + 1);
    memcpy(copy, words, 8 * n);
    const struct store_question q = { .label = label, .words = span_of(copy, 8 * n) };
    store_serve(&store, by, &q, now, &answer);
    free(copy);
    return answer.status;
}

static void name_at(size_t word, const char *name)
{
    memset(words + word, 0, NOS_NAME_MAX);
    memcpy(words + word, name, strlen(name));
}

static void put_words(const char *name, uint64_t life_ms, const char *reader, const char *bytes)
{
    memset(words, 0, sizeof words);
    name_at(0, name);
    words[2] = life_ms;
    name_at(4, reader);
    memcpy(words + NOS_BROKER_AT, bytes, strlen(bytes));
}

static nos_status_t send_put(const struct nos_who *by, size_t len)
{
    return serve(by, NOS_BROKER_PUT | (uint64_t)len << 8, NOS_BROKER_AT + (len + 7) / 8);
}

static nos_status_t put(const struct nos_who *by, const char *name, uint64_t life_ms,
                        const char *reader, const char *bytes)
{
    put_words(name, life_ms, reader, bytes);
    return send_put(by, strlen(bytes));
}

static nos_status_t get(const struct nos_who *by, const char *owner, const char *name)
{
    memset(words, 0, sizeof words);
    name_at(0, owner);
    name_at(2, name);
    return serve(by, NOS_BROKER_GET, 4);
}

static nos_status_t delete_(const struct nos_who *by, const char *name)
{
    name_at(0, name);
    return serve(by, NOS_BROKER_DELETE, 2);
}

static bool holds(const char *what)
{
    return memmem(&store, sizeof store, what, strlen(what)) != NULL;
}

static bool said(const char *what)
{
    return answer.word[0] == strlen(what) &&
           memcmp(answer.word + NOS_BROKER_AT, what, strlen(what)) == 0;
}

static void only_the_named(void **state)
{
    const struct nos_who web = who("web", 1), api = who("api", 1), spy = who("spy", 1),
                         fake = who("api", 2), twin = who("web", 2);
    (void)state;
    assert_int_equal(put(&web, "db", 1000, "api", "hunter22"), NOS_OK);
    assert_true(answer.tell);
    assert_int_equal(get(&api, "web", "db"), NOS_OK);
    assert_true(said("hunter22"));
    assert_int_equal(answer.word[1], 1000);
    assert_int_equal(answer.n_words, NOS_BROKER_AT + 1);
    assert_true(answer.tell);
    assert_string_equal(answer.owner, "web");
    assert_string_equal(answer.name, "db");
    assert_int_equal(get(&spy, "web", "db"), NOS_NOT_FOUND);
    assert_true(answer.tell);
    assert_int_equal(get(&web, "web", "db"), NOS_NOT_FOUND);   // it was not named
    assert_int_equal(get(&fake, "web", "db"), NOS_NOT_FOUND);  // another publisher's of that name
    assert_int_equal(get(&api, "api", "db"), NOS_NOT_FOUND);   // nobody's
    assert_int_equal(get(&api, "web", "dbx"), NOS_NOT_FOUND);
    // nobody takes another's name
    assert_int_equal(put(&spy, "db", 1000, "api", "poison"), NOS_OK);
    assert_int_equal(put(&twin, "db", 1000, "api", "poison"), NOS_OK);
    assert_int_equal(get(&api, "web", "db"), NOS_OK);
    assert_true(said("hunter22"));
    assert_int_equal(get(&fake, "web", "db"), NOS_OK);
    assert_true(said("poison"));
}

static void each_of_four_readers(void **state)
{
    static const char *const name[] = { "ra", "rb", "rc", "rd" };
    const struct nos_who web = who("web", 1);
    (void)state;
    put_words("db", 1000, "ra", "x");
    for (size_t i = 1; i < 4; i++) {
        name_at(4 + 2 * i, name[i]);
    }
    assert_int_equal(send_put(&web, 1), NOS_OK);
    for (size_t i = 0; i < 4; i++) {
        const struct nos_who r = who(name[i], 1);
        assert_int_equal(get(&r, "web", "db"), NOS_OK);
    }
    const struct nos_who none = { .publisher_id = { 0 } };
    assert_int_equal(get(&none, "web", "db"), NOS_NOT_FOUND);
}

static void malformed(void **state)
{
    const struct nos_who web = who("web", 1);
    (void)state;
    for (uint64_t op = 0; op < 256; op++) {
        if (op < NOS_BROKER_PUT || op > NOS_BROKER_LIST) {
            assert_int_equal(serve(&web, op, 4), NOS_BAD_MESSAGE);
        }
    }
    put_words("db", 1000, "api", "x");
    for (size_t n = 0; n <= 64; n++) {
        now += 1000 * MS;
        assert_int_equal(serve(&web, NOS_BROKER_PUT | 9 << 8, n) == NOS_OK, n == 14);
        assert_int_equal(serve(&web, NOS_BROKER_GET, n) == NOS_BAD_MESSAGE, n != 4);
        assert_int_equal(serve(&web, NOS_BROKER_DELETE, n) == NOS_BAD_MESSAGE, n != 2);
        assert_int_equal(serve(&web, NOS_BROKER_LIST, n) == NOS_BAD_MESSAGE, n != 1);
        assert_int_equal(serve(&web, NOS_BROKER_PUT | 257 << 8, n), NOS_TOO_BIG);
        assert_int_equal(serve(&web, NOS_BROKER_PUT | ~0ull << 8, n), NOS_TOO_BIG);
        assert_int_equal(serve(&web, NOS_BROKER_GET | 1 << 8, n), NOS_BAD_MESSAGE);
    }
}

static void out_of_range(void **state)
{
    const struct nos_who web = who("web", 1);
    (void)state;
    assert_int_equal(put(&web, "db", 1000, "api", ""), NOS_INVALID);
    assert_int_equal(put(&web, "", 1000, "api", "x"), NOS_INVALID);
    assert_int_equal(put(&web, "9db", 1000, "api", "x"), NOS_INVALID);
    assert_int_equal(put(&web, "db", 0, "api", "x"), NOS_INVALID);
    assert_int_equal(put(&web, "db", NOS_BROKER_LIFE_MS + 1, "api", "x"), NOS_INVALID);
    assert_int_equal(put(&web, "db", 1000, "", "x"), NOS_INVALID);
    assert_int_equal(put(&web, "db", 1000, "*", "x"), NOS_INVALID);
    put_words("db", 1000, "api", "x");
    name_at(8, "gap");
    assert_int_equal(send_put(&web, 1), NOS_INVALID);
    put_words("db", 1000, "api", "x");
    words[3] = 2;
    assert_int_equal(send_put(&web, 1), NOS_INVALID);
    words[3] = 1ull << 32;
    assert_int_equal(send_put(&web, 1), NOS_INVALID);
    assert_int_equal(get(&web, "", "db"), NOS_INVALID);
    assert_int_equal(get(&web, "web", "D"), NOS_INVALID);
    assert_int_equal(delete_(&web, "D"), NOS_INVALID);
    assert_true(span_is_zero(SPAN_OF(store.secret)));
    put_words("db", NOS_BROKER_LIFE_MS, "api", "");
    memset(words + NOS_BROKER_AT, 'y', NOS_BROKER_BYTES);
    assert_int_equal(send_put(&web, NOS_BROKER_BYTES), NOS_OK);
    const struct nos_who api = who("api", 1);
    assert_int_equal(get(&api, "web", "db"), NOS_OK);
    assert_int_equal(answer.n_words, STORE_WORDS);
}

static void expiry(void **state)
{
    const struct nos_who web = who("web", 1), api = who("api", 1);
    unsigned ended;
    (void)state;
    assert_int_equal(store_expire(&store, now, &ended), 0);
    assert_int_equal(put(&web, "late", 300, "api", "SECRET-LATE"), NOS_OK);
    assert_int_equal(put(&web, "soon", 200, "api", "SECRET-SOON"), NOS_OK);
    assert_int_equal(store_expire(&store, now, &ended), now + 200 * MS);
    now += 200 * MS - 1;
    assert_int_equal(get(&api, "web", "soon"), NOS_OK);
    now += 1;
    assert_int_equal(get(&api, "web", "soon"), NOS_NOT_FOUND);  // also before it is wiped
    assert_true(holds("SECRET-SOON"));
    assert_int_equal(store_expire(&store, now, &ended), now + 100 * MS);
    assert_int_equal(ended, 1);
    assert_false(holds("SECRET-SOON"));
    assert_true(holds("SECRET-LATE"));
    now += 1000 * MS;
    assert_int_equal(store_expire(&store, now, &ended), 0);
    assert_true(span_is_zero(SPAN_OF(store.secret)));
}

static void what_is_gone_is_wiped(void **state)
{
    const struct nos_who web = who("web", 1), api = who("api", 1);
    (void)state;
    assert_int_equal(put(&web, "db", 1000, "api", "SECRET-ONE"), NOS_OK);
    assert_int_equal(put(&web, "db", 1000, "api", "two"), NOS_OK);
    assert_false(holds("RET-ONE"));  // also what the new one does not cover
    assert_int_equal(delete_(&api, "db"), NOS_NOT_FOUND);
    assert_true(holds("two"));
    assert_int_equal(delete_(&web, "db"), NOS_OK);
    assert_true(span_is_zero(SPAN_OF(store.secret)));
    put_words("db", 1000, "api", "SECRET-ONCE");
    words[3] = NOS_BROKER_ONCE;
    assert_int_equal(send_put(&web, 11), NOS_OK);
    assert_int_equal(get(&web, "web", "db"), NOS_NOT_FOUND);  // who may not does not use it up
    assert_int_equal(get(&api, "web", "db"), NOS_OK);
    assert_true(said("SECRET-ONCE"));
    assert_true(span_is_zero(SPAN_OF(store.secret)));
    assert_int_equal(get(&api, "web", "db"), NOS_NOT_FOUND);
    assert_int_equal(put(&web, "db", 1000, "api", "SECRET"), NOS_OK);
    store_close(&store);
    assert_true(span_is_zero(span_of(&store, sizeof store)));
}

static void quotas(void **state)
{
    char owner[] = "m0", name[] = "s0";
    (void)state;
    for (unsigned o = 0; o < STORE_SECRETS / NOS_BROKER_OWN; o++) {
        owner[1] = (char)('0' + o);
        const struct nos_who by = who(owner, 1);
        for (unsigned i = 0; i < NOS_BROKER_OWN; i++) {
            name[1] = (char)('0' + i);
            assert_int_equal(put(&by, name, 60000, "api", "x"), NOS_OK);
        }
        assert_int_equal(put(&by, "more", 60000, "api", "x"), NOS_QUOTA);
        assert_int_equal(put(&by, "s0", 60000, "api", "y"), NOS_OK);
        assert_int_equal(delete_(&by, "s1"), NOS_OK);
        assert_int_equal(put(&by, "s1", 60000, "api", "x"), NOS_OK);
    }
    const struct nos_who late = who("late", 1);
    assert_int_equal(put(&late, "s0", 60000, "api", "x"), NOS_NO_SLOT);
}

static void listing(void **state)
{
    const struct nos_who web = who("web", 1), spy = who("spy", 1), api = who("api", 1);
    struct nos_broker_entry e;
    (void)state;
    assert_int_equal(put(&web, "db", 1000, "api", "SECRET-LIST"), NOS_OK);
    assert_int_equal(get(&api, "web", "db"), NOS_OK);
    now += 400 * MS;
    words[0] = 0;
    assert_int_equal(serve(&web, NOS_BROKER_LIST, 1), NOS_OK);
    memcpy(&e, answer.word, sizeof e);
    assert_int_equal(answer.n_words, sizeof e / 8);
    assert_string_equal(e.name, "db");
    assert_string_equal(e.reader[0], "api");
    assert_int_equal(e.left_ms, 600);
    assert_int_equal(e.len, 11);
    assert_int_equal(e.given, 1);
    assert_null(memmem(&answer, sizeof answer, "SECRET", 6));
    words[0] = 1;
    assert_int_equal(serve(&web, NOS_BROKER_LIST, 1), NOS_NOT_FOUND);
    words[0] = 0;
    assert_int_equal(serve(&spy, NOS_BROKER_LIST, 1), NOS_NOT_FOUND);
    assert_false(answer.tell);
    now += 600 * MS;
    assert_int_equal(serve(&web, NOS_BROKER_LIST, 1), NOS_NOT_FOUND);
}

static void rates(void **state)
{
    const struct nos_who spy = who("spy", 1), web = who("web", 1);
    (void)state;
    for (unsigned i = 0; i < STORE_BURST; i++) {
        assert_int_equal(get(&spy, "web", "db"), NOS_NOT_FOUND);
        assert_int_equal(answer.tell, i == 0);
    }
    assert_int_equal(get(&spy, "web", "db"), NOS_BUSY);
    assert_int_equal(answer.word[0], STORE_EACH_NS);
    words[0] = 0;
    assert_int_equal(serve(&spy, NOS_BROKER_LIST, 1), NOS_BUSY);
    assert_int_equal(put(&web, "db", 1000, "spy", "x"), NOS_OK);
    now += 1000 * MS;
    assert_int_equal(get(&spy, "web", "nothing"), NOS_NOT_FOUND);
    assert_true(answer.tell);
    assert_int_equal(answer.untold, STORE_BURST - 1 + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(only_the_named, fresh),
        cmocka_unit_test_setup(each_of_four_readers, fresh),
        cmocka_unit_test_setup(malformed, fresh),
        cmocka_unit_test_setup(out_of_range, fresh),
        cmocka_unit_test_setup(expiry, fresh),
        cmocka_unit_test_setup(what_is_gone_is_wiped, fresh),
        cmocka_unit_test_setup(quotas, fresh),
        cmocka_unit_test_setup(listing, fresh),
        cmocka_unit_test_setup(rates, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
