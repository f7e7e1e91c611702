/* See kernel/core/wipe.h. */
#pragma once

#include "abi/bootinfo.h"
#include "kernel/core/types.h"

void wipe_init(const struct nos_bootinfo *bi, bool keep_memory);
