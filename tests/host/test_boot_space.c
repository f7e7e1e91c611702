/* boot/space.h and boot/paging.h: the tables are walked as the processor would, page by page. */
#include "boot/space.h"
#include "tests/host/test.h"

enum { PAGE = 4096, POOL_TABLES = 64 };
#define POOL_PHYS 0x7654000ull
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define P_PRESENT 1ull
#define P_WRITE 2ull
#define P_LARGE 0x80ull
#define P_GLOBAL 0x100ull
#define P_NX (1ull << 63)
#define P_ADDR 0x000ffffffffff000ull

struct walk {
    bool mapped;
    uint64_t phys, bits, size;
};

static struct walk walk(const uint64_t *pool, uint64_t virt)
{
    const uint64_t *table = pool;
    for (unsigned level = 4; level-- > 0;) {
        unsigned shift = 12 + 9 * level;
        uint64_t size = 1ull << shift;
        uint64_t e = table[virt >> shift & 511];
        if ((e & P_PRESENT) == 0) {
            return (struct walk){ 0 };
        }
        if (level == 0 || (e & P_LARGE) != 0) {
            uint64_t base = e & P_ADDR;
            assert_int_equal(base & (size - 1), 0);  // the bits below are reserved in a big page
            assert_int_equal((e & P_LARGE) != 0, level != 0);  // in a small one: another caching
            return (struct walk){ true, base | (virt & (size - 1)), e & (P_WRITE | P_NX | P_GLOBAL),
                                  size };
        }
        assert_true((e & P_WRITE) != 0 && (e & P_NX) == 0);  // leaves decide
        assert_true((e & P_ADDR) >= POOL_PHYS && (e & P_ADDR) < POOL_PHYS + POOL_TABLES * PAGE);
        table = pool + ((e & P_ADDR) - POOL_PHYS) / 8;
    }
    return (struct walk){ 0 };
}

static void expect(const uint64_t *pool, uint64_t virt, uint64_t phys, uint64_t bits, uint64_t size)
{
    struct walk w = walk(pool, virt);
    assert_true(w.mapped);
    assert_int_equal(w.phys, phys);
    assert_int_equal(w.bits, bits);
    assert_int_equal(w.size, size);
}

static uint64_t *pool_new(uint32_t tables)
{
    uint64_t *pool = malloc((size_t)tables * PAGE);  // exact: ASan sees one table too many
    assert_non_null(pool);
    memset(pool, 0xff, (size_t)tables * PAGE);  // loader memory is dirty
    return pool;
}

static void test_page_sizes(void **state)
{
    (void)state;
    for (int gib = 0; gib <= 1; gib++) {
        uint64_t *pool = pool_new(POOL_TABLES);
        struct paging t = { .gib_pages = gib != 0 };
        paging_start(&t, pool, POOL_PHYS, POOL_TABLES);
        assert_true(paging_map(&t, GIB - PAGE, GIB - PAGE, PAGE + 2 * GIB + 2 * MIB + PAGE,
                               PAGING_WRITE | PAGING_BIG));
        expect(pool, GIB - 1, GIB - 1, P_WRITE | P_NX, PAGE);
        expect(pool, GIB, GIB, P_WRITE | P_NX, gib ? GIB : 2 * MIB);
        expect(pool, 3 * GIB - 1, 3 * GIB - 1, P_WRITE | P_NX, gib ? GIB : 2 * MIB);
        expect(pool, 3 * GIB, 3 * GIB, P_WRITE | P_NX, 2 * MIB);
        expect(pool, 3 * GIB + 2 * MIB, 3 * GIB + 2 * MIB, P_WRITE | P_NX, PAGE);
        assert_false(walk(pool, 3 * GIB + 2 * MIB + PAGE).mapped);
        assert_false(walk(pool, GIB - PAGE - 1).mapped);
        free(pool);
    }
}

static void test_unlike_alignment_needs_small_pages(void **state)
{
    uint64_t *pool = pool_new(POOL_TABLES);
    struct paging t = { .gib_pages = true };
    (void)state;
    paging_start(&t, pool, POOL_PHYS, POOL_TABLES);
    assert_true(paging_map(&t, 2 * MIB, 4 * MIB + PAGE, 2 * MIB, PAGING_EXEC | PAGING_BIG));
    expect(pool, 2 * MIB + 5, 4 * MIB + PAGE + 5, 0, PAGE);
    assert_true(
        paging_map(&t, 4 * MIB, 4 * MIB, 2 * MIB, PAGING_EXEC));  // nor big when not asked to
    expect(pool, 4 * MIB, 4 * MIB, 0, PAGE);
    free(pool);
}

