/* Regions: who pays, when the frames may be taken away, what is left after each end; and the last
 * step of a spawn. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#define grow cache_grow /* so has handle.c one */
#include "kernel/memory/cache.c"
#undef grow
#include "kernel/memory/frame.c"
#include "kernel/memory/space.c"
#include "kernel/object/cell.c"
#include "kernel/object/handle.c"
#include "kernel/object/object.c"
#include "kernel/object/region.c"
#include "kernel/runtime/jobs.c"
#include "tests/host/kernel_paging.h"
#include "tests/host/exhaust.h"

bool up_reclaim(void)
{
    return false;
}

void obj_handle_opened(struct obj *o, uint32_t rights)
{
    (void)o, (void)rights;
}

void obj_handle_closed(struct obj *o, uint32_t rights)
{
    (void)o, (void)rights;
}

static void destroy_nothing(struct obj *o)
{
    (void)o;
}

void (*const obj_destroy[NOS_TYPE_COUNT])(struct obj *) = {
    [NOS_TYPE_REGION] = region_destroy, [NOS_TYPE_CAPSULE] = destroy_nothing
};

void cell_gone(void)
{
}

static const uint64_t untouched = UINT64_MAX; /* in a register; no handle, which has 32 bits */

/* What the steps of long calls say, and what became of them. */
static struct {
    bool pure, killed, unfinished, unlocked;
    nos_status_t load, spawn, import;
    unsigned ahead, later, denied, crashed;
} work;

bool revoke_step(uint64_t *at)
{
    ++*at;
    return !work.unfinished;
}

void revoke_finish_later(void)
{
    work.later++;
}

static unsigned undone, dropped;

bool token_import_is_pure(const struct token_job *j)
{
    assert_non_null(j);
    return work.pure;
}

void token_import_ahead(struct token_job *j)
{
    assert_non_null(j);
    assert_true(work.unlocked);
    work.ahead += 100;
}

nos_status_t token_import_step(struct token_job *j, struct capsule *in, bool *done, uint32_t *h)
{
    (void)j, (void)in;
    *done = !work.unfinished;
    *h = 77;
    return work.import;
}

void audit_deny(uint32_t actor, uint32_t nr, nos_status_t st, const struct audit_ref *cause)
{
    (void)actor, (void)nr, (void)st, (void)cause;
    work.denied++;
}

void capsule_crash_unhandled(struct thread *t)
{
    (void)t;
    work.crashed++;
}

nos_status_t spawn_step(struct spawn_job *j, bool *done)
{
    (void)j;
    *done = !work.unfinished;
    return work.spawn;
}

void spawn_undo(struct spawn_job *j)
{
    (void)j;
    undone++;
}

void spawn_drop(struct spawn_job *j)
{
    (void)j;
    dropped++;
}

bool module_job_is_pure(const struct module_job *j)
{
    assert_non_null(j);
    return work.pure;
}

void module_job_ahead(struct module_job *j)
{
    assert_non_null(j);
    assert_true(work.unlocked);
    work.ahead++;
}

void sched_step_begin(struct thread *t)
{
    (void)t;
    assert_false(work.unlocked);
    work.unlocked = true;
}

bool sched_step_end(struct thread *t)
{
    (void)t;
    assert_true(work.unlocked);
    work.unlocked = false;
    return !work.killed;
}

nos_status_t module_job_step(struct module_job *j, bool *done)
{
    (void)j;
    *done = !work.unfinished;
    return work.load;
}

void module_job_drop(struct module_job *j)
{
    (void)j;
    dropped++;
}

static struct capsule c, other, third;

struct capsule *capsule_nth(uint32_t n)
{
    return n == 0 ? &c : NULL;
}

