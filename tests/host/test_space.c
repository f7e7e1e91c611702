/* Address spaces over real page tables in fake RAM: all or nothing at every frame that is missing,
 * quota that page tables count against, places and guards, tear-down in steps. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include "kernel/memory/frame.c"
#include "kernel/memory/space.c"
#include "tests/host/kernel_paging.h"
#include "tests/host/exhaust.h"

static paddr_t foreign[8]; /* tables of an ended capsule, which a shortage frees */
static unsigned n_foreign;

bool up_reclaim(void)
{
    if (n_foreign == 0) {
        return false;
    }
    up_table_free(foreign[--n_foreign]);
    return true;
}

static struct space s;

static int setup(void **state)
{
    (void)state;
    memset(head, 0, sizeof head);
    stats = (struct frame_stats){ 0 };
    n_tables = n_foreign = 0;
    host_start();
    frame_init(&host_bi);
    host_paging();
    memset(&s, 0, sizeof s);
    assert_int_equal(space_create(&s, 100), NOS_OK);
    return 0;
}

static uint64_t used(void)
{
    struct frame_stats f = frame_stats();
    return f.total - f.free;
}

static unsigned present(void)
{
    unsigned pages, tables;
    host_walk(&s.arch, &pages, &tables);
    return pages;
}

static uint32_t area_frames(void)
{
    return s.area == s.first ? 0 : 1u << area_order(&s);
}

/* What is charged is what there is: tables, and pages of the space's own. */
static void check_charge(void)
{
    unsigned pages, tables, own = 0, mapped = 0;
    for (unsigned i = 0; i < s.n_areas; i++) {
        const struct area *a = &s.area[i];
        own += a->kind != AREA_BORROWED ? a->pages : 0;
        mapped += a->pages;
        assert_true(i == 0 || a[-1].va + a[-1].pages * (uint64_t)PAGE_SIZE <= a->va);
    }
    host_walk(&s.arch, &pages, &tables);
    assert_int_equal(pages, mapped);
    assert_int_equal(s.pages, own + tables + area_frames());
}

static nos_status_t borrow(uint64_t va, uint32_t pages, unsigned prot)
{
    struct area a = { .va = va,
                      .pages = pages,
                      .span = pages,
                      .kind = AREA_BORROWED,
                      .prot = prot & 0xf,
                      .owner = &s,
                      .via = 7 };
    return space_map_borrowed(&s, &a, (paddr_t){ 0x800000 });
}

static nos_status_t private(uint64_t va, uint32_t pages, unsigned prot)
{
    return space_map_private(&s, va, pages, prot, AREA_PRIVATE, true);
}

static void what_is_refused(void **state)
{
    uint64_t va = s.window + PAGE_SIZE, zeroed = frame_stats().zeroed;
    (void)state;
    assert_int_equal(private(va, 1, PROT_R | PROT_W | PROT_X), NOS_INVALID);
    assert_int_equal(private(va, 1, PROT_W), NOS_INVALID);
    assert_int_equal(private(va + 1, 1, PROT_R), NOS_INVALID);
    assert_int_equal(private(va, 0, PROT_R), NOS_INVALID);
    assert_int_equal(private(USER_MAX, 1, PROT_R), NOS_INVALID);
    assert_int_equal(private(USER_MAX - PAGE_SIZE, 2, PROT_R), NOS_INVALID);
    assert_int_equal(private(0, 1, PROT_R), NOS_INVALID);
    assert_int_equal(borrow(va, 1, PROT_R | PROT_W | PROT_X), NOS_INVALID);
    assert_int_equal(borrow(USER_MAX - PAGE_SIZE, 2, PROT_R), NOS_INVALID);
    assert_int_equal(frame_stats().zeroed, zeroed);  // before any frame is taken
    assert_int_equal(private(va, 101, PROT_R), NOS_QUOTA);
    check_charge();
    assert_int_equal(s.pages, 4);  // the root, and on the way to the place; one table is over
    assert_int_equal(private(va, 2, PROT_R), NOS_OK);
    assert_int_equal(private(va + PAGE_SIZE, 1, PROT_R), NOS_BAD_STATE);
    assert_int_equal(private(va - PAGE_SIZE, 2, PROT_R), NOS_BAD_STATE);
    assert_int_equal(private(va - PAGE_SIZE, 4, PROT_R), NOS_BAD_STATE);
    assert_int_equal(private(va + 2 * PAGE_SIZE, 1, PROT_R), NOS_OK);  // a neighbour
    assert_int_equal(private(va - PAGE_SIZE, 1, PROT_R), NOS_OK);
    check_charge();
}

