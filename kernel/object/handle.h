/* Handle tables: index16 | tag16 << 16 names a 64-byte slot. A slot whose tag would wrap is retired
 * until its capsule dies, so a stale handle never names a new object (SETTLED 4). */
#pragma once

#include "abi/info.h"
#include "kernel/object/cell.h"
#include "kernel/object/object.h"

enum {
    HANDLES_PER_PAGE = 64,
    HANDLE_PAGES = 16,
    HANDLES_MAX = HANDLES_PER_PAGE * HANDLE_PAGES,
    HANDLE_TAG_SHIFT = 16,
    HANDLE_TAG_MAX = 0xffff
};

struct handle_slot { /* one cache line */
    struct obj *obj; /* NULL = free */
    union {
        struct {
            uint32_t rights;
            uint32_t type; /* 1 << obj->type */
        };
        uint64_t has; /* both: one comparison says what is missing */
    };
    uint32_t name; /* the whole handle number; of a free slot the next one */
    uint16_t next_free;
    uint8_t origin;       /* enum nos_origin */
    uint8_t depth;        /* how many cells may still be put below this one */
    uint64_t epoch;       /* cell_epoch when it was last found alive; 0 = look */
    uint64_t deadline_ns; /* 0 = none */
    uint64_t badge;       /* endpoint: whom the receiver sees; 0 = nobody in particular */
    via_t via;            /* its cell, referenced; 0 = none */
    uint64_t rsv;
};
_Static_assert(sizeof(struct handle_slot) == 64, "one cache line");

struct handle_table {
    struct handle_slot *page[HANDLE_PAGES]; /* absent ones: a page of empty slots */
    uint32_t capacity;                      /* slots present: a multiple of HANDLES_PER_PAGE */
    uint32_t limit, used;
    uint32_t classes; /* of objects that may be held here */
    uint16_t free;    /* first free slot, 0 = none (slot 0 is never used) */
    struct cell_account cells;
};

void handle_table_init(struct handle_table *t, uint32_t limit, uint32_t classes);

/** Put `o` into a free slot: a handle with no cell, of full depth. Takes: a reference of its own on
 * success. Errors: NO_CLASS, NO_SLOT, QUOTA, NO_MEMORY. */
MUST_CHECK nos_status_t handle_add(struct handle_table *t, struct obj *o, uint32_t rights,
                                   uint64_t deadline_ns, enum nos_origin origin, uint32_t *out);

/** Fill a free slot with object, rights, origin, depth, deadline, badge and cell of `like`, which
 * may be a changed copy of a slot of any table. Every handle comes into a table through here. Takes
 * references of its own on success. Errors: as handle_add. */
MUST_CHECK nos_status_t handle_insert(struct handle_table *t, const struct handle_slot *like,
                                      uint32_t *out);

/** Like handle_insert, with a new cell below that of `like`, paid for by `t`. Errors: also DEPTH.
 */
MUST_CHECK nos_status_t handle_derive(struct handle_table *t, const struct handle_slot *like,
                                      uint32_t *out);

/** Look up. Borrows: the slot, until the table changes. Errors, in this order: BAD_HANDLE,
 * WRONG_TYPE, EXPIRED, REVOKED, DENIED. `types`: mask of 1 << enum nos_type. */
MUST_CHECK nos_status_t handle_get(const struct handle_table *t, uint32_t h, uint32_t types,
                                   uint32_t need, struct handle_slot **out);

/* What a slot must have, in one word: for calls that take one type, or any. */
#define HANDLE_TYPE_ANY ((1u << NOS_TYPE_COUNT) - 2u)
#define HANDLE_WANT(types, need) \
    ((types) == HANDLE_TYPE_ANY     ? (uint64_t)(need) \
     : ((types) & ((types)-1)) == 0 ? (uint64_t)(types) << 32 | (need) \
                                    : UINT64_MAX /* several: the slow way */)