static void test_refusals(void **state)
{
    uint64_t *pool = pool_new(POOL_TABLES);
    struct paging t = { 0 };
    (void)state;
    paging_start(&t, pool, POOL_PHYS, POOL_TABLES);
    assert_false(paging_map(&t, 0, 0, PAGE, PAGING_WRITE | PAGING_EXEC));
    assert_false(paging_map(&t, 0, 0, PAGE, PAGING_WRITE | PAGING_EXEC | PAGING_GLOBAL));
    assert_false(paging_map(&t, 1, 0, PAGE, 0));
    assert_false(paging_map(&t, 0, 1, PAGE, 0));
    assert_false(paging_map(&t, 0, 0, 1, 0));
    assert_false(paging_map(&t, UINT64_MAX - PAGE + 1, 0, 2 * PAGE, 0));
    assert_true(paging_map(&t, 5 * PAGE, 0, PAGE, 0));
    assert_false(paging_map(&t, 5 * PAGE, 0, PAGE, 0));  // never back
    assert_true(paging_map(&t, 3 * PAGE, 0, 0, 0));      // nothing is nothing, wherever
    assert_true(paging_map(&t, UINT64_MAX - PAGE + 1, 0, PAGE, 0));
    assert_false(paging_map(&t, 0, 0, PAGE, 0));
    free(pool);
}

static void test_no_room(void **state)
{
    uint64_t *pool = pool_new(4);
    struct paging t = { 0 };
    (void)state;
    paging_start(&t, NULL, 0, 0);
    assert_true(paging_map(&t, 0, 0, PAGE, 0));
    assert_int_equal(t.used, 4);
    for (uint32_t room = 0; room <= 4; room++) {
        paging_start(&t, pool, POOL_PHYS, room);
        assert_int_equal(paging_map(&t, 0, 0, PAGE, 0), room == 4);
    }
    free(pool);
}

/* A kernel as the linker makes it: text, constants, data with a relocated-then-read-only head. */
static const struct elf_view elf = {
    .mem_len = 14 * PAGE,
    .relro_off = 8 * PAGE,
    .relro_len = PAGE,
    .n_seg = 3,  // and one behind them that is none
    .seg = {
        { .off = 0, .memsz = 3 * PAGE, .flags = ELF_R },
        { .off = 3 * PAGE, .memsz = 4 * PAGE + 1, .flags = ELF_R | ELF_X },
        { .off = 8 * PAGE, .memsz = 5 * PAGE + 7, .flags = ELF_R | ELF_W },
        { .off = 14 * PAGE, .memsz = PAGE, .flags = ELF_R },
    },
};
static const struct nos_mem_range mem[] = {
    { 0, 0xa0000, NOS_MEM_FREE, 0 },
    { 0xa0000, 0x60000, NOS_MEM_RESERVED, 0 },
    { MIB, 7 * MIB, NOS_MEM_FREE, 0 },
    { 8 * MIB, 14 * PAGE, NOS_MEM_KERNEL, 0 },
    { 8 * MIB + 14 * PAGE, 24 * MIB - 14 * PAGE, NOS_MEM_LOADER, 0 },
    { 32 * MIB, 64 * PAGE, NOS_MEM_RESERVED, 0 },
    { 32 * MIB + 64 * PAGE, GIB - 32 * MIB - 64 * PAGE, NOS_MEM_ACPI, 0 },
    { 4 * GIB, 2 * GIB, NOS_MEM_FREE, 0 },
};
enum { N_MEM = sizeof(mem) / sizeof(mem[0]) };
#define ENTER_PAGE (16 * MIB + 5 * PAGE)

static bool in_ram(uint64_t phys)
{
    for (unsigned i = 0; i < N_MEM; i++) {
        if (phys - mem[i].base < mem[i].len) {
            return mem[i].kind != NOS_MEM_RESERVED;
        }
    }
    return false;
}

static uint64_t *space_new(struct paging *t)
{
    struct nos_bootinfo info = { .kernel_base = 8 * MIB, .kernel_virt = NOS_KERNEL_BASE };
    struct space s;
    space_init(&s, &elf, &info, ENTER_PAGE);
    assert_int_equal(s.n_pieces, 4);  // none empty
    s.piece[4] = (struct space_piece){ 10 * PAGE, PAGE, 0 };
    paging_start(t, NULL, 0, 0);
    assert_true(space_map(&s, t, mem, N_MEM));
    uint32_t counted = t->used;
    uint64_t *pool = pool_new(counted);
    for (uint32_t room = 0; room < counted; room++) {  // whichever table is one too many
        paging_start(t, pool, POOL_PHYS, room);
        assert_false(space_map(&s, t, mem, N_MEM));
    }
    paging_start(t, pool, POOL_PHYS, counted);
    assert_true(space_map(&s, t, mem, N_MEM));
    assert_int_equal(t->used, counted);
    return pool;
}