static int setup(void **state)
{
    (void)state;
    memset(head, 0, sizeof head);
    stats = (struct frame_stats){ 0 };
    n_tables = 0;
    frames_held = 0;
    region_cache = (struct cache)CACHE(region);
    host_start();
    frame_init(&host_bi);
    host_paging();
    struct capsule *three[] = { &c, &other, &third };
    for (unsigned i = 0; i < 3; i++) {
        memset(three[i], 0, sizeof c);
        obj_init(&three[i]->obj, NOS_TYPE_CAPSULE);
        assert_int_equal(space_create(&three[i]->space, 110), NOS_OK);
        three[i]->space.pages -= 1;  // its top table does not matter here
        three[i]->space.limit = 100;
        three[i]->limits.objects = 50;
        three[i]->state = NOS_CAPSULE_RUNNING;
        three[i]->id = i + 1;
        three[i]->next = i < 2 ? three[i + 1] : NULL;
        handle_table_init(&three[i]->handles, 8, NOS_CLASS_ALL);
    }
    undone = dropped = 0;
    memset(&work, 0, sizeof work);
    work.load = NOS_BAD_SIGNATURE;
    work.import = NOS_TOKEN_FORMAT;
    return 0;
}

static void quota(void **state)
{
    struct region *r, *s, *t;
    (void)state;
    assert_int_equal(region_create(&c, 0, &r), NOS_INVALID);
    assert_int_equal(region_create(&c, REGION_PAGES_MAX + 1, &r), NOS_INVALID);
    assert_int_equal(region_create(&c, REGION_PAGES_MAX, &r), NOS_QUOTA);
    static struct capsule full;  // as much as may be, to the page and to the object
    full.space.pages = full.space.limit = 5;
    full.limits.objects = 1;
    assert_int_equal(region_may_give(&full, 0, 1), NOS_OK);
    assert_int_equal(region_cost(&(struct region){ .pages = 512 }), 513);
    assert_int_equal(region_cost(&(struct region){ .pages = 513 }), 515);
    assert_int_equal(region_create(&c, 101, &r), NOS_QUOTA);
    assert_int_equal(region_create(&c, 60, &r), NOS_OK);
    assert_int_equal(region_create(&c, 41, &s), NOS_QUOTA);
    assert_int_equal(region_create(&c, 40, &s), NOS_OK);
    assert_int_equal(region_create(&c, 1, &t), NOS_QUOTA);
    assert_int_equal(c.space.pages, 100);
    c.space.pages = 105;  // page tables have gone above the limit
    assert_int_equal(region_create(&c, 1, &t), NOS_QUOTA);
    c.space.pages = 100;
    obj_put(&s->obj);
    assert_int_equal(c.space.pages, 60);
    assert_int_equal(c.n_objects, 1);
    c.n_objects = c.limits.objects;
    assert_int_equal(region_create(&c, 1, &t), NOS_QUOTA);
    c.n_objects = 1;
    obj_put(&r->obj);
    assert_int_equal(c.space.pages, 0);
    assert_int_equal(c.n_objects, 0);
    assert_null(c.regions);
    // a large one pays for its page tables too
    c.space.limit = 600 + 1;
    assert_int_equal(region_create(&c, 600, &r), NOS_QUOTA);
    c.space.limit++;
    assert_int_equal(region_create(&c, 600, &r), NOS_OK);
    assert_int_equal(c.space.pages, 602);
    obj_put(&r->obj);
    assert_int_equal(c.space.pages, 0);
    assert_int_equal(region_create(&c, 64, &r), NOS_OK);
    assert_int_equal(c.space.pages, 64);
    assert_int_equal(r->tables.v, 0);
    obj_put(&r->obj);
    assert_int_equal(frame_stats().deferred, 100 + 602 + 64);
}

static void shortage(void **state)
{
    struct region *r;
    (void)state;
    exhaust(0);
    assert_int_equal(region_create(&c, 4, &r), NOS_NO_MEMORY);
    assert_null(job_alloc());
    assert_int_equal(c.space.pages, 0);
    assert_int_equal(c.n_objects, 0);
    assert_int_equal(region_cache.used, 0);
}

/* Pages, but no frame for their page table: neither is kept. */
static void no_table(void **state)
{
    enum { RUN = 128 };
    struct region *r, *kept;
    bool dirty;
    (void)state;
    c.space.limit = 200;
    assert_int_equal(region_create(&c, 1, &kept), NOS_OK);  // the cache has its page
    paddr_t run = frame_alloc_run(RUN, &dirty);
    exhaust(0);
    frame_free_run(run, RUN);
    uint64_t left = frame_stats().free + frame_stats().deferred;
    assert_int_equal(left, RUN);
    assert_int_equal(region_create(&c, RUN, &r), NOS_NO_MEMORY);
    assert_int_equal(frame_stats().free + frame_stats().deferred, left);
    assert_int_equal(c.space.pages, 1);
    assert_int_equal(c.n_objects, 1);
    assert_int_equal(region_create(&c, 100, &r), NOS_OK);  // with room for a table beside it
    obj_put(&r->obj);
    obj_put(&kept->obj);
}

