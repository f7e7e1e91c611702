#pragma once
/* What a command tells the caller: one exit code, and on stderr what went wrong, where, and what to
 * do next. */
#include <stddef.h>

#include "lib/compiler.h"

/* Exit codes are an interface: docs/nonosctl.md, "Exit codes". */
enum exit_code {
    DONE = 0,
    REFUSED = 1,      /* a check failed: format, hash, signature, policy */
    USAGE = 2,        /* command line, or a JSON source, is wrong */
    IO_FAILED = 3,    /* a file cannot be read or written */
    NODE_SILENT = 4,  /* no node there, or it does not answer */
    NODE_REFUSED = 5, /* the node answered with a refusal */
    TOOL_FAILED = 6,  /* a program that we run is missing or failed (QEMU, mtools) */
};

/** Print "nonosctl: <message>" on stderr. Gives: `code`, so that `return fail(...)` reads well. */
int fail(enum exit_code code, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** Print "  <message>" on stderr, below a failure: what to do next. */
void hint(const char *fmt, ...) PRINTF_LIKE(1, 2);

/** Print a warning on stderr that nobody should overlook. */
void warn_loud(const char *fmt, ...) PRINTF_LIKE(1, 2);

/** malloc and friends that end the program with IO_FAILED when there is no memory. */
void *must_alloc(size_t n);
char *must_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);
