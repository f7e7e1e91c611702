#pragma once
/*
 * A printf-like that cannot overrun and needs no libc: %s %c %d %i %u %x %X %p %%, with -, 0, width
 * (also *), .precision for %s, and h hh l ll z j t. Anything else is printed as it stands.
 */
#include <stdarg.h>
#include <stddef.h>

#include "lib/compiler.h"

/**
 * Write at most cap - 1 bytes and a zero to `buf`.
 * Gives: bytes written without the zero: text that did not fit is cut, never counted.
 */
size_t nos_vformat(char *buf, size_t cap, const char *fmt, va_list args) PRINTF_LIKE(3, 0);
size_t nos_format(char *buf, size_t cap, const char *fmt, ...) PRINTF_LIKE(3, 4);
