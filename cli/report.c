/* Messages on stderr. Text that came from a file or a node is printed by the caller through
 * out_safe first: a message must not carry terminal escapes. */
#include "cli/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int fail(enum exit_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("nonosctl: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return (int)code;
}

void hint(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("  ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

void warn_loud(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("WARNING: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

void *must_alloc(size_t n)
{
    void *p = calloc(1, n == 0 ? 1 : n);
    if (p == NULL) {
        exit(fail(IO_FAILED, "out of memory for %zu bytes", n));
    }
    return p;
}

char *must_printf(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0) {
        exit(fail(IO_FAILED, "out of memory"));
    }
    return text;
}
