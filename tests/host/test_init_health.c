/* When a capsule is asked whether it still answers, and when that counts against it. */
#include "modules/init/health.h"
#include "tests/host/test.h"

#define MS UINT64_C(1000000)
enum { EVERY = 1000, DEADLINE = 200 };

static struct health make(void)
{
    const struct nos_control rule = { .every_ms = EVERY, .deadline_ms = DEADLINE };
    struct health h;
    health_init(&h, &rule, 0);
    return h;
}

static struct health asked_at(uint64_t now)
{
    struct health h = make();
    assert_int_equal(health_look(&h, now), HEALTH_ASK);
    health_asked(&h, now);
    return h;
}

static void test_never(void **state)
{
    const struct nos_control rule = { .stop_ms = 5 };
    struct health h;
    (void)state;
    health_init(&h, &rule, 0);
    assert_int_equal(health_look(&h, UINT64_MAX), HEALTH_WAIT);
}

static void test_answers(void **state)
{
    (void)state;
    struct health h = make();
    assert_int_equal(health_look(&h, EVERY * MS - 1), HEALTH_WAIT);
    for (uint64_t now = EVERY * MS; now < 9 * EVERY * MS; now += EVERY * MS) {
        assert_int_equal(health_look(&h, now), HEALTH_ASK);
        health_asked(&h, now);
        assert_int_equal(h.due_ns, now + DEADLINE * MS);
        assert_int_equal(health_look(&h, now + DEADLINE * MS - 1), HEALTH_WAIT);
        health_answered(&h, true, now);
        assert_int_equal(h.due_ns, now + EVERY * MS);
        assert_int_equal(health_look(&h, now + EVERY * MS - 1), HEALTH_WAIT);
    }
}

/* Nobody was free to ask it. That is not its fault, however often, and takes no time from others.
 */
static void test_later(void **state)
{
    (void)state;
    struct health h = make();
    uint64_t now = EVERY * MS;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(health_look(&h, now), HEALTH_ASK);
        health_later(&h, now);
        assert_true(h.due_ns > now + MS);
        assert_int_equal(health_look(&h, h.due_ns - 1), HEALTH_WAIT);
        now = h.due_ns + 2 * DEADLINE * MS;
    }
}

static void test_silence(void **state)
{
    (void)state;
    struct health h = asked_at(EVERY * MS);
    uint64_t end = (EVERY + DEADLINE) * MS;
    assert_int_equal(health_look(&h, end - 1), HEALTH_WAIT);
    assert_int_equal(health_look(&h, end), HEALTH_FAILED);
    h = asked_at(EVERY * MS);
    assert_int_equal(health_look(&h, end + DEADLINE * MS / 2), HEALTH_FAILED);
}

static void test_bad_answer(void **state)
{
    (void)state;
    struct health h = asked_at(EVERY * MS);
    health_answered(&h, false, EVERY * MS + 1);
    assert_int_equal(h.due_ns, EVERY * MS + 1);
    assert_int_equal(health_look(&h, EVERY * MS + 1), HEALTH_FAILED);
}

/* The machine stood still: that is no proof, but only once in a row. */
static void test_late(void **state)
{
    (void)state;
    struct health h = asked_at(EVERY * MS);
    uint64_t late = (EVERY + DEADLINE + DEADLINE / 2) * MS + 1;
    assert_int_equal(health_look(&h, late), HEALTH_DOUBT);
    assert_int_equal(health_look(&h, late), HEALTH_ASK);
    health_asked(&h, late);
    assert_int_equal(health_look(&h, late + 9 * DEADLINE * MS), HEALTH_FAILED);
    h = asked_at(EVERY * MS);
    assert_int_equal(health_look(&h, late), HEALTH_DOUBT);
    assert_int_equal(health_look(&h, late), HEALTH_ASK);
    health_asked(&h, late);
    health_answered(&h, true, late + 1);  // and it was well: the doubt is gone
    late = h.due_ns;
    assert_int_equal(health_look(&h, late), HEALTH_ASK);
    health_asked(&h, late);
    assert_int_equal(health_look(&h, late + 2 * DEADLINE * MS), HEALTH_DOUBT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never),   cmocka_unit_test(test_answers),
        cmocka_unit_test(test_silence), cmocka_unit_test(test_bad_answer),
        cmocka_unit_test(test_late),    cmocka_unit_test(test_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
