/* A capsule's address space: page tables, placement (ASLR) and the frames mapped privately.
 *
 * Every mapping is an area. An area is either private (its frames belong to the space, are charged
 * to its quota and freed with it) or borrowed (a region's or a device's). Areas have an unmapped
 * guard page on both sides. */
#pragma once

#include "kernel/arch/api/arch.h"
#include "kernel/core/types.h"

enum {
    SPACE_FIRST_AREAS = 12,  /* in the space itself: what a small capsule needs */
    SPACE_AREA_ORDER_MAX = 3 /* more lie in up to this many frames, as a power of two; charged */
};

enum area_kind {
    AREA_NONE = 0,
    AREA_PRIVATE,
    AREA_BORROWED,
    AREA_STACK /* private; a hit on its guard is an overflow */
};
struct area {
    uint64_t va;
    uint32_t pages, span;        /* span: what it keeps others from: with shared tables, 2 MiB */
    void *owner;                 /* BORROWED: the object, referenced by the caller; else NULL */
    uint32_t via;                /* BORROWED: handle it was mapped with; 0 = by another capsule */
    uint16_t cell;               /* BORROWED: that handle's cell, referenced; 0 = none */
    uint8_t kind;                /* enum area_kind */
    uint8_t prot : 4, flags : 4; /* enum prot, enum arch_map_flags */
};
_Static_assert(sizeof(struct area) == 32, "many are moved when one goes in between");

/* Span of an area of `pages` with such flags. */
static inline uint32_t area_span(uint32_t pages, unsigned flags)
{
    return flags == ARCH_MAP_TABLES ? (pages + 511) / 512 * 512 : pages;
}

struct space {
    struct arch_space arch;
    uint64_t window; /* base of the 1 GiB window that all areas lie in */
    uint32_t pages;  /* frames charged: private pages and page tables */
    uint32_t limit;
    uint32_t n_areas, room;
    uint32_t hint;     /* where the area of the place found last goes, if nothing has changed */
    struct area *area; /* `first`, or frames of its own; n_areas of them, by address */
    struct area first[SPACE_FIRST_AREAS];
};

/** Errors: NO_MEMORY. `limit`: frames. */
MUST_CHECK nos_status_t space_create(struct space *s, uint32_t limit);

/** A random place for `pages` with guards, in the window. Errors: NO_MEMORY (no place). Nothing is
 * reserved. */
MUST_CHECK nos_status_t space_place(struct space *s, uint32_t pages, uint64_t *va);

/** The same, aligned to 2 MiB and with all of the last 2 MiB: for shared page tables. */
MUST_CHECK nos_status_t space_place_large(struct space *s, uint32_t pages, uint64_t *va);

/** Map `pages` fresh frames at `va`. `zero` false only if the caller overwrites every byte at once
 * through space_ptr. All or nothing. Errors: QUOTA, NO_MEMORY, NO_SLOT (areas), BAD_STATE
 * (overlap), INVALID (range, W+X). */
MUST_CHECK nos_status_t space_map_private(struct space *s, uint64_t va, uint32_t pages,
                                          unsigned prot, enum area_kind kind, bool zero);

/** Map the frames from `base` on, which belong to a->owner, as area `*a` says (kind BORROWED,
 * with a span: area_span). With ARCH_MAP_TABLES `base` is the first of the owner's page tables.
 * Errors: as above. The caller keeps the owner alive until unmapped. */
MUST_CHECK nos_status_t space_map_borrowed(struct space *s, const struct area *a, paddr_t base);

/** Kernel pointer to the private page at page-aligned `va`; NULL if nothing is mapped. For loaders
 * only. */
void *space_ptr(const struct space *s, uint64_t va);

/** Undo the borrowed mapping that starts at `va`; `*out` = what it was. Errors: NOT_FOUND. */
MUST_CHECK nos_status_t space_unmap(struct space *s, uint64_t va, struct area *out);

/** The same for an area of s->area. Those behind it move up. */
void space_unmap_area(struct space *s, const struct area *a);

/** Unmap and free the private area that starts at `va`; nothing if there is none. */
void space_drop(struct space *s, uint64_t va);

/** An area that borrows from `owner`; NULL. */
const struct area *space_borrows(const struct space *s, const void *owner);

/** The area that holds `va`, or whose guard page does (`*guard`); NULL. */
const struct area *space_find(const struct space *s, uint64_t va, bool *guard);

/** Tear down in steps of at most `budget` frames; nobody runs in it any more. `*out` = a borrowed
 * area just dropped, or out->owner = NULL: call again. True when nothing is left. */
bool space_destroy_step(struct space *s, unsigned budget, struct area *out);
