/*
 * The kernel's half of all address spaces. The loader's tables lie in frames that will be given
 * away, so they are copied, table by table; on the way each leaf is checked for what the loader
 * promised: nothing of user mode's, nothing writable and executable. What the loader mapped low
 * (its trampoline) is not copied.
 *
 * Then the guard pages under the stacks are taken out, and the device window gets its top-level
 * slot.
 */
#include "kernel/arch/x86_64/kernel_space.h"

#include "kernel/arch/api/upcalls.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/paging.h"
#include "kernel/arch/x86_64/stacks.h"
#include "kernel/arch/x86_64/wiper.h"
#include "kernel/core/panic.h"
#include "lib/checked.h"

#define KERNEL_TABLE (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)

paddr_t kernel_root;
static uint64_t device_next = DEVICE_BASE;

static uint64_t checked_leaf(uint64_t entry)
{
    bool writable = (entry & PTE_WRITE) != 0;

    if ((entry & PTE_USER) != 0 || (writable && (entry & PTE_NX) == 0)) {
        panic("the loader's page tables map 0x%lx writable and executable, or for user mode",
              (unsigned long)(entry & PTE_ADDR));
    }
    return entry | PTE_GLOBAL | PTE_ACCESSED | (writable ? PTE_DIRTY : 0);
}

static bool is_leaf(uint64_t entry, unsigned level)
{
    return level == 1 || (entry & PTE_LARGE) != 0;
}

/* Where the copy stands: a table of each level, and the entry in it that comes next. */
struct copy {
    const uint64_t *from[LEVEL_ROOT + 1];
    uint64_t *to[LEVEL_ROOT + 1];
    unsigned next[LEVEL_ROOT + 1];
    unsigned level;
};

/* Copy the next entry; one that names a table makes that the next to be copied. False: out of
 * memory. */
static bool copy_entry(struct copy *c)
{
    unsigned at = c->next[c->level]++;
    uint64_t entry = c->from[c->level][at];

    if ((entry & PTE_PRESENT) == 0) {
        return true;
    }
    if (is_leaf(entry, c->level)) {
        c->to[c->level][at] = checked_leaf(entry);
        return true;
    }
    paddr_t made = up_table_alloc();
    if (made.v == 0) {
        return false;
    }
    c->to[c->level][at] = made.v | KERNEL_TABLE;
    c->level--;
    c->from[c->level] = table_at(entry);
    c->to[c->level] = phys_ptr(made);
    c->next[c->level] = 0;
    return true;
}

static nos_status_t copy_kernel_half(paddr_t from, paddr_t to)
{
    struct copy c = { .level = LEVEL_ROOT };

    c.from[LEVEL_ROOT] = phys_ptr(from);
    c.to[LEVEL_ROOT] = phys_ptr(to);
    c.next[LEVEL_ROOT] = KERNEL_FIRST;
    while (c.level <= LEVEL_ROOT) {
        if (c.next[c.level] == TABLE_ENTRIES) {
            c.level++;
        } else if (!copy_entry(&c)) {
            return NOS_NO_MEMORY;
        }
    }
    return NOS_OK;
}

static void drop_guard(const uint8_t *page)
{
    uint64_t *entry = paging_find(kernel_root, (uint64_t)page);
    KASSERT(entry != NULL && (*entry & PTE_PRESENT) != 0);
    *entry = 0;
}

static void drop_guards(void)
{
    drop_guard(stacks.guard);
    for (unsigned i = 0; i < STACK_FAULTS; i++) {
        drop_guard(stacks.fault[i].guard);
    }
}

/* CR3 alone leaves global entries of the loader's behind. */
static void load_root(void)
{
    uint64_t cr4 = read_cr4();
    write_cr4(cr4 & ~(uint64_t)CR4_PGE);
    arch_space_switch(NULL);
    write_cr4(cr4);
}

nos_status_t arch_kernel_space_init(const struct nos_bootinfo *bi)
{
    kernel_root = up_table_alloc();
    if (kernel_root.v == 0) {
        return NOS_NO_MEMORY;
    }
    nos_status_t st = copy_kernel_half((paddr_t){ bi->boot_cr3 & PTE_ADDR }, kernel_root);
    if (st == NOS_OK && paging_make(kernel_root, DEVICE_BASE, KERNEL_TABLE) == NULL) {
        st = NOS_NO_MEMORY;
    }
    if (st == NOS_OK) {
        drop_guards();
        load_root();
        wiper_init(bi, kernel_root);
    }
    return st;
}

volatile void *arch_device_map(paddr_t pa, size_t len)
{
    uint64_t first = pa.v & ~(uint64_t)(PAGE_SIZE - 1), end, bytes;
    uint64_t va = device_next;

    if (!checked_add(pa.v, len, &end) || !checked_align_up(end - first, PAGE_SIZE, &bytes) ||
        (end & ~(PTE_ADDR | (PAGE_SIZE - 1))) != 0 ||
        va - DEVICE_BASE + bytes > DEVICE_LEN - PAGE_SIZE) {
        return NULL;
    }
    for (uint64_t at = 0; at < bytes; at += PAGE_SIZE) {
        uint64_t *entry = paging_make(kernel_root, va + at, KERNEL_TABLE);
        if (entry == NULL) {
            return NULL;  // what was mapped stays: nobody has its address
        }
        *entry = (first + at) | PTE_PRESENT | PTE_WRITE | PTE_NX | PTE_UNCACHED | PTE_GLOBAL |
                 PTE_ACCESSED | PTE_DIRTY;
    }
    device_next = va + bytes + PAGE_SIZE;            // with a page between, that nothing maps
    return (volatile uint8_t *)va + (pa.v - first);  // NOLINT: a number becomes an address here
}

struct stacks *kernel_stacks_new(void)
{
    uint64_t va = device_next;
    struct stacks *s = (struct stacks *)va;  // NOLINT: a number becomes an address here
    for (uint64_t at = 0; at < sizeof *s; at += PAGE_SIZE) {
        bool guard = at == 0 || (at >= STACK_KERNEL_TOP &&
                                 (at - STACK_KERNEL_TOP) % sizeof(struct fault_stack) == 0);
        paddr_t frame = guard ? (paddr_t){ 0 } : up_table_alloc();
        uint64_t *entry = guard ? NULL : paging_make(kernel_root, va + at, KERNEL_TABLE);
        if (!guard && (frame.v == 0 || entry == NULL)) {
            return NULL;  // at the start of the machine: there is no life without memory then
        }
        if (!guard) {
            *entry =
                frame.v | PTE_PRESENT | PTE_WRITE | PTE_NX | PTE_GLOBAL | PTE_ACCESSED | PTE_DIRTY;
        }
    }
    device_next = va + sizeof *s + PAGE_SIZE;
    return s;
}
