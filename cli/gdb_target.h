#pragma once
/* What the stub debugs: a capsule of a live node (gdb_node.c), or a test's. Each can fail with what
 * the node answered; IO_ERROR: it does not answer. Threads are few, and have ids from 1 to
 * INT32_MAX: target_thread gives the first that is not below `from`, NOT_FOUND past the last. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/debug.h"
#include "abi/manage.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

struct gdb_target;

MUST_CHECK nos_status_t target_state(struct gdb_target *t, enum nos_mg_debugged *out);
MUST_CHECK nos_status_t target_thread(struct gdb_target *t, uint32_t from,
                                      struct nos_debug_thread *out);
MUST_CHECK nos_status_t target_set(struct gdb_target *t, uint32_t id,
                                   const uint64_t regs[NOS_REG_COUNT]);
MUST_CHECK nos_status_t target_read(struct gdb_target *t, uint64_t at, uint8_t *out, size_t len);
MUST_CHECK nos_status_t target_write(struct gdb_target *t, uint64_t at, span_t bytes);
MUST_CHECK nos_status_t target_break(struct gdb_target *t, uint64_t at, bool on);
MUST_CHECK nos_status_t target_run(struct gdb_target *t, uint32_t id, enum nos_debug_how how);
MUST_CHECK nos_status_t target_kill(struct gdb_target *t);

/** How it ended, as gdb is told: "W" and an exit code, or "X" and a signal. */
void target_end(struct gdb_target *t, char out[8]);
