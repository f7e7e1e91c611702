/* Three capsules of fuzz/fuzz_pass.c, the kernel's code that handles go through, and what it stands
 * on; what the input can have them do but pass handles. Included once. */
#pragma once

#include "tests/host/handles_kernel.h"

#include "fuzz/fuzz.h"

enum {
    PARTIES = 3,
    SLOTS = 3 * HANDLES_PER_PAGE, /* more than a party may have */
    LIMIT = 2 * HANDLES_PER_PAGE + 9,
    PLAIN = 12,
    REGIONS = 12,
    OBJECTS_EACH = 4, /* regions */
    PAGES_EACH = 80,
    STEPS = 400
};

static struct party {
    struct capsule capsule;
    struct thread thread;
    uint64_t buffer[PAGE_SIZE / 8];
} party[PARTIES];

static struct obj plain[PLAIN]; /* refs 0: not there */
static struct region *region[REGIONS];
static uint32_t served; /* handles with RECV, as their owners were told */
static span_t in;

/* ---- the kernel around it ---- */

static void plain_gone(struct obj *o)
{
    PROMISE(o >= plain && o < plain + PLAIN);
}

static void region_gone(struct obj *o)
{
    for (unsigned i = 0; i < REGIONS; i++) {
        region[i] = region[i] == CONTAINER_OF(o, struct region, obj) ? NULL : region[i];
    }
    region_destroy(o);
}

void (*const obj_destroy[NOS_TYPE_COUNT])(struct obj *) = {
    [NOS_TYPE_ENDPOINT] = plain_gone, [NOS_TYPE_NOTIFICATION] = plain_gone,
    [NOS_TYPE_POWER] = plain_gone,    [NOS_TYPE_NODE] = plain_gone,
    [NOS_TYPE_REGION] = region_gone,
};

void obj_handle_opened(struct obj *o, uint32_t rights)
{
    PROMISE(o->refs != 0);
    served += (rights & NOS_RIGHT_RECV) != 0;
}

void obj_handle_closed(struct obj *o, uint32_t rights)
{
    PROMISE(o->refs != 0);
    served -= (rights & NOS_RIGHT_RECV) != 0;
}

void cell_gone(void)
{
}

bool up_reclaim(void)
{
    return false;
}

void arch_table_fill(paddr_t table, paddr_t base, uint32_t n)
{
    (void)table, (void)base, (void)n;
}

struct capsule *capsule_nth(uint32_t n)
{
    return n < PARTIES ? &party[n].capsule : NULL;
}

const struct area *space_borrows(const struct space *s, const void *owner)
{
    for (uint32_t i = 0; i < s->n_areas; i++) {
        if (s->area[i].owner == owner) {
            return &s->area[i];
        }
    }
    return NULL;
}

void space_unmap_area(struct space *s, const struct area *a)
{
    s->area[a - s->area] = s->area[--s->n_areas];
}

/* ---- what is to be done ---- */

static uint8_t byte(void)
{
    span_t one;
    return span_take(&in, 1, &one) ? one.data[0] : 0;
}

static uint32_t word(void)
{
    span_t four;
    return span_take(&in, 4, &four) ? load_le32(four.data) : 0;
}

static struct party *some_party(void)
{
    return &party[byte() % PARTIES];
}

/* One of the party's, most of the time. */
static uint32_t some_handle(const struct party *p)
{
    const struct handle_table *t = &p->capsule.handles;
    uint8_t b = byte();
    struct handle_slot *s;
    uint32_t h;

    if (b >= 0xf0 || t->used == 0) {
        return word();
    }
    return handle_nth(t, b % t->used, &h, &s) == NOS_OK ? h : 0;
}

/* Few serve: the short way does not take such a handle. */
static uint32_t some_rights(void)
{
    uint8_t b = byte();
    uint32_t rights = (b & 1) != 0 ? word() : NOS_RIGHT_ALL & ~(uint32_t)NOS_RIGHT_RECV;

    rights &= (b & 2) != 0 ? UINT32_MAX : NOS_RIGHT_ALL | NOS_PASS_MOVE;
    return rights | ((b & 4) != 0 ? NOS_PASS_MOVE : 0) |
           ((b & 8) != 0 ? NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER : 0) |
           ((b & 16) != 0 ? NOS_RIGHT_RECV : 0);
}

static struct handle_slot *found(struct party *p, uint32_t h, uint32_t need)
{
    struct handle_slot *s = NULL;
    return handle_get(&p->capsule.handles, h, HANDLE_TYPE_ANY, need, &s) == NOS_OK ? s : NULL;
}

