/* kernel/arch/x86_64/kernel_space.c: what is taken over from the loader's tables and what never;
 * device windows; stacks. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include "kernel/memory/frame.c"

/* ---- page tables that may run out, registers that are only noted, a panic that comes back ---- */

static unsigned tables_left, tables_taken;
static unsigned table_refused; /* of those to come this one alone; 0: none */

static paddr_t table_or_none(void)
{
    if (tables_left == 0 || (table_refused != 0 && --table_refused == 0)) {
        return (paddr_t){ 0 };
    }
    tables_left--;
    tables_taken++;
    return up_table_alloc();
}
#define up_table_alloc table_or_none
#include "tests/host/kernel_paging.h"

#include "kernel/arch/x86_64/stacks.h"
#include "kernel/arch/x86_64/wiper.h"

static uint64_t cr4_now = CR4_PGE | CR4_PAE, cr4_written[2], cr3_between;
static unsigned cr4_writes;

static uint64_t cr4_is(void)
{
    return cr4_now;
}

static void cr4_becomes(uint64_t v)
{
    cr4_written[cr4_writes++ % 2] = v;
    cr4_now = v;
}

#include "tests/host/panic_host.h"

/* The boot CPU's stacks lie where this program does: the kernel's half begins below that. */
#define KERNEL_FIRST 128
__attribute__((aligned(4096))) struct stacks stacks;
#define IMAGE 0xffffffff80000000ull
#define STACKS_AT ((uint64_t)&stacks)
#define read_cr4 cr4_is
#define write_cr4 cr4_becomes
#define panic panics
#include "kernel/arch/x86_64/kernel_space.c"
#undef panic

static unsigned wipers;

void wiper_init(const struct nos_bootinfo *bi, paddr_t root)
{
    assert_non_null(bi);
    assert_int_equal(root.v, kernel_root.v);
    cr3_between = host_cr3;
    wipers++;
}

bool up_reclaim(void)
{
    return false;
}

/* ---- the loader's tables: the direct map, an image with its stacks, a trampoline ---- */

enum { IMAGE_PAGES = 0x40 };
static paddr_t loader_root;

static uint64_t *entry_of(uint64_t va, unsigned level)
{
    uint64_t *t = phys_ptr(loader_root);
    for (unsigned at = LEVEL_ROOT; at > level; at--) {
        uint64_t *e = &t[level_index(va, at)];
        if (*e == 0) {
            *e = frame_alloc(0).v | PTE_PRESENT | PTE_WRITE;
        }
        t = table_at(*e);
    }
    return &t[level_index(va, level)];
}

static int fresh(void **state)
{
    (void)state;
    memset(head, 0, sizeof head);
    host_start();
    stats = (struct frame_stats){ 0 };
    n_tables = 0;
    frame_init(&host_bi);
    tables_left = 1000;
    tables_taken = table_refused = wipers = cr4_writes = 0;
    cr4_now = CR4_PGE | CR4_PAE;
    host_cr3 = 0;
    device_next = DEVICE_BASE;
    loader_root = frame_alloc(0);
    *entry_of(NOS_KERNEL_BASE - (1ull << 39), 3) =
        0x40000000 | PTE_PRESENT | PTE_WRITE | PTE_NX | PTE_LARGE;
    *entry_of(0xffff900000000000, 2) = 0x600000 | PTE_PRESENT | PTE_LARGE;  // read and execute
    for (uint64_t i = 0; i < IMAGE_PAGES; i++) {
        *entry_of(IMAGE + i * PAGE_SIZE, 1) =
            (0x800000 + i * PAGE_SIZE) | PTE_PRESENT | (i < 16 ? 0 : PTE_WRITE | PTE_NX);
    }
    for (uint64_t at = 0; at < sizeof stacks; at += PAGE_SIZE) {
        *entry_of(STACKS_AT + at, 1) = (0x900000 + at) | PTE_PRESENT | PTE_WRITE | PTE_NX;
    }
    *entry_of(0x7000, 1) = 0x7000 | PTE_PRESENT;  // its trampoline
    host_bi.boot_cr3 = loader_root.v | 0x18;      // with flags that are no address
    kernel_root = (paddr_t){ 0 };
    return 0;
}