/* A device's memory is mapped too, and ends otherwise. */
static void what_is_no_region(void **state)
{
    struct region as = { .mapped = 5 }; /* what lies behind a device is nobody's count */
    struct obj *device = &as.obj;
    (void)state;
    obj_init(device, NOS_TYPE_DEVICE);
    obj_get(device);
    region_unmapped(&(struct area){ .owner = device });
    assert_int_equal(device->refs, 1);
    assert_int_equal(as.mapped, 5);
    assert_false(obj_ended(device));
}

/* Nobody else may reach frames that the kernel verifies. */
static void taking(void **state)
{
    struct region *r;
    paddr_t base = { 0 };
    uint32_t pages = 0;
    (void)state;
    assert_int_equal(region_create(&c, 4, &r), NOS_OK);
    obj_get(&r->obj);
    assert_int_equal(region_take(r, &base, &pages), NOS_BUSY);  // a second handle
    obj_put(&r->obj);
    r->mapped = 1;
    assert_int_equal(region_take(r, &base, &pages), NOS_BUSY);
    obj_get(&r->obj);
    struct area area = { .owner = &r->obj };
    region_unmapped(&area);
    assert_int_equal(r->mapped, 0);
    assert_int_equal(c.space.pages, 4);
    assert_int_equal(region_take(r, &base, &pages), NOS_OK);
    assert_int_equal(pages, 4);
    assert_int_equal(c.space.pages, 0);
    assert_int_equal(c.n_objects, 0);
    assert_int_equal(region_take(r, &base, &pages), NOS_BAD_STATE);
    assert_int_equal(r->base.v, 0);  // it names none
    uint64_t deferred = frame_stats().deferred;
    obj_put(&r->obj);
    assert_int_equal(frame_stats().deferred, deferred);  // the frames are somebody else's now
    assert_int_equal(c.space.pages, 0);
    assert_int_equal(c.n_objects, 0);  // it has been paid for once
    frame_free_run(base, pages);
    assert_int_equal(region_create(&c, REGION_SMALL_MAX + 1, &r), NOS_OK);
    deferred = frame_stats().deferred;
    assert_int_equal(region_take(r, &base, &pages), NOS_OK);
    assert_int_equal(frame_stats().deferred, deferred + 1);  // a page table has no further use
    assert_int_equal(r->tables.v, 0);
    obj_put(&r->obj);
    frame_free_run(base, pages);
}

static void clean(struct region *r)
{
    while (!region_zero_step(r)) {
    }
}

static nos_status_t map(struct capsule *in, struct region *r, unsigned prot, uint64_t *va)
{
    bool large = r->tables.v != 0;
    struct area a = { .pages = r->pages,
                      .span = area_span(r->pages, large ? ARCH_MAP_TABLES : 0),
                      .kind = AREA_BORROWED,
                      .prot = prot & 0xf,
                      .flags = large ? ARCH_MAP_TABLES : 0,
                      .owner = &r->obj };
    nos_status_t st = large ? space_place_large(&in->space, r->pages, &a.va)
                            : space_place(&in->space, r->pages, &a.va);
    st = st == NOS_OK ? space_map_borrowed(&in->space, &a, large ? r->tables : r->base) : st;
    if (st == NOS_OK) {
        obj_get(&r->obj);
        r->mapped++;
        *va = a.va;
    }
    return st;
}

static unsigned pages_in(const struct capsule *in)
{
    unsigned pages, tables;
    host_walk(&in->space.arch, &pages, &tables);
    return pages;
}

static uint64_t used(void)
{
    struct frame_stats f = frame_stats();
    return f.total - f.free - f.deferred;
}

