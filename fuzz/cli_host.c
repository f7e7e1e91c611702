/* cli/report.c's part: each message is made, and must be fit for a terminal. And files (the linker
 * leads file_read and file_write here). */
#include "fuzz/cli_host.h"

#include <stdarg.h>

#include "cli/file.h"
#include "cli/report.h"
#include "fuzz/fuzz.h"
#include "lib/text.h"

bool (*cli_file)(const char *path, span_t *bytes);

static void say(const char *fmt, va_list ap)
{
    char *text = NULL;
    int n = vasprintf(&text, fmt, ap);

    PROMISE(n >= 0 && text_ok(span_of(text, (size_t)n)));
    free(text);
}

int fail(enum exit_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
    PROMISE(code != DONE);
    return (int)code;
}

void hint(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

void warn_loud(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

void *must_alloc(size_t n)
{
    void *p = calloc(1, n == 0 ? 1 : n);
    PROMISE(p != NULL);
    return p;
}

char *must_printf(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    PROMISE(vasprintf(&text, fmt, ap) >= 0);
    va_end(ap);
    return text;
}

int __wrap_file_read(const char *path, size_t max, struct buf *out);
int __wrap_file_write(const char *path, span_t bytes, mode_t mode);

int __wrap_file_read(const char *path, size_t max, struct buf *out)
{
    struct buf b = { NULL, 0 };
    span_t bytes;

    if (!cli_file(path, &bytes) || bytes.len > max) {
        return fail(IO_FAILED, "%s cannot be read", path);
    }
    buf_add(&b, bytes);
    *out = b;
    return DONE;
}

int __wrap_file_write(const char *path, span_t bytes, mode_t mode)
{
    (void)path, (void)bytes, (void)mode;
    return DONE;
}
