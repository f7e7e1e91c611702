#pragma once
/* Lines for people: to the console when the capsule was granted it, and to the kernel log.
 * sdk/format.h has the verbs. */
#include <stddef.h>

#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

enum {
    NOS_PRINT_MAX = 512 /* bytes of one nos_print; more is cut */,
    NOS_LOG_LINE = 200 /* bytes of one nos_log: what the kernel takes */,
};

#define NOS_CONSOLE_PATIENCE_NS 5000000000ull /* how long the console is waited for, once */

/** To the console; without one that answers, to the kernel log; without both, nowhere. */
void nos_print(const char *fmt, ...) PRINTF_LIKE(1, 2);

/** Bytes to the console as they are: by message, or in a stream (sdk/stream.h). Errors: what the
 * call to the console answers; TIMED_OUT: it may still show them. */
MUST_CHECK nos_status_t nos_console_write(span_t text);

/** The same in as many messages as it takes; with no bytes, one that is empty. */
MUST_CHECK nos_status_t nos_console_send(span_t text);

/** Where nos_console_write goes instead; NULL: nos_console_send. */
extern nos_status_t (*nos_console_sink)(span_t text);

/** One line into the kernel log. Without the `log` grant nothing happens. */
void nos_log(const char *fmt, ...) PRINTF_LIKE(1, 2);
