/* See kernel/core/wipe.h. */
#pragma once

#include <stdbool.h>

void wipe_init(bool keep_memory);
