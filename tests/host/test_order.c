/* Which module is started and stopped before which. */
#include "lib/order.h"
#include "tests/host/test.h"

enum { N = 8 };

struct fixture {
    struct nos_supervision m[N];
    order_set set;
};

/* "b:ac" is module b, which needs a and c. */
static void fill(struct fixture *f, const char *const *lines)
{
    memset(f, 0, sizeof(*f));
    for (size_t i = 0; lines[i] != NULL; i++) {
        f->m[i].name[0] = lines[i][0];
        for (const char *p = lines[i] + 2; *p != 0; p++) {
            f->m[i].needs[f->m[i].n_needs++][0] = *p;
        }
        f->set[i] = &f->m[i];
    }
}

static void started(const char *const *lines, const char *want)
{
    struct fixture f;
    uint8_t out[ORDER_MAX];
    size_t n = 0;
    fill(&f, lines);
    assert_int_equal(order_start(f.set, out, &n), NOS_OK);
    assert_int_equal(n, strlen(want));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(f.m[out[i]].name[0], want[i]);
    }
}

static void test_start(void **state)
{
    (void)state;
    started((const char *const[]){ NULL }, "");
    started((const char *const[]){ "a:", NULL }, "a");
    started((const char *const[]){ "a:", "b:", "c:", NULL }, "abc");
    started((const char *const[]){ "a:b", "b:c", "c:", NULL }, "cba");
    started((const char *const[]){ "a:bc", "b:d", "c:d", "d:", NULL }, "dbca");
    started((const char *const[]){ "a:x", "b:a", NULL }, "ab");  // x is met elsewhere
    started((const char *const[]){ "a:b", "b:", "b:", NULL }, "bba");
}

static void test_cycles(void **state)
{
    static const char *const cycles[][5] = {
        { "a:a", NULL },
        { "a:b", "b:a", NULL },
        { "x:", "a:b", "b:c", "c:a", NULL },
        { "x:", "y:a", "a:b", "b:a", NULL },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cycles) / sizeof(cycles[0]); i++) {
        struct fixture f;
        uint8_t out[ORDER_MAX] = { 99 };
        size_t n = 99;
        fill(&f, cycles[i]);
        assert_int_equal(order_start(f.set, out, &n), NOS_NEED_CYCLE);
        assert_true(f.m[out[0]].n_needs > 0);
        assert_int_equal(n, 99);
    }
}

static void lost(const char *const *lines, const char *first, const char *want)
{
    struct fixture f;
    bool gone[ORDER_MAX] = { false };
    char got[N + 1] = { 0 };
    fill(&f, lines);
    for (size_t i = 0, n = 0; i < N && f.set[i] != NULL; i++) {
        gone[i] = n == 0 && f.m[i].name[0] == first[0];  // the first of that name
        n += gone[i];
    }
    order_dependants(f.set, gone);
    for (size_t i = 0, n = 0; i < N && f.set[i] != NULL; i++) {
        if (gone[i]) {
            got[n++] = f.m[i].name[0];
        }
    }
    assert_string_equal(got, want);
}

static void test_dependants(void **state)
{
    (void)state;
    lost((const char *const[]){ "a:", "b:a", "c:b", "d:", NULL }, "a", "abc");
    lost((const char *const[]){ "a:", "b:a", "c:b", "d:", NULL }, "c", "c");
    lost((const char *const[]){ "c:b", "b:a", "a:", NULL }, "a", "cba");
    lost((const char *const[]){ "a:", "a:", "b:a", NULL }, "a", "a");  // another a is left
    lost((const char *const[]){ "a:", "b:x", NULL }, "a", "a");        // x was gone before
    lost((const char *const[]){ "a:b", "b:a", NULL }, "a", "ab");
}

static void stops(const char *const *lines, const char *stopping, const char *want)
{
    struct fixture f;
    bool marked[ORDER_MAX] = { false }, now[ORDER_MAX];
    char got[N + 1] = { 0 };
    fill(&f, lines);
    for (size_t i = 0; i < N && f.set[i] != NULL; i++) {
        marked[i] = strchr(stopping, f.m[i].name[0]) != NULL;
    }
    order_stop(f.set, marked, now);
    for (size_t i = 0, n = 0; i < ORDER_MAX; i++) {
        if (now[i]) {
            got[n++] = f.m[i].name[0];
        }
    }
    assert_string_equal(got, want);
}

static void test_stop(void **state)
{
    (void)state;
    stops((const char *const[]){ "a:", "b:a", "c:b", "d:", NULL }, "abcd", "cd");
    stops((const char *const[]){ "a:", "b:a", "c:b", "d:", NULL }, "ab",
          "b");  // c stays: not asked
    stops((const char *const[]){ "a:", "b:a", "c:b", "d:", NULL }, "a", "a");
    stops((const char *const[]){ "a:", "b:", NULL }, "", "");
    stops((const char *const[]){ "a:b", "b:a", "c:", NULL }, "ab", "ab");
    stops((const char *const[]){ "a:b", "b:a", "c:", NULL }, "abc", "c");
}

static void test_has(void **state)
{
    struct fixture f;
    (void)state;
    fill(&f, (const char *const[]){ "a:b", NULL });
    assert_true(order_has(f.set, f.m[0].name));
    assert_false(order_has(f.set, f.m[0].needs[0]));
    assert_false(order_needs(&f.m[0], &f.m[0]));
    f.m[0].n_needs = UINT32_MAX;  // a record is never believed for more than it has room for
    assert_false(order_needs(&f.m[0], &f.m[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),      cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_dependants), cmocka_unit_test(test_stop),
        cmocka_unit_test(test_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
