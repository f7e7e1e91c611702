#pragma once
/* Words that mean the names of files. While a line is read, a * or ? that is not quoted stands in a
 * word as a byte that nothing else is. Pure. */
#include "modules/shell/line.h"

enum { GLOB_MANY = 1, GLOB_ONE = 2 };

static inline bool glob_is_mark(char c)
{
    return c == GLOB_MANY || c == GLOB_ONE;
}

static inline char glob_mark(char c)
{
    return c == '*' ? GLOB_MANY : GLOB_ONE;
}

/** As it was typed. */
void glob_unmark(char *word);

/**
 * Add the names that `word` fits to l's words, sorted: none if it has no mark, or one in a
 * directory of its path. A name that begins with a dot is fitted by a dot alone; one with control
 * characters is not fitted. Errors: TOO_BIG: too many, or too much.
 */
MUST_CHECK nos_status_t glob(struct line *l, const char *word, const struct line_world *w);

/** line.c's: one word more, whose bytes stay where they are. Errors: TOO_BIG. */
MUST_CHECK nos_status_t line_add(struct line *l, char *word);
