/* When init starts a capsule again. */
#include "modules/init/backoff.h"
#include "tests/host/test.h"

#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)

static struct backoff make(uint32_t when, uint32_t ms, uint32_t max, uint32_t window)
{
    struct nos_restart rule = { when, ms, max, window };
    struct backoff b;
    backoff_init(&b, &rule);
    return b;
}

static void test_rules(void **state)
{
    uint64_t due = 0;
    (void)state;
    struct backoff never = make(NOS_RESTART_NEVER, 10, 5, 60);
    struct backoff crash = make(NOS_RESTART_ON_CRASH, 10, 5, 60);
    struct backoff always = make(NOS_RESTART_ALWAYS, 10, 5, 60);
    assert_int_equal(backoff_ended(&never, true, S, &due), BACKOFF_DONE);
    assert_int_equal(backoff_ended(&crash, false, S, &due), BACKOFF_DONE);
    assert_int_equal(due, 0);
    assert_int_equal(backoff_ended(&crash, true, S, &due), BACKOFF_RESTART);
    assert_int_equal(due, S + 10 * MS);
    assert_int_equal(backoff_ended(&always, false, S, &due), BACKOFF_RESTART);
}

static void test_doubling(void **state)
{
    const uint64_t want[] = { 10, 20, 40, 80, 160, 320, 320, 320 };
    struct backoff b = make(NOS_RESTART_ALWAYS, 10, 100, 60);
    uint64_t due;
    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        assert_int_equal(backoff_ended(&b, true, S, &due), BACKOFF_RESTART);
        assert_int_equal(due - S, want[i] * MS);
    }
    assert_int_equal(b.total, 8);
}

static void test_giving_up(void **state)
{
    struct backoff b = make(NOS_RESTART_ALWAYS, 0, 3, 10);
    uint64_t due;
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(backoff_ended(&b, true, S + (uint64_t)i, &due), BACKOFF_RESTART);
    }
    assert_int_equal(backoff_ended(&b, true, 2 * S, &due), BACKOFF_GIVE_UP);
    assert_int_equal(backoff_ended(&b, true, 11 * S, &due),
                     BACKOFF_GIVE_UP);  // the last moment of the window
    assert_int_equal(backoff_ended(&b, true, 11 * S + 1, &due), BACKOFF_RESTART);
    assert_int_equal(b.in_window, 1);
    assert_int_equal(b.total, 4);
}

static void test_longest_delay(void **state)
{
    struct backoff b = make(NOS_RESTART_ALWAYS, 60000, 1000, 3600);
    uint64_t due = 0;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(backoff_ended(&b, true, S, &due), BACKOFF_RESTART);
    }
    assert_int_equal(due, S + 32ull * 60 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rules),
                                        cmocka_unit_test(test_doubling),
                                        cmocka_unit_test(test_giving_up),
                                        cmocka_unit_test(test_longest_delay) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
