#pragma once
/* Records about the machine, by node_info, each checked to have exactly the size of its struct. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/audit.h"
#include "abi/info.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

/** Errors: those of node_info (NOT_FOUND past the last record); BAD_MESSAGE when the kernel's
 * record has another size. */
#define INFO(topic, index, out) info_get((topic), (index), (out), sizeof(*(out)))
MUST_CHECK nos_status_t info_get(uint64_t topic, uint64_t index, void *out, size_t len);

/** Text of the log from `*from` on; `*from` moves behind it. An empty `*text`: nothing new.
 * Borrows: `room`. */
MUST_CHECK nos_status_t info_log(uint64_t *from, mspan_t room, span_t *text);

/** A capsule by its id. Errors: NOT_FOUND. */
MUST_CHECK nos_status_t info_by_id(uint64_t id, struct nos_capsule_info *out);

/** A running capsule by decimal id or by name. Errors: NOT_FOUND. */
MUST_CHECK nos_status_t info_capsule(const char *name_or_id, struct nos_capsule_info *out);
