#pragma once
#include <stdint.h>

struct patient { /* what a debugger looks at, and sets */
    uint64_t count, second, step, enough;
    char name[8];
};
