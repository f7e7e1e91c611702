/*
 * The smallest useful capsule: it says who it is, repeats its argument, and ends with code 0.
 * docs/sdk.md walks through it. Run it at the prompt: `load hello some words`.
 */
#include "sdk/print.h"
#include "sdk/start.h"

int nos_main(void)
{
    const char *arg = nos_arg();

    nos_print("hello from capsule %u, %llu ms after boot\n", nos_self()->capsule,
              (unsigned long long)(nos_now_ns() / 1000000));
    if (arg[0] != '\0') {
        nos_print("hello: my argument is \"%s\"\n", arg);
    }
    return 0;
}
