#pragma once
/* nonosctl without a terminal and without files: what it says is looked at, what it reads comes
 * from the target. */
#include "lib/span.h"

/** The target's: the bytes of a file; false when there is no such one. */
extern bool (*cli_file)(const char *path, span_t *bytes);
