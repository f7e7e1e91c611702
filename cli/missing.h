#pragma once
/* What a module asked for and its capsule was not given: told when it is started, because the
 * capsule itself only sees that a handle is not there. Spec: docs/sdk.md, "What is not granted". */
#include "cli/node.h"
#include "lib/compiler.h"

/** The number of the node's next audit record; take it before the start. Errors: as node_need;
 * those of the source `manifest`, so that nothing is started with one that cannot be read. */
MUST_CHECK int missing_mark(struct node *n, const char *manifest, uint64_t *out);

/** Warn of what capsule `id`, started since `mark`, was not given. `manifest`: its source, for
 * lines; NULL: there is none at hand. Errors: those of the node, of the source; reported. */
MUST_CHECK int missing_report(struct node *n, uint64_t mark, uint32_t id, const char *manifest);
