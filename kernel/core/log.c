/* The log ring. Bytes are counted from boot; a reader names the offset it wants and is moved past
 * what was dropped. Lines are never longer than LINE_MAX, so a capsule cannot push everything out
 * with one call. */
#include "kernel/core/log.h"

#include <stdarg.h>
#include <string.h>

#include "abi/info.h"
#include "kernel/arch/api/arch.h"
#include "kernel/core/format.h"

enum { LINE_MAX = 240 };

static char ring[NOS_LOG_BYTES];
static uint64_t written;
static bool to_serial = true;

void log_serial(bool on)
{
    to_serial = on;
}

static void emit(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        ring[written++ % NOS_LOG_BYTES] = text[i];
    }
    for (size_t i = 0; to_serial && i < len; i++) {
        if (text[i] == '\n') {
            arch_serial_put('\r');
        }
        arch_serial_put(text[i]);
    }
}

__attribute__((format(printf, 2, 3))) static void append(struct sink *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    format_to(s, format, args);
    va_end(args);
}

static void stamp(struct sink *s)
{
    uint64_t us = arch_clock_ns() / 1000;
    append(s, "[%4lu.%06lu] ", us / 1000000, us % 1000000);
}

void klog(const char *format, ...)
{
    char line[LINE_MAX + 1];
    struct sink s = { line, line + LINE_MAX };
    va_list args;

    stamp(&s);
    va_start(args, format);
    format_to(&s, format, args);
    va_end(args);
    *s.at++ = '\n';
    emit(line, (size_t)(s.at - line));
}

void log_capsule(const char *name, span_t text)
{
    char line[LINE_MAX + 1];
    struct sink s = { line, line + LINE_MAX };

    stamp(&s);
    append(&s, "%.*s: ", NOS_NAME_MAX, name);
    for (size_t i = 0; i < text.len && s.at < s.end; i++) {
        uint8_t c = text.data[i];
        *s.at++ = c >= 0x20 && c != 0x7f ? (char)c : ' ';
    }
    *s.at++ = '\n';
    emit(line, (size_t)(s.at - line));
}

size_t log_read(uint64_t *from, uint8_t *out, size_t len)
{
    uint64_t oldest = written > NOS_LOG_BYTES ? written - NOS_LOG_BYTES : 0;
    uint64_t at = *from < oldest ? oldest : *from > written ? written : *from;
    size_t n = written - at < len ? written - at : len, place = at % NOS_LOG_BYTES;
    size_t part = n < NOS_LOG_BYTES - place ? n : NOS_LOG_BYTES - place;
    *from = at;
    memcpy(out, ring + place, part);
    memcpy(out + part, ring, n - part);
    return n;
}

uint64_t log_end(void)
{
    return written;
}