static nos_status_t take_over(void)
{
    return arch_kernel_space_init(&host_bi);
}

static uint64_t now(uint64_t va)
{
    const uint64_t *e = paging_find(kernel_root, va);
    return e == NULL ? 0 : *e;
}

/* ---- the copy ---- */

static void taken_over(void **state)
{
    (void)state;
    assert_int_equal(take_over(), NOS_OK);
    const uint64_t *root = phys_ptr(kernel_root), *theirs = phys_ptr(loader_root);
    assert_int_not_equal(kernel_root.v, loader_root.v);
    for (unsigned i = 0; i < KERNEL_FIRST; i++) {
        assert_int_equal(root[i], 0);
    }
    for (unsigned i = KERNEL_FIRST; i < TABLE_ENTRIES; i++) {  // each table is its own
        bool device = i == level_index(DEVICE_BASE, LEVEL_ROOT);
        assert_int_equal(root[i] != 0, theirs[i] != 0 || device);
        if (root[i] != 0) {
            assert_int_equal(root[i] & ~PTE_ADDR, PTE_PRESENT | PTE_WRITE | PTE_ACCESSED);
            assert_int_not_equal(root[i] & PTE_ADDR, theirs[i] & PTE_ADDR);
        }
    }
    assert_int_equal(now(IMAGE), 0x800000 | PTE_PRESENT | PTE_GLOBAL | PTE_ACCESSED);
    assert_int_equal(now(IMAGE + 16 * PAGE_SIZE), (0x800000 + 16 * PAGE_SIZE) | PTE_PRESENT |
                                                      PTE_WRITE | PTE_NX | PTE_GLOBAL |
                                                      PTE_ACCESSED | PTE_DIRTY);
    const uint64_t *gib = table_at(root[level_index(NOS_KERNEL_BASE - (1ull << 39), 4)]);
    assert_int_equal(gib[level_index(NOS_KERNEL_BASE - (1ull << 39), 3)],
                     0x40000000 | PTE_PRESENT | PTE_WRITE | PTE_NX | PTE_LARGE | PTE_GLOBAL |
                         PTE_ACCESSED | PTE_DIRTY);
    const uint64_t *large = table_at(root[level_index(0xffff900000000000, 4)]);
    large = table_at(large[level_index(0xffff900000000000, 3)]);
    assert_int_equal(large[level_index(0xffff900000000000, 2)],
                     0x600000 | PTE_PRESENT | PTE_LARGE | PTE_GLOBAL | PTE_ACCESSED);
}

static void guards_are_out(void **state)
{
    unsigned out = 0;
    (void)state;
    assert_int_equal(take_over(), NOS_OK);
    for (uint64_t at = 0; at < sizeof(struct stacks); at += PAGE_SIZE) {
        bool guard = at == 0;
        for (unsigned i = 0; i < STACK_FAULTS; i++) {
            guard |= at == offsetof(struct stacks, fault) + i * sizeof(struct fault_stack);
        }
        assert_int_equal(now(STACKS_AT + at) == 0, guard);
        out += guard;
    }
    assert_int_equal(out, 1 + STACK_FAULTS);
}

/* Global entries of the loader's go too: the new root is loaded while there are none. */
static void loaded(void **state)
{
    (void)state;
    assert_int_equal(take_over(), NOS_OK);
    assert_int_equal(cr4_writes, 2);
    assert_int_equal(cr4_written[0], CR4_PAE);
    assert_int_equal(cr4_written[1], CR4_PGE | CR4_PAE);
    assert_int_equal(host_cr3, kernel_root.v);
    assert_int_equal(cr3_between, kernel_root.v);
    assert_int_equal(wipers, 1);
}