static void test_kernel_rights(void **state)
{
    struct paging t = { .gib_pages = true };
    uint64_t *pool = space_new(&t);
    (void)state;
    for (uint64_t page = 0; page < 16; page++) {
        uint64_t virt = NOS_KERNEL_BASE + page * PAGE;
        uint64_t phys = 8 * MIB + page * PAGE;
        uint64_t rights = page < 3 ? P_NX : page < 8 ? 0 : page < 9 ? P_NX : P_NX | P_WRITE;
        if (page >= 14) {
            assert_false(walk(pool, virt).mapped);
        } else {
            expect(pool, virt, phys, rights | P_GLOBAL, PAGE);
        }
        expect(pool, NOS_DIRECT_BASE + phys, phys, (page < 9 ? 0 : P_WRITE) | P_NX | P_GLOBAL,
               PAGE);
    }
    free(pool);
}

/* What is read-only after relocation lies in one segment, and changes no other, before it or
 * behind. */
static void test_relro_is_of_one_segment(void **state)
{
    static const struct elf_view first = {
        .mem_len = 4 * PAGE,
        .relro_off = 0,
        .relro_len = PAGE,
        .n_seg = 2,
        .seg = { { .off = 0, .memsz = 2 * PAGE, .flags = ELF_R | ELF_W },
                 { .off = 2 * PAGE, .memsz = 2 * PAGE, .flags = ELF_R | ELF_W } },
    };
    struct nos_bootinfo info = { .kernel_base = 8 * MIB, .kernel_virt = NOS_KERNEL_BASE };
    struct space s;
    (void)state;
    space_init(&s, &first, &info, ENTER_PAGE);
    for (uint64_t page = 0; page < 4; page++) {
        unsigned found = 0;
        for (uint32_t i = 0; i < s.n_pieces; i++) {
            if (page * PAGE - s.piece[i].off < s.piece[i].len) {
                assert_int_equal((s.piece[i].flags & PAGING_WRITE) != 0, page != 0);
                found++;
            }
        }
        assert_int_equal(found, 1);
    }
    const struct nos_mem_range ram = { MIB, 31 * MIB, NOS_MEM_FREE, 0 };
    struct paging t = { .gib_pages = true };
    paging_start(&t, NULL, 0, 0);
    assert_true(space_map(&s, &t, &ram, 1));
    uint32_t counted = t.used;
    uint64_t *pool = pool_new(counted);
    for (uint32_t room = 0; room < counted; room++) {  // RAM that begins before the kernel
        paging_start(&t, pool, POOL_PHYS, room);
        assert_false(space_map(&s, &t, &ram, 1));
    }
    free(pool);
}

/* What of RAM cannot be mapped as it is said to be stops the loader: no map has a hole. */
static void test_not_mapped(void **state)
{
    enum { RO = 8 * PAGE };  // the read-only pieces that the image begins with
    static const struct {
        struct nos_mem_range mem[2];
        uint64_t enter;
        bool done;
    } rows[] = {
        { { { MIB, MIB, NOS_MEM_FREE, 0 }, { 8 * MIB, RO, NOS_MEM_KERNEL, 0 } }, ENTER_PAGE, true },
        { { { MIB, MIB, NOS_MEM_FREE, 0 }, { 8 * MIB, RO, NOS_MEM_KERNEL, 0 } }, 1, false },
        { { { 16 * MIB, MIB, NOS_MEM_FREE, 0 }, { 8 * MIB, RO, NOS_MEM_KERNEL, 0 } },
          ENTER_PAGE,
          false },  // goes down, to the read-only pieces alone
        { { { 16 * MIB, MIB, NOS_MEM_FREE, 0 }, { MIB, MIB, NOS_MEM_FREE, 0 } },
          ENTER_PAGE,
          false },
        { { { MIB, MIB, NOS_MEM_FREE, 0 }, { 8 * MIB - 1, RO + 1, NOS_MEM_KERNEL, 0 } },
          ENTER_PAGE,
          false },
    };
    struct nos_bootinfo info = { .kernel_base = 8 * MIB, .kernel_virt = NOS_KERNEL_BASE };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct paging t = { 0 };
        struct space s;
        uint64_t *pool = pool_new(POOL_TABLES);
        space_init(&s, &elf, &info, rows[i].enter);
        paging_start(&t, pool, POOL_PHYS, POOL_TABLES);
        assert_int_equal(space_map(&s, &t, rows[i].mem, 2), rows[i].done);
        if (rows[i].done) {  // read-only up to where this RAM ends
            expect(pool, NOS_DIRECT_BASE + 8 * MIB + RO - PAGE, 8 * MIB + RO - PAGE,
                   P_NX | P_GLOBAL, PAGE);
            assert_false(walk(pool, NOS_DIRECT_BASE + 8 * MIB + RO).mapped);
        }
        free(pool);
    }
}

