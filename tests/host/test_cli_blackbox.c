/* nonosctl as a user meets it: tests/host/cli.sh with the binary of this compiler, under its
 * sanitisers; leaks, which end with the program, are looked for by clang's (BOTH=1), for they
 * double the time. The script prints one line for what failed, and the total. */
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
    setenv("ASAN_OPTIONS", "detect_leaks=" LEAKS, 1);
    return system("tests/host/cli.sh build/" FLAVOUR "/bin/nonosctl build/" FLAVOUR
                  "/bin/fakenode") == 0
               ? 0
               : 1;
}
