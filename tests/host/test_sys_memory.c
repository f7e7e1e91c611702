/* kernel/syscall/memory.c: who may map what, where and how, and what holds on to it. */
#include "tests/host/syscall_host.h"

#include "kernel/syscall/memory.c"

static struct region a_region;
static union {
    struct device device;
    struct region region; /* which it is not */
} a_thing;
static struct capsule other;

/* ---- kernel/object/region.c and kernel/memory/space.c ---- */

static nos_status_t answer, place_answer;
static bool clean_at_once;
static unsigned steps, small_places, large_places, unmapped, maps;
static uint32_t pages_asked;
static struct area mapped;
static paddr_t mapped_at;
static struct space *mapped_in;

nos_status_t region_create(struct capsule *c, uint32_t pages, struct region **out)
{
    assert_ptr_equal(c, &mine);
    pages_asked = pages;
    *out = &a_region;
    return answer;
}

nos_status_t region_step(struct thread *t, bool *done)
{
    assert_ptr_equal(t->job, &a_region);
    steps++;
    *done = clean_at_once;
    return place_answer;
}

nos_status_t space_place(struct space *s, uint32_t pages, uint64_t *va)
{
    assert_ptr_equal(s, &mine.space);
    small_places++;
    pages_asked = pages;
    *va = 0x5000;
    return place_answer;
}

nos_status_t space_place_large(struct space *s, uint32_t pages, uint64_t *va)
{
    assert_ptr_equal(s, &mine.space);
    large_places++;
    pages_asked = pages;
    *va = 0x400000;
    return place_answer;
}

nos_status_t space_map_borrowed(struct space *s, const struct area *a, paddr_t base)
{
    mapped_in = s;
    mapped = *a;
    mapped_at = base;
    maps++;
    assert_true(((struct obj *)a->owner)->refs > 2);  // held already, should it come to a shortage
    return answer;
}

nos_status_t space_unmap(struct space *s, uint64_t va, struct area *out)
{
    assert_ptr_equal(s, &mine.space);
    assert_int_equal(va, 0x7000);
    *out = (struct area){ .va = va, .pages = 3 };
    return answer;
}

void region_unmapped(const struct area *a)
{
    assert_int_equal(a->va, 0x7000);
    assert_int_equal(a->pages, 3);
    unmapped++;
}

static int fresh(void **state)
{
    fresh_caller(state);
    memset(&a_region, 0, sizeof a_region);
    memset(&a_thing, 0, sizeof a_thing);
    memset(&other, 0, sizeof other);
    memset(&mapped, 0, sizeof mapped);
    obj_init(&a_region.obj, NOS_TYPE_REGION);
    obj_init(&a_thing.device.obj, NOS_TYPE_DEVICE);
    obj_init(&other.obj, NOS_TYPE_CAPSULE);
    other.state = NOS_CAPSULE_RUNNING;
    a_region.base = (paddr_t){ 0x900000 };
    a_region.pages = 3;
    a_thing.device.base = (paddr_t){ 0xfee000000 };
    a_thing.device.len = 2 * PAGE_SIZE + 1;
    a_thing.device.map_flags = ARCH_MAP_WC;
    answer = place_answer = NOS_OK;
    steps = small_places = large_places = unmapped = maps = 0;
    mapped_in = NULL;
    return 0;
}

/* ---- making one ---- */

static void created(void **state)
{
    static const uint64_t bad[] = { 0, REGION_PAGES_MAX + 1, 1ull << 32 | 1, UINT64_MAX };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        args(bad[i], 0, 0);
        pages_asked = 0;
        assert_int_equal(sys_region_create(&me, saved, NULL), NOS_INVALID);
        assert_int_equal(pages_asked, 0);
    }
    args(REGION_PAGES_MAX, 0, 0);
    answer = NOS_QUOTA;
    assert_int_equal(sys_region_create(&me, saved, NULL), NOS_QUOTA);
    assert_int_equal(pages_asked, REGION_PAGES_MAX);
    assert_null(me.job);
    assert_int_equal(me.cont, CONT_NONE);
    assert_int_equal(steps, 0);
    answer = NOS_OK;
    assert_int_equal(sys_region_create(&me, saved, NULL), NOS_OK);
    assert_int_equal(steps, 1);
    assert_ptr_equal(me.job, &a_region);
    assert_int_equal(me.cont, CONT_ZERO);  // goes on in steps
    clean_at_once = true;
    args(1, 0, 0);
    assert_int_equal(sys_region_create(&me, saved, NULL), NOS_OK);
    assert_int_equal(pages_asked, 1);
    assert_int_equal(me.cont, CONT_NONE);
    place_answer = NOS_NO_SLOT;  // what the step says
    assert_int_equal(sys_region_create(&me, saved, NULL), NOS_NO_SLOT);
    assert_int_equal(me.cont, CONT_NONE);
    clean_at_once = false;
}

