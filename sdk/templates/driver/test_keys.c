/* `nonosctl test` runs this on the developer's machine, under the address sanitiser. */
#include "keys.h"

#include <stdio.h>
#include <string.h>

static int failed;

/* These codes, zero-terminated, type this. */
static void check(const char *what, const char *codes, const char *text)
{
    struct keys k = { 0 };

    for (const char *p = codes; *p != '\0'; p++) {
        keys_take(&k, (uint8_t)*p);
    }
    bool holds = k.n == strlen(text) && memcmp(k.text, text, k.n) == 0;
    printf("  %-6s %s\n", holds ? "ok" : "FAILED", what);
    failed += !holds;
}

int main(void)
{
    struct keys k = { 0 };

    check("letters, pressed and released", "\x23\xa3\x17\x97", "hi");
    check("the ends of the table", "\x02\x39\x3a\x7f", "1 ");
    check("either shift, while it is down", "\x2a\x1e\xaa\x36\x03\xb6\x1e", "A@a");
    check("one shift of two released", "\x2a\x36\xaa\x1e", "A");
    check("caps lock: letters alone", "\x3a\xba\x1e\x02\x2a\x1e\xaa\x3a\x1e", "A1aa");
    check("extended: the keypad's two", "\xe0\x1c\xe0\x9c\xe0\x35", "\n/");
    check("extended: arrows, and shifts that nobody pressed", "\xe0\x2a\xe0\x48\x1e", "a");
    check("Pause", "\xe1\x1d\x45\xe1\x9d\xc5\x1e", "a");

    for (unsigned code = 0; code < 100000; code++) {
        keys_take(&k, (uint8_t)(code * 2654435761u >> 13));
    }
    check("whatever comes, there is an end", "", k.n == KEYS_MAX ? "" : "not full");
    return failed != 0;
}
