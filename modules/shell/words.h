#pragma once
/* A line as words: blanks separate, "..." keeps blanks. Pure. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "abi/status.h"
#include "lib/compiler.h"

enum { WORDS_MAX = 24, WORDS_TEXT = 256 };

struct words {
    size_t n;
    char *word[WORDS_MAX];
    char text[WORDS_TEXT];
};

/** Errors: TOO_BIG (too many words, too long), INVALID (a quote is not closed). */
MUST_CHECK nos_status_t words_split(struct words *w, const char *line);

/** Words from `first` on, joined by blanks, into `out`; cut at `cap` - 1 bytes. Gives: the length.
 */
size_t words_join(const struct words *w, size_t first, char *out, size_t cap);

static inline bool words_same(const char *a, const char *b)
{
    size_t len = strlen(a);
    return strlen(b) == len && memcmp(a, b, len) == 0;
}