/* Whatever stood there before. */
static void created(void **state)
{
    (void)state;
    for (unsigned left = 2; left-- > 0;) {
        memset(&s, 0x5a, sizeof s);
        if (left == 0) {
            exhaust(0);
        }
        assert_int_equal(space_create(&s, 7), left == 0 ? NOS_NO_MEMORY : NOS_OK);
        assert_int_equal(s.pages, left);
        assert_int_equal(s.n_areas, 0);
        assert_int_equal(s.limit, 7);
        assert_ptr_equal(s.area, s.first);
        assert_int_equal(s.room, SPACE_FIRST_AREAS);
        assert_int_equal(s.window % (1ull << WINDOW_SHIFT), 0);
        assert_true(s.window != 0 && s.window + (1ull << WINDOW_SHIFT) <= USER_MAX);
    }
}

/* Clean, or as the frame was left: then its maker writes all of it. */
static void clean_or_not(void **state)
{
    (void)state;
    for (unsigned zero = 0; zero < 2; zero++) {
        uint64_t va = s.window + (10 + 10 * zero) * PAGE_SIZE;
        assert_int_equal(space_map_private(&s, va, 1, PROT_R, AREA_PRIVATE, zero != 0), NOS_OK);
        const uint64_t *page = space_ptr(&s, va);
        for (size_t i = 0; i < PAGE_SIZE / 8; i++) {
            assert_int_equal(page[i] == 0, zero);
        }
    }
}

static void who_borrows(void **state)
{
    (void)state;
    assert_null(space_borrows(&s, &s));
    assert_int_equal(private(s.window + PAGE_SIZE, 1, PROT_R), NOS_OK);
    assert_int_equal(borrow(s.window + 9 * PAGE_SIZE, 1, PROT_R), NOS_OK);
    assert_ptr_equal(space_borrows(&s, &s), &s.area[1]);
    assert_null(space_borrows(&s, &foreign));
}

static void large_ones(void **state)
{
    uint64_t at;
    (void)state;
    assert_int_equal(area_span(5, 0), 5);
    assert_int_equal(area_span(1, ARCH_MAP_TABLES), 512);
    assert_int_equal(area_span(512, ARCH_MAP_TABLES), 512);
    assert_int_equal(area_span(513, ARCH_MAP_TABLES), 1024);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(space_place_large(&s, 510 * 512 - i, &at), NOS_OK);
        assert_int_equal(at, s.window + (1ull << TABLE_SHIFT));  // where alone it fits
        assert_int_equal(space_place_large(&s, 513, &at), NOS_OK);
        assert_int_equal(at % (1ull << TABLE_SHIFT), 0);
    }
    assert_int_equal(space_place_large(&s, 510 * 512 + 1, &at), NOS_NO_MEMORY);
    assert_int_equal(space_place_large(&s, 0, &at), NOS_NO_MEMORY);
}

/* Where a new area was to go is remembered as a place in the list; the list may have changed since.
 */
