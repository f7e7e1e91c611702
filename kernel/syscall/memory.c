/* Regions. */
#include "kernel/object/region.h"
#include "kernel/runtime/jobs.h"
#include "kernel/syscall/syscall.h"

nos_status_t sys_region_create(struct thread *self, struct arch_context *ctx,
                               struct handle_slot *slot)
{
    struct region *r = NULL;
    bool done = false;
    (void)slot;
    if (ctx->arg0 == 0 || ctx->arg0 > REGION_PAGES_MAX) {
        return NOS_INVALID;
    }
    nos_status_t st = region_create(self->capsule, (uint32_t)ctx->arg0, &r);
    if (st != NOS_OK) {
        return st;
    }
    self->job = r;
    st = region_step(self, &done);  // a small one is done at once
    self->cont = done ? CONT_NONE : CONT_ZERO;
    return st;
}

/* What handle `h` names, as an area of any space: all but its address. */
static nos_status_t area_of(const struct handle_slot *slot, uint32_t h, uint64_t prot,
                            struct area *a, paddr_t *base)
{
    struct obj *o = slot->obj;
    if (prot != PROT_R && prot != (PROT_R | PROT_W)) {
        return NOS_INVALID;
    }
    uint32_t need = NOS_RIGHT_READ | ((prot & PROT_W) != 0 ? (uint32_t)NOS_RIGHT_WRITE : 0);
    if ((slot->rights & need) != need) {
        return NOS_DENIED;
    }
    *a = (struct area){ .kind = AREA_BORROWED,
                        .prot = prot & 0xf,
                        .owner = o,
                        .via = h,
                        .cell = (uint16_t)cell_index(slot->via) };
    if (o->type == NOS_TYPE_REGION) {
        const struct region *r = CONTAINER_OF(o, struct region, obj);
        *base = r->tables.v != 0 ? r->tables : r->base;
        a->pages = r->pages;
        a->flags = r->tables.v != 0 ? ARCH_MAP_TABLES : 0;
    } else {
        const struct device *d = CONTAINER_OF(o, struct device, obj);
        *base = d->base;
        a->pages = (uint32_t)((d->len + PAGE_SIZE - 1) / PAGE_SIZE);
        a->flags = d->map_flags & 0xf;
    }
    a->span = area_span(a->pages, a->flags);
    return a->pages == 0 ? NOS_BAD_STATE : NOS_OK;  // a device that is not there
}

static nos_status_t map_area(struct space *s, const struct area *a, paddr_t base)
{
    struct obj *o = a->owner;
    obj_get(o);  // first: a shortage reclaims, and what is only borrowed would go
    cell_get(cell_via(a->cell));
    nos_status_t st = space_map_borrowed(s, a, base);
    if (st != NOS_OK) {
        obj_put(o);
        cell_put(cell_via(a->cell));
    } else if (o->type == NOS_TYPE_REGION) {
        CONTAINER_OF(o, struct region, obj)->mapped++;
    }
    return st;
}

nos_status_t sys_region_map(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    struct space *s = &self->capsule->space;
    UNINITIALIZED struct area a;  // in the way of every map: not filled twice
    paddr_t base;

    nos_status_t st = area_of(slot, (uint32_t)ctx->arg0, ctx->arg1, &a, &base);
    if (st == NOS_OK) {
        st = a.flags == ARCH_MAP_TABLES ? space_place_large(s, a.pages, &a.va)
                                        : space_place(s, a.pages, &a.va);
    }
    if (st == NOS_OK) {
        st = map_area(s, &a, base);
    }
    if (st == NOS_OK) {
        ctx->w[0] = a.va;
    }
    return st;
}

/* handle region, handle capsule, uaddr at, u64 prot. Nothing of the caller's is left in the target
 * but the cell: revoking the handle takes the mapping away. */
nos_status_t sys_region_map_into(struct thread *self, struct arch_context *ctx,
                                 struct handle_slot *slot)
{
    struct handle_slot *c;
    struct area a;
    paddr_t base;

    nos_status_t st = arg_handle(self, ctx->arg1, NOS_TYPE_CAPSULE, NOS_RIGHT_CONTROL, &c);
    if (st == NOS_OK) {
        st = area_of(slot, 0, ctx->w[1], &a, &base);
    }
    if (st != NOS_OK) {
        return st;
    }
    struct capsule *target = CONTAINER_OF(c->obj, struct capsule, obj);
    a.va = ctx->w[0];
    return target->state == NOS_CAPSULE_RUNNING ? map_area(&target->space, &a, base)
                                                : NOS_BAD_STATE;
}

nos_status_t sys_region_unmap(struct thread *self, struct arch_context *ctx,
                              struct handle_slot *slot)
{
    UNINITIALIZED struct area a;
    (void)slot;
    nos_status_t st = space_unmap(&self->capsule->space, ctx->arg0, &a);
    if (st == NOS_OK) {
        region_unmapped(&a);
    }
    return st;
}
