/* What a page table of a capsule may hold: every combination of protections and flags, every bad
 * address, what is there already, and no memory at each table. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include "kernel/memory/frame.c"
#include "tests/host/kernel_paging.h"
#include "tests/host/exhaust.h"

enum { MIB = 1 << 20 };

static const uint64_t at = 0x40000000; /* a gibibyte, so that its tables are its own */
static const paddr_t frame = { 0x123000 };
static struct arch_space s;

bool up_reclaim(void)
{
    return false;
}

static int setup(void **state)
{
    (void)state;
    memset(head, 0, sizeof head);
    stats = (struct frame_stats){ 0 };
    n_tables = 0;
    host_start();
    frame_init(&host_bi);
    host_paging();
    assert_int_equal(arch_space_create(&s), NOS_OK);
    return 0;
}

static uint64_t entry_of(uint64_t va)
{
    const uint64_t *e = paging_find(s.root, va);
    return e == NULL ? 0 : *e;
}

static unsigned mapped(void)
{
    unsigned pages, tables;
    host_walk(&s, &pages, &tables);
    return pages;
}

/* All protections and flags there are, and some that are not. */
static void nothing_is_writable_and_executable(void **state)
{
    (void)state;
    for (unsigned prot = 0; prot < 16; prot++) {
        for (unsigned flags = 0; flags < 16; flags++) {
            bool write = (prot & PROT_W) != 0, run = (prot & PROT_X) != 0;
            bool good = (prot & PROT_R) != 0 && prot < 8 && !(write && run) &&
                        (flags == 0 || flags == ARCH_MAP_DEVICE || flags == ARCH_MAP_WC);
            if (flags == ARCH_MAP_TABLES) {
                continue;  // other rules: regions_tables
            }
            assert_int_equal(arch_map(&s, at, frame, prot, flags), good ? NOS_OK : NOS_INVALID);
            uint64_t e = entry_of(at);
            if (!good) {
                assert_int_equal(e, 0);
                continue;
            }
            assert_int_equal(e & PTE_ADDR, frame.v);
            assert_true((e & PTE_PRESENT) != 0 && (e & PTE_USER) != 0 && (e & PTE_GLOBAL) == 0);
            assert_int_equal((e & PTE_WRITE) != 0, write);
            assert_int_equal((e & PTE_NX) == 0, run);
            assert_false((e & PTE_WRITE) != 0 && (e & PTE_NX) == 0);
            assert_int_equal((e & PTE_UNCACHED) == PTE_UNCACHED, flags == ARCH_MAP_DEVICE);
            assert_int_equal((e & PTE_COMBINE) != 0, flags == ARCH_MAP_WC);
            unsigned told;
            assert_int_equal(arch_query(&s, at, &told).v, frame.v);
            assert_int_equal(told, prot);
            assert_int_equal(arch_unmap(&s, at).v, frame.v);
            assert_int_equal(arch_unmap(&s, at).v, 0);
        }
    }
    assert_int_equal(mapped(), 0);
}

static void bad_places(void **state)
{
    static const struct {
        uint64_t va, pa;
        uint32_t pages;
    } bad[] = {
        { 0x40000001, 0x123000, 1 },
        { 0x40000800, 0x123000, 1 },
        { USER_MIN - PAGE_SIZE, 0x123000, 1 },
        { 0, 0x123000, 1 },
        { USER_MAX, 0x123000, 1 },
        { USER_MAX - PAGE_SIZE, 0x123000, 2 },
        { NOS_KERNEL_BASE, 0x123000, 1 },
        { UINT64_MAX - PAGE_SIZE + 1, 0x123000, 1 },
        { 0x40000000, 0, 1 },
        { 0x40000000, 0x123001, 1 },
        { 0x40000000, 1ull << 52, 1 },
        { 0x40000000, 1ull << 63 | 0x123000, 1 },
    };
    unsigned prot = 7;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct arch_run r = { bad[i].va, { bad[i].pa }, bad[i].pages, PROT_R, 0 };
        assert_int_equal(arch_map_run(&s, &r), NOS_INVALID);
        if (bad[i].va != at) {
            assert_int_equal(arch_unmap(&s, bad[i].va).v, 0);
            assert_int_equal(arch_query(&s, bad[i].va, &prot).v, 0);
            assert_int_equal(prot, 0);
        }
    }
    assert_int_equal(mapped(), 0);
    assert_int_equal(arch_map(&s, USER_MIN, frame, PROT_R, 0), NOS_OK);  // the first and the last
    assert_int_equal(arch_map(&s, USER_MAX - PAGE_SIZE, frame, PROT_R, 0), NOS_OK);
    prot = 7;
    assert_int_equal(arch_query(&s, USER_MIN + PAGE_SIZE, &prot).v, 0);  // beside one that is there
    assert_int_equal(prot, 0);
    assert_int_equal(arch_unmap(&s, USER_MIN + PAGE_SIZE).v, 0);
    assert_int_equal(arch_query(&s, USER_MIN + 0x800, &prot).v, 0);  // inside it
    assert_int_equal(arch_unmap(&s, USER_MIN + 1).v, 0);
    assert_int_equal(arch_query(&s, at, &prot).v, 0);  // no table at all
    assert_int_equal(mapped(), 2);
}