static void a_place_that_moved(void **state)
{
    struct area gone;
    (void)state;
    for (unsigned hint = 0; hint < 8; hint++) {
        for (unsigned at = 0; at < 4; at++) {
            setup(state);
            uint64_t va[3];
            for (unsigned i = 0; i < 3; i++) {
                va[i] = s.window + (10 + 10 * i) * PAGE_SIZE;
                assert_int_equal(private(va[i], 2, PROT_R), NOS_OK);
            }
            s.hint = hint;
            assert_int_equal(private(s.window + (5 + 10 * at) * PAGE_SIZE, 2, PROT_R), NOS_OK);
            check_charge();  // in order
            assert_int_equal(s.n_areas, 4);
        }
    }
    assert_int_not_equal(space_unmap(&s, s.window + 90 * PAGE_SIZE, &gone), NOS_OK);  // above all
    assert_int_not_equal(space_unmap(&s, s.window + 21 * PAGE_SIZE, &gone), NOS_OK);  // inside one
    assert_null(space_ptr(&s, s.window + 90 * PAGE_SIZE));
    assert_non_null(space_ptr(&s, s.window + 20 * PAGE_SIZE));
    uint64_t va;
    assert_int_equal(space_place(&s, WINDOW_PAGES - 2, &va), NOS_NO_MEMORY);  // no such hole
    assert_int_equal(space_place(&s, WINDOW_PAGES, &va), NOS_NO_MEMORY);
    assert_int_equal(space_place(&s, 0, &va), NOS_NO_MEMORY);
}

/* The list of areas moves to frames of its own when it must, and pays for them. */
static void many_areas(void **state)
{
    unsigned n = 0;
    nos_status_t st = NOS_OK;
    (void)state;
    uint64_t before = used();
    s.limit = 40000;
    for (; st == NOS_OK; n++) {
        uint64_t page = 1 + 2 * (n * 7919ull % 4001);
        st = borrow(s.window + page * PAGE_SIZE, 1, PROT_R);
        if (n % 50 == 0) {
            check_charge();
        }
    }
    assert_int_equal(st, NOS_NO_SLOT);
    assert_int_equal(n - 1, (PAGE_SIZE << SPACE_AREA_ORDER_MAX) / sizeof(struct area));
    assert_int_equal(area_frames(), 8);
    struct area a;
    for (unsigned i = 0; i < n - 1; i++) {
        uint64_t page = 1 + 2 * (i * 7919ull % 4001);
        assert_int_equal(space_unmap(&s, s.window + page * PAGE_SIZE, &a), NOS_OK);
    }
    check_charge();
    while (!space_destroy_step(&s, 4, &a)) {
    }
    assert_int_equal(used(), before - 1);
    assert_ptr_equal(s.area, s.first);
    assert_int_equal(s.room, SPACE_FIRST_AREAS);
    assert_int_equal(s.pages, 1 + 2 + 1);  // what was charged for tables goes with the capsule
    (void)setup(NULL);
    for (unsigned i = 0; i < SPACE_FIRST_AREAS; i++) {
        assert_int_equal(borrow(s.window + (1 + 2 * i) * PAGE_SIZE, 1, PROT_R), NOS_OK);
    }
    s.limit = s.pages;
    assert_int_equal(borrow(s.window + 99 * PAGE_SIZE, 1, PROT_R), NOS_QUOTA);
    s.limit++;
    exhaust(0);
    assert_int_equal(borrow(s.window + 99 * PAGE_SIZE, 1, PROT_R), NOS_NO_MEMORY);
    check_charge();
}

static void all_or_nothing(void **state)
{
    (void)state;
    for (unsigned left = 0; left < 10; left++) {
        (void)setup(NULL);
        uint64_t va = (s.window + (1ull << 28)) - 3 * PAGE_SIZE;  // two tables
        exhaust(left);
        // two upper tables, two page tables, six pages
        assert_int_equal(private(va, 6, PROT_R), left < 10 ? NOS_NO_MEMORY : NOS_OK);
        assert_int_equal(s.n_areas, 0);
        check_charge();
        assert_int_equal(frame_stats().free, left + 1 - s.pages);
        assert_int_equal(borrow(va, 1030, PROT_R), left < 6 ? NOS_NO_MEMORY : NOS_OK);
        check_charge();
        assert_int_equal(present(), left < 6 ? 0 : 1030);
    }
    (void)setup(NULL);
    exhaust(10);
    assert_int_equal(private(s.window + (1ull << 28) - 3 * PAGE_SIZE, 6, PROT_R), NOS_OK);
}