/* A page table of the region's own, in two spaces at once: what each may do is in its own entry. */
static void large_regions(void **state)
{
    struct region *r;
    uint64_t va[3];
    unsigned prot;
    (void)state;
    c.space.limit = other.space.limit = 2000;
    uint64_t before = used();
    assert_int_equal(region_create(&c, 700, &r), NOS_OK);
    clean(r);
    uint64_t with = used();
    assert_int_equal(map(&c, r, PROT_R | PROT_W, &va[0]), NOS_OK);
    assert_int_equal(map(&other, r, PROT_R, &va[1]), NOS_OK);
    assert_int_equal(used() - with, 2 * 2);  // two upper tables each, no page table
    assert_int_equal(pages_in(&c), 700);
    assert_int_equal(pages_in(&other), 700);
    for (unsigned i = 0; i < 700; i += 13) {
        paddr_t p = { r->base.v + i * (uint64_t)PAGE_SIZE };
        assert_int_equal(va[0] % (1 << 21), 0);
        assert_int_equal(arch_query(&c.space.arch, va[0] + i * (uint64_t)PAGE_SIZE, &prot).v, p.v);
        assert_int_equal(prot, PROT_R | PROT_W);
        assert_int_equal(arch_query(&other.space.arch, va[1] + i * (uint64_t)PAGE_SIZE, &prot).v,
                         p.v);
        assert_int_equal(prot, PROT_R);
    }
    // nothing else finds a place in the rest of its last 2 MiB
    assert_int_equal(
        space_map_private(&c.space, va[0] + 900 * PAGE_SIZE, 1, PROT_R, AREA_PRIVATE, true),
        NOS_BAD_STATE);
    assert_int_equal(
        space_map_private(&c.space, va[0] + 1024 * PAGE_SIZE, 1, PROT_R, AREA_PRIVATE, true),
        NOS_OK);
    space_drop(&c.space, va[0] + 1024 * PAGE_SIZE);
    // once more, by one of them: gone from it alone
    assert_int_equal(map(&other, r, PROT_R | PROT_W, &va[2]), NOS_OK);
    region_unmap_area(&other.space, space_borrows(&other.space, &r->obj));
    assert_int_equal(pages_in(&c), 700);
    assert_int_equal(pages_in(&other), 700);
    region_unmap_area(&other.space, space_borrows(&other.space, &r->obj));
    assert_int_equal(pages_in(&other), 0);
    assert_int_equal(r->mapped, 1);
    // a space that is torn down leaves the region's tables as they are
    struct area gone;
    assert_int_equal(map(&other, r, PROT_R | PROT_W, &va[2]), NOS_OK);
    while (!space_destroy_step(&other.space, 2, &gone)) {
        if (gone.owner != NULL) {
            region_unmapped(&gone);
        }
    }
    assert_int_equal(pages_in(&c), 700);
    assert_int_equal(arch_query(&c.space.arch, va[0], &prot).v, r->base.v);
    region_unmap_area(&c.space, space_borrows(&c.space, &r->obj));
    obj_put(&r->obj);
    while (!space_destroy_step(&c.space, 2, &gone)) {
    }
    assert_int_equal(used() + 2, before);  // both spaces' roots are gone too
    // a space can go while an entry still names a table that is somebody else's by now
    assert_int_equal(region_create(&third, 70, &r), NOS_OK);
    clean(r);
    assert_int_equal(map(&third, r, PROT_R, &va[0]), NOS_OK);
    assert_false(space_destroy_step(&third.space, 4, &gone));
    region_unmapped(&gone);
    obj_put(&r->obj);
    while (frame_reclaim_step(100)) {
    }
    while (!space_destroy_step(&third.space, 1, &gone)) {
    }
    assert_int_equal(used() + 3, before);
}

