/*
 * The allocators as the shadow sees them. A free frame is closed from end to end; a page of objects
 * is closed but for the objects that are out, each followed by a redzone, the first also preceded
 * by one (the cache's own header). A freed object waits in a queue before its place can be given
 * out again, so that who uses it too long finds it closed. Whoever asks what is free sees the queue
 * emptied first.
 */
#include <string.h>

#include "kernel/core/panic.h"
#include "kernel/memory/cache.h"
#include "kernel/memory/frame.h"
#include "kernel/sanitize/sanitize.h"

#define CALLER ((uint64_t)__builtin_return_address(0))
enum { CACHES = 16, REDZONE = 32, QUEUE = 64 };

void __real_frame_init(const struct nos_bootinfo *bi);
void __real_frame_donate(paddr_t base, uint64_t len);
paddr_t __real_frame_alloc(unsigned order);
paddr_t __real_frame_alloc_dirty(unsigned order);
paddr_t __real_frame_alloc_run(uint32_t pages, bool *dirty);
void __real_frame_free(paddr_t p, unsigned order);
void __real_frame_free_run(paddr_t p, uint32_t pages);
struct frame_stats __real_frame_stats(void);
paddr_t __real_up_table_alloc(void);
void __real_up_table_free(paddr_t p);
bool __real_up_reclaim(void);
void *__real_cache_alloc(struct cache *c);
void __real_cache_free(struct cache *c, void *p);
uint64_t __real_cache_frames(void);

void __wrap_frame_init(const struct nos_bootinfo *bi);
void __wrap_frame_donate(paddr_t base, uint64_t len);
paddr_t __wrap_frame_alloc(unsigned order);
paddr_t __wrap_frame_alloc_dirty(unsigned order);
paddr_t __wrap_frame_alloc_run(uint32_t pages, bool *dirty);
void __wrap_frame_free(paddr_t p, unsigned order);
void __wrap_frame_free_run(paddr_t p, uint32_t pages);
struct frame_stats __wrap_frame_stats(void);
paddr_t __wrap_up_table_alloc(void);
void __wrap_up_table_free(paddr_t p);
bool __wrap_up_reclaim(void);
void *__wrap_cache_alloc(struct cache *c);
void __wrap_cache_free(struct cache *c, void *p);
uint64_t __wrap_cache_frames(void);

static struct known {
    struct cache *cache;
    uint64_t size; /* of an object, as its owner asked for it */
} caches[CACHES];

static struct waiting {
    struct cache *cache;
    void *object;
} queue[QUEUE];
static uint32_t first, waiting;

/* ---- frames ---- */

static paddr_t opened(paddr_t p, uint64_t bytes)
{
    if (p.v != 0) {
        shadow_open((uint64_t)phys_ptr(p), bytes);
    }
    return p;
}

/* Before it is freed: none of it has been already. Its own poison is no fault: a page of objects is
 * closed. */
static bool close_run(paddr_t p, uint64_t pages, uint64_t ip)
{
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t at = (uint64_t)phys_ptr(p) + i * PAGE_SIZE;
        if (shadow_covers(at) && *shadow_at(at) == SHADOW_FRAME) {
            san_found(ip, "KASAN: a frame is freed twice: 0x%lx", p.v + i * PAGE_SIZE);
            return false;
        }
    }
    shadow_poison((uint64_t)phys_ptr(p), pages * PAGE_SIZE, SHADOW_FRAME);
    return true;
}

/* The allocator keeps its own words at the end of one of the free ranges: these stay open. It takes
 * the highest that has room, as here. */
void __wrap_frame_init(const struct nos_bootinfo *bi)
{
    __real_frame_init(bi);
    uint64_t own = __real_frame_stats().metadata_bytes;
    for (uint32_t i = bi->n_mem; i-- > 0;) {
        const struct nos_mem_range *r = &bi->mem[i];
        if (r->kind != NOS_MEM_FREE) {
            continue;
        }
        uint64_t kept = own != 0 && r->len >= own + PAGE_SIZE ? own : 0;
        own -= kept;
        shadow_poison((uint64_t)phys_ptr((paddr_t){ r->base }), r->len - kept, SHADOW_FRAME);
    }
}

