/* Object caches. A frame starts with its header; slots follow, free ones linked through their first
 * eight bytes, which allocation clears: all other bytes of a free slot are zero already. */
#include "kernel/memory/cache.h"

#include <string.h>

#include "kernel/core/panic.h"
#include "kernel/memory/frame.h"

struct cache_page {                 /* 32 bytes, so that slots keep 16-byte alignment */
    struct cache_page *next, *prev; /* of the partial list */
    void *free;
    uint32_t used, capacity;
};
_Static_assert(sizeof(struct cache_page) == 32, "slot alignment");

static uint64_t frames_held;

static uint32_t slot_size(const struct cache *c)
{
    return (c->size + 15) & ~15u;
}

static void link_page(struct cache *c, struct cache_page *p)
{
    p->prev = NULL;
    p->next = c->partial;
    if (p->next != NULL) {
        p->next->prev = p;
    }
    c->partial = p;
}

static void unlink_page(struct cache *c, struct cache_page *p)
{
    if (p->prev != NULL) {
        p->prev->next = p->next;
    } else {
        c->partial = p->next;
    }
    if (p->next != NULL) {
        p->next->prev = p->prev;
    }
    p->next = p->prev = NULL;
}

static bool grow(struct cache *c)
{
    uint32_t size = slot_size(c);
    KASSERT(size >= 16 && size <= PAGE_SIZE - sizeof(struct cache_page));
    paddr_t frame = frame_alloc(0);
    if (frame.v == 0) {
        return false;
    }
    struct cache_page *p = phys_ptr(frame);
    p->capacity = (uint32_t)(PAGE_SIZE - sizeof *p) / size;
    for (uint32_t i = p->capacity; i-- > 0;) {
        void **slot = (void **)(void *)((uint8_t *)(p + 1) + (size_t)i * size);
        *slot = p->free;
        p->free = slot;
    }
    frames_held++;
    link_page(c, p);
    return true;
}

void *cache_alloc(struct cache *c)
{
    if (c->partial == NULL && !grow(c)) {
        return NULL;
    }
    struct cache_page *p = c->partial;
    void **slot = p->free;
    p->free = *slot;
    *slot = NULL;
    c->used++;
    if (++p->used == p->capacity) {
        unlink_page(c, p);
    }
    return slot;
}

void cache_free(struct cache *c, void *ptr)
{
    struct cache_page *p = (struct cache_page *)((uint64_t)ptr & ~(uint64_t)(PAGE_SIZE - 1));
    KASSERT(p->used != 0 && c->used != 0);
    memset(ptr, 0, slot_size(c));
    *(void **)ptr = p->free;
    p->free = ptr;
    c->used--;
    if (p->used-- == p->capacity) {
        link_page(c, p);
    }
    if (p->used == 0) {
        unlink_page(c, p);
        frames_held--;
        frame_free(ptr_phys(p), 0);
    }
}

uint64_t cache_frames(void)
{
    return frames_held;
}
