#pragma once
/* Linux's times and ours: nanoseconds since boot. */
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/** A time since boot, or a span from now on, as the moment when it will have passed; a very long
 * one as 292 years. False: not a time. */
bool nos_libc_until(const struct timespec *when, uint64_t *deadline_ns);
bool nos_libc_after(const struct timespec *span, uint64_t *deadline_ns);
