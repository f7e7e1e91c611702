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

static nos_status_t map_object(struct space *s, struct obj *o, unsigned prot, uint64_t *va)
{
    paddr_t base;
    uint64_t pages;
    unsigned flags = 0;
    if (o->type == NOS_TYPE_REGION) {
        struct region *r = CONTAINER_OF(o, struct region, obj);
        base = r->base;
        pages = r->pages;
    } else {
        struct device *d = CONTAINER_OF(o, struct device, obj);
        base = d->base;
        pages = (d->len + PAGE_SIZE - 1) / PAGE_SIZE;
        flags = d->map_flags;
    }
    if (pages == 0) {
        return NOS_BAD_STATE;  // given away
    }
    nos_status_t st = space_place(s, (uint32_t)pages, va);
    return st == NOS_OK ? space_map_borrowed(s, *va, base, (uint32_t)pages, prot, flags, o) : st;
}

nos_status_t sys_region_map(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    uint64_t prot = ctx->arg1, va;
    struct obj *o = slot->obj;

    if (prot != PROT_R && prot != (PROT_R | PROT_W)) {
        return NOS_INVALID;
    }
    uint32_t need = NOS_RIGHT_READ | ((prot & PROT_W) != 0 ? (uint32_t)NOS_RIGHT_WRITE : 0);
    if ((slot->rights & need) != need) {
        return NOS_DENIED;
    }
    nos_status_t st = map_object(&self->capsule->space, o, (unsigned)prot, &va);
    if (st == NOS_OK) {
        obj_get(o);
        if (o->type == NOS_TYPE_REGION) {
            CONTAINER_OF(o, struct region, obj)->mapped++;
        }
        ctx->w[0] = va;
    }
    return st;
}

nos_status_t sys_region_unmap(struct thread *self, struct arch_context *ctx,
                              struct handle_slot *slot)
{
    void *owner = NULL;
    (void)slot;
    nos_status_t st = space_unmap(&self->capsule->space, ctx->arg0, &owner);
    if (st == NOS_OK) {
        region_unmapped(owner);
    }
    return st;
}
