#pragma once
/* Linux's times and ours: nanoseconds since boot. */
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/** A span of time as the moment when it will have passed; a very long one as never. False: not a
 * span. */
bool nos_libc_after(const struct timespec *span, uint64_t *deadline_ns);