/* Tables of somebody else are freed while ours are made: the charge is for ours. */
static void a_shortage_does_not_lower_the_charge(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(foreign); i++) {
        foreign[i] = up_table_alloc();
    }
    exhaust(0);
    n_foreign = ARRAY_LEN(foreign);
    assert_int_equal(borrow(s.window + PAGE_SIZE, 1, PROT_R), NOS_OK);
    assert_int_equal(s.pages, 4);
    assert_int_equal(private(s.window + 600 * PAGE_SIZE, 2, PROT_R), NOS_OK);
    assert_int_equal(s.pages, 7);
    check_charge();
}

/* Page tables are charged, and go with the last area that needs them: whoever maps and unmaps for
 * ever at other places never comes to the end of its quota. */
static void tables_go_with_their_areas(void **state)
{
    struct area a;
    (void)state;
    assert_int_equal(private(s.window + 3 * PAGE_SIZE, 1, PROT_R), NOS_OK);
    uint64_t before = used();
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t va = s.window + i * 257ull % 512 * 512 * PAGE_SIZE + 9 * PAGE_SIZE;
        assert_int_equal(borrow(va, 1, PROT_R), NOS_OK);
        check_charge();
        assert_int_equal(space_unmap(&s, va, &a), NOS_OK);
        assert_true(s.pages <= 6);
        check_charge();
    }
    assert_int_equal(used(), before + 1);  // the table that is over
    for (unsigned i = 1; i < 512; i++) {
        s.limit = 20;
        nos_status_t st = borrow(s.window + i * 512ull * PAGE_SIZE, 1, PROT_R);
        assert_int_equal(st, i <= 15 ? NOS_OK : NOS_QUOTA);
    }
    // one goes, but its neighbour in the same table stays
    s.limit = 100;
    assert_int_equal(borrow(s.window + 520 * PAGE_SIZE, 1, PROT_R), NOS_OK);
    assert_int_equal(space_unmap(&s, s.window + 512 * PAGE_SIZE, &a), NOS_OK);
    check_charge();
    assert_int_equal(space_unmap(&s, s.window + 520 * PAGE_SIZE, &a), NOS_OK);
    check_charge();
}

static void dropping_one_area(void **state)
{
    uint64_t va = s.window + PAGE_SIZE;
    struct area a = { 0 };
    (void)state;
    assert_int_equal(private(va, 3, PROT_R), NOS_OK);
    assert_int_equal(borrow(va + 8 * PAGE_SIZE, 2, PROT_R), NOS_OK);
    uint64_t before = used();
    space_drop(&s, va + PAGE_SIZE);      // not where it starts
    space_drop(&s, va + 8 * PAGE_SIZE);  // not the space's own
    assert_int_equal(present(), 5);
    assert_int_equal(space_unmap(&s, va, &a),
                     NOS_NOT_FOUND);  // user mode cannot drop what is private
    assert_int_equal(space_unmap(&s, va + 9 * PAGE_SIZE, &a), NOS_NOT_FOUND);
    space_drop(&s, va);
    assert_int_equal(used(), before - 3);
    check_charge();
    assert_int_equal(space_unmap(&s, va + 8 * PAGE_SIZE, &a), NOS_OK);
    assert_ptr_equal(a.owner, &s);
    assert_int_equal(a.via, 7);
    assert_int_equal(present(), 0);
    check_charge();
}