static void what_is_there_stays(void **state)
{
    struct arch_run three = { at - PAGE_SIZE, { 0x200000 }, 3, PROT_R | PROT_W, 0 };
    (void)state;
    assert_int_equal(arch_map(&s, at, frame, PROT_R, 0), NOS_OK);
    assert_int_equal(arch_map(&s, at, (paddr_t){ 0x555000 }, PROT_R, 0), NOS_BAD_STATE);
    assert_int_equal(arch_map_run(&s, &three), NOS_BAD_STATE);
    assert_int_equal(entry_of(at) & PTE_ADDR, frame.v);
    struct arch_run tables = { at, { 0x600000 }, 512, PROT_R, ARCH_MAP_TABLES };
    assert_int_equal(arch_map_run(&s, &tables), NOS_BAD_STATE);
    assert_int_equal(entry_of(at) & PTE_ADDR, frame.v);
}

static void regions_tables(void **state)
{
    static const struct {
        uint64_t va;
        unsigned prot;
    } bad[] = { { PAGE_SIZE, PROT_R }, { MIB, PROT_R },        { 0, 0 },
                { 0, PROT_W },         { 0, PROT_R | PROT_X }, { 0, PROT_R | PROT_W | PROT_X },
                { 0, PROT_R | 8 } };
    unsigned prot;
    (void)state;
    paddr_t table = up_table_alloc();
    arch_table_fill(table, (paddr_t){ 0x700000 }, 5);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct arch_run r = { at + bad[i].va, table, 512, bad[i].prot, ARCH_MAP_TABLES };
        assert_int_equal(arch_map_run(&s, &r), NOS_INVALID);
    }
    for (unsigned write = 0; write < 2; write++) {
        struct arch_run r = { at + write * 2 * MIB, table, 5, PROT_R | (write ? PROT_W : 0u),
                              ARCH_MAP_TABLES };
        assert_int_equal(arch_map_run(&s, &r), NOS_OK);
        assert_int_equal(arch_query(&s, r.va + 4 * PAGE_SIZE, &prot).v, 0x704000);
        assert_int_equal(prot, r.prot);  // each by its own entry, over one table
        assert_int_equal(arch_query(&s, r.va + 5 * PAGE_SIZE, &prot).v, 0);
    }
    assert_int_equal(mapped(), 10);
    struct arch_run full = { at + 4 * MIB, table, 512, PROT_R, ARCH_MAP_TABLES };
    assert_int_equal(arch_map_run(&s, &full), NOS_OK);
    assert_int_equal(find_directory_entry(s.root, at)[3], 0);  // 512 pages are one table's
    uint64_t *entry = phys_ptr(frame_alloc(1));
    entry[TABLE_ENTRIES] = 7;                    // behind the table
    for (unsigned more = 0; more < 2; more++) {  // as many as it has room for
        arch_table_fill(ptr_phys(entry), (paddr_t){ 0x700000 }, TABLE_ENTRIES + more);
        assert_int_equal(entry[TABLE_ENTRIES - 1] & PTE_ADDR, 0x700000 + 511 * PAGE_SIZE);
        assert_int_equal(entry[TABLE_ENTRIES], 7);
    }
}

static void no_memory_for_each_table(void **state)
{
    (void)state;
    for (unsigned leave = 0; leave < 4; leave++) {
        paddr_t kept[3];
        setup(state);
        for (unsigned i = 0; i < leave && i < 3; i++) {
            kept[i] = frame_alloc(0);
        }
        exhaust(0);
        for (unsigned i = 0; i < leave && i < 3; i++) {
            frame_free(kept[i], 0);
        }
        struct arch_run tables = { at, { 0x600000 }, 1, PROT_R, ARCH_MAP_TABLES };
        assert_int_equal(arch_map_run(&s, &tables), leave < 2 ? NOS_NO_MEMORY : NOS_OK);
        assert_int_equal(arch_map(&s, at + 2 * MIB, frame, PROT_R, 0),
                         leave < 3 ? NOS_NO_MEMORY : NOS_OK);
        assert_int_equal(entry_of(at + 2 * MIB) != 0, leave == 3);
    }
    struct arch_space none = { 0 };
    assert_int_equal(arch_space_create(&none), NOS_NO_MEMORY);
    assert_int_equal(none.root.v, 0);
}