static bool breaks(uint64_t va, unsigned level, uint64_t entry)
{
    (void)fresh(NULL);
    *entry_of(va, level) = entry;
    if (setjmp(panicked) != 0) {
        assert_non_null(strstr(panic_text, "writable and executable, or for user mode"));
        assert_non_null(strstr(panic_text, "map 0x40000000 "));  // an address, without its flags
        assert_int_equal(wipers, 0);
        return true;
    }
    (void)take_over();
    return false;
}

static void what_the_loader_may_not(void **state)
{
    static const uint64_t at[] = { 0, 0xffff900040000000, 0xffff900080000000, 0xffffa00000000000 };
    (void)state;
    for (unsigned level = 1; level <= 3; level++) {
        uint64_t leaf = 0x40000000 | PTE_PRESENT | (level > 1 ? PTE_LARGE : 0);
        assert_false(breaks(at[level], level, leaf));
        assert_false(breaks(at[level], level, leaf | PTE_NX));
        assert_false(breaks(at[level], level, leaf | PTE_NX | PTE_WRITE));
        assert_true(breaks(at[level], level, leaf | PTE_WRITE));
        assert_true(breaks(at[level], level, leaf | PTE_USER));
        assert_true(breaks(at[level], level, leaf | PTE_USER | PTE_NX | PTE_WRITE));
        assert_false(breaks(at[level], level, (leaf | PTE_USER) & ~PTE_PRESENT));  // maps nothing
    }
    assert_false(breaks(0x9000, 1, PTE_PRESENT | PTE_WRITE | PTE_USER));  // low: not taken over
}

static void too_little_memory(void **state)
{
    assert_int_equal(take_over(), NOS_OK);
    unsigned needed = tables_taken;
    for (unsigned few = 0; few < needed; few++) {
        fresh(state);
        tables_left = few;
        assert_int_equal(take_over(), NOS_NO_MEMORY);
        assert_int_equal(wipers, 0);
        assert_int_equal(cr4_writes, 0);
        assert_int_equal(host_cr3, 0);
    }
    for (unsigned nth = 1; nth <= needed; nth++) {  // there would be enough for the rest
        fresh(state);
        table_refused = nth;
        assert_int_equal(take_over(), NOS_NO_MEMORY);
        assert_int_equal(tables_taken, nth - 1);  // nothing is begun after that
        assert_int_equal(wipers, 0);
    }
    fresh(state);
    tables_left = needed;
    assert_int_equal(take_over(), NOS_OK);
}

/* ---- devices ---- */

static void device_pages(void **state)
{
    const uint64_t bits = PTE_PRESENT | PTE_WRITE | PTE_NX | PTE_PWT | PTE_PCD | PTE_GLOBAL |
                          PTE_ACCESSED | PTE_DIRTY;
    (void)state;
    assert_int_equal(take_over(), NOS_OK);
    assert_int_equal((uint64_t)arch_device_map((paddr_t){ 0xfee00000 }, 0x1000), DEVICE_BASE);
    assert_int_equal(now(DEVICE_BASE), 0xfee00000 | bits);
    assert_int_equal(now(DEVICE_BASE + PAGE_SIZE), 0);
    uint64_t next = DEVICE_BASE + 2 * PAGE_SIZE;  // nothing is mapped between
    assert_int_equal((uint64_t)arch_device_map((paddr_t){ 0xfd000ff8 }, 16), next + 0xff8);
    assert_int_equal(now(next), 0xfd000000 | bits);
    assert_int_equal(now(next + PAGE_SIZE), 0xfd001000 | bits);
    assert_int_equal(now(next + 2 * PAGE_SIZE), 0);
    assert_int_equal(device_next, next + 3 * PAGE_SIZE);
}

