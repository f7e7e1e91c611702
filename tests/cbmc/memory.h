/* Frames for kernel sources: the direct map is two functions here, and a physical address is the number of an object
 * of CBMC's, a page each. Include before any kernel header. */
#pragma once

#include "tests/cbmc/proof.h"

#define phys_ptr direct_map_ptr
#define ptr_phys direct_map_phys
#include "kernel/core/types.h"
#undef phys_ptr
#undef ptr_phys

enum { PAGES_MANY = 4 };
static void *page_of[PAGES_MANY + 1];
static uint32_t pages_used, pages_freed;

static inline void *phys_ptr(paddr_t p)
{
    claim(p.v % PAGE_SIZE == 0 && p.v != 0 && p.v / PAGE_SIZE <= pages_used, "a frame that there is");
    return page_of[p.v / PAGE_SIZE % (PAGES_MANY + 1)];
}

static inline paddr_t ptr_phys(const void *at)
{
    uint64_t n = 0;
    for (uint64_t i = 1; i <= PAGES_MANY; i++) {
        n = page_of[i] == at ? i : n;
    }
    claim(n != 0, "a frame that there is");
    return (paddr_t){ n * PAGE_SIZE };
}

/** A frame allocator's contract: zeroed frames that nobody else has, until there are none. */
static inline paddr_t any_frame(void)
{
    if (pages_used == PAGES_MANY || nondet_bool()) {
        return (paddr_t){ 0 };
    }
    page_of[++pages_used] = calloc(1, PAGE_SIZE);
    assume(page_of[pages_used] != NULL);
    return (paddr_t){ pages_used * (uint64_t)PAGE_SIZE };
}

/* A broken invariant is a failed proof. */
#include "kernel/core/panic.h"
#undef KASSERT
#define KASSERT(cond) claim(cond, "KASSERT: " #cond)
