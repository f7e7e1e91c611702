/* Cells: the places where a grant can be cut. A handle made by cap_derive carries a cell of its
 * own, child of the cell of the handle it was made from; copies carry the same one. Revoking a cell
 * kills what carries it or any descendant. Cells are named by index and serial number, so that what
 * only remembers one (a blocked thread) can tell that it has gone. Spec: docs/capabilities.md. */
#pragma once

#include "kernel/core/types.h"

enum {
    CELL_DEPTH_MAX = 4,
    CELLS_PER_PAGE = 128,
    CELL_PAGES = 512,        /* 65,024 cells: the first of a page is its head */
    CAPSULE_CELLS_MAX = 1024 /* that one capsule pays for */
};

/* 0 = none; else index (16 bits) | serial number << 32. Kept in slots, areas and threads. */
typedef uint64_t via_t;

struct cell_account { /* who pays; part of a handle table */
    uint32_t used, limit;
    uint16_t first; /* the cells it pays for */
};

static inline uint32_t cell_index(via_t via)
{
    return via & 0xffff;
}

/* For who keeps the index alone, and a reference: the cell of that index. 0 = none. */
via_t cell_via_of(uint32_t index);
static inline via_t cell_via(uint32_t index)
{
    return index == 0 ? 0 : cell_via_of(index);
}

/* Raised by every revocation, never 0. What was found alive at this epoch still is. */
extern uint64_t cell_epoch;

/**
 * A new cell below `parent` (0 = none), which it references.
 * Gives: one reference, in `*out`. Errors: DEPTH (a fifth), QUOTA, NO_MEMORY (also: too many on the
 * machine).
 */
MUST_CHECK nos_status_t cell_new(struct cell_account *payer, via_t parent, via_t *out);

/* References of slots, areas, exports. Both do nothing for 0. */
void cell_ref(via_t via);
void cell_unref(via_t via);
static inline void cell_get(via_t via)
{
    if (via != 0) {
        cell_ref(via);
    }
}
static inline void cell_put(via_t via)
{
    if (via != 0) {
        cell_unref(via);
    }
}

enum cell_state { CELL_ALIVE = 0, CELL_REVOKED, CELL_GONE };

/** Can `via` be used: at most four looks. GONE: nobody has a reference any more. 0 is alive. */
enum cell_state cell_look(via_t via);

/* For what was bound by means of two handles: do both still stand? */
static inline bool cells_alive(const via_t via[2])
{
    return cell_look(via[0]) == CELL_ALIVE && cell_look(via[1]) == CELL_ALIVE;
}

/** Cut: the cell, and with it all below it, is dead from now on. O(1). The caller has a reference.
 */
void cell_revoke(via_t via);

/** The payer ends. Its cells live on while they are referenced, paid for by nobody. */
void cell_forget(struct cell_account *payer);

/** For listings: the cells from the topmost one to `via`, which is referenced or 0; the rest of
 * `out` is left alone. Gives: who pays for `via`; NULL. */
struct cell_account *cell_path(via_t via, via_t out[CELL_DEPTH_MAX]);

uint32_t cell_count(void);  /* on the machine */
uint32_t cell_frames(void); /* that they lie in */

/* Up-call: the last reference to a cell went. Whoever still waits through it is to be woken;
 * implemented in kernel/ipc/revoke.c. */
void cell_gone(void);
