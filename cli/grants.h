#pragma once
/* Does a project's rule.json grant what its manifest.json asks for? The machine would run the
 * capsule with less, and the capsule would meet BAD_HANDLE; here the author is told while he
 * builds. Spec: docs/sdk.md, "What is not granted". */
#include "lib/compiler.h"
#include "lib/span.h"

/** Errors: IO_FAILED, USAGE; REFUSED when something is not granted: all of it is reported, with the
 * manifest's lines. */
MUST_CHECK int grants_check(const char *manifest, const char *rule);

/** The line, from 1, of item `i` of the list that the outermost object of well-formed JSON has
 * under `key`; 0: not there. */
unsigned json_line(span_t text, const char *key, size_t i);
