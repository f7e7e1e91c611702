/* boot/cpu.h: each required feature is missed by name when it alone is absent; which leaves are
 * asked. */
#include <cpuid.h>

#include "boot/insn.h"
#include "tests/host/test.h"

static uint32_t last_leaf, last_ext; /* of the processor that is made up; 0 = the one we run on */

static struct cpu_leaf leaf_of(uint32_t number)
{
    uint32_t last = number < 0x80000000 ? last_leaf : last_ext;
    if (last == 0) {
        return cpuid(number);
    }
    if (number == 0 || number == 0x80000000) {
        return (struct cpu_leaf){ .eax = last };
    }
    return (struct cpu_leaf){ ~number, 0x1000 + number, 0x2000 + number, 0x3000 + number };
}
#define cpuid leaf_of
#include "boot/cpu.c"
#undef cpuid

static const struct cpu_words all = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX };

static const struct {
    struct cpu_words off;  // the one bit that is taken away
    const char *name;
} rules[] = {
    { { .leaf1_edx = 1u << 9 }, "APIC" },    { { .leaf1_edx = 1u << 24 }, "FXSR" },
    { { .leaf1_edx = 1u << 26 }, "SSE2" },   { { .ext1_edx = 1u << 11 }, "SYSCALL" },
    { { .ext1_edx = 1u << 20 }, "NX" },      { { .leaf7_ebx = 1u << 7 }, "SMEP" },
    { { .leaf7_ebx = 1u << 20 }, "SMAP" },   { { .leaf7_ecx = 1u << 2 }, "UMIP" },
    { { .leaf1_ecx = 1u << 30 }, "RDRAND" },
};

static struct cpu_words without(const struct cpu_words *off)
{
    return (struct cpu_words){
        .leaf1_ecx = all.leaf1_ecx & ~off->leaf1_ecx,
        .leaf1_edx = all.leaf1_edx & ~off->leaf1_edx,
        .leaf7_ebx = all.leaf7_ebx & ~off->leaf7_ebx,
        .leaf7_ecx = all.leaf7_ecx & ~off->leaf7_ecx,
        .ext1_edx = all.ext1_edx & ~off->ext1_edx,
    };
}

static void expect(const struct cpu_words *w, const char *names)
{
    char text[100];
    struct fmt f;
    FMT_INIT(&f, text);
    cpu_missing(w, &f);
    assert_string_equal(text, names);
}

static void test_each_by_name(void **state)
{
    (void)state;
    expect(&all, "");
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        struct cpu_words w = without(&rules[i].off);
        expect(&w, rules[i].name);
    }
}

static void test_all_at_once(void **state)
{
    struct cpu_words none = { 0 };
    (void)state;
    expect(&none, "APIC FXSR SSE2 SYSCALL NX SMEP SMAP UMIP RDRAND");
}

static void test_optional(void **state)
{
    struct cpu_words gib = { .ext1_edx = 1u << 26 };
    struct cpu_words seed = { .leaf7_ebx = 1u << 18 };
    (void)state;
    assert_true(cpu_has_gib_pages(&gib));
    assert_false(cpu_has_gib_pages(&seed));
    assert_true(cpu_has_rdseed(&seed));
    assert_false(cpu_has_rdseed(&gib));
}

static void test_this_processor_can_be_asked(void **state)
{
    struct cpu_words w;
    unsigned a, b, c, d;
    (void)state;
    last_leaf = last_ext = 0;
    cpu_read(&w);
    assert_int_not_equal(w.leaf1_edx & 1u << 26, 0);  // x86-64 has SSE2
    assert_true(__get_cpuid_count(7, 0, &a, &b, &c, &d));
    assert_int_equal(w.leaf7_ebx, b);
    assert_true(__get_cpuid(0x80000001, &a, &b, &c, &d));
    assert_int_equal(w.ext1_edx, d);
}

/* A leaf behind the last has another's answer, or any: no feature is taken from it. */
static void test_leaves_that_are_there(void **state)
{
    static const struct {
        uint32_t last, ext;
        bool has_7, has_ext1;
    } rows[] = {
        { 6, 0x80000008, false, true }, { 7, 0x80000001, true, true },
        { 8, 0x80000000, true, false }, { 1, 0x80000000, false, false },
        { 13, 1, true, false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cpu_words w;
        last_leaf = rows[i].last;
        last_ext = rows[i].ext;
        cpu_read(&w);
        assert_int_equal(w.leaf1_ecx, 0x2001);
        assert_int_equal(w.leaf1_edx, 0x3001);
        assert_int_equal(w.leaf7_ebx, rows[i].has_7 ? 0x1007 : 0);
        assert_int_equal(w.leaf7_ecx, rows[i].has_7 ? 0x2007 : 0);
        assert_int_equal(w.ext1_edx, rows[i].has_ext1 ? 0x80003001 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_by_name),
        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_optional),
        cmocka_unit_test(test_this_processor_can_be_asked),
        cmocka_unit_test(test_leaves_that_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