/* Ranges that touch share a big page, those behind the last are none. */
static void test_touching_ranges(void **state)
{
    static const struct nos_mem_range touching[] = {
        { 0, 3 * MIB, NOS_MEM_FREE, 0 },
        { 3 * MIB, MIB, NOS_MEM_LOADER, 0 },
        { 4 * MIB, MIB, NOS_MEM_FREE, 0 },
    };
    struct nos_bootinfo info = { .kernel_base = 8 * MIB, .kernel_virt = NOS_KERNEL_BASE };
    struct paging t = { 0 };
    struct space s;
    uint64_t *pool = pool_new(POOL_TABLES);
    (void)state;
    space_init(&s, &elf, &info, ENTER_PAGE);
    paging_start(&t, pool, POOL_PHYS, POOL_TABLES);
    assert_true(space_map(&s, &t, touching, 2));
    expect(pool, NOS_DIRECT_BASE + 3 * MIB, 3 * MIB, P_WRITE | P_NX | P_GLOBAL, 2 * MIB);
    assert_false(walk(pool, NOS_DIRECT_BASE + 4 * MIB).mapped);
    free(pool);
}

static void test_direct_map_is_ram_and_nothing_else(void **state)
{
    (void)state;
    for (int gib = 0; gib <= 1; gib++) {
        struct paging t = { .gib_pages = gib != 0 };
        uint64_t *pool = space_new(&t);
        for (uint64_t phys = 0; phys < 7 * GIB; phys += phys < 64 * MIB ? PAGE : 2 * MIB) {
            struct walk w = walk(pool, NOS_DIRECT_BASE + phys);
            assert_int_equal(w.mapped, in_ram(phys));
            if (w.mapped) {
                assert_int_equal(w.phys, phys);
                assert_true((w.bits & P_NX) != 0 && (w.bits & P_GLOBAL) != 0);
            }
        }
        expect(pool, NOS_DIRECT_BASE + 5 * GIB, 5 * GIB, P_WRITE | P_NX | P_GLOBAL,
               gib ? GIB : 2 * MIB);
        expect(pool, NOS_DIRECT_BASE + 4 * MIB, 4 * MIB, P_WRITE | P_NX | P_GLOBAL, 2 * MIB);
        free(pool);
    }
}

/** Every leaf of the tables: none writable and executable, and what executes is kernel text and one
 * page. */
static void check_leaves(const uint64_t *table, const uint64_t *pool, unsigned level,
                         unsigned *exec)
{
    for (unsigned i = 0; i < 512; i++) {
        uint64_t e = table[i];
        if ((e & P_PRESENT) == 0) {
            assert_int_equal(e, 0);
        } else if (level == 0 || (e & P_LARGE) != 0) {
            assert_false((e & P_WRITE) != 0 && (e & P_NX) == 0);
            *exec += (e & P_NX) == 0;
        } else {
            check_leaves(pool + ((e & P_ADDR) - POOL_PHYS) / 8, pool, level - 1, exec);
        }
    }
}

static void test_no_page_is_writable_and_executable(void **state)
{
    struct paging t = { .gib_pages = true };
    uint64_t *pool = space_new(&t);
    unsigned exec = 0;
    (void)state;
    check_leaves(pool, pool, 3, &exec);
    assert_int_equal(exec, 5 + 1);
    expect(pool, ENTER_PAGE, ENTER_PAGE, 0, PAGE);
    assert_false(walk(pool, ENTER_PAGE + PAGE).mapped);
    assert_false(walk(pool, ENTER_PAGE - 1).mapped);
    free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_sizes),
        cmocka_unit_test(test_unlike_alignment_needs_small_pages),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_kernel_rights),
        cmocka_unit_test(test_relro_is_of_one_segment),
        cmocka_unit_test(test_not_mapped),
        cmocka_unit_test(test_touching_ranges),
        cmocka_unit_test(test_direct_map_is_ram_and_nothing_else),
        cmocka_unit_test(test_no_page_is_writable_and_executable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