void __wrap_frame_donate(paddr_t base, uint64_t len)
{
    __real_frame_donate(base, len);
    shadow_poison((uint64_t)phys_ptr(base), len, SHADOW_FRAME);
}

paddr_t __wrap_frame_alloc(unsigned order)
{
    return opened(__real_frame_alloc(order), (uint64_t)PAGE_SIZE << order);
}

paddr_t __wrap_frame_alloc_dirty(unsigned order)
{
    return opened(__real_frame_alloc_dirty(order), (uint64_t)PAGE_SIZE << order);
}

paddr_t __wrap_frame_alloc_run(uint32_t pages, bool *dirty)
{
    return opened(__real_frame_alloc_run(pages, dirty), (uint64_t)pages * PAGE_SIZE);
}

void __wrap_frame_free(paddr_t p, unsigned order)
{
    if (close_run(p, 1ull << order, CALLER)) {
        __real_frame_free(p, order);
    }
}

void __wrap_frame_free_run(paddr_t p, uint32_t pages)
{
    if (close_run(p, pages, CALLER)) {
        __real_frame_free_run(p, pages);
    }
}

paddr_t __wrap_up_table_alloc(void)
{
    return opened(__real_up_table_alloc(), PAGE_SIZE);
}

void __wrap_up_table_free(paddr_t p)
{
    if (close_run(p, 1, CALLER)) {
        __real_up_table_free(p);
    }
}

/* ---- objects ---- */

static struct known *known(struct cache *c)
{
    struct known *k = caches;
    while (k->cache != c && k->cache != NULL) {
        k++;
        KASSERT(k < caches + CACHES);
    }
    if (k->cache == NULL) {
        *k = (struct known){ c, c->size };
        c->size = (uint32_t)(((k->size + 15) & ~15ull) + REDZONE);
    }
    return k;
}

static uint64_t page_of(const void *object)
{
    return (uint64_t)object & ~(uint64_t)(PAGE_SIZE - 1);
}

void *__wrap_cache_alloc(struct cache *c)
{
    const struct known *k = known(c);
    uint64_t frames = __real_cache_frames();
    void *p = __real_cache_alloc(c);
    if (p == NULL) {
        return NULL;
    }
    if (__real_cache_frames() != frames) {
        shadow_poison(page_of(p), PAGE_SIZE, SHADOW_REDZONE);
    }
    shadow_open((uint64_t)p, k->size);
    return p;
}

static bool give_back(void)
{
    if (waiting == 0) {
        return false;
    }
    struct waiting w = queue[first];
    first = (first + 1) % QUEUE;
    waiting--;
    __real_cache_free(w.cache, w.object);
    return true;
}

static void give_all_back(void)
{
    while (give_back()) {
    }
}

void __wrap_cache_free(struct cache *c, void *p)
{
    const struct known *k = known(c);
    uint64_t bad = shadow_bad((uint64_t)p, k->size);
    if (bad != 0) {
        san_found(CALLER, "KASAN: %s: freed, but it is no object that is out: %p", c->name, p);
        return;
    }
    memset(p, 0, k->size);  // what is freed is zero at once, as ever
    shadow_poison((uint64_t)p, (k->size + GRANULE - 1) & ~(uint64_t)(GRANULE - 1), SHADOW_OBJECT);
    if (waiting == QUEUE) {
        (void)give_back();
    }
    queue[(first + waiting++) % QUEUE] = (struct waiting){ c, p };
}

struct frame_stats __wrap_frame_stats(void)
{
    give_all_back();
    return __real_frame_stats();
}

uint64_t __wrap_cache_frames(void)
{
    give_all_back();
    return __real_cache_frames();
}

bool __wrap_up_reclaim(void)
{
    return give_back() || __real_up_reclaim();
}