static void what_is_large_is_aligned(void **state)
{
    struct region *r;
    struct area a = { .pages = 70, .span = 512, .kind = AREA_BORROWED, .flags = ARCH_MAP_TABLES };
    (void)state;
    assert_int_equal(region_create(&c, 70, &r), NOS_OK);
    clean(r);
    a.owner = &r->obj;
    a.prot = PROT_R;
    a.va = c.space.window + PAGE_SIZE;
    assert_int_equal(space_map_borrowed(&c.space, &a, r->tables), NOS_INVALID);
    a.va = c.space.window + (1 << 21);
    a.prot = PROT_R | PROT_X;
    assert_int_equal(space_map_borrowed(&c.space, &a, r->tables), NOS_INVALID);
    a.prot = PROT_R;
    assert_int_equal(
        space_map_private(&c.space, a.va + 511 * PAGE_SIZE, 1, PROT_R, AREA_PRIVATE, true), NOS_OK);
    assert_int_equal(space_map_borrowed(&c.space, &a, r->tables), NOS_BAD_STATE);
    space_drop(&c.space, a.va + 511 * PAGE_SIZE);
    assert_int_equal(space_map_borrowed(&c.space, &a, r->tables), NOS_OK);
    assert_int_equal(c.space.n_areas, 1);
    space_unmap_area(&c.space, &c.space.area[0]);
    obj_put(&r->obj);
}

/* The payer ends: its regions end with it, wherever they are mapped and whoever has handles. */
static void ends(void **state)
{
    struct region *r[6];
    uint64_t va;
    unsigned steps = 0;
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(r); i++) {
        struct capsule *in[] = { &c, &other, &third };
        assert_int_equal(region_create(i < 4 ? &c : &other, i == 0 ? 80 : 2, &r[i]), NOS_OK);
        clean(r[i]);
        for (unsigned k = 0; k < 6 && i != 3; k++) {
            assert_int_equal(map(in[k % 3], r[i], PROT_R, &va), NOS_OK);
        }
        assert_false(obj_ended(&r[i]->obj));
    }
    assert_int_equal(c.n_objects, 4);
    obj_put(&r[1]->obj);  // no handle is left, but mappings are
    obj_put(&r[3]->obj);
    assert_int_equal(c.n_objects, 3);
    c.state = NOS_CAPSULE_EXITED;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(obj_ended(&r[i]->obj));
    }
    while (c.regions != NULL) {
        region_end_step(c.regions);
        assert_true(++steps < 100);
    }
    assert_true(steps >= 18);
    assert_int_equal(c.n_objects, 0);
    assert_int_equal(pages_in(&c), 8);  // r[4] and r[5], twice
    assert_int_equal(pages_in(&third), 8);
    assert_true(frame_stats().deferred >= 80 + 1 + 2 + 2 + 2);
    assert_int_equal(region_cache.used, 4);  // r[1] is gone, r[0] and r[2] are empty names
    assert_true(obj_ended(&r[0]->obj));
    assert_int_equal(r[0]->pages, 0);
    assert_int_equal(r[0]->base.v | r[0]->tables.v, 0);  // it names no frame
    obj_put(&r[0]->obj);
    obj_put(&r[2]->obj);
    assert_int_equal(region_cache.used, 2);
    assert_int_equal(other.n_objects, 2);
}

/* Mappings made through a handle that is cut, one a step; others stay. */
static void cut_mappings_go(void **state)
{
    struct cell_account payer = { .limit = 4 };
    struct region *r;
    uint64_t va;
    via_t via;
    (void)state;
    assert_int_equal(region_create(&c, 2, &r), NOS_OK);
    clean(r);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(map(&c, r, PROT_R, &va), NOS_OK);
    }
    assert_int_equal(cell_new(&payer, 0, &via), NOS_OK);
    for (uint32_t i = 0; i < c.space.n_areas; i += 2) {
        cell_ref(via);
        c.space.area[i].cell = (uint16_t)cell_index(via);
    }
    assert_false(region_revoke_step(&c.space));
    cell_revoke(via);
    cell_put(via);
    assert_true(region_revoke_step(&c.space));
    assert_true(region_revoke_step(&c.space));
    assert_false(region_revoke_step(&c.space));
    assert_int_equal(r->mapped, 1);
    assert_int_equal(pages_in(&c), 2);
    assert_int_equal(cell_count(), 0);
    region_unmap_area(&c.space, space_borrows(&c.space, &r->obj));
    obj_put(&r->obj);
}