/* ---- mapping ---- */

static nos_status_t map(uint32_t h, uint64_t prot)
{
    args(h, prot, KEEP);
    maps = 0;
    nos_status_t st = sys_region_map(&me, saved, slot_of(h));
    if (st != NOS_OK) {
        assert_int_equal(saved->w[0], KEEP);
    }
    return st;
}

static void rights_of_a_map(void **state)
{
    static const struct {
        uint32_t rights;
        uint64_t prot;
        nos_status_t want;
    } rows[] = {
        { NOS_RIGHT_READ, PROT_R, NOS_OK },
        { NOS_RIGHT_READ | NOS_RIGHT_WRITE, PROT_R | PROT_W, NOS_OK },
        { NOS_RIGHT_READ | NOS_RIGHT_WRITE, PROT_R, NOS_OK },
        { NOS_RIGHT_READ, PROT_R | PROT_W, NOS_DENIED },
        { NOS_RIGHT_WRITE, PROT_R | PROT_W, NOS_DENIED },
        { NOS_RIGHT_ALL & ~NOS_RIGHT_READ, PROT_R, NOS_DENIED },
        { NOS_RIGHT_ALL & ~NOS_RIGHT_WRITE, PROT_R | PROT_W, NOS_DENIED },
        { NOS_RIGHT_ALL, 0, NOS_INVALID },
        { NOS_RIGHT_ALL, PROT_W, NOS_INVALID },
        { NOS_RIGHT_ALL, PROT_X, NOS_INVALID },
        { NOS_RIGHT_ALL, PROT_R | PROT_X, NOS_INVALID },
        { NOS_RIGHT_ALL, PROT_R | PROT_W | PROT_X, NOS_INVALID },
        { NOS_RIGHT_ALL, 1ull << 32 | PROT_R, NOS_INVALID },
        { NOS_RIGHT_ALL, 0x10 | PROT_R, NOS_INVALID },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint32_t h = hold(&a_region.obj, rows[i].rights);
        assert_int_equal(map(h, rows[i].prot), rows[i].want);
        assert_int_equal(maps, rows[i].want == NOS_OK);
        if (rows[i].want == NOS_OK) {
            assert_int_equal(mapped.prot, rows[i].prot);
        }
        assert_int_equal(handle_close(&mine.handles, h), NOS_OK);
    }
    assert_int_equal(a_region.mapped, 3);
    assert_int_equal(a_region.obj.refs, 1 + 3);
}

static void what_is_mapped(void **state)
{
    uint32_t h = hold_cell(&a_region.obj, NOS_RIGHT_ALL);
    (void)state;
    assert_int_equal(map(h, PROT_R), NOS_OK);
    assert_int_equal(saved->w[0], 0x5000);
    assert_ptr_equal(mapped_in, &mine.space);
    assert_int_equal(mapped_at.v, 0x900000);
    assert_int_equal(mapped.va, 0x5000);
    assert_int_equal(mapped.kind, AREA_BORROWED);
    assert_ptr_equal(mapped.owner, &a_region);
    assert_int_equal(mapped.via, h);
    assert_int_equal(mapped.cell, cell_index(slot_of(h)->via));
    assert_int_not_equal(mapped.cell, 0);
    assert_int_equal(mapped.pages, 3);
    assert_int_equal(mapped.span, 3);
    assert_int_equal(mapped.flags, 0);
    assert_int_equal(pages_asked, 3);
    assert_int_equal(large_places, 0);
    assert_int_equal(a_region.mapped, 1);
    assert_int_equal(handle_close(&mine.handles, h), NOS_OK);
    assert_int_equal(cell_count(), 1);  // the mapping's
    cell_put(cell_via(mapped.cell));

    a_region.tables = (paddr_t){ 0xa00000 };  // a large one: its own page tables are mapped
    a_region.pages = 513;
    h = hold(&a_region.obj, NOS_RIGHT_READ);
    assert_int_equal(map(h, PROT_R), NOS_OK);
    assert_int_equal(saved->w[0], 0x400000);
    assert_int_equal(mapped_at.v, 0xa00000);
    assert_int_equal(mapped.flags, ARCH_MAP_TABLES);
    assert_int_equal(mapped.pages, 513);
    assert_int_equal(mapped.span, 1024);
    assert_int_equal(mapped.cell, 0);
    assert_int_equal(small_places, 1);
    assert_int_equal(large_places, 1);
}

