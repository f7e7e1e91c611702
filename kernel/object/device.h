/* Objects that stand for hardware and for the machine itself. Immutable after boot, one of each
 * window. */
#pragma once

#include "kernel/object/object.h"

struct notification;

struct region { /* contiguous zeroed frames */
    struct obj obj;
    paddr_t base;
    uint32_t pages;
    uint32_t mapped;   /* areas that borrow it */
    uint32_t dirty;    /* pages at its beginning that are still to be zeroed: nobody has it yet */
    uint32_t unfilled; /* the same for its page tables */
    uint32_t cursor;   /* ending: capsules with a lower id do not map it */
    paddr_t tables;    /* page tables of its own, one for each 2 MiB; 0 for a small one */
    struct capsule *owner;      /* charged; not referenced; NULL = taken, or has ended */
    struct region *next, *prev; /* of the owner's */
};

struct device {
    struct obj obj;
    paddr_t base;
    uint64_t len;
    uint32_t map_flags; /* enum arch_map_flags */
    uint64_t a, b;      /* FRAMEBUFFER: as in struct nos_start_handle */
};

struct ports {
    struct obj obj;
    uint32_t base, count;
};

struct irq {
    struct obj obj;
    uint32_t line;
    bool pending, bound;       /* pending: fired and not yet acknowledged */
    struct notification *note; /* referenced */
    uint32_t binder;           /* capsule that did */
    uint64_t via[2];           /* cells of the handles that bound it; referenced */
    uint64_t bits;
};
