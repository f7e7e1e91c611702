#pragma once
/* Programs that we run (mtools, QEMU). */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/file.h"
#include "lib/compiler.h"
#include "lib/span.h"

/**
 * Run argv to its end with `input` on its stdin.
 * Gives:  `out` (when not NULL): what it wrote to stdout, at most `max` bytes; to be released.
 * Errors: TOOL_FAILED, reported with what the program said on stderr; `package` names what to
 * install.
 */
MUST_CHECK int proc_run(const char *const *argv, const char *package, span_t input, size_t max,
                        struct buf *out);

/** Like proc_run, but a failure of the program is quiet: for asking whether something is there. */
MUST_CHECK bool proc_try(const char *const *argv, size_t max, struct buf *out);

/** Run it with `input`; true when it ended well. */
MUST_CHECK bool proc_run_quiet(const char *const *argv, span_t input);

/** Wait until a child has ended. Gives: its status, as waitpid(2) has it. */
int proc_wait(pid_t pid);

/** Of a clock that never goes back. */
uint64_t now_ms(void);

/* Files to unlink and folders to remove when a signal ends the program. `path` must stay. */
void cleanup_add(const char *path);
void cleanup_drop(const char *path);