/* The kernel's half: tables made on the way, and large pages that are no tables. */
static void the_kernels_tables(void **state)
{
    const uint64_t va = NOS_KERNEL_BASE;
    (void)state;
    assert_null(paging_find(kernel_root, va));
    uint64_t made = n_tables, *e = paging_make(kernel_root, va, PTE_PRESENT | PTE_WRITE);
    assert_non_null(e);
    assert_int_equal(n_tables, made + 3);
    *e = 0x5000 | PTE_PRESENT;
    assert_ptr_equal(paging_make(kernel_root, va, PTE_PRESENT), e);  // nothing is made twice
    assert_int_equal(n_tables, made + 3);
    assert_ptr_equal(paging_find(kernel_root, va), e);
    uint64_t *directory = find_directory_entry(kernel_root, va);
    directory[1] = 0x200000 | PTE_PRESENT | PTE_LARGE;
    assert_null(paging_find(kernel_root, va + 2 * MIB));
    exhaust(0);
    assert_null(paging_make(kernel_root, va + 4 * MIB, PTE_PRESENT));
    assert_int_equal(directory[2], 0);
}

static void a_root_is_loaded_once(void **state)
{
    (void)state;
    host_flushes = 0;
    arch_space_switch(NULL);
    assert_int_equal(host_flushes, 0);  // it is the kernel's already
    arch_space_switch(&s);
    assert_int_equal(host_cr3, s.root.v);
    arch_space_switch(&s);
    assert_int_equal(host_flushes, 1);
    arch_space_switch(NULL);
    assert_int_equal(host_cr3, kernel_root.v);
    assert_int_equal(host_flushes, 2);
}

static void clearing_what_is_not_there(void **state)
{
    uint64_t *first = phys_ptr((paddr_t){ 0 }); /* where an absent table would be */
    (void)state;
    memset(first, 0x5a, PAGE_SIZE);
    assert_int_equal(arch_clear(&s, at, 1, true).v, 0);  // no directory
    assert_int_equal(arch_map(&s, at, frame, PROT_R, 0), NOS_OK);
    assert_int_equal(arch_clear(&s, at + 2 * MIB, 1, true).v, 0);  // no table
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        assert_int_equal(first[i], 0x5a5a5a5a5a5a5a5a);
    }
    assert_int_equal(arch_clear(&s, at, 2, false).v, 0);  // others are in its table
    assert_int_equal(mapped(), 0);
    paddr_t table = arch_clear(&s, at, 1, true);
    assert_int_not_equal(table.v, 0);
    assert_false(arch_table_put(&s, table));  // kept for the next
    assert_int_equal(s.spare.v, table.v);
    assert_false(arch_table_put(&s, (paddr_t){ 0 }));
    assert_true(arch_table_put(&s, up_table_alloc()));
}

/* Of two gibibytes in turn, each is found in its own tables. */
static void gibibytes_in_turn(void **state)
{
    static const uint64_t va[] = { 5ull << 30, USER_MIN, 3ull << 30, 515ull << 30 };
    unsigned prot;
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(va); i++) {
        paddr_t pa = { 0x100000 * (i + 1ull) };
        assert_int_equal(arch_map(&s, va[i], pa, PROT_R, 0), NOS_OK);
        for (unsigned k = 0; k < ARRAY_LEN(va); k++) {
            assert_int_equal(arch_query(&s, va[k], &prot).v, k <= i ? 0x100000 * (k + 1ull) : 0);
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(va); i++) {
        assert_int_equal(arch_clear(&s, va[i], 1, false).v, 0);
        assert_int_equal(entry_of(va[i]), 0);
        assert_int_equal(mapped(), ARRAY_LEN(va) - 1 - i);
    }
}

/* Kernel addresses are no pages of a space, though its tables lead there. */
static void the_kernels_half_is_not_found(void **state)
{
    const uint64_t va = NOS_KERNEL_BASE;
    struct arch_space with;
    unsigned prot;
    (void)state;
    uint64_t *e = paging_make(kernel_root, va, PTE_PRESENT | PTE_WRITE);
    *e = 0x5000 | PTE_PRESENT;
    assert_int_equal(arch_space_create(&with), NOS_OK);
    assert_ptr_equal(paging_find(with.root, va), e);
    assert_int_equal(arch_query(&with, va, &prot).v, 0);
    assert_int_equal(prot, 0);
    assert_int_equal(arch_unmap(&with, va).v, 0);
    assert_int_equal(*e, 0x5000 | PTE_PRESENT);
}

