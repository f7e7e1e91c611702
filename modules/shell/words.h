#pragma once
/* Words of a command: a view. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lib/compiler.h"

struct words {
    size_t n;
    char *const *word;
};

/** Words from `first` on, joined by blanks, into `out`; cut at `cap` - 1 bytes. Gives: the length.
 */
size_t words_join(const struct words *w, size_t first, char *out, size_t cap);

static inline bool words_same(const char *a, const char *b)
{
    size_t len = strlen(a);
    return strlen(b) == len && memcmp(a, b, len) == 0;
}
