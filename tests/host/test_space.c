/* Address spaces over fake page tables: all or nothing at every frame that is missing, quota that
 * page tables count against, places and guards, tear-down in steps. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include "kernel/memory/frame.c"
#include "kernel/memory/space.c"

/* One table for each 2 MiB, as many as a window has; entries are the frames. */
enum { TABLES = 512, ENTRIES = 512 };
static paddr_t table[TABLES];
static paddr_t entry[TABLES][ENTRIES];
static unsigned present;
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

nos_status_t arch_space_create(struct arch_space *s)
{
    s->root = up_table_alloc();
    return s->root.v == 0 ? NOS_NO_MEMORY : NOS_OK;
}

static uint64_t place_of(uint64_t va)
{
    return va / PAGE_SIZE % ((uint64_t)TABLES * ENTRIES);
}

nos_status_t arch_map(struct arch_space *s, uint64_t va, paddr_t pa, unsigned prot, unsigned flags)
{
    uint64_t at = place_of(va);
    (void)s, (void)prot, (void)flags;
    if (table[at / ENTRIES].v == 0) {
        table[at / ENTRIES] = up_table_alloc();
        if (table[at / ENTRIES].v == 0) {
            return NOS_NO_MEMORY;
        }
    }
    assert_int_equal(entry[at / ENTRIES][at % ENTRIES].v, 0);
    entry[at / ENTRIES][at % ENTRIES] = pa;
    present++;
    return NOS_OK;
}

paddr_t arch_unmap(struct arch_space *s, uint64_t va)
{
    uint64_t at = place_of(va);
    paddr_t was = entry[at / ENTRIES][at % ENTRIES];
    (void)s;
    entry[at / ENTRIES][at % ENTRIES] = (paddr_t){ 0 };
    present -= was.v != 0;
    return was;
}

paddr_t arch_query(const struct arch_space *s, uint64_t va, unsigned *prot)
{
    uint64_t at = place_of(va);
    (void)s;
    *prot = PROT_R;
    return entry[at / ENTRIES][at % ENTRIES];
}

bool arch_space_destroy_step(struct arch_space *s, unsigned budget)
{
    for (unsigned i = 0; i < TABLES && budget != 0; i++) {
        if (table[i].v != 0) {
            up_table_free(table[i]);
            table[i].v = 0;
            budget--;
        }
    }
    if (budget != 0) {
        up_table_free(s->root);
        s->root.v = 0;
    }
    return budget != 0;
}

static struct space s;

static int setup(void **state)
{
    (void)state;
    memset(head, 0, sizeof head);
    memset(table, 0, sizeof table);
    memset(entry, 0, sizeof entry);
    stats = (struct frame_stats){ 0 };
    n_tables = n_foreign = present = 0;
    host_start();
    frame_init(&host_bi);
    memset(&s, 0, sizeof s);
    assert_int_equal(space_create(&s, 100), NOS_OK);
    return 0;
}

static uint64_t used(void)
{
    struct frame_stats f = frame_stats();
    return f.total - f.free;
}

static void exhaust(unsigned leave)
{
    paddr_t kept[16];
    for (unsigned i = 0; i < leave; i++) {
        kept[i] = frame_alloc(0);
    }
    for (unsigned order = FRAME_ORDER_MAX + 1; order-- > 0;) {
        while (frame_alloc_dirty(order).v != 0) {
        }
    }
    for (unsigned i = 0; i < leave; i++) {
        frame_free(kept[i], 0);
    }
}

static void what_is_refused(void **state)
{
    struct area *a = s.area;
    uint64_t va = s.window + PAGE_SIZE;
    (void)state;
    assert_int_equal(space_map_private(&s, va, 1, PROT_R | PROT_W | PROT_X, AREA_PRIVATE, true),
                     NOS_INVALID);
    assert_int_equal(space_map_private(&s, va, 1, PROT_W, AREA_PRIVATE, true), NOS_INVALID);
    assert_int_equal(space_map_private(&s, va + 1, 1, PROT_R, AREA_PRIVATE, true), NOS_INVALID);
    assert_int_equal(space_map_private(&s, va, 0, PROT_R, AREA_PRIVATE, true), NOS_INVALID);
    assert_int_equal(space_map_private(&s, USER_MAX, 1, PROT_R, AREA_PRIVATE, true), NOS_INVALID);
    assert_int_equal(space_map_private(&s, USER_MAX - PAGE_SIZE, 2, PROT_R, AREA_PRIVATE, true),
                     NOS_INVALID);
    assert_int_equal(space_map_private(&s, 0, 1, PROT_R, AREA_PRIVATE, true), NOS_INVALID);
    assert_int_equal(space_map_private(&s, va, 101, PROT_R, AREA_PRIVATE, true), NOS_QUOTA);
    assert_int_equal(s.pages, 1 + 1);  // root, and the table that the attempt made
    assert_int_equal(present, 0);
    assert_int_equal(space_map_private(&s, va, 2, PROT_R, AREA_PRIVATE, true), NOS_OK);
    assert_int_equal(space_map_private(&s, va + PAGE_SIZE, 1, PROT_R, AREA_PRIVATE, true),
                     NOS_BAD_STATE);
    assert_int_equal(space_map_private(&s, va - PAGE_SIZE, 2, PROT_R, AREA_PRIVATE, true),
                     NOS_BAD_STATE);
    assert_int_equal(s.pages, 4);
    for (unsigned i = 0; i < SPACE_AREAS; i++) {
        a[i].kind = AREA_PRIVATE;
    }
    assert_int_equal(space_map_private(&s, va + 8 * PAGE_SIZE, 1, PROT_R, AREA_PRIVATE, true),
                     NOS_NO_SLOT);
}

