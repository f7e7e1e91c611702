/* Status codes in words, from the one list. */
#include "lib/status.h"

const char *status_name(int32_t status)
{
    switch (status) {
#define X(name, value, text) \
    case value: \
        return #name;
        NOS_STATUS_LIST(X)
#undef X
    default:
        return "UNKNOWN";
    }
}

const char *status_text(int32_t status)
{
    switch (status) {
#define X(name, value, text) \
    case value: \
        return text;
        NOS_STATUS_LIST(X)
#undef X
    default:
        return "not a status code";
    }
}
