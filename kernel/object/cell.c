/* Cells live in frames of 128, of which the first is the frame's head: how many are in use and
 * which are free. Frames come when they are needed and go back when the last cell of one goes. */
#include "kernel/object/cell.h"

#include "kernel/core/panic.h"
#include "kernel/memory/frame.h"

struct cell {                   /* 32 bytes */
    uint32_t serial;            /* 0 = free */
    uint32_t refs;              /* slots, areas, exports, children; of a head: cells in use */
    struct cell_account *payer; /* NULL: has ended */
    uint16_t parent;            /* referenced; 0 = none */
    uint16_t next, prev;        /* of the payer's; of a free one, and of a head: the next free */
    uint8_t depth;              /* 1..4 */
    bool revoked;
    uint64_t rsv;
};
_Static_assert(sizeof(struct cell) * CELLS_PER_PAGE == PAGE_SIZE, "a frame of cells");
_Static_assert(CELL_PAGES *CELLS_PER_PAGE <= 1 << 16, "an index is 16 bits");

enum { CELL_REFS_MAX = 1 << 30 };

uint64_t cell_epoch = 1;
static struct cell *cell_page[CELL_PAGES];
static uint32_t last_cell, in_use;
static uint32_t first_with_room; /* no page below it has a free cell */

static struct cell *cell_at(uint32_t index)
{
    return &cell_page[index / CELLS_PER_PAGE % CELL_PAGES][index % CELLS_PER_PAGE];
}

/* The cell that somebody holds a reference to. */
static struct cell *held(via_t via)
{
    struct cell *c = cell_at(cell_index(via));
    KASSERT(c->serial == via >> 32 && c->refs != 0);
    return c;
}

static bool more_cells(uint32_t n)
{
    paddr_t frame = frame_alloc(0);
    if (frame.v == 0) {
        return false;
    }
    cell_page[n] = phys_ptr(frame);
    for (uint32_t i = CELLS_PER_PAGE - 1; i > 0; i--) {
        cell_page[n][i].next = cell_page[n][0].next;
        cell_page[n][0].next = (uint16_t)(n * CELLS_PER_PAGE + i);
    }
    return true;
}

static uint16_t take_free(void)
{
    while (first_with_room < CELL_PAGES && cell_page[first_with_room] != NULL &&
           cell_page[first_with_room]->next == 0) {
        first_with_room++;
    }
    uint32_t n = first_with_room;
    if (n == CELL_PAGES || (cell_page[n] == NULL && !more_cells(n))) {
        return 0;
    }
    uint16_t index = cell_page[n]->next;
    cell_page[n]->next = cell_at(index)->next;
    cell_page[n]->refs++;
    in_use++;
    return index;
}

static void give_free(uint16_t index)
{
    uint32_t n = index / CELLS_PER_PAGE;
    *cell_at(index) = (struct cell){ .next = cell_page[n]->next };
    cell_page[n]->next = index;
    in_use--;
    first_with_room = n < first_with_room ? n : first_with_room;
    if (--cell_page[n]->refs == 0) {
        paddr_t frame = ptr_phys(cell_page[n]);
        cell_page[n] = NULL;
        frame_free(frame, 0);
    }
}

/* ---- who pays ---- */

static void charge(struct cell_account *payer, uint16_t index)
{
    struct cell *c = cell_at(index);
    c->payer = payer;
    c->prev = 0;
    c->next = payer->first;
    if (c->next != 0) {
        cell_at(c->next)->prev = index;
    }
    payer->first = index;
    payer->used++;
}

static void discharge(struct cell *c)
{
    if (c->payer != NULL) {
        *(c->prev != 0 ? &cell_at(c->prev)->next : &c->payer->first) = c->next;
        if (c->next != 0) {
            cell_at(c->next)->prev = c->prev;
        }
        c->payer->used--;
        c->payer = NULL;
    }
}

void cell_forget(struct cell_account *payer)
{
    while (payer->first != 0) {
        discharge(cell_at(payer->first));
    }
}

/* ---- life ---- */

nos_status_t cell_new(struct cell_account *payer, via_t parent, via_t *out)
{
    uint8_t depth = 1;
    if (parent != 0) {
        depth = (uint8_t)(held(parent)->depth + 1);
    }
    if (depth > CELL_DEPTH_MAX) {
        return NOS_DEPTH;
    }
    if (payer->used >= payer->limit) {
        return NOS_QUOTA;
    }
    cell_get(parent);  // first: on shortage growing reclaims
    uint16_t index = take_free();
    if (index == 0) {
        cell_put(parent);
        return NOS_NO_MEMORY;
    }
    last_cell += last_cell == UINT32_MAX ? 2 : 1;
    *cell_at(index) = (struct cell){
        .serial = last_cell, .refs = 1, .parent = (uint16_t)cell_index(parent), .depth = depth
    };
    charge(payer, index);
    *out = index | (via_t)last_cell << 32;
    return NOS_OK;
}

void cell_ref(via_t via)
{
    KASSERT(held(via)->refs < CELL_REFS_MAX);
    held(via)->refs++;
}

void cell_unref(via_t via)
{
    struct cell *c = held(via);
    uint16_t index = (uint16_t)cell_index(via);
    while (--c->refs == 0) {
        uint16_t parent = c->parent;
        discharge(c);
        give_free(index);
        cell_gone();
        if (parent == 0) {
            return;
        }
        index = parent;
        c = cell_at(index);
    }
}

via_t cell_via_of(uint32_t index)
{
    return index | (via_t)cell_at(index)->serial << 32;
}

enum cell_state cell_look(via_t via)
{
    uint16_t index = (uint16_t)cell_index(via);
    if (via == 0) {
        return CELL_ALIVE;
    }
    if (cell_page[index / CELLS_PER_PAGE % CELL_PAGES] == NULL ||
        cell_at(index)->serial != via >> 32) {
        return CELL_GONE;
    }
    for (; index != 0; index = cell_at(index)->parent) {
        if (cell_at(index)->revoked) {
            return CELL_REVOKED;
        }
    }
    return CELL_ALIVE;
}

void cell_revoke(via_t via)
{
    held(via)->revoked = true;
    cell_epoch++;
}

struct cell_account *cell_path(via_t via, via_t out[CELL_DEPTH_MAX])
{
    uint32_t index = cell_index(via);
    if (index == 0) {
        return NULL;
    }
    struct cell_account *payer = held(via)->payer;
    for (; index != 0; index = cell_at(index)->parent) {
        out[(cell_at(index)->depth - 1) % CELL_DEPTH_MAX] = cell_via(index);
    }
    return payer;
}

uint32_t cell_count(void)
{
    return in_use;
}

uint32_t cell_frames(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < CELL_PAGES; i++) {
        n += cell_page[i] != NULL ? 1 : 0;
    }
    return n;
}