static struct obj *new_plain(uint8_t b)
{
    static const uint8_t type[] = { NOS_TYPE_ENDPOINT, NOS_TYPE_NOTIFICATION, NOS_TYPE_POWER,
                                    NOS_TYPE_NODE };
    for (unsigned i = 0; i < PLAIN; i++) {
        if (plain[i].refs == 0) {
            obj_init(&plain[i], type[b % ARRAY_LEN(type)]);
            return &plain[i];
        }
    }
    return NULL;
}

static struct obj *new_region(struct party *p, uint8_t pages)
{
    for (unsigned i = 0; i < REGIONS; i++) {
        if (region[i] == NULL) {
            return region_create(&p->capsule, pages, &region[i]) == NOS_OK ? &region[i]->obj : NULL;
        }
    }
    return NULL;
}

static void do_make(void)
{
    struct party *p = some_party();
    uint8_t what = byte();
    struct obj *o = what < 128 ? new_plain(what) : new_region(p, what - 127u > 8 ? 65 : what & 7);
    uint64_t until = byte();
    uint32_t h, rights = some_rights() & NOS_RIGHT_ALL;

    if (o != NULL) {
        (void)!handle_add(&p->capsule.handles, o, rights, until < 128 ? 0 : host_now + until - 128,
                          NOS_ORIGIN_MADE, &h);
        obj_put(o);
    }
}

static void do_derive(void)
{
    struct party *p = some_party();
    struct handle_slot *s = found(p, some_handle(p), NOS_RIGHT_DUP);
    uint32_t h, rights = some_rights();

    if (s != NULL) {
        struct handle_slot like = *s;
        like.rights &= rights;
        like.badge = byte();
        (void)!handle_derive(&p->capsule.handles, &like, &h);
    }
}

static void do_close(void)
{
    struct party *p = some_party();
    (void)!handle_close(&p->capsule.handles, some_handle(p));
}

/* Cut; that others notice is a step of its own, and may come late. */
static void do_revoke(void)
{
    struct party *p = some_party();
    struct handle_slot *s = found(p, some_handle(p), NOS_RIGHT_REVOKE);

    if (s != NULL && s->via != 0) {
        cell_revoke(s->via);
    }
}

static void do_retire(void)
{
    for (unsigned i = 0; i < PARTIES; i++) {
        uint32_t at = 0;
        while (region_revoke_step(&party[i].capsule.space)) {
        }
        while (!handle_retire_step(&party[i].capsule.handles, &at)) {
        }
    }
}

static void do_map(void)
{
    struct party *p = some_party();
    struct space *space = &p->capsule.space;
    struct handle_slot *s = found(p, some_handle(p), NOS_RIGHT_READ);

    if (s != NULL && s->obj->type == NOS_TYPE_REGION && space->n_areas < SPACE_FIRST_AREAS) {
        obj_get(s->obj);
        cell_get(s->via);
        CONTAINER_OF(s->obj, struct region, obj)->mapped++;
        space->area[space->n_areas++] =
            (struct area){ .owner = s->obj, .cell = (uint16_t)cell_index(s->via) };
    }
}

static void do_unmap(void)
{
    struct space *s = &some_party()->capsule.space;
    uint8_t b = byte();

    if (s->n_areas != 0) {
        region_unmap_area(s, &s->area[b % s->n_areas]);
    }
}

static void begin_party(struct party *p)
{
    struct capsule *c = &p->capsule;

    handle_table_init(&c->handles, LIMIT, NOS_CLASS_ALL);
    c->handles.cells.limit = 24;
    c->space.area = c->space.first;
    c->space.limit = PAGES_EACH;
    c->limits.objects = OBJECTS_EACH;
    c->state = NOS_CAPSULE_RUNNING;
}

static void end_party(struct party *p)
{
    struct capsule *c = &p->capsule;

    c->state = NOS_CAPSULE_KILLED;
    cell_epoch++;
    handle_close_all(&c->handles);
    while (c->space.n_areas != 0) {
        region_unmap_area(&c->space, &c->space.area[0]);
    }
    while (c->regions != NULL) {
        region_end_step(c->regions);
    }
}

static void do_end(void)
{
    struct party *p = some_party();
    end_party(p);
    begin_party(p);
}

static void do_limits(void)
{
    static const uint32_t rare[] = { NOS_CLASS_IPC, NOS_CLASS_MEMORY, NOS_CLASS_IO,
                                     NOS_CLASS_COREEXEC };
    struct handle_table *t = &some_party()->capsule.handles;
    uint8_t b = byte();

    t->classes = NOS_CLASS_ALL & ~((b & 1) != 0 ? rare[b >> 1 & 3] : 0u);
    t->limit = (b & 8) != 0 ? t->used + (b >> 4 & 3) : LIMIT;
}
