/* Regions: contiguous, so that a mapping is a loop, a module can be verified in place and a device
 * could reach it. */
#include "kernel/object/region.h"

#include <string.h>

#include "kernel/core/panic.h"
#include "kernel/memory/cache.h"
#include "kernel/memory/frame.h"

enum { STEP_PAGES = 4 /* 16 KiB in one step */ };

static struct cache region_cache = CACHE(region);
static struct region *all;

static void uncharge(struct region *r)
{
    if (r->owner != NULL) {
        r->owner->space.pages -= r->pages;
        r->owner->n_objects--;
        r->owner = NULL;
    }
}

nos_status_t region_create(struct capsule *c, uint32_t pages, struct region **out)
{
    if (pages == 0 || pages > REGION_PAGES_MAX) {
        return NOS_INVALID;
    }
    if (pages > c->space.limit || c->space.pages > c->space.limit - pages ||
        c->n_objects >= CAPSULE_OBJECTS_MAX) {
        return NOS_QUOTA;
    }
    struct region *r = cache_alloc(&region_cache);
    bool dirty = false;
    paddr_t base = r == NULL ? (paddr_t){ 0 } : frame_alloc_run(pages, &dirty);
    if (base.v == 0) {
        if (r != NULL) {
            cache_free(&region_cache, r);
        }
        return NOS_NO_MEMORY;
    }
    obj_init(&r->obj, NOS_TYPE_REGION);
    r->base = base;
    r->pages = pages;
    r->dirty = dirty ? pages : 0;
    r->owner = c;
    r->next = all;
    if (all != NULL) {
        all->prev = r;
    }
    all = r;
    c->space.pages += pages;
    c->n_objects++;
    *out = r;
    return NOS_OK;
}

bool region_zero_step(struct region *r)
{
    uint32_t n = r->dirty < STEP_PAGES ? r->dirty : STEP_PAGES;
    r->dirty -= n;
    memset(phys_ptr((paddr_t){ r->base.v + (uint64_t)r->dirty * PAGE_SIZE }), 0,
           (size_t)n * PAGE_SIZE);
    return r->dirty == 0;
}

nos_status_t region_take(struct region *r, paddr_t *base, uint32_t *pages)
{
    if (r->pages == 0) {
        return NOS_BAD_STATE;
    }
    if (r->obj.refs != 1 || r->mapped != 0) {
        return NOS_BUSY;
    }
    *base = r->base;
    *pages = r->pages;
    uncharge(r);
    r->base = (paddr_t){ 0 };
    r->pages = 0;
    return NOS_OK;
}

void region_forget(const struct capsule *c)
{
    for (struct region *r = all; r != NULL; r = r->next) {
        if (r->owner == c) {
            uncharge(r);
        }
    }
}

void region_unmapped(const struct area *a)
{
    struct obj *o = a->owner;
    if (o->type == NOS_TYPE_REGION) {
        CONTAINER_OF(o, struct region, obj)->mapped--;
    }
    obj_put(o);
    cell_put(cell_via(a->cell));
}

bool region_revoke_step(struct space *s)
{
    for (uint32_t i = 0; i < s->n_areas; i++) {
        const struct area gone = s->area[i];
        if (cell_look(cell_via(gone.cell)) != CELL_ALIVE) {
            space_unmap_area(s, &s->area[i]);
            region_unmapped(&gone);
            return true;
        }
    }
    return false;
}

nos_status_t region_may_give(const struct capsule *to, uint64_t pages, uint32_t regions)
{
    bool fits = to->space.pages <= to->space.limit && pages <= to->space.limit - to->space.pages &&
                to->n_objects + regions <= CAPSULE_OBJECTS_MAX;
    return fits ? NOS_OK : NOS_QUOTA;
}

void region_given(struct region *r, struct capsule *from, struct capsule *to)
{
    uint32_t i = 0;
    while (i < from->space.n_areas) {
        struct area a = from->space.area[i];
        if (a.kind == AREA_BORROWED && a.owner == &r->obj) {
            space_unmap_area(&from->space, &from->space.area[i]);
            region_unmapped(&a);
        } else {
            i++;
        }
    }
    uncharge(r);
    r->owner = to;
    to->space.pages += r->pages;
    to->n_objects++;
}

void region_destroy(struct obj *o)
{
    struct region *r = CONTAINER_OF(o, struct region, obj);
    KASSERT(r->mapped == 0);
    uncharge(r);
    if (r->pages != 0) {
        frame_free_run(r->base, r->pages);
    }
    *(r->prev != NULL ? &r->prev->next : &all) = r->next;
    if (r->next != NULL) {
        r->next->prev = r->prev;
    }
    cache_free(&region_cache, r);
}
