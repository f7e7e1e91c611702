/*
 * Four-level page tables of user spaces. The kernel half of every top table is a copy of the
 * kernel's, made once: its top-level entries never change after kernel_space.c has filled them, so
 * no space can miss one.
 *
 * Every entry that a leaf lies under allows what user mode may ever have; the leaf alone decides.
 * Accessed and dirty are set from the start, which saves the CPU a locked write it would do at
 * first touch.
 */
#include "kernel/arch/x86_64/paging.h"

#include <string.h>

#include "kernel/arch/api/upcalls.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/kernel_space.h"
#include "kernel/core/panic.h"
#include "kernel/core/percpu.h"

#define USER_TABLE (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED)

uint64_t *paging_find(paddr_t root, uint64_t va)
{
    uint64_t *table = phys_ptr(root);
    for (unsigned level = LEVEL_ROOT; level > 1; level--) {
        uint64_t entry = table[level_index(va, level)];
        if ((entry & PTE_PRESENT) == 0 || (entry & PTE_LARGE) != 0) {
            return NULL;
        }
        table = table_at(entry);
    }
    return &table[level_index(va, 1)];
}

/* A new table: the one that this space has over, else a fresh one. */
static paddr_t new_table(paddr_t *spare)
{
    if (spare->v == 0) {
        return up_table_alloc();
    }
    paddr_t p = *spare;
    spare->v = 0;
    return p;
}

uint64_t *paging_make(paddr_t root, uint64_t va, uint64_t bits)
{
    uint64_t *table = phys_ptr(root);
    for (unsigned level = LEVEL_ROOT; level > 1; level--) {
        uint64_t *entry = &table[level_index(va, level)];
        if ((*entry & PTE_PRESENT) == 0) {
            paddr_t made = up_table_alloc();
            if (made.v == 0) {
                return NULL;
            }
            *entry = made.v | bits;
        }
        KASSERT((*entry & PTE_LARGE) == 0);
        table = table_at(*entry);
    }
    return &table[level_index(va, 1)];
}

/* The directory used last, if it is that of `va`: a capsule's areas lie in one. Directories go only
 * with their space. */
static inline uint64_t *last_directory_entry(const struct arch_space *s, uint64_t va)
{
    return LIKELY(va >> level_shift(3) == s->gib && s->directory != NULL)
               ? s->directory + level_index(va, 2)
               : NULL;
}

/* The entry that names the page table for `va`, or would; NULL when there is no directory. */
static uint64_t *find_directory_entry(paddr_t root, uint64_t va)
{
    uint64_t *table = phys_ptr(root);
    for (unsigned level = LEVEL_ROOT; level > 2; level--) {
        uint64_t entry = table[level_index(va, level)];
        if ((entry & PTE_PRESENT) == 0) {
            return NULL;
        }
        table = table_at(entry);
    }
    return &table[level_index(va, 2)];
}

nos_status_t arch_space_create(struct arch_space *s)
{
    paddr_t root = up_table_alloc();
    if (root.v == 0) {
        return NOS_NO_MEMORY;
    }
    const uint64_t *kernel = phys_ptr(kernel_root);
    uint64_t *table = phys_ptr(root);
    memcpy(table + KERNEL_FIRST, kernel + KERNEL_FIRST,
           (TABLE_ENTRIES - KERNEL_FIRST) * sizeof *table);
    *s = (struct arch_space){ .root = root, .low = USER_MAX, .high = 0 };
    return NOS_OK;
}

/* The one place where a user mapping gets its bits: writable and executable has no result. */
static bool leaf_bits(unsigned prot, unsigned flags, uint64_t *out)
{
    uint64_t bits = PTE_PRESENT | PTE_USER | PTE_ACCESSED;

    if ((prot & PROT_R) == 0 || (prot & ~(unsigned)(PROT_R | PROT_W | PROT_X)) != 0 ||
        (prot & (PROT_W | PROT_X)) == (PROT_W | PROT_X) ||
        (flags & ~(unsigned)(ARCH_MAP_DEVICE | ARCH_MAP_WC)) != 0 ||
        flags == (ARCH_MAP_DEVICE | ARCH_MAP_WC)) {
        return false;
    }
    bits |= (prot & PROT_W) != 0 ? PTE_WRITE | PTE_DIRTY : 0;
    bits |= (prot & PROT_X) != 0 ? 0 : PTE_NX;
    bits |= (flags & ARCH_MAP_DEVICE) != 0 ? PTE_UNCACHED : 0;
    bits |= (flags & ARCH_MAP_WC) != 0 ? PTE_COMBINE : 0;
    *out = bits;
    return true;
}

static bool user_page(uint64_t va)
{
    return (va & (PAGE_SIZE - 1)) == 0 && user_range(va, PAGE_SIZE);
}