/* ---- tear-down ---- */

static void destroy(struct arch_space *of, unsigned budget)
{
    uint64_t before = n_tables;
    for (bool done = false; !done; before = n_tables) {
        done = arch_space_destroy_step(of, budget);
        assert_true(before - n_tables <= budget);
        assert_true(done ? n_tables < before : before - n_tables == budget);
        assert_null(of->directory);  // it may be gone
    }
    assert_int_equal(of->root.v, 0);
}

/* All tables of the space's own go, wherever they are, and none of the kernel's: neither when its
 * half begins where the last page of the space ends, nor at any other place. */
static void all_tables_go_and_no_other(void **state)
{
    enum { GIB = 1 << 30 };
    static const uint64_t va[][3] = {
        { USER_MIN, USER_MIN, USER_MIN },
        { USER_MAX - PAGE_SIZE, USER_MIN, 7ull * GIB },
        { USER_MAX - PAGE_SIZE, USER_MAX - PAGE_SIZE, USER_MAX - PAGE_SIZE },
        { 5ull * GIB + 77 * MIB, (512 + 2ull) * GIB, (512 + 7ull) * GIB },  // a lower place later
        { 3ull * GIB - PAGE_SIZE, 3ull * GIB, 512ull * GIB - PAGE_SIZE },
        { (512 + 5ull) * GIB + 77 * MIB, 1024ull * GIB, (1536 + 9ull) * GIB },
    };
    static const uint64_t kernel[] = { 0xffff800000000000, NOS_KERNEL_BASE };
    uint64_t *e[2];
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        e[k] = paging_make(kernel_root, kernel[k], PTE_PRESENT | PTE_WRITE);
        *e[k] = 0x5000 | PTE_PRESENT;
    }
    uint64_t tables = n_tables, free = frame_stats().free;
    for (size_t i = 0; i < ARRAY_LEN(va); i++) {
        for (unsigned budget = 1; budget <= 3; budget++) {
            struct arch_space gone;
            assert_int_equal(arch_space_create(&gone), NOS_OK);
            for (unsigned k = 0; k < 3; k++) {
                nos_status_t st = arch_map(&gone, va[i][k], frame, PROT_R, 0);
                assert_true(st == NOS_OK || (k > 0 && st == NOS_BAD_STATE));
            }
            destroy(&gone, budget);
            assert_int_equal(n_tables, tables);
            assert_int_equal(frame_stats().free, free);
            for (unsigned k = 0; k < 2; k++) {
                assert_ptr_equal(paging_find(kernel_root, kernel[k]), e[k]);
                assert_int_equal(*e[k], 0x5000 | PTE_PRESENT);
            }
        }
    }
}

/* What lies behind a table in memory is somebody else's, whatever it looks like. */
static void a_table_ends(void **state)
{
    (void)state;
    assert_int_equal(arch_map(&s, at + (1ull << 30), frame, PROT_R, 0), NOS_OK);
    paddr_t two = frame_alloc(1), one = frame_alloc(0);
    exhaust(0);
    frame_free(two, 0);  // so that the directory is the first of two, and the other is held
    assert_int_equal(arch_map(&s, at, frame, PROT_R, 0), NOS_NO_MEMORY);
    frame_free(one, 0);
    assert_int_equal(arch_map(&s, at, frame, PROT_R, 0), NOS_OK);
    uint64_t *directory = phys_ptr(two);
    assert_ptr_equal(find_directory_entry(s.root, at), directory);
    memset(directory + TABLE_ENTRIES, 0xff, PAGE_SIZE);
    destroy(&s, 1);
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        assert_int_equal(directory[TABLE_ENTRIES + i], UINT64_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_writable_and_executable, setup),
        cmocka_unit_test_setup(bad_places, setup),
        cmocka_unit_test_setup(what_is_there_stays, setup),
        cmocka_unit_test_setup(regions_tables, setup),
        cmocka_unit_test_setup(no_memory_for_each_table, setup),
        cmocka_unit_test_setup(the_kernels_tables, setup),
        cmocka_unit_test_setup(a_root_is_loaded_once, setup),
        cmocka_unit_test_setup(clearing_what_is_not_there, setup),
        cmocka_unit_test_setup(gibibytes_in_turn, setup),
        cmocka_unit_test_setup(the_kernels_half_is_not_found, setup),
        cmocka_unit_test_setup(all_tables_go_and_no_other, setup),
        cmocka_unit_test_setup(a_table_ends, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
