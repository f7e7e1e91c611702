/* A machine without memory. */
#pragma once

#include "kernel/memory/frame.h"

enum { EXHAUST_LEAVE = 16 };

/* Take every frame that there is but `leave` of them, EXHAUST_LEAVE at most. */
static inline void exhaust(unsigned leave)
{
    paddr_t kept[EXHAUST_LEAVE];
    for (unsigned i = 0; i < leave; i++) {
        kept[i] = frame_alloc(0);
    }
    for (unsigned order = FRAME_ORDER_MAX + 1; order-- > 0;) {
        while (frame_alloc_dirty(order).v != 0) {
        }
    }
    for (unsigned i = 0; i < leave; i++) {
        frame_free(kept[i], 0);
    }
}