/* Widen what the tables are known to cover by the 2 MiB that a new page table stands for. */
static void cover(struct arch_space *s, uint64_t va)
{
    uint64_t span = 1ull << level_shift(2);
    uint64_t low = va & ~(span - 1);
    s->low = low < s->low ? low : s->low;
    s->high = low + span > s->high ? low + span : s->high;
}

/* Make the table that `*entry` of `level` does not name yet. */
static NOINLINE bool add_table(struct arch_space *s, uint64_t va, uint64_t *entry)
{
    cover(s, va);  // before the tables: a walk that fails half-way leaves some
    paddr_t made = new_table(&s->spare);
    *entry = made.v == 0 ? 0 : made.v | USER_TABLE;
    return made.v != 0;
}

static NOINLINE uint64_t *walk_to_directory(struct arch_space *s, uint64_t va)
{
    uint64_t *entry = (uint64_t *)phys_ptr(s->root) + level_index(va, LEVEL_ROOT);
    for (unsigned level = LEVEL_ROOT - 1; level >= 2; level--) {
        if ((*entry & PTE_PRESENT) == 0 && !add_table(s, va, entry)) {
            return NULL;
        }
        entry = table_at(*entry) + level_index(va, level);
    }
    s->directory = entry - level_index(va, 2);
    s->gib = va >> level_shift(3);
    return entry;
}

/* The entry for `va` in a table of level `to`, 1 or 2, in one walk that makes what is missing; NULL
 * when out of memory. */
static inline uint64_t *user_entry(struct arch_space *s, uint64_t va, unsigned to)
{
    uint64_t *entry = last_directory_entry(s, va);
    if (UNLIKELY(entry == NULL)) {
        entry = walk_to_directory(s, va);
    }
    if (to == 2 || UNLIKELY(entry == NULL)) {
        return entry;
    }
    if (UNLIKELY((*entry & PTE_PRESENT) == 0) && !add_table(s, va, entry)) {
        return NULL;
    }
    return table_at(*entry) + level_index(va, 1);
}

/* Entries that name a region's own page tables. */
static nos_status_t map_tables(struct arch_space *s, const struct arch_run *r)
{
    uint64_t bits = PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_SHARED | PTE_NX |
                    ((r->prot & PROT_W) != 0 ? PTE_WRITE : 0);
    uint64_t span = 1ull << level_shift(2);

    if ((r->va & (span - 1)) != 0 || (r->prot & ~(unsigned)PROT_W) != PROT_R) {
        return NOS_INVALID;
    }
    for (uint32_t i = 0; (uint64_t)i * TABLE_ENTRIES < r->pages; i++) {
        uint64_t *entry = user_entry(s, r->va + i * span, 2);
        if (entry == NULL) {
            return NOS_NO_MEMORY;
        }
        if ((*entry & PTE_PRESENT) != 0) {
            return NOS_BAD_STATE;
        }
        *entry = (r->pa.v + (uint64_t)i * PAGE_SIZE) | bits;
    }
    return NOS_OK;
}

void arch_table_fill(paddr_t table, paddr_t first, uint32_t pages)
{
    uint64_t *entry = phys_ptr(table);
    for (uint32_t i = 0; i < TABLE_ENTRIES; i++) {
        entry[i] = i >= pages ? 0
                              : (first.v + (uint64_t)i * PAGE_SIZE) | PTE_PRESENT | PTE_USER |
                                    PTE_ACCESSED | PTE_WRITE | PTE_DIRTY | PTE_NX;
    }
}

nos_status_t arch_map_run(struct arch_space *s, const struct arch_run *r)
{
    uint64_t va = r->va, pa = r->pa.v, bits, *entry = NULL;

    if ((va & (PAGE_SIZE - 1)) != 0 || !user_range(va, (uint64_t)r->pages * PAGE_SIZE) || pa == 0 ||
        (pa & ~PTE_ADDR) != 0) {
        return NOS_INVALID;
    }
    if (r->flags == ARCH_MAP_TABLES) {
        return map_tables(s, r);
    }
    if (!leaf_bits(r->prot, r->flags, &bits)) {
        return NOS_INVALID;
    }
    for (uint32_t i = 0; i < r->pages; i++, va += PAGE_SIZE, pa += PAGE_SIZE) {
        entry = entry == NULL || level_index(va, 1) == 0 ? user_entry(s, va, 1) : entry + 1;
        if (entry == NULL) {
            return NOS_NO_MEMORY;
        }
        if ((*entry & PTE_PRESENT) != 0) {
            return NOS_BAD_STATE;
        }
        *entry = pa | bits;
    }
    return NOS_OK;
}

nos_status_t arch_map(struct arch_space *s, uint64_t va, paddr_t pa, unsigned prot, unsigned flags)
{
    struct arch_run one = { .va = va, .pa = pa, .pages = 1, .prot = prot, .flags = flags };
    return arch_map_run(s, &one);
}

