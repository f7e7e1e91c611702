/* lib/captree.h: order, who is above whom, and lines of 80 columns. */
#include "lib/captree.h"
#include "tests/host/test.h"

static struct captree_row row(uint32_t capsule, uint64_t object, uint32_t handle, uint64_t a,
                              uint64_t b)
{
    struct captree_row r = { .capsule = capsule };
    r.h.type = NOS_TYPE_ENDPOINT;
    r.h.object = object;
    r.h.handle = handle;
    r.h.rights = NOS_RIGHT_CALL;
    r.h.cell[0] = a == 0 ? 0 : a << 32 | 1;
    r.h.cell[1] = b == 0 ? 0 : b << 32 | 2;
    memcpy(r.name, "shell", 5);
    return r;
}

static void test_order(void **state)
{
    struct captree_row r[] = {
        row(3, 7, 1, 5, 9), row(2, 7, 1, 5, 0), row(1, 7, 1, 0, 0),
        row(1, 3, 2, 0, 0), row(4, 7, 1, 6, 8),  // its parent holds no handle any more
        row(5, 7, 1, 0, 0),
    };
    const uint32_t capsule[] = { 1, 1, 5, 2, 3, 4 },
                   above[] = { CAPTREE_TOP, CAPTREE_TOP, CAPTREE_TOP, 1, 3, 1 };
    const uint32_t level[] = { 0, 0, 0, 1, 2, 1 };
    (void)state;
    captree_sort(r, ARRAY_LEN(r));
    for (uint32_t i = 0; i < ARRAY_LEN(r); i++) {
        assert_int_equal(r[i].capsule, capsule[i]);
        assert_int_equal(r[i].above, above[i]);
        assert_int_equal(r[i].level, level[i]);
        assert_int_equal(captree_first(r, i), i < 2);
    }
}

static void test_lines_fit(void **state)
{
    char text[1024];
    struct fmt f;
    struct captree_row r = row(4000000000, 7, 0xffffffff, 1, 2);
    (void)state;
    memset(r.name, 'w', sizeof r.name);
    r.level = 4;
    r.h.rights = NOS_RIGHT_ALL;
    FMT_INIT(&f, text);
    captree_line(&f, &r, 0);
    size_t width = 0;
    for (size_t i = 0; i < f.len; i++) {
        width = text[i] == '\n' ? 0 : width + 1;
        assert_true(width <= 80);
    }
    assert_true(strstr(text, "control") != NULL);  // the last right
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_order),
                                        cmocka_unit_test(test_lines_fit) };
    return cmocka_run_group_tests_name("captree", tests, NULL, NULL);
}
