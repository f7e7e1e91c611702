#pragma once
/*
 * Page tables for the kernel's first address space. Pure: the pool is memory of the caller's, and
 * the tables are written into it as they will be seen at `pool_phys`.
 *
 * Mappings go in by ascending virtual address. That makes the builder a cursor that never reads a
 * table back, and a dry run (pool NULL) counts tables exactly.
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/compiler.h"

enum { PAGING_ENTRIES = 512, PAGING_LEVELS = 4 };

enum paging_flag {
    PAGING_WRITE = 1,
    PAGING_EXEC = 2,
    PAGING_GLOBAL = 4,
    PAGING_BIG = 8,  // 2 MiB and, where the processor can, 1 GiB pages
};

struct paging {
    uint64_t *pool;       // NULL: dry run
    uint64_t pool_phys;   // page-aligned
    uint32_t room, used;  // tables
    bool gib_pages;
    uint64_t next;  // lowest virtual address that may come next
    uint64_t
        at[PAGING_LEVELS];  // table in use at each level, as its number in the pool; [3] is the top
    uint64_t covers[PAGING_LEVELS];  // virtual address that table begins at; ~0 = none in use
};

/** Start over with an empty top table. `pool` and `room` may change between runs; gib_pages stays.
 */
void paging_start(struct paging *t, uint64_t *pool, uint64_t pool_phys, uint32_t room);

/**
 * Map [virt, virt + len) to [phys, phys + len), all multiples of 4096.
 * Errors: false when the pool is full, the range goes down or wraps, or asks for write and execute
 * together.
 */
MUST_CHECK bool paging_map(struct paging *t, uint64_t virt, uint64_t phys, uint64_t len,
                           uint32_t flags);
