/* Typed object caches: zeroed memory of one size, carved from single frames; empty frames go back.
 */
#pragma once

#include "kernel/core/types.h"

struct cache_page;
struct cache {
    const char *name;
    uint32_t size;              /* bytes, 16..2048; rounded up to 16 */
    uint32_t used;              /* objects out */
    struct cache_page *partial; /* pages with a free slot */
};

#define CACHE(type) \
    { \
        .name = #type, .size = sizeof(struct type) \
    }

MUST_CHECK void *cache_alloc(struct cache *c); /* zeroed; NULL = out of memory */
void cache_free(struct cache *c, void *p);     /* zeroes */
uint64_t cache_frames(void);                   /* frames held by all caches */
