/* The kernel's log: a ring in RAM of time-stamped lines; early on also the serial port. */
#pragma once

#include "kernel/core/types.h"

/** One line, printf-like: %s %.*s %u %d %x (32-bit), %lu %ld %lx (64-bit), %p, %c, zero-padding and
 * width. */
void klog(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** A capsule's line, marked with its name. Control characters are replaced. */
void log_capsule(const char *name, span_t text);

/** Copy out from byte offset `from` since boot: bytes copied; `*from` becomes the offset of the
 * first of them. */
size_t log_read(uint64_t *from, uint8_t *out, size_t len);

uint64_t log_end(void); /* offset after the newest byte */

void log_serial(
    bool on); /* whether lines also go to COM1: on until `console` claims it, and again at panic */