/** Where handle `h` would be: always a slot, perhaps another's or an empty one. */
static inline struct handle_slot *handle_place(const struct handle_table *t, uint64_t h)
{
    return &t->page[h / HANDLES_PER_PAGE % HANDLE_PAGES][h % HANDLES_PER_PAGE];
}

/** Not 0: it is not `h`, or lacks what is wanted, has a deadline, or was not looked at since the
 * last revocation. A free slot has no epoch. */
static inline uint64_t handle_wrong(const struct handle_slot *s, uint64_t h, uint64_t want)
{
    return (h ^ s->name) | (want & ~s->has) | s->deadline_ns | (s->epoch ^ cell_epoch);
}

/** The common case of handle_get, in line and without a branch but the last: NULL for every
 * refusal, and for all that needs a closer look; then ask handle_get, which knows why. */
static inline struct handle_slot *handle_fast(const struct handle_table *t, uint64_t h,
                                              uint64_t want)
{
    struct handle_slot *s = handle_place(t, h);
    return LIKELY(handle_wrong(s, h, want) == 0) ? s : NULL;
}

/** Can slot `s`, just found right by handle_wrong, go to `to` as it is? Not where there is no room
 * or not the class, nor if such handles are counted (a region's, a server's), nor a slot at its
 * last tag: then handle_insert does it, or knows why not. */
static inline bool handle_can_move(const struct handle_slot *s, const struct handle_table *to)
{
    const uint64_t counted = (uint64_t)(1u << NOS_TYPE_REGION) << 32 | NOS_RIGHT_RECV;
    return (s->has & counted) == 0 && (s->obj->classes & ~to->classes) == 0 && to->free != 0 &&
           to->used < to->limit && s->name >> HANDLE_TAG_SHIFT < HANDLE_TAG_MAX - 1;
}

/** The common case of an insert there and a close here, after handle_can_move: `s` of `from` goes
 * to `to` with its references and those of its rights that `rights` has. Gives: its name there. */
static inline uint32_t handle_move(struct handle_table *from, struct handle_slot *s,
                                   uint32_t rights, struct handle_table *to)
{
    struct handle_slot *d = handle_place(to, to->free);
    uint32_t was = s->name;
    to->free = d->next_free;
    to->used++;
    d->obj = s->obj;  // neither has a deadline
    d->has = s->has & ((uint64_t)UINT32_MAX << 32 | rights);
    d->next_free = 0;
    d->origin = NOS_ORIGIN_MESSAGE;
    d->depth = s->depth;
    d->epoch = s->epoch;
    d->badge = s->badge;
    d->via = s->via;
    s->obj = NULL;
    s->has = s->epoch = s->badge = s->via = 0;
    s->name = was + (1u << HANDLE_TAG_SHIFT);
    s->next_free = from->free;
    from->free = (uint16_t)(was & HANDLE_TAG_MAX);
    from->used--;
    return d->name;
}

MUST_CHECK nos_status_t handle_close(struct handle_table *t, uint32_t h);
void handle_close_all(struct handle_table *t); /* free the pages, forget the cells it paid for */

/** After a revocation, one bounded step from slot `*at` on: a dead handle that made its capsule a
 * server does so no longer, and one that named a region keeps no frames. True when the table has
 * been walked. */
bool handle_retire_step(struct handle_table *t, uint32_t *at);
uint32_t handle_derived_keepers(void); /* such handles that carry a cell, dead or not: 0, no walk */

/* Up-calls to the owners of the types: "reachable from user mode" is another matter than
 * "referenced". Implemented in kernel/ipc/endpoint.c. */
bool obj_ended(const struct obj *o); /* a region whose payer has: kernel/object/region.c */
void obj_handle_opened(struct obj *o, uint32_t rights);
void obj_handle_closed(struct obj *o, uint32_t rights);

/** The n-th used slot, for listings. NOT_FOUND past the last. */
MUST_CHECK nos_status_t handle_nth(const struct handle_table *t, uint32_t n, uint32_t *h,
                                   struct handle_slot **out);
