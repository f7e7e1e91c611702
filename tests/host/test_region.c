/* Regions: who pays, when the frames may be taken away, what is left after each end; and the last
 * step of a spawn. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#define grow cache_grow /* so has handle.c one */
#include "kernel/memory/cache.c"
#undef grow
#include "kernel/memory/frame.c"
#include "kernel/object/cell.c"
#include "kernel/object/handle.c"
#include "kernel/object/object.c"
#include "kernel/object/region.c"
#include "kernel/runtime/jobs.c"

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

bool revoke_step(uint64_t *at)
{
    (void)at;
    return true;
}

void revoke_finish_later(void)
{
}

void space_unmap_area(struct space *s, const struct area *a)
{
    assert_ptr_equal(a, &s->area[s->n_areas - 1]);
    s->n_areas--;
}

static unsigned undone, dropped;

nos_status_t spawn_step(struct spawn_job *j, bool *done)
{
    (void)j;
    *done = true;
    return NOS_OK;
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

nos_status_t module_job_step(struct module_job *j, bool *done)
{
    (void)j;
    *done = true;
    return NOS_BAD_SIGNATURE;
}

void module_job_drop(struct module_job *j)
{
    (void)j;
    dropped++;
}

static struct capsule c, other;

static int setup(void **state)
{
    (void)state;
    memset(head, 0, sizeof head);
    stats = (struct frame_stats){ 0 };
    n_tables = 0;
    all = NULL;
    frames_held = 0;
    region_cache = (struct cache)CACHE(region);
    host_start();
    frame_init(&host_bi);
    memset(&c, 0, sizeof c);
    memset(&other, 0, sizeof other);
    c.space.limit = other.space.limit = 100;
    handle_table_init(&c.handles, 8, NOS_CLASS_ALL);
    obj_init(&c.obj, NOS_TYPE_CAPSULE);
    obj_init(&other.obj, NOS_TYPE_CAPSULE);
    undone = dropped = 0;
    return 0;
}

static void quota(void **state)
{
    struct region *r, *s, *t;
    (void)state;
    assert_int_equal(region_create(&c, 0, &r), NOS_INVALID);
    assert_int_equal(region_create(&c, REGION_PAGES_MAX + 1, &r), NOS_INVALID);
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
    c.n_objects = CAPSULE_OBJECTS_MAX;
    assert_int_equal(region_create(&c, 1, &t), NOS_QUOTA);
    c.n_objects = 1;
    obj_put(&r->obj);
    assert_int_equal(c.space.pages, 0);
    assert_int_equal(c.n_objects, 0);
    assert_null(all);
}

static void shortage(void **state)
{
    struct region *r;
    (void)state;
    for (unsigned order = FRAME_ORDER_MAX + 1; order-- > 0;) {
        while (frame_alloc_dirty(order).v != 0) {
        }
    }
    assert_int_equal(region_create(&c, 4, &r), NOS_NO_MEMORY);
    assert_int_equal(c.space.pages, 0);
    assert_int_equal(c.n_objects, 0);
    assert_int_equal(region_cache.used, 0);
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
    uint64_t deferred = frame_stats().deferred;
    obj_put(&r->obj);
    assert_int_equal(frame_stats().deferred, deferred);  // the frames are somebody else's now
    frame_free_run(base, pages);
}

static void many_ends(void **state)
{
    struct region *r[40];
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(r); i++) {
        assert_int_equal(region_create(i % 2 == 0 ? &c : &other, 1, &r[i]), NOS_OK);
    }
    region_forget(&c);  // its regions live on where somebody holds them, at nobody's expense
    assert_int_equal(c.space.pages, 0);
    assert_int_equal(c.n_objects, 0);
    assert_int_equal(other.space.pages, 20);
    for (unsigned i = 0; i < ARRAY_LEN(r); i++) {
        obj_put(&r[i * 7 % ARRAY_LEN(r)]->obj);
    }
    assert_null(all);
    assert_int_equal(region_cache.used, 0);
    assert_int_equal(other.space.pages, 0);
    assert_int_equal(frame_stats().deferred, 40);
    while (frame_reclaim_step(4)) {
    }
    assert_int_equal(frame_stats().deferred, 0);
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
    c.handles.limit = c.handles.used;
    assert_int_equal(region_create(&c, 1, &r), NOS_OK);
    t.job = r;
    assert_int_equal(continuation_step(&t, &done), NOS_QUOTA);
    assert_true(done);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(quota, setup),
        cmocka_unit_test_setup(shortage, setup),
        cmocka_unit_test_setup(taking, setup),
        cmocka_unit_test_setup(many_ends, setup),
        cmocka_unit_test_setup(zeroed_in_steps, setup),
        cmocka_unit_test_setup(a_spawn_without_room_for_its_handle, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