static void no_device(void **state)
{
    static const struct {
        uint64_t pa;
        size_t len;
    } rows[] = {
        { UINT64_MAX, 1 },  // past the end of all addresses
        { 0, UINT64_MAX },  // more than whole pages of them
        { 1ull << 52, 1 },  // no physical address
        { (1ull << 52) - 1, 2 },
        { 1ull << 63, 1 },
        { 0, DEVICE_LEN },  // a page must stay behind it
        { 1, DEVICE_LEN - PAGE_SIZE },
    };
    (void)state;
    assert_int_equal(take_over(), NOS_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(0, (uint64_t)arch_device_map((paddr_t){ rows[i].pa }, rows[i].len));
        assert_int_equal(device_next, DEVICE_BASE);
    }
    tables_left = 0;
    device_next = DEVICE_BASE + 0x200000;  // where there is no table yet
    assert_int_equal(0, (uint64_t)arch_device_map((paddr_t){ 0xfee00000 }, 1));
    assert_int_equal(device_next, DEVICE_BASE + 0x200000);
    tables_left = 1000;
    device_next = DEVICE_BASE + DEVICE_LEN - 2 * PAGE_SIZE;  // room for one page
    assert_int_equal(0, (uint64_t)arch_device_map((paddr_t){ 0xfee00fff }, 2));
    assert_int_not_equal(0, (uint64_t)arch_device_map((paddr_t){ 0xfee00fff }, 1));
    assert_int_equal(0, (uint64_t)arch_device_map((paddr_t){ 0xfee00fff }, 1));
}

/* ---- stacks of another CPU ---- */

static void another_cpus_stacks(void **state)
{
    const uint64_t bits = PTE_PRESENT | PTE_WRITE | PTE_NX | PTE_GLOBAL | PTE_ACCESSED | PTE_DIRTY;
    uint64_t before = 0;
    (void)state;
    assert_int_equal(take_over(), NOS_OK);
    device_next += 5 * PAGE_SIZE;
    uint64_t va = device_next;
    unsigned taken = tables_taken;
    assert_int_equal((uint64_t)kernel_stacks_new(), va);
    unsigned needed = tables_taken - taken + 1;
    assert_int_equal(tables_taken - taken, sizeof(struct stacks) / PAGE_SIZE - 1 - STACK_FAULTS);
    for (uint64_t at = 0; at < sizeof(struct stacks); at += PAGE_SIZE) {
        bool guard = at == 0;
        for (unsigned i = 0; i < STACK_FAULTS; i++) {
            guard |= at == offsetof(struct stacks, fault) + i * sizeof(struct fault_stack);
        }
        uint64_t e = now(va + at);
        if (guard) {
            assert_int_equal(e, 0);
        } else {
            assert_int_equal(e & ~PTE_ADDR, bits);
            assert_int_not_equal(e & PTE_ADDR, before);
            before = e & PTE_ADDR;
        }
    }
    assert_int_equal(device_next, va + sizeof(struct stacks) + PAGE_SIZE);
    for (unsigned few = 0; few < needed; few++) {
        fresh(state);
        assert_int_equal(take_over(), NOS_OK);
        device_next = DEVICE_BASE + 0x200000 - 3 * PAGE_SIZE;  // a table is wanted on the way
        tables_left = few;
        assert_null(kernel_stacks_new());
        assert_int_equal(device_next, DEVICE_BASE + 0x200000 - 3 * PAGE_SIZE);
    }
    for (unsigned nth = 1; nth <= needed; nth++) {
        fresh(state);
        assert_int_equal(take_over(), NOS_OK);
        device_next = DEVICE_BASE + 0x200000;  // no table yet, and a guard wants none
        table_refused = nth;
        assert_null(kernel_stacks_new());
    }
}

int main(void)
{
    host_start();  // before anything reads gs
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        TEST(taken_over),
        TEST(guards_are_out),
        TEST(loaded),
        TEST(what_the_loader_may_not),
        TEST(too_little_memory),
        TEST(device_pages),
        TEST(no_device),
        TEST(another_cpus_stacks),
    };
    return cmocka_run_group_tests_name("kernel_space", tests, NULL, NULL);
}
