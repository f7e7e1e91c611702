#include "total.h"

bool total_add(uint64_t *total, uint64_t v)
{
    uint64_t sum;

    if (__builtin_add_overflow(*total, v, &sum)) {
        return false;
    }
    *total = sum;
    return true;
}

bool total_parse(const char *text, uint64_t *v)
{
    uint64_t n = 0;

    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n)) {
            return false;
        }
    }
    if (text[0] == '\0') {
        return false;
    }
    *v = n;
    return true;
}
