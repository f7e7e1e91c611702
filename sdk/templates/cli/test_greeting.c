/* `nonosctl test` runs this on the developer's machine, under the address sanitiser. */
#include "greeting.h"

#include <stdio.h>
#include <string.h>

static int failed;

static void check(const char *what, bool holds)
{
    printf("  %-6s %s\n", holds ? "ok" : "FAILED", what);
    failed += !holds;
}

int main(void)
{
    char text[16] = "before";

    check("nothing is written when it does not fit",
          !greeting(text, 12, "world") && strcmp(text, "before") == 0);
    check("it fits to the byte", greeting(text, 13, "world") && strcmp(text, "hello, world") == 0);
    check("nobody", greeting(text, sizeof text, "") && strcmp(text, "hello, ") == 0);
    return failed != 0;
}
