#pragma once
/* Small objects out of pages: sizes are rounded up to 64, 128, ... 1,024 bytes. */
#include <stddef.h>

#include "lib/compiler.h"

enum { POOL_MAX = 1024 };

/** Zeroed memory for `size` bytes, at most POOL_MAX; NULL: no page is left. */
MUST_CHECK void *pool_take(size_t size);

/** Wipe it and give it back. NULL is fine. `size` is what it was taken with. */
void pool_give(void *object, size_t size);
