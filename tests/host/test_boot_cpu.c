/* boot/cpu.h: each required feature is missed by name when it alone is absent. */
#include "boot/cpu.h"
#include "lib/compiler.h"
#include "tests/host/test.h"

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
    (void)state;
    cpu_read(&w);
    assert_int_not_equal(w.leaf1_edx & 1u << 26, 0);  // x86-64 has SSE2
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_by_name),
        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_optional),
        cmocka_unit_test(test_this_processor_can_be_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