/* An end looks at so many capsules a step. */
static void an_end_among_many(void **state)
{
    static struct capsule many[CAPSULES_AT_ONCE - 1]; /* with c as many as one step looks at */
    struct region *r;
    uint64_t va;
    (void)state;
    memset(many, 0, sizeof many);
    for (unsigned i = 0; i < ARRAY_LEN(many); i++) {
        many[i].id = 10 + i;
        many[i].next = i + 1 < ARRAY_LEN(many) ? &many[i + 1] : &other;
    }
    other.id = 100;
    other.next = NULL;
    c.next = &many[0];
    assert_int_equal(region_create(&c, 2, &r), NOS_OK);
    clean(r);
    assert_int_equal(map(&other, r, PROT_R, &va), NOS_OK);
    c.state = NOS_CAPSULE_EXITED;
    region_end_step(r);
    assert_int_equal(r->mapped, 1);  // not there yet,
    assert_int_equal(r->pages, 2);   // so that no frame has gone
    assert_int_equal(frame_stats().deferred, 0);
    region_end_step(r);
    assert_int_equal(r->mapped, 0);
    region_end_step(r);
    assert_int_equal(r->pages, 0);
    obj_put(&r->obj);
}

/* Who moves a region away pays for it no more, and sees it no more; others keep what they share. */
static void giving(void **state)
{
    struct region *r, *s;
    uint64_t va;
    (void)state;
    assert_int_equal(region_create(&c, 80, &r), NOS_OK);
    assert_int_equal(region_create(&c, 5, &s), NOS_OK);
    clean(r);
    clean(s);
    assert_int_equal(map(&c, r, PROT_R | PROT_W, &va), NOS_OK);
    assert_int_equal(map(&c, s, PROT_R, &va), NOS_OK);
    assert_int_equal(map(&c, r, PROT_R, &va), NOS_OK);
    assert_int_equal(map(&third, r, PROT_R, &va), NOS_OK);
    uint32_t tables = c.space.pages - 81 - 5, others = other.space.pages;

    assert_int_equal(region_cost(r), 81);
    other.space.limit = others + 80;
    assert_int_equal(region_may_give(&other, region_cost(r), 1), NOS_QUOTA);
    other.space.limit = others + 81;
    other.n_objects = other.limits.objects;
    assert_int_equal(region_may_give(&other, region_cost(r), 1), NOS_QUOTA);
    other.n_objects = 0;
    assert_int_equal(region_may_give(&other, region_cost(r), other.limits.objects + 1), NOS_QUOTA);
    assert_int_equal(region_may_give(&other, region_cost(r), 1), NOS_OK);
    region_given(r, &c, &other);
    assert_ptr_equal(r->owner, &other);
    assert_ptr_equal(other.regions, r);
    assert_int_equal(other.space.pages, others + 81);
    assert_int_equal(c.space.pages, tables + 5);
    assert_null(space_borrows(&c.space, &r->obj));
    assert_int_equal(pages_in(&c), 5);
    assert_int_equal(pages_in(&third), 80);
    assert_int_equal(c.n_objects, 1);
    assert_ptr_equal(c.regions, s);
    c.state = NOS_CAPSULE_EXITED;  // it lives on at its new owner's
    assert_false(obj_ended(&r->obj));
    obj_put(&r->obj);
    region_unmap_area(&third.space, space_borrows(&third.space, &r->obj));
    assert_int_equal(other.space.pages, others);
    assert_null(other.regions);
    assert_ptr_equal(c.regions, s);
    assert_null(s->next);
}

/* 16 KiB in one step, and nobody has the region before it is clean; a thread that dies meanwhile
 * leaves nothing. */
