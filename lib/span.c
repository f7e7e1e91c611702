/* What of span.h is more than a few instructions. */
#include "lib/span.h"

#include <string.h>

bool span_is_zero(span_t s)
{
    // the first is, and each is as the one before it
    return s.len == 0 || (s.data[0] == 0 && memcmp(s.data, s.data + 1, s.len - 1) == 0);
}
