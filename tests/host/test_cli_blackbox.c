/* nonosctl as a user meets it: tests/host/cli.sh with the binary of this compiler, under its
 * sanitisers. The script prints one line for what failed, and the total. */
#include "tests/host/test.h"

#ifdef __clang__
#define FLAVOUR "host-clang"
#else
#define FLAVOUR "host-gcc"
#endif

int main(void)
{
    return system("tests/host/cli.sh build/" FLAVOUR "/bin/nonosctl build/" FLAVOUR
                  "/bin/fakenode") == 0
               ? 0
               : 1;
}
