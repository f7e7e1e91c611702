#pragma once
/* What can be sent to a node: a .mod file, or a module out of a .wad. */
#include "cli/file.h"
#include "lib/compiler.h"

/**
 * Read a module from `path`. A wad is checked whole before anything of it is used; `module` says
 * which of its modules, NULL: the only one. Of a .mod file nothing is checked here: the node judges
 * it. Gives: `out`, to be released with buf_free. Errors: IO_FAILED, USAGE, REFUSED; reported.
 */
MUST_CHECK int loadable_read(const char *path, const char *module, struct buf *out);
