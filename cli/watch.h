#pragma once
/* Following what `ps` shows. */
#include <stdint.h>

#include "cli/node.h"
#include "cli/out.h"

/**
 * Show the capsules and then every change, until `count` of them (0: until interrupted); on a
 * terminal the whole table again and again. Errors: as node_record; IO_FAILED.
 */
MUST_CHECK int watch_capsules(struct node *n, enum out_form form, uint64_t count);
