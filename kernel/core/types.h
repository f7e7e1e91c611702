/* Addresses that cannot be mixed up. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/bootinfo.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

typedef struct {
    uint64_t v;
} paddr_t; /* physical address; 0 = none (frame 0 is never handed out) */

enum { PAGE_SHIFT = 12, PAGE_SIZE = 1 << PAGE_SHIFT };

/* User addresses: [USER_MIN, USER_MAX). All below the canonical hole, with a page to spare: a
 * return address just under it would fault in the kernel at sysret. */
#define USER_MIN 0x10000ull
#define USER_MAX 0x00007ffffffff000ull

enum prot {
    PROT_R = 1,
    PROT_W = 2,
    PROT_X = 4
}; /* PROT_W and PROT_X together are refused everywhere */

/* Kernel pointer to RAM through the direct map. */
static inline void *phys_ptr(paddr_t p)
{
    return (void *)(NOS_DIRECT_BASE +
                    p.v);  // NOLINT: the direct map is where this number becomes a pointer
}

static inline paddr_t ptr_phys(const void *direct)
{
    return (paddr_t){ (uint64_t)direct - NOS_DIRECT_BASE };
}

/* Is [addr, addr+len) wholly inside user space? Says nothing of what is mapped there. */
static inline bool user_range(uint64_t addr, uint64_t len)
{
    return addr >= USER_MIN && len <= USER_MAX && addr <= USER_MAX - len;
}
