/* Every allocation of the kernel, counted; one of them fails on request. */
#include "kernel/memory/cache.h"
#include "kernel/memory/frame.h"
#include "kernel/storm/storm.h"

paddr_t __real_frame_alloc(unsigned order);
paddr_t __real_frame_alloc_dirty(unsigned order);
paddr_t __real_frame_alloc_run(uint32_t pages, bool *dirty);
void *__real_cache_alloc(struct cache *c);
paddr_t __real_up_table_alloc(void);

paddr_t __wrap_frame_alloc(unsigned order);
paddr_t __wrap_frame_alloc_dirty(unsigned order);
paddr_t __wrap_frame_alloc_run(uint32_t pages, bool *dirty);
void *__wrap_cache_alloc(struct cache *c);
paddr_t __wrap_up_table_alloc(void);

static uint64_t until, left; /* allocations before the first that fails; how many fail */

void storm_alloc_fail(uint64_t k, uint64_t n)
{
    until = k;
    left = n;
}

static bool refused(void)
{
    storm.allocs++;
    if (left == 0 || (until != 0 && --until != 0)) {
        return false;
    }
    left--;
    storm.refused++;
    return true;
}

paddr_t __wrap_frame_alloc(unsigned order)
{
    return refused() ? (paddr_t){ 0 } : __real_frame_alloc(order);
}

paddr_t __wrap_frame_alloc_dirty(unsigned order)
{
    return refused() ? (paddr_t){ 0 } : __real_frame_alloc_dirty(order);
}

paddr_t __wrap_frame_alloc_run(uint32_t pages, bool *dirty)
{
    return refused() ? (paddr_t){ 0 } : __real_frame_alloc_run(pages, dirty);
}

void *__wrap_cache_alloc(struct cache *c)
{
    return refused() ? NULL : __real_cache_alloc(c);
}

paddr_t __wrap_up_table_alloc(void)
{
    return refused() ? (paddr_t){ 0 } : __real_up_table_alloc();
}

void storm_leak(void)
{
    storm.hit = __real_frame_alloc(0).v;
}