static void zeroed_in_steps(void **state)
{
    struct thread t = { .capsule = &c, .cont = CONT_ZERO };
    struct region *r;
    struct handle_slot *s;
    bool done = false;
    unsigned steps = 0;
    uint32_t h;
    (void)state;
    assert_int_equal(region_create(&c, 33, &r), NOS_OK);
    assert_int_equal(r->dirty, 33);
    const uint8_t *bytes = phys_ptr(r->base);
    assert_int_equal(bytes[0], 0xa5);
    assert_int_equal(handle_add(&c.handles, &other.obj, 0, 0, NOS_ORIGIN_MADE, &h),
                     NOS_OK);  // the table has its page
    assert_int_equal(handle_close(&c.handles, h), NOS_OK);
    t.job = r;
    for (; !done; steps++) {
        assert_int_equal(c.handles.used, 0);
        assert_int_equal(continuation_step(&t, &done), NOS_OK);
    }
    assert_int_equal(steps, 9);
    assert_null(t.job);
    assert_int_equal(r->obj.refs, 1);
    for (size_t i = 0; i < 33 * PAGE_SIZE; i++) {
        assert_int_equal(bytes[i], 0);
    }
    assert_int_equal(
        handle_get(&c.handles, (uint32_t)t.ctx.w[0], 1u << NOS_TYPE_REGION, NOS_RIGHT_MAP, &s),
        NOS_OK);

    assert_int_equal(region_create(&c, 33, &r), NOS_OK);
    t.job = r;
    assert_int_equal(continuation_step(&t, &done), NOS_OK);
    assert_false(done);
    continuation_drop(&t);
    assert_null(t.job);
    assert_int_equal(c.space.pages, 33);
    assert_int_equal(region_cache.used, 1);
    frame_free(frame_alloc(6), 6);
    struct region *again;
    assert_int_equal(region_create(&c, 33, &again), NOS_OK);
    assert_int_equal(again->dirty, 0);  // what is clean is not cleared once more
    obj_put(&again->obj);
    c.handles.limit = c.handles.used;
    assert_int_equal(region_create(&c, 1, &r), NOS_OK);
    t.job = r;
    t.ctx.w[0] = untouched;
    assert_int_equal(continuation_step(&t, &done), NOS_QUOTA);
    assert_true(done);
    assert_int_equal(t.ctx.w[0], untouched);
    assert_int_equal(region_cache.used, 1);
}

/* Another thread has taken the last handle slot while the capsule was loaded: nothing may run that
 * nobody has. */
static void a_spawn_without_room_for_its_handle(void **state)
{
    struct thread t = { .capsule = &c, .cont = CONT_SPAWN };
    bool done = false;
    (void)state;
    for (unsigned full = 0; full < 2; full++) {
        c.handles.limit = full == 0 ? 8 : c.handles.used;
        t.job = job_alloc();
        ((struct spawn_wait *)t.job)->job.capsule = &other;
        assert_int_equal(continuation_step(&t, &done), full == 0 ? NOS_OK : NOS_QUOTA);
        assert_true(done);
        assert_null(t.job);
        assert_int_equal(undone, full);
        assert_int_equal(dropped, full + 1);
        struct handle_slot *slot;
        if (full == 0) {  // what it has of its child
            assert_int_equal(handle_get(&c.handles, (uint32_t)t.ctx.w[0], 1u << other.obj.type,
                                        NOS_RIGHT_KILL, &slot),
                             NOS_OK);
            assert_ptr_equal(slot->obj, &other.obj);
        }
    }
    t.cont = CONT_VERIFY;
    t.job = job_alloc();
    assert_int_equal(continuation_step(&t, &done), NOS_BAD_SIGNATURE);
    assert_null(t.job);
    t.job = job_alloc();
    uint64_t free = frame_stats().free;
    continuation_drop(&t);
    assert_int_equal(dropped, 3);
    assert_int_equal(frame_stats().free, free + 1);
}

/* Each kind of work that is done in steps: a step that is not the last, the last, one that fails, a
 * thread that dies meanwhile; no frame is lost. */
