#include "greeting.h"

#include <string.h>

bool greeting(char *out, size_t cap, const char *who)
{
    static const char hello[] = "hello, ";
    size_t len = strlen(who) + 1;

    if (cap < sizeof hello - 1 || cap - (sizeof hello - 1) < len) {
        return false;
    }
    memcpy(out, hello, sizeof hello - 1);
    memcpy(out + sizeof hello - 1, who, len);
    return true;
}
