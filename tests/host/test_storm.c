/* The plan of a fault storm, and what nonosctl makes of what a storm said. */
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "cli/storm.h"
#include "modules/storm/plan.h"
#include "tests/host/test.h"

enum { MANY = 20000 };

static void test_each_alone(void **state)
{
    struct storm_plan in_turn[50], alone;
    (void)state;
    for (uint64_t i = 0; i < 50; i++) {
        storm_plan(7, i, &in_turn[i]);
    }
    for (uint64_t i = 50; i-- > 0;) {
        storm_plan(7, i, &alone);
        assert_memory_equal(&alone, &in_turn[i], sizeof(alone));
        storm_plan(8, i, &alone);
        assert_memory_not_equal(&alone, &in_turn[i], sizeof(alone));
    }
}

/* Every kind and every victim comes, in about its share; what is never drawn is not. */
static void test_shares(void **state)
{
    uint64_t kinds[NOS_STORM_KINDS] = { 0 }, whos[WHO_COUNT] = { 0 };
    struct storm_plan p;
    (void)state;
    for (uint64_t i = 0; i < MANY; i++) {
        storm_plan(1, i, &p);
        assert_in_range(p.fault.kind, 1, NOS_STORM_KINDS - 1);
        assert_true(p.who < WHO_COUNT && p.fault.after != 0 && p.fault.victim == 0);
        kinds[p.fault.kind]++;
        whos[p.who]++;
    }
    for (uint32_t k = 1; k < NOS_STORM_LEAK; k++) {
        assert_in_range(kinds[k], MANY / 100, MANY / 4);
    }
    assert_int_equal(kinds[NOS_STORM_LEAK], 0);
    for (uint32_t w = 0; w < WHO_COUNT; w++) {
        assert_in_range(whos[w], MANY / 25, MANY / 4);
    }
}

static void test_ranges(void **state)
{
    struct storm_plan p;
    (void)state;
    for (uint64_t i = 0; i < MANY; i++) {
        storm_plan(3, i, &p);
        assert_true(p.fault.kind != NOS_STORM_ALLOC || (p.fault.a >= 1 && p.fault.b >= 1));
        assert_true(p.fault.kind != NOS_STORM_CALLS || (p.fault.b >= 1 && p.fault.b <= 6));
        assert_true(p.fault.kind != NOS_STORM_CLOCK || (p.fault.a >= 1 && p.fault.b <= 1));
        assert_true(p.restart == 0 || p.fault.kind == NOS_STORM_ALLOC);
    }
}

/* ---- what it said ---- */

#define BOOT "[ 0.1] something of the kernel's\n"
#define BEGIN(n) "storm says begins: seed 5, " n " faults\n"
#define LINES "storm says 1 kill ward1 after 3: 0 0 0\nstorm says at 1 digest aa\n"
#define MORE "storm says 2 kill ward1 after 3: 0 0 0\nstorm says at 2 digest bb\n"
#define END(n, broken) "storm says done seed 5 faults " n " broken " broken "\n"

static span_t text(const char *s)
{
    return span_of(s, strlen(s));
}

static void test_judge(void **state)
{
    const struct storm_config c = { .seed = 5, .count = 1 };
    (void)state;
    assert_int_equal(storm_judge(&c, text(BEGIN("1") LINES END("1", "0"))), DONE);
    static const char *const bad[] = {
        "",
        BEGIN("1") LINES,                                               // no end
        BEGIN("1") LINES END("1", "1"),                                 // it says so itself
        BEGIN("1") "storm BROKEN 1 x\n" LINES END("1", "0"),            // a finding
        BEGIN("1") "N0N-OS kernel panic: x\n" LINES END("1", "0"),      // the kernel's end
        BEGIN("2") LINES END("2", "0"),                                 // another count
        BEGIN("1") LINES "storm says done seed 6 faults 1 broken 0\n",  // another seed
        BEGIN("1") LINES "storm says done seed 5 faults\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(storm_judge(&c, text(bad[i])), REFUSED);
    }
}

static void test_compare(void **state)
{
    (void)state;
    const char *one = BOOT BEGIN("1") LINES END("1", "0");
    const char *two = BEGIN("2") LINES MORE END("2", "0");
    assert_int_equal(storm_compare(text(one), text(one)), DONE);
    assert_int_equal(storm_compare(text(one), text(BEGIN("1") LINES END("1", "0"))), DONE);
    assert_int_equal(storm_compare(text(two), text(one)), DONE);  // as far as both go
    assert_int_equal(storm_compare(text(one), text(two)), DONE);
    assert_int_equal(storm_compare(text(one), text(BEGIN("1") LINES END("1", "1"))), REFUSED);
    assert_int_equal(storm_compare(text(one), text(BEGIN("1") LINES)), REFUSED);
    assert_int_equal(storm_compare(text(two), text(BEGIN("1") MORE)), REFUSED);
    assert_int_equal(storm_compare(text(one), text(LINES)), REFUSED);
    assert_int_equal(storm_compare(text(""), text(one)), REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_alone), cmocka_unit_test(test_shares),
        cmocka_unit_test(test_ranges),     cmocka_unit_test(test_judge),
        cmocka_unit_test(test_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
