/* Page-table entries, and the walk that spaces and the kernel's own mappings share. */
#pragma once

#include "kernel/arch/api/arch.h"

#define PTE_PRESENT 0x1ull
#define PTE_WRITE 0x2ull
#define PTE_USER 0x4ull
#define PTE_PWT 0x8ull
#define PTE_PCD 0x10ull
#define PTE_ACCESSED 0x20ull
#define PTE_DIRTY 0x40ull
#define PTE_LARGE 0x80ull /* levels 2 and 3 */
#define PTE_PAT 0x80ull   /* level 1 */
#define PTE_GLOBAL 0x100ull
#define PTE_SHARED 0x200ull /* software: the table below belongs to a region */
#define PTE_NX 0x8000000000000000ull
#define PTE_ADDR 0x000ffffffffff000ull

#define PTE_UNCACHED (PTE_PWT | PTE_PCD) /* PAT entry 3 */
#define PTE_COMBINE PTE_PAT              /* PAT entry 4: cpu.c */

enum { TABLE_ENTRIES = 512, KERNEL_FIRST = 256, LEVEL_ROOT = 4 };

/* The device window: one top-level slot of its own, of which the first GiB is used. */
#define DEVICE_BASE 0xffffff0000000000ull
#define DEVICE_LEN 0x40000000ull

static inline uint64_t *table_at(uint64_t entry)
{
    return phys_ptr((paddr_t){ entry & PTE_ADDR });
}

/** Bytes that one entry of a table of `level` (1 = page table) maps, as a shift. */
static inline unsigned level_shift(unsigned level)
{
    return PAGE_SHIFT + 9 * (level - 1);
}

static inline unsigned level_index(uint64_t va, unsigned level)
{
    return (unsigned)(va >> level_shift(level)) & (TABLE_ENTRIES - 1);
}

/** The page-table entry for `va`; NULL when there is no table for it, or a large page. */
uint64_t *paging_find(paddr_t root, uint64_t va);

/** The same, making the tables on the way with `bits` in their entries; NULL when out of memory. */
uint64_t *paging_make(paddr_t root, uint64_t va, uint64_t bits);

static inline void invlpg(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}
