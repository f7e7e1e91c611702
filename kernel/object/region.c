/* Regions: contiguous, so that a mapping is a loop, a module can be verified in place and a device
 * could reach it. A large one owns the page tables of its pages.
 *
 * A region belongs to who pays for it, and is on that capsule's list. When the payer has ended no
 * handle to it works any more; then, in steps, it is unmapped wherever it is mapped and its frames
 * go. What is left is an empty object, for as long as a dead handle names it. */
#include "kernel/object/region.h"

#include <string.h>

#include "kernel/core/panic.h"
#include "kernel/memory/cache.h"
#include "kernel/memory/frame.h"

enum { STEP_PAGES = 4 /* 16 KiB in one step */, PAGES_A_TABLE = 512, CAPSULES_AT_ONCE = 16 };

static struct cache region_cache = CACHE(region);

/* ---- who pays ---- */

static uint32_t tables_of(uint32_t pages)
{
    return pages > REGION_SMALL_MAX ? (pages + PAGES_A_TABLE - 1) / PAGES_A_TABLE : 0;
}

uint32_t region_cost(const struct region *r)
{
    return r->pages + tables_of(r->pages);
}

nos_status_t region_may_give(const struct capsule *to, uint64_t cost, uint32_t regions)
{
    bool fits = to->space.pages <= to->space.limit && cost <= to->space.limit - to->space.pages &&
                regions <= to->limits.objects && to->n_objects <= to->limits.objects - regions;
    return fits ? NOS_OK : NOS_QUOTA;
}

static void pay(struct region *r, struct capsule *c)
{
    c->space.pages += region_cost(r);
    c->n_objects++;
    r->owner = c;
    r->prev = NULL;
    r->next = c->regions;
    if (r->next != NULL) {
        r->next->prev = r;
    }
    c->regions = r;
}

static void unpay(struct region *r)
{
    struct capsule *c = r->owner;
    if (c == NULL) {
        return;
    }
    c->space.pages -= region_cost(r);
    c->n_objects--;
    *(r->prev != NULL ? &r->prev->next : &c->regions) = r->next;
    if (r->next != NULL) {
        r->next->prev = r->prev;
    }
    r->owner = NULL;
}

static void free_tables(struct region *r)
{
    if (r->tables.v != 0) {
        frame_free_run(r->tables, tables_of(r->pages));
        r->tables.v = 0;
    }
}

/* ---- birth ---- */

static void put_frames(struct region *r)
{
    if (r->base.v != 0) {
        free_tables(r);
        frame_free_run(r->base, r->pages);
        r->base.v = 0;
        r->pages = 0;
    }
}

static bool get_frames(struct region *r)
{
    bool dirty = false;
    r->base = frame_alloc_run(r->pages, &dirty);
    r->dirty = dirty ? r->pages : 0;
    r->unfilled = tables_of(r->pages);
    if (r->base.v != 0 && r->unfilled != 0) {
        r->tables = frame_alloc_run(r->unfilled, &dirty);
    }
    return r->base.v != 0 && (r->unfilled == 0 || r->tables.v != 0);
}

nos_status_t region_create(struct capsule *c, uint32_t pages, struct region **out)
{
    if (pages == 0 || pages > REGION_PAGES_MAX) {
        return NOS_INVALID;
    }
    nos_status_t st = region_may_give(c, pages + tables_of(pages), 1);
    if (st != NOS_OK) {
        return st;
    }
    struct region *r = cache_alloc(&region_cache);
    if (r == NULL) {
        return NOS_NO_MEMORY;
    }
    r->pages = pages;
    if (!get_frames(r)) {
        put_frames(r);
        cache_free(&region_cache, r);
        return NOS_NO_MEMORY;
    }
    pay(r, c);
    obj_init(&r->obj, NOS_TYPE_REGION);
    *out = r;
    return NOS_OK;
}

bool region_zero_step(struct region *r)
{
    if (r->unfilled != 0) {
        uint64_t first = (uint64_t)--r->unfilled * PAGES_A_TABLE;
        arch_table_fill((paddr_t){ r->tables.v + (uint64_t)r->unfilled * PAGE_SIZE },
                        (paddr_t){ r->base.v + first * PAGE_SIZE }, r->pages - (uint32_t)first);
        return false;
    }
    uint32_t n = r->dirty < STEP_PAGES ? r->dirty : STEP_PAGES;
    r->dirty -= n;
    memset(phys_ptr((paddr_t){ r->base.v + (uint64_t)r->dirty * PAGE_SIZE }), 0,
           (size_t)n * PAGE_SIZE);
    return r->dirty == 0;
}

/* ---- giving ---- */

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
    unpay(r);
    free_tables(r);
    r->base = (paddr_t){ 0 };
    r->pages = 0;
    return NOS_OK;
}

void region_given(struct region *r, struct capsule *from, struct capsule *to)
{
    const struct area *a;
    while (r->mapped != 0 && (a = space_borrows(&from->space, &r->obj)) != NULL) {
        region_unmap_area(&from->space, a);
    }
    unpay(r);
    pay(r, to);
}

/* ---- mappings ---- */

void region_unmapped(const struct area *a)
{
    struct obj *o = a->owner;
    if (o->type == NOS_TYPE_REGION) {
        CONTAINER_OF(o, struct region, obj)->mapped--;
    }
    obj_put(o);
    cell_put(cell_via(a->cell));
}

void region_unmap_area(struct space *s, const struct area *a)
{
    struct area gone = *a;
    space_unmap_area(s, a);
    region_unmapped(&gone);
}

/* ---- ends ---- */

bool obj_ended(const struct obj *o)
{
    const struct region *r = (const struct region *)o;
    return o->type == NOS_TYPE_REGION &&
           (r->owner == NULL || r->owner->state != NOS_CAPSULE_RUNNING);
}

bool region_revoke_step(struct space *s)
{
    for (uint32_t i = 0; i < s->n_areas; i++) {
        if (cell_look(cell_via(s->area[i].cell)) != CELL_ALIVE) {
            region_unmap_area(s, &s->area[i]);
            return true;
        }
    }
    return false;
}

/* One mapping of it less, or a look at some capsules. False: it is mapped nowhere. */
static bool unmap_some(struct region *r)
{
    struct capsule *c = r->mapped == 0 ? NULL : capsule_nth(0);
    while (c != NULL && c->id < r->cursor) {
        c = c->next;
    }
    for (unsigned n = 0; c != NULL && n < CAPSULES_AT_ONCE; n++, c = c->next) {
        const struct area *a = space_borrows(&c->space, &r->obj);
        r->cursor = c->id;
        if (a != NULL) {
            region_unmap_area(&c->space, a);
            return true;
        }
    }
    KASSERT(c != NULL || r->mapped == 0);
    return r->mapped != 0;
}

void region_end_step(struct region *r)
{
    obj_get(&r->obj);
    if (!unmap_some(r)) {
        unpay(r);
        put_frames(r);
    }
    obj_put(&r->obj);
}

void region_destroy(struct obj *o)
{
    struct region *r = CONTAINER_OF(o, struct region, obj);
    KASSERT(r->mapped == 0);
    unpay(r);
    put_frames(r);
    cache_free(&region_cache, r);
}
