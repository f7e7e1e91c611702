/* `nonosctl test` runs this on the developer's machine, under the address sanitiser. */
#include "total.h"

#include <stdio.h>

static int failed;

static void check(const char *what, bool holds)
{
    printf("  %-6s %s\n", holds ? "ok" : "FAILED", what);
    failed += !holds;
}

int main(void)
{
    uint64_t t = 40, v = 7;

    check("a sum", total_add(&t, 2) && t == 42);
    check("one that is too large changes nothing", !total_add(&t, UINT64_MAX) && t == 42);
    check("a number", total_parse("18446744073709551615", &v) && v == UINT64_MAX);
    check("none", !total_parse("", &v) && !total_parse("1x", &v) &&
                      !total_parse("18446744073709551616", &v));
    return failed != 0;
}