static void a_device_too(void **state)
{
    uint32_t h = hold(&a_thing.device.obj, NOS_RIGHT_READ | NOS_RIGHT_WRITE);
    uint32_t was = a_thing.region.mapped;
    (void)state;
    assert_int_equal(map(h, PROT_R | PROT_W), NOS_OK);
    assert_int_equal(a_thing.region.mapped, was);
    assert_int_equal(mapped_at.v, 0xfee000000);
    assert_int_equal(mapped.pages, 3);
    assert_int_equal(mapped.flags, ARCH_MAP_WC);
    assert_ptr_equal(mapped.owner, &a_thing.device);
    assert_int_equal(a_thing.device.obj.refs, 3);
    a_thing.device.len = 2 * PAGE_SIZE;
    assert_int_equal(map(h, PROT_R), NOS_OK);
    assert_int_equal(mapped.pages, 2);
    a_thing.device.len = 0;  // not there
    assert_int_equal(map(h, PROT_R), NOS_BAD_STATE);
    a_region.pages = 0;  // taken
    assert_int_equal(map(hold(&a_region.obj, NOS_RIGHT_READ), PROT_R), NOS_BAD_STATE);
    assert_int_equal(maps, 0);
}

static void no_map(void **state)
{
    uint32_t h = hold_cell(&a_region.obj, NOS_RIGHT_ALL);
    (void)state;
    place_answer = NOS_NO_MEMORY;
    assert_int_equal(map(h, PROT_R), NOS_NO_MEMORY);
    assert_int_equal(maps, 0);
    place_answer = NOS_OK;
    answer = NOS_QUOTA;
    assert_int_equal(map(h, PROT_R), NOS_QUOTA);
    assert_int_equal(maps, 1);
    assert_int_equal(a_region.mapped, 0);
    assert_int_equal(a_region.obj.refs, 2);
    assert_int_equal(handle_close(&mine.handles, h), NOS_OK);
    assert_int_equal(cell_count(), 0);
}

static nos_status_t map_into(uint32_t h, uint64_t c, uint64_t at, uint64_t prot)
{
    args(h, c, at);
    saved->w[1] = prot;
    maps = 0;
    return sys_region_map_into(&me, saved, slot_of(h));
}

static void into_another(void **state)
{
    uint32_t h = hold_cell(&a_region.obj, NOS_RIGHT_READ), c = hold(&other.obj, NOS_RIGHT_CONTROL),
             weak = hold(&other.obj, NOS_RIGHT_ALL & ~NOS_RIGHT_CONTROL);
    (void)state;
    assert_int_equal(map_into(h, weak, 0x3000, PROT_R), NOS_DENIED);
    assert_int_equal(map_into(h, h, 0x3000, PROT_R), NOS_WRONG_TYPE);
    assert_int_equal(map_into(h, c, 0x3000, PROT_R | PROT_W), NOS_DENIED);
    other.state = NOS_CAPSULE_EXITED;
    assert_int_equal(map_into(h, c, 0x3000, PROT_R), NOS_BAD_STATE);
    assert_int_equal(maps, 0);
    other.state = NOS_CAPSULE_RUNNING;
    assert_int_equal(map_into(h, c, 0x3000, PROT_R), NOS_OK);
    assert_ptr_equal(mapped_in, &other.space);
    assert_int_equal(mapped.va, 0x3000);
    assert_int_equal(mapped.via, 0);  // a handle of another's
    assert_int_equal(mapped.cell, cell_index(slot_of(h)->via));
    assert_int_equal(mapped.prot, PROT_R);
    assert_int_equal(saved->w[0], 0x3000);
    assert_int_equal(a_region.mapped, 1);
    assert_int_equal(a_region.obj.refs, 3);
    assert_int_equal(small_places + large_places, 0);
    answer = NOS_BAD_STATE;  // something is there
    assert_int_equal(map_into(h, c, 0x3000, PROT_R), NOS_BAD_STATE);
    assert_int_equal(a_region.obj.refs, 3);
    cell_put(cell_via(mapped.cell));
}

static void unmapped_again(void **state)
{
    (void)state;
    args(0x7000, 0, 0);
    answer = NOS_NOT_FOUND;
    assert_int_equal(sys_region_unmap(&me, saved, NULL), NOS_NOT_FOUND);
    assert_int_equal(unmapped, 0);
    answer = NOS_OK;
    assert_int_equal(sys_region_unmap(&me, saved, NULL), NOS_OK);
    assert_int_equal(unmapped, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, drop_caller)
    const struct CMUnitTest tests[] = {
        TEST(created), TEST(rights_of_a_map), TEST(what_is_mapped), TEST(a_device_too),
        TEST(no_map),  TEST(into_another),    TEST(unmapped_again),
    };
    return cmocka_run_group_tests_name("sys_memory", tests, NULL, NULL);
}
