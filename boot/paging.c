/* Page tables, 4 levels: Intel SDM volume 3, 4.5. */
#include "boot/paging.h"

#include <stddef.h>
#include <string.h>

#include "lib/checked.h"

#define P_PRESENT ((uint64_t)1 << 0)
#define P_WRITE ((uint64_t)1 << 1)
#define P_LARGE ((uint64_t)1 << 7)
#define P_GLOBAL ((uint64_t)1 << 8)
#define P_NX ((uint64_t)1 << 63)
#define NOTHING UINT64_MAX

enum { PAGE_BITS = 12, LEVEL_BITS = 9, TOP = PAGING_LEVELS - 1 };

/** Bytes that one entry of a table at `level` stands for; level 0 is the table of 4 KiB pages. */
static uint64_t entry_span(uint32_t level)
{
    return (uint64_t)1 << (PAGE_BITS + LEVEL_BITS * level);
}

static bool table_new(struct paging *t, uint64_t *number)
{
    if (t->pool != NULL) {
        if (t->used >= t->room) {
            return false;
        }
        memset(t->pool + (size_t)t->used * PAGING_ENTRIES, 0, PAGING_ENTRIES * sizeof(uint64_t));
    }
    *number = t->used++;
    return true;
}

static void entry_set(struct paging *t, uint32_t level, uint64_t virt, uint64_t value)
{
    if (t->pool != NULL) {
        size_t i = (size_t)(virt >> (PAGE_BITS + LEVEL_BITS * level)) & (PAGING_ENTRIES - 1);
        t->pool[t->at[level] * PAGING_ENTRIES + i] = value;
    }
}

/** Have the table of `level` for `virt` in use, making it and hooking it into the level above when
 * it is new. */
static bool table_use(struct paging *t, uint32_t level, uint64_t virt)
{
    uint64_t begins = virt & ~(entry_span(level + 1) - 1);
    if (t->covers[level] == begins) {
        return true;
    }
    if (!table_new(t, &t->at[level])) {
        return false;
    }
    t->covers[level] = begins;
    // Rights are the last level's to take away: the upper levels allow everything.
    entry_set(t, level + 1, virt, (t->pool_phys + t->at[level] * 4096) | P_PRESENT | P_WRITE);
    return true;
}

static bool fits(uint32_t level, uint64_t virt, uint64_t phys, uint64_t len)
{
    return ((virt | phys) & (entry_span(level) - 1)) == 0 && len >= entry_span(level);
}

static uint32_t leaf_level(const struct paging *t, uint64_t virt, uint64_t phys, uint64_t len,
                           uint32_t flags)
{
    if ((flags & PAGING_BIG) != 0) {
        if (t->gib_pages && fits(2, virt, phys, len)) {
            return 2;
        }
        if (fits(1, virt, phys, len)) {
            return 1;
        }
    }
    return 0;
}

static uint64_t leaf_bits(uint32_t level, uint32_t flags)
{
    return P_PRESENT | ((flags & PAGING_WRITE) != 0 ? P_WRITE : 0) |
           ((flags & PAGING_GLOBAL) != 0 ? P_GLOBAL : 0) | ((flags & PAGING_EXEC) != 0 ? 0 : P_NX) |
           (level > 0 ? P_LARGE : 0);
}

static bool map_one(struct paging *t, uint64_t virt, uint64_t phys, uint32_t level, uint32_t flags)
{
    for (uint32_t l = TOP; l-- > level;) {
        if (!table_use(t, l, virt)) {
            return false;
        }
    }
    entry_set(t, level, virt, phys | leaf_bits(level, flags));
    return true;
}

void paging_start(struct paging *t, uint64_t *pool, uint64_t pool_phys, uint32_t room)
{
    t->pool = pool;
    t->pool_phys = pool_phys;
    t->room = room;
    t->used = 0;
    t->next = 0;
    for (uint32_t l = 0; l < PAGING_LEVELS; l++) {
        t->covers[l] = NOTHING;
    }
    (void)table_new(t, &t->at[TOP]);  // no room for one: none for those under it, and no map
}

bool paging_map(struct paging *t, uint64_t virt, uint64_t phys, uint64_t len, uint32_t flags)
{
    uint64_t end;
    if (len == 0) {
        return true;
    }
    if (((virt | phys | len) & 4095) != 0 || virt < t->next || !checked_add(virt, len - 1, &end) ||
        (flags & (PAGING_WRITE | PAGING_EXEC)) == (PAGING_WRITE | PAGING_EXEC)) {
        return false;
    }
    while (len > 0) {
        uint32_t level = leaf_level(t, virt, phys, len, flags);
        if (!map_one(t, virt, phys, level, flags)) {
            return false;
        }
        uint64_t step = entry_span(level);
        virt += step;
        phys += step;
        len -= step;
    }
    t->next = virt == 0 ? UINT64_MAX : virt;  // 0: that was the very last page, nothing can follow
    return true;
}