/* No entry of a page that was unmapped is left to the CPU, and no frame is free before that. */
static void what_is_unmapped_is_flushed(void **state)
{
    uint64_t va = s.window + PAGE_SIZE;
    struct area a;
    (void)state;
    assert_int_equal(borrow(va, 3, PROT_R), NOS_OK);
    assert_int_equal(space_unmap(&s, va, &a), NOS_OK);
    assert_int_equal(host_flushes, 0);  // no CPU has this space
    arch_space_switch(&s.arch);
    host_flushes = 0;
    assert_int_equal(borrow(va, 3, PROT_R), NOS_OK);
    assert_int_equal(space_unmap(&s, va, &a), NOS_OK);
    assert_int_equal(host_flushes, 3);
    assert_int_equal(private(va, 40, PROT_R), NOS_OK);
    space_drop(&s, va);
    assert_true(host_flushes >= 3 + 40);
    host_flushes = 0;
    assert_int_equal(borrow(va, 500, PROT_R), NOS_OK);
    assert_int_equal(space_unmap(&s, va, &a), NOS_OK);
    assert_int_equal(host_flushes, 1);  // all at once
    arch_space_switch(NULL);
}

/* What a CPU may still have is not given away: neither the pages nor the table before its flush. */
static void nothing_is_free_before_its_flush(void **state)
{
    enum { PAGES = 20, FIRST = 16 };
    uint64_t va = s.window + (1ull << TABLE_SHIFT);
    (void)state;
    assert_int_equal(private(va, PAGES, PROT_R), NOS_OK);
    uint64_t before = frame_stats().free;
    space_drop(&s, va);
    assert_int_equal(host_free_at[2], before);
    assert_int_equal(host_free_at[1], before + FIRST);
    assert_int_equal(host_free_at[0], before + PAGES);
    assert_int_equal(host_spare_at, 0);
    assert_int_not_equal(s.arch.spare.v, 0);  // the table, kept for the next
}

/* Areas against a plain list of what is mapped. */
static void random_areas_against_a_list(void **state)
{
    static uint32_t map[4096]; /* page of the window's first 16 MiB -> area number, 0 = free */
    static struct {
        uint64_t page;
        uint32_t pages, number;
    } live[200];
    unsigned n = 0;
    struct area a;
    (void)state;
    s.limit = 100000;
    memset(map, 0, sizeof map);
    for (uint32_t step = 1; step <= 30000; step++) {
        uint32_t pages = 1 + (uint32_t)rand() % 40, page = 1 + (uint32_t)rand() % (4095 - pages);
        bool is_private = rand() % 4 == 0, taken = false;
        uint64_t va = s.window + (uint64_t)page * PAGE_SIZE;
        if (n == ARRAY_LEN(live) || (rand() % 2 == 0 && n > 0)) {
            unsigned k = (unsigned)rand() % n;
            va = s.window + live[k].page * PAGE_SIZE;
            if (live[k].number % 2 == 1) {
                space_drop(&s, va);
            } else {
                assert_int_equal(space_unmap(&s, va, &a), NOS_OK);
                assert_int_equal(a.pages, live[k].pages);
            }
            memset(&map[live[k].page], 0, live[k].pages * sizeof map[0]);
            live[k] = live[--n];
            continue;
        }
        for (uint32_t i = page; i < page + pages; i++) {
            taken |= map[i] != 0;
        }
        nos_status_t st = is_private ? private(va, pages, PROT_R) : borrow(va, pages, PROT_R);
        assert_int_equal(st, taken ? NOS_BAD_STATE : NOS_OK);
        if (st == NOS_OK) {
            live[n].page = page;
            live[n].pages = pages;
            live[n].number = 2 * step + is_private;
            for (uint32_t i = page; i < page + pages; i++) {
                map[i] = live[n].number;
            }
            n++;
        }
        if (step % 64 == 0) {
            check_charge();
        }
        bool guard = false;
        uint32_t at = 1 + (uint32_t)rand() % 4094;
        const struct area *f = space_find(&s, s.window + at * (uint64_t)PAGE_SIZE + 5, &guard);
        bool near = map[at] != 0 || map[at - 1] != 0 || map[at + 1] != 0;
        assert_int_equal(f != NULL, near);
        assert_true(f == NULL || guard == (map[at] == 0));
    }
}

