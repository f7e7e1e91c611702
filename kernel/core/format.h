/* printf-like formatting into a sink, for the log and panic. No allocation, no floating point. */
#pragma once

#include <stdarg.h>

#include "kernel/core/types.h"

struct sink {
    char *at, *end; /* writes past `end` are dropped */
};

/** %s %.*s %c %d %u %x, with l, zero padding and width, %p, %%. */
void format_to(struct sink *s, const char *format, va_list args);
