/* A panic that is wanted: what it said, and back to where `panicked` was set, with 2. Included
 * once. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

static jmp_buf panicked;
static char panic_text[200];

static _Noreturn void panics(const char *format, ...)
{
    va_list more;
    va_start(more, format);
    vsnprintf(panic_text, sizeof panic_text, format, more);
    va_end(more);
    longjmp(panicked, 2);
}
