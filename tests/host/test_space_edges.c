/* Address spaces where one thing ends and another begins: the last window, the last frame of a
 * quota, areas that touch where a page table ends, and entries behind the last of a list, which
 * still hold what was removed. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include "kernel/memory/frame.c"
#include "kernel/memory/space.c"
#include "tests/host/kernel_paging.h"
#include "tests/host/exhaust.h"

bool up_reclaim(void)
{
    return false;
}

static struct space s;

static int setup(void **state)
{
    (void)state;
    memset(head, 0, sizeof head);
    stats = (struct frame_stats){ 0 };
    n_tables = 0;
    host_start();
    frame_init(&host_bi);
    host_paging();
    memset(&s, 0, sizeof s);
    assert_int_equal(space_create(&s, 100), NOS_OK);
    return 0;
}

static uint64_t page(unsigned n)
{
    return s.window + n * (uint64_t)PAGE_SIZE;
}

static nos_status_t private(unsigned at, uint32_t pages)
{
    return space_map_private(&s, page(at), pages, PROT_R, AREA_PRIVATE, true);
}

static nos_status_t borrow(unsigned at, uint32_t pages)
{
    struct area a = { .va = page(at),
                      .pages = pages,
                      .span = pages,
                      .kind = AREA_BORROWED,
                      .prot = PROT_R,
                      .owner = &s };
    return space_map_borrowed(&s, &a, (paddr_t){ 0x800000 });
}

static unsigned present(void)
{
    unsigned pages, tables;
    host_walk(&s.arch, &pages, &tables);
    return pages;
}

/* ---- chance ---- */

/* The next number of the tests' generator is to be `v`: its step is undone. */
static void next_random(uint64_t v)
{
    const uint64_t times = 6364136223846793005ull, plus = 1442695040888963407ull;
    uint64_t inverse = times;
    for (unsigned i = 0; i < 6; i++) {
        inverse *= 2 - times * inverse;
    }
    host_random_state = ((v << 11) - plus) * inverse;
}

/* Neither the lowest gibibyte nor one that is not whole. */
static void windows(void **state)
{
    const uint64_t gib = 1ull << WINDOW_SHIFT, whole = USER_MAX / gib;
    (void)state;
    for (uint64_t v = whole - 3; v <= whole + 1; v++) {
        next_random(v);
        assert_int_equal(space_create(&s, 100), NOS_OK);
        assert_true(s.window >= gib && s.window + gib <= USER_MAX);
    }
    next_random(whole - 2);  // the highest
    assert_int_equal(space_create(&s, 100), NOS_OK);
    assert_int_equal(s.window, (whole - 1) * gib);
}

/* Where areas lie is a secret: numbers that were drawn are not kept. */
static void places_are_forgotten(void **state)
{
    uint64_t va;
    (void)state;
    for (unsigned i = 0; i < 2 * ARRAY_LEN(random_pool); i++) {
        assert_int_equal(space_place(&s, 5, &va), NOS_OK);
        for (size_t k = 0; k < ARRAY_LEN(random_pool); k++) {
            assert_int_equal(random_pool[k] == 0, k >= random_left);
        }
    }
}

/* ---- quota ---- */

static void to_the_last_frame(void **state)
{
    (void)state;
    assert_int_equal(private(1, 1), NOS_OK);  // its tables are there
    s.limit = s.pages + 3;
    assert_int_equal(private(10, 4), NOS_QUOTA);
    assert_int_equal(s.pages, s.limit - 3);
    assert_int_equal(private(10, 3), NOS_OK);
    assert_int_equal(s.pages, s.limit);
    assert_int_equal(private(20, 1), NOS_QUOTA);
    assert_int_equal(present(), 4);
}

/* A first page without its table, and one more that has its own: neither stays. */
static void no_hole_is_left(void **state)
{
    (void)state;
    assert_int_equal(private(TABLE_PAGES + 100, 1), NOS_OK);
    exhaust(1);  // a page, but no table for it
    assert_int_equal(private(TABLE_PAGES - 1, 2), NOS_NO_MEMORY);
    assert_int_equal(present(), 1);
    assert_int_equal(s.n_areas, 1);
    assert_int_equal(frame_stats().free, 1);
}

/* ---- page tables between neighbours ---- */

/* A table goes with its last area, also when others touch it from both sides. */
static void tables_between_neighbours(void **state)
{
    struct area a;
    (void)state;
    for (unsigned below = 0; below < 3; below++) {
        for (unsigned above = 0; above < 3; above++) {
            setup(state);
            // 0: nothing there; 1: up to the edge; 2: across it, into the table in the middle
            if (below != 0) {
                assert_int_equal(borrow(TABLE_PAGES - 2, below == 1 ? 2 : 3), NOS_OK);
            }
            if (above != 0) {
                assert_int_equal(borrow(2 * TABLE_PAGES - (above == 1 ? 0 : 1), 2), NOS_OK);
            }
            assert_int_equal(borrow(TABLE_PAGES + 7, 3), NOS_OK);
            assert_int_equal(s.arch.spare.v, 0);
            assert_int_equal(space_unmap(&s, page(TABLE_PAGES + 7), &a), NOS_OK);
            assert_int_equal(s.arch.spare.v != 0, below != 2 && above != 2);
            assert_int_equal(present(), (below == 0 ? 0 : 1 + below) + (above == 0 ? 0 : 2));
        }
    }
}

/* ---- behind the last of the list ---- */

static void what_was_removed_is_not_found(void **state)
{
    struct area a;
    bool guard;
    (void)state;
    assert_int_equal(private(10, 2), NOS_OK);
    assert_int_equal(borrow(20, 2), NOS_OK);
    assert_int_equal(space_unmap(&s, page(20), &a), NOS_OK);
    assert_int_equal(space_unmap(&s, page(20), &a), NOS_NOT_FOUND);
    assert_null(space_find(&s, page(20), &guard));
    assert_null(space_borrows(&s, &s));
}

static void a_place_behind_the_last(void **state)
{
    (void)state;
    for (unsigned n = 10; n <= 40; n += 10) {
        assert_int_equal(private(n, 2), NOS_OK);
    }
    for (unsigned n = 40; n > 10; n -= 10) {  // from the end: each stays where it was
        space_drop(&s, page(n));
    }
    s.hint = 2;
    assert_int_equal(private(25, 2), NOS_OK);  // between two that are gone
    assert_int_equal(s.n_areas, 2);
    assert_int_equal(s.area[0].va, page(10));
    assert_int_equal(s.area[1].va, page(25));
    assert_int_equal(present(), 4);
}

/* ---- the end ---- */

static void not_done_before_all_is_gone(void **state)
{
    struct area a;
    bool done = false;
    (void)state;
    assert_int_equal(private(10, 9), NOS_OK);
    for (unsigned steps = 0; !done; steps++) {
        done = space_destroy_step(&s, 2, &a);
        assert_int_equal(done, s.arch.root.v == 0);
        assert_true(steps < 20);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(windows),
        TEST(places_are_forgotten),
        TEST(to_the_last_frame),
        TEST(no_hole_is_left),
        TEST(tables_between_neighbours),
        TEST(what_was_removed_is_not_found),
        TEST(a_place_behind_the_last),
        TEST(not_done_before_all_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