static void guards(void **state)
{
    bool guard = false;
    uint64_t va = s.window + 64 * PAGE_SIZE, at;
    (void)state;
    assert_int_equal(space_map_private(&s, va, 4, PROT_R, AREA_STACK, true), NOS_OK);
    assert_ptr_equal(space_find(&s, va - 1, &guard), &s.area[0]);
    assert_true(guard);
    assert_ptr_equal(space_find(&s, va, &guard), &s.area[0]);
    assert_false(guard);
    assert_ptr_equal(space_find(&s, va - PAGE_SIZE, &guard), &s.area[0]);
    assert_true(guard);
    guard = false;
    assert_ptr_equal(space_find(&s, va + 4 * PAGE_SIZE, &guard), &s.area[0]);
    assert_true(guard);
    assert_ptr_equal(space_find(&s, va + 4 * PAGE_SIZE - 1, &guard), &s.area[0]);
    assert_false(guard);
    assert_null(space_find(&s, va - PAGE_SIZE - 1, &guard));
    assert_null(space_find(&s, va + 5 * PAGE_SIZE, &guard));
    assert_false(is_clear(&s, va + 4 * PAGE_SIZE, 1));
    assert_true(is_clear(&s, va + 5 * PAGE_SIZE, 1));
    assert_false(is_clear(&s, va - PAGE_SIZE, 1));
    assert_true(is_clear(&s, va - 2 * PAGE_SIZE, 1));
    for (unsigned i = 0; i < 2000; i++) {
        uint32_t pages = 1 + (uint32_t)rand() % 5000;
        assert_int_equal(space_place(&s, pages, &at), NOS_OK);
        assert_true(at >= s.window + PAGE_SIZE &&
                    at + ((uint64_t)pages + 1) * PAGE_SIZE <= s.window + (1ull << WINDOW_SHIFT));
        assert_true(is_clear(&s, at, pages));
    }
    assert_int_equal(space_place(&s, 0, &at), NOS_NO_MEMORY);
    assert_int_equal(space_place(&s, WINDOW_PAGES - 1, &at), NOS_NO_MEMORY);
}

static void tear_down(void **state)
{
    uint64_t before = used() - 1;  // the root
    struct area a;
    unsigned owners = 0, steps = 0;
    (void)state;
    assert_int_equal(private(s.window + PAGE_SIZE, 9, PROT_R), NOS_OK);
    assert_int_equal(borrow(s.window + 600 * PAGE_SIZE, 6, PROT_R), NOS_OK);
    assert_int_equal(borrow(s.window + 5000 * PAGE_SIZE, 6, PROT_R), NOS_OK);
    assert_int_equal(space_unmap(&s, s.window + 5000 * PAGE_SIZE, &a), NOS_OK);  // a spare table
    for (bool done = false; !done; steps++) {
        uint64_t was = frame_stats().free;
        done = space_destroy_step(&s, 4, &a);
        assert_true(frame_stats().free - was <= 4 + 1);
        owners += a.owner != NULL;
    }
    assert_int_equal(owners, 1);
    assert_true(steps >= 5);
    assert_int_equal(used(), before);
    assert_true(space_destroy_step(&s, 4, &a));  // harmless again
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_refused, setup),
        cmocka_unit_test_setup(created, setup),
        cmocka_unit_test_setup(clean_or_not, setup),
        cmocka_unit_test_setup(who_borrows, setup),
        cmocka_unit_test_setup(large_ones, setup),
        cmocka_unit_test_setup(a_place_that_moved, setup),
        cmocka_unit_test_setup(many_areas, setup),
        cmocka_unit_test_setup(all_or_nothing, setup),
        cmocka_unit_test_setup(a_shortage_does_not_lower_the_charge, setup),
        cmocka_unit_test_setup(tables_go_with_their_areas, setup),
        cmocka_unit_test_setup(dropping_one_area, setup),
        cmocka_unit_test_setup(what_is_unmapped_is_flushed, setup),
        cmocka_unit_test_setup(nothing_is_free_before_its_flush, setup),
        cmocka_unit_test_setup(random_areas_against_a_list, setup),
        cmocka_unit_test_setup(guards, setup),
        cmocka_unit_test_setup(tear_down, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