/* The entry for the page `va`, and the one above it; NULL when there is no page table, or no such
 * page. */
static uint64_t *find_entry(const struct arch_space *s, uint64_t va, uint64_t **above)
{
    *above = user_page(va) ? find_directory_entry(s->root, va) : NULL;
    return *above != NULL && (**above & PTE_PRESENT) != 0 ? table_at(**above) + level_index(va, 1)
                                                          : NULL;
}

paddr_t arch_unmap(struct arch_space *s, uint64_t va)
{
    uint64_t *above, *entry = find_entry(s, va, &above);
    if (entry == NULL) {
        return (paddr_t){ 0 };
    }
    KASSERT((*above & PTE_SHARED) == 0);
    paddr_t was = { *entry & PTE_ADDR };
    *entry = 0;
    return was;
}

paddr_t arch_clear(struct arch_space *s, uint64_t va, uint32_t pages, bool alone)
{
    uint64_t *above = last_directory_entry(s, va);
    if (UNLIKELY(above == NULL)) {
        above = find_directory_entry(s->root, va);
    }
    KASSERT(level_index(va, 1) + pages <= TABLE_ENTRIES);
    if (above == NULL || (*above & PTE_PRESENT) == 0) {
        return (paddr_t){ 0 };
    }
    if ((*above & PTE_SHARED) != 0) {
        *above = 0;  // the table stays as it is: others map it too
        return (paddr_t){ 0 };
    }
    uint64_t *entry = table_at(*above) + level_index(va, 1);
    *entry = 0;
    for (uint32_t i = 1; UNLIKELY(i < pages); i++) {
        entry[i] = 0;
    }
    if (!alone) {
        return (paddr_t){ 0 };
    }
    paddr_t table = { *above & PTE_ADDR };
    *above = 0;
    return table;
}

bool arch_table_put(struct arch_space *s, paddr_t table)
{
    if (table.v == 0) {
        return false;
    }
    if (s->spare.v == 0) {
        s->spare = table;
        return false;
    }
    up_table_free(table);
    return true;
}

paddr_t arch_query(const struct arch_space *s, uint64_t va, unsigned *prot)
{
    uint64_t *above;
    const uint64_t *entry = find_entry(s, va, &above);
    if (entry == NULL || (*entry & PTE_PRESENT) == 0) {
        *prot = 0;
        return (paddr_t){ 0 };
    }
    bool write = (*entry & *above & PTE_WRITE) != 0;
    *prot = PROT_R | (write ? PROT_W : 0u) | ((*entry & PTE_NX) == 0 ? PROT_X : 0u);
    return (paddr_t){ *entry & PTE_ADDR };
}

/* ---- tear-down ---- */

/* The first entry in use of `table`, from s->low on; s->low moves to it. NULL: the rest of the
 * table is empty. */
static uint64_t *next_entry(struct arch_space *s, uint64_t *table, unsigned level)
{
    uint64_t span = 1ull << level_shift(level);
    uint64_t va = s->low;

    for (unsigned i = level_index(va, level); i < TABLE_ENTRIES && va < s->high; i++) {
        if ((table[i] & PTE_PRESENT) != 0) {
            s->low = va;
            return &table[i];
        }
        va = (va & ~(span - 1)) + span;
    }
    return NULL;
}

/* Free the lowest table that has nothing below it. False: that was the root. */
static bool free_lowest(struct arch_space *s)
{
    uint64_t *table = phys_ptr(s->root);
    uint64_t *above = NULL;

    for (unsigned level = LEVEL_ROOT; level > 1; level--) {
        uint64_t *entry = next_entry(s, table, level);
        if (entry == NULL) {
            break;
        }
        if ((*entry & PTE_SHARED) != 0) {  // a region's
            *entry = 0;
            return true;
        }
        above = entry;
        table = table_at(*entry);
    }
    if (above == NULL) {
        if (s->spare.v != 0) {
            up_table_free(s->spare);
            s->spare.v = 0;
            return true;
        }
        up_table_free(s->root);
        s->root.v = 0;
        return false;
    }
    *above = 0;
    up_table_free(ptr_phys(table));
    return true;
}

bool arch_space_destroy_step(struct arch_space *s, unsigned budget)
{
    KASSERT(s->root.v != this_cpu()->root && s->root.v != kernel_root.v);
    s->directory = NULL;
    for (unsigned i = 0; i < budget; i++) {
        if (!free_lowest(s)) {
            return true;
        }
    }
    return false;
}

void arch_space_switch(const struct arch_space *s)
{
    struct cpu *cpu = this_cpu();
    uint64_t root = s == NULL ? kernel_root.v : s->root.v;
    if (root != cpu->root) {
        cpu->root = root;
        write_cr3(root);
    }
}
