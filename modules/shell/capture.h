#pragma once
/* What a command of the prompt's own says, kept in memory instead of shown: for a file, or for the
 * program behind a `|`. The whole of it first, because the prompt cannot wait for a program that
 * waits for the prompt. */
#include "lib/span.h"
#include "modules/shell/shell.h"

enum { CAPTURE_PAGES = 64 };

/** From now on. Errors: BUSY (there is one still), those of region_create and region_map. */
MUST_CHECK nos_status_t capture_begin(void);

/** No longer. Gives: what was said, until capture_drop; what did not fit is said to be missing. */
span_t capture_end(const char *who);
void capture_drop(void);
