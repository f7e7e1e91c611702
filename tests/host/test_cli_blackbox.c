/* nonosctl as a user meets it: tests/host/cli.sh with the binary of this compiler, under its
 * sanitisers; leaks are looked for by one of the two. The script prints one line for what failed, and the total. */
#include "tests/host/test.h"

#ifdef __clang__
#define FLAVOUR "host-clang"
#define LEAKS "1"
#else
#define FLAVOUR "host-gcc"
#define LEAKS "0"
#endif

int main(void)
{
    setenv("ASAN_OPTIONS", "detect_leaks=" LEAKS, 1);  // half of the time of a small program
    return system("tests/host/cli.sh build/" FLAVOUR "/bin/nonosctl build/" FLAVOUR
                  "/bin/fakenode") == 0
               ? 0
               : 1;
}