static void all_or_nothing(void **state)
{
    (void)state;
    for (unsigned left = 0; left < 6; left++) {
        (void)setup(NULL);
        exhaust(left);
        assert_int_equal(space_map_private(&s, s.window + PAGE_SIZE, 8, PROT_R, AREA_PRIVATE, true),
                         NOS_NO_MEMORY);
        assert_int_equal(present, 0);
        assert_int_equal(s.pages, 1 + (table[0].v != 0));
        assert_int_equal(frame_stats().free, left - (table[0].v != 0));
        assert_int_equal(space_map_borrowed(&s, s.window + 509 * PAGE_SIZE, (paddr_t){ 0x800000 },
                                            1030, PROT_R, 0, &s),
                         left < 4 ? NOS_NO_MEMORY : NOS_OK);
        assert_int_equal(present, left < 4 ? 0 : 1030);
    }
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
    assert_int_equal(
        space_map_borrowed(&s, s.window + PAGE_SIZE, (paddr_t){ 0x800000 }, 1, PROT_R, 0, &s),
        NOS_OK);
    assert_int_equal(s.pages, 2);
    assert_int_equal(
        space_map_private(&s, s.window + 600 * PAGE_SIZE, 2, PROT_R, AREA_PRIVATE, true), NOS_OK);
    assert_int_equal(s.pages, 5);
}

/* A capsule that maps and unmaps the same page at ever other places leaves tables behind: they end
 * at its quota. */
static void tables_count_against_the_quota(void **state)
{
    void *owner;
    nos_status_t st = NOS_OK;
    (void)state;
    for (unsigned i = 0; i < 400 && st == NOS_OK; i++) {
        uint64_t va = s.window + (uint64_t)i * ENTRIES * PAGE_SIZE;
        st = space_map_borrowed(&s, va, (paddr_t){ 0x800000 }, 1, PROT_R, 0, &s);
        assert_true(st != NOS_OK || space_unmap(&s, va, &owner) == NOS_OK);
    }
    assert_int_equal(st, NOS_QUOTA);
    assert_in_range(s.pages, 100, 108);
}

static void dropping_one_area(void **state)
{
    uint64_t va = s.window + PAGE_SIZE;
    void *owner;
    (void)state;
    assert_int_equal(space_map_private(&s, va, 3, PROT_R, AREA_PRIVATE, true), NOS_OK);
    assert_int_equal(
        space_map_borrowed(&s, va + 8 * PAGE_SIZE, (paddr_t){ 0x800000 }, 2, PROT_R, 0, &s),
        NOS_OK);
    uint64_t before = used();
    space_drop(&s, va + PAGE_SIZE);      // not where it starts
    space_drop(&s, va + 8 * PAGE_SIZE);  // not the space's own
    assert_int_equal(present, 5);
    assert_int_equal(space_unmap(&s, va, &owner),
                     NOS_NOT_FOUND);  // user mode cannot drop what is private
    space_drop(&s, va);
    assert_int_equal(used(), before - 3);
    assert_int_equal(s.pages, 2);
    assert_int_equal(space_unmap(&s, va + 8 * PAGE_SIZE, &owner), NOS_OK);
    assert_ptr_equal(owner, &s);
    assert_int_equal(present, 0);
}

static void guards(void **state)
{
    bool guard = false;
    uint64_t va = s.window + 64 * PAGE_SIZE, at;
    (void)state;
    assert_int_equal(space_map_private(&s, va, 4, PROT_R, AREA_STACK, true), NOS_OK);
    assert_ptr_equal(space_find(&s, va - 1, &guard), &s.area[0]);
    assert_true(guard);
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
    void *owner = NULL;
    unsigned owners = 0, steps = 0;
    (void)state;
    assert_int_equal(space_map_private(&s, s.window + PAGE_SIZE, 9, PROT_R, AREA_PRIVATE, true),
                     NOS_OK);
    assert_int_equal(
        space_map_borrowed(&s, s.window + 600 * PAGE_SIZE, (paddr_t){ 0x800000 }, 6, PROT_R, 0, &s),
        NOS_OK);
    for (bool done = false; !done; steps++) {
        uint64_t was = frame_stats().free;
        done = space_destroy_step(&s, 4, &owner);
        assert_true(frame_stats().free - was <= 4 + 1);
        owners += owner != NULL;
    }
    assert_int_equal(owners, 1);
    assert_true(steps >= 5);
    assert_int_equal(used(), before);
    assert_int_equal(present, 0);
    assert_true(space_destroy_step(&s, 4, &owner));  // harmless again
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_refused, setup),
        cmocka_unit_test_setup(all_or_nothing, setup),
        cmocka_unit_test_setup(a_shortage_does_not_lower_the_charge, setup),
        cmocka_unit_test_setup(tables_count_against_the_quota, setup),
        cmocka_unit_test_setup(dropping_one_area, setup),
        cmocka_unit_test_setup(guards, setup),
        cmocka_unit_test_setup(tear_down, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
