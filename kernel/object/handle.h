/* Handle tables: index16 | tag16 << 16 names a 64-byte slot. A slot whose tag would wrap is retired
 * until its capsule dies, so a stale handle never names a new object (SETTLED 4). */
#pragma once

#include "abi/info.h"
#include "kernel/object/object.h"

enum {
    HANDLE_CELLS = 4,
    HANDLES_PER_PAGE = 64,
    HANDLE_PAGES = 16,
    HANDLES_MAX = HANDLES_PER_PAGE * HANDLE_PAGES
};

struct handle_slot { /* one cache line */
    struct obj *obj; /* NULL = free */
    uint32_t rights;
    uint16_t type; /* copy of obj->type: one line decides */
    uint16_t tag;
    uint64_t deadline_ns;            /* 0 = none */
    uint16_t cell_idx[HANDLE_CELLS]; /* revocation cells; 0 = none: reserved for the next slice */
    uint32_t cell_gen[HANDLE_CELLS];
    uint64_t badge;
    uint32_t origin; /* enum nos_origin */
    uint16_t next_free;
    uint16_t rsv;
};
_Static_assert(sizeof(struct handle_slot) == 64, "one cache line");

struct handle_table {
    struct handle_slot *page[HANDLE_PAGES];
    uint32_t capacity; /* slots present: a multiple of HANDLES_PER_PAGE */
    uint32_t limit, used;
    uint16_t free; /* first free slot, 0 = none (slot 0 is never used) */
};

/** Put `o` into a free slot. Takes: a reference of its own on success. Errors: NO_SLOT, QUOTA,
 * NO_MEMORY. */
MUST_CHECK nos_status_t handle_add(struct handle_table *t, struct obj *o, uint32_t rights,
                                   uint64_t deadline_ns, enum nos_origin origin, uint32_t *out);

/** Look up. Borrows: the slot, until the table changes. Errors, in this order: BAD_HANDLE,
 * WRONG_TYPE, EXPIRED, DENIED. `types`: mask of 1 << enum nos_type. */
MUST_CHECK nos_status_t handle_get(const struct handle_table *t, uint32_t h, uint32_t types,
                                   uint32_t need, struct handle_slot **out);

/** The common case of handle_get, in line: NULL for every refusal and for every handle with a
 * deadline; then ask handle_get, which knows why. One comparison looks at the tag and at index bits
 * past the table. */
static inline struct handle_slot *handle_fast(const struct handle_table *t, uint64_t h,
                                              uint32_t types, uint32_t need)
{
    struct handle_slot *s = t->page[h / HANDLES_PER_PAGE % HANDLE_PAGES];
    if (UNLIKELY(s == NULL)) {
        return NULL;
    }
    s += h % HANDLES_PER_PAGE;
    bool ok = (h ^ (uint64_t)s->tag << 16) < HANDLES_MAX && (types >> s->type & 1) != 0 &&
              s->deadline_ns == 0 && (need & ~s->rights) == 0;
    return LIKELY(ok) ? s : NULL;
}

MUST_CHECK nos_status_t handle_close(struct handle_table *t, uint32_t h);
void handle_close_all(struct handle_table *t); /* and free the pages */

/* Up-calls to the owners of the types: "reachable from user mode" is another matter than
 * "referenced". Implemented in kernel/ipc/endpoint.c. */
void obj_handle_opened(struct obj *o, uint32_t rights);
void obj_handle_closed(struct obj *o, uint32_t rights);

/** The n-th used slot, for listings. NOT_FOUND past the last. */
MUST_CHECK nos_status_t handle_nth(const struct handle_table *t, uint32_t n, uint32_t *h,
                                   struct handle_slot **out);