static void every_continuation(void **state)
{
    static struct module made;
    struct thread t = { .capsule = &c };
    bool done = true;
    (void)state;
    obj_init(&made.obj, NOS_TYPE_MODULE);
    uint32_t h = 0;
    assert_int_equal(handle_add(&c.handles, &made.obj, 1, 0, NOS_ORIGIN_MADE, &h), NOS_OK);
    assert_int_equal(handle_close(&c.handles, h), NOS_OK);  // the table has its page
    uint64_t free = frame_stats().free;

    work.unfinished = true;
    static const enum continuation paged[] = { CONT_VERIFY, CONT_SPAWN, CONT_TOKEN };
    for (size_t i = 0; i < ARRAY_LEN(paged); i++) {
        t.cont = paged[i];
        t.job = job_alloc();
        work.load = work.spawn = work.import = NOS_OK;
        work.pure = i != 1;  // worked out ahead, without the lock
        work.ahead = 0;
        t.ctx.w[0] = untouched;  // no handle before the last step
        assert_int_equal(continuation_step(&t, &done), NOS_OK);
        assert_false(done);
        assert_non_null(t.job);
        assert_int_equal(work.ahead, i == 0 ? 1 : i == 1 ? 0 : 100);
        work.pure = false;  // the next step needs the lock
        work.ahead = 0;
        assert_int_equal(continuation_step(&t, &done), NOS_OK);
        assert_int_equal(work.ahead, 0);
        assert_int_equal(t.ctx.w[0], untouched);
        work.pure = i != 1;
        work.killed = i != 1;
        assert_int_equal(continuation_step(&t, &done), i == 1 ? NOS_OK : NOS_CANCELLED);
        work.killed = false;
        continuation_drop(&t);
        assert_null(t.job);
    }
    assert_int_equal(dropped, 2);
    work.unfinished = work.pure = false;

    t.cont = CONT_VERIFY;
    t.job = job_alloc();
    ((struct verify_wait *)t.job)->job.out = &made;
    uint32_t used = c.handles.used;
    assert_int_equal(continuation_step(&t, &done), NOS_OK);
    assert_true(done);
    assert_int_equal(c.handles.used, used + 1);
    assert_int_equal(handle_close(&c.handles, (uint32_t)t.ctx.w[0]), NOS_OK);
    c.handles.limit = c.handles.used;  // and without room for its handle
    t.job = job_alloc();
    ((struct verify_wait *)t.job)->job.out = &made;
    t.ctx.w[0] = untouched;
    assert_int_equal(continuation_step(&t, &done), NOS_QUOTA);
    assert_int_equal(t.ctx.w[0], untouched);
    c.handles.limit = 8;
    assert_int_equal(made.obj.refs, 1);

    t.cont = CONT_SPAWN;
    work.spawn = NOS_NO_MEMORY;
    t.job = job_alloc();
    assert_int_equal(continuation_step(&t, &done), NOS_NO_MEMORY);
    assert_int_equal(undone, 0);  // it has undone itself

    t.cont = CONT_TOKEN;
    for (unsigned bad = 0; bad < 2; bad++) {
        work.import = bad ? NOS_TOKEN_FORMAT : NOS_OK;
        t.ctx.w[0] = 0;
        t.job = job_alloc();
        assert_int_equal(continuation_step(&t, &done), work.import);
        assert_true(done);
        assert_int_equal(t.ctx.w[0], bad ? 0 : 77);
        assert_int_equal(work.denied, bad);  // a refusal is on record
    }

    t.cont = CONT_REVOKE;
    t.cursor = 0;
    work.unfinished = true;
    assert_int_equal(continuation_step(&t, &done), NOS_OK);
    assert_false(done);
    work.unfinished = false;
    assert_int_equal(continuation_step(&t, &done), NOS_OK);
    assert_true(done);
    assert_int_equal(t.cursor, 2);
    continuation_drop(&t);
    assert_int_equal(work.later, 1);  // the kernel goes on with it

    t.cont = CONT_CRASH;
    t.fault = 5;
    continuation_drop(&t);
    assert_int_equal(work.crashed, 0);
    done = false;
    assert_int_equal(continuation_step(&t, &done), NOS_OK);
    assert_false(done);
    assert_int_equal(work.crashed, 1);
    assert_int_equal(t.fault, 0);
    assert_int_equal(t.cont, CONT_NONE);
    assert_int_equal(frame_stats().free, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(quota, setup),
        cmocka_unit_test_setup(shortage, setup),
        cmocka_unit_test_setup(no_table, setup),
        cmocka_unit_test_setup(what_is_no_region, setup),
        cmocka_unit_test_setup(cut_mappings_go, setup),
        cmocka_unit_test_setup(an_end_among_many, setup),
        cmocka_unit_test_setup(taking, setup),
        cmocka_unit_test_setup(large_regions, setup),
        cmocka_unit_test_setup(what_is_large_is_aligned, setup),
        cmocka_unit_test_setup(ends, setup),
        cmocka_unit_test_setup(giving, setup),
        cmocka_unit_test_setup(zeroed_in_steps, setup),
        cmocka_unit_test_setup(every_continuation, setup),
        cmocka_unit_test_setup(a_spawn_without_room_for_its_handle, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
