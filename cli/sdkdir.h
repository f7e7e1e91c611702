#pragma once
/* Where the SDK lies, and the project in the current folder. Spec: docs/sdk.md. */
#include <stdbool.h>

#include "lib/compiler.h"

/**
 * The SDK's folder: $N0N_SDK; the one that this program lies in; or the one that `make sdk` has
 * made beside this program. Gives:  `out`, to be freed. Errors: IO_FAILED, reported, when there is
 * none.
 */
MUST_CHECK int sdk_find(char **out);

/** Is the current folder a project: a Makefile and a manifest.json? */
bool project_here(void);

/**
 * `make TARGET` in the current folder, which must be a project, with what it says on this terminal.
 * First rule.json, if there is one, is held against the manifest: grants_check.
 * Errors: USAGE when it is no project; as grants_check; IO_FAILED without an SDK; TOOL_FAILED;
 * reported.
 */
MUST_CHECK int project_make(const char *target);
