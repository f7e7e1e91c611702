/* kernel/object/cell.c: where a grant can be cut. */
#include "tests/cbmc/memory.h"

#define CELL_PAGES CELL_PAGES_OF_THE_KERNEL
#include "kernel/object/cell.h"
#undef CELL_PAGES
enum { CELLS = 4, CELL_PAGES = 2 };

#include "kernel/object/cell.c"

static uint32_t gone;

void cell_gone(void)
{
    gone++;
}

paddr_t frame_alloc(unsigned order)
{
    claim(order == 0, "a page of cells");
    return (paddr_t){ 0 }; /* out of memory: the free cells are all there are */
}

void frame_free(paddr_t p, unsigned order)
{
    (void)p, (void)order;
    claim(false, "the page is in use");
}

/* A page with four free cells, in use by one more that nobody here knows, so that it stays. */
static struct cell_account begin(void)
{
    static struct cell page[CELLS + 1];

    memset(page, 0, sizeof page);
    first_with_room = 0;
    cell_page[0] = page;
    for (uint16_t i = 0; i < CELLS; i++) {
        page[i].next = i + 1;
    }
    page[0].refs = in_use = 1;
    cell_epoch = 1;
    return (struct cell_account){ .limit = CELLS };
}

/* Cells of any content, as cell_new leaves them: below a parent that is one less deep and in use. */
static struct cell *any_cells(void)
{
    static struct cell page[CELLS + 1];

    __CPROVER_havoc_object(page);
    cell_page[0] = page;
    cell_page[1] = NULL;
    page[0].serial = 0;
    for (uint32_t i = 1; i <= CELLS; i++) {
        const struct cell *c = &page[i];
        assume(c->parent <= CELLS && c->depth <= CELL_DEPTH_MAX && c->revoked <= 1);
        assume(c->serial == 0 ? c->parent == 0 && !c->revoked : c->refs != 0 && c->refs <= CELL_REFS_MAX);
        assume(c->serial == 0 || (c->parent == 0 ? c->depth == 1 : page[c->parent].serial != 0 && c->depth == page[c->parent].depth + 1));
    }
    return page;
}

static via_t name_of(uint32_t i)
{
    return i == 0 ? 0 : i | (via_t)cell_page[0][i].serial << 32;
}

/* cell_look: gone exactly if the cell in its place has another serial number, or its page is not there; alive exactly if
 * it was not revoked and what is above it is alive. cell_revoke kills a cell and all below it, and nothing else
 * bound: 4 cells of any content in any tree; any name of a cell of the first 254
 * unwind: 6
 * planted: kernel/object/cell.c: for (; index != 0; index = cell_at(index)->parent) {
        if => for (; index != 0; index = 0) {
        if
 * planted: kernel/object/cell.c: cell_at(index)->serial != via >> 32 => cell_at(index)->serial == 0
 * planted: kernel/object/cell.c: cell_page[index / CELLS_PER_PAGE % CELL_PAGES] == NULL || => false ||
 * planted: kernel/object/cell.c: held(via)->revoked = true; => ; */
void prove_cell_look(void)
{
    struct cell *page = any_cells();
    uint32_t i = 1 + nondet_u32() % CELLS, cut = 1 + nondet_u32() % CELLS;
    via_t via = nondet_u64(), mine = name_of(i), above = name_of(page[i].parent);

    assume((via >> 16 & 0xffff) == 0); /* else nobody made it */
    assume(cell_index(via) <= CELLS || cell_index(via) / CELLS_PER_PAGE == 1);
    bool there = cell_index(via) <= CELLS && via == name_of(cell_index(via)) && cell_page[0][cell_index(via)].serial != 0;
    claim(IMPLIES(via >> 32 != 0, (cell_look(via) == CELL_GONE) == !there), "gone");
    assume(page[i].serial != 0 && page[cut].serial != 0 && cell_epoch < UINT64_MAX);
    enum cell_state before = cell_look(mine);
    claim((before == CELL_ALIVE) == (!page[i].revoked && cell_look(above) == CELL_ALIVE), "it and all above it");
    uint64_t epoch = cell_epoch;
    bool below = false;
    for (uint32_t at = i, n = 0; n < CELL_DEPTH_MAX && at != 0; n++, at = page[at].parent) {
        below |= at == cut;
    }
    cell_revoke(name_of(cut));
    claim(cell_epoch > epoch, "who looked before the cut must look again");
    claim(cell_look(mine) == (below ? CELL_REVOKED : before), "what is below it is dead, all else as it was");
}

static void tree(bool chain, bool let_go, unsigned cut)
{
    struct cell_account payer = begin();
    via_t via[3] = { 0 };
    uint64_t epoch = cell_epoch;

    nos_status_t st = cell_new(&payer, 0, &via[0]);
    claim(st == NOS_OK && via[0] >> 32 != 0, "a cell, whose serial is not 0");
    st = cell_new(&payer, via[0], &via[1]);
    claim(st == NOS_OK, "a child");
    st = cell_new(&payer, chain ? via[1] : via[0], &via[2]);
    claim(st == NOS_OK && payer.used == 3 && in_use == 4, "another");
    claim(cell_look(via[2]) == CELL_ALIVE, "alive");
    if (cut < 3) {
        cell_revoke(via[cut]);
    }
    claim((cell_epoch > epoch) == (cut < 3), "who looked before the cut must look again");
    if (let_go) {
        cell_unref(via[0]);
        cell_unref(via[1]);
    }
    bool dead2 = cut == 0 || cut == 2 || (cut == 1 && chain);
    claim(cell_look(via[2]) == (dead2 ? CELL_REVOKED : CELL_ALIVE), "all below a cut, nothing beside");
    enum cell_state state1 = cut <= 1 ? CELL_REVOKED : CELL_ALIVE;
    claim(cell_look(via[1]) == (let_go && !chain ? CELL_GONE : state1), "kept by its child alone");
    claim(cell_look(via[0]) == (cut == 0 ? CELL_REVOKED : CELL_ALIVE), "kept by its children");
    claim(cell_look(0) == CELL_ALIVE, "what has no cell cannot be cut");
}

/* A cell is alive exactly if neither it nor any above it was revoked, also when those above have lost all other
 * references; a revocation raises the epoch; the cells of others stay as they are
 * bound: a tree of three cells of either shape, one of them revoked or none, the upper two let go or not
 * unwind: 17
 * planted: kernel/object/cell.c: .parent = (uint16_t)cell_index(parent), => .parent = 0,
 * planted: kernel/object/cell.c: cell_get(parent);  // first => ;  // first
 * planted: kernel/object/cell.c: cell_epoch++; => ; */
void prove_cell_tree(void)
{
    for (unsigned n = 0; n < 16; n++) { /* by cases: what is known is not searched for */
        tree((n & 1) != 0, (n & 2) != 0, n >> 2);
    }
}

static void refs(bool below, uint32_t limit)
{
    struct cell_account payer = begin();
    via_t one = 0, two = 0, three = 0;
    uint32_t before = gone;

    payer.limit = limit;
    nos_status_t st = cell_new(&payer, 0, &one);
    claim(st == NOS_OK, "the first");
    st = cell_new(&payer, below ? one : 0, &two);
    claim(st == (payer.limit < 2 ? NOS_QUOTA : NOS_OK) && payer.used <= payer.limit, "within the limit");
    claim(held(one)->refs == (st == NOS_OK && below ? 2 : 1), "a child keeps what is above it");
    if (st != NOS_OK) {
        return;
    }
    cell_ref(two);
    cell_unref(two);
    claim(cell_look(two) == CELL_ALIVE && gone == before, "one is left");
    cell_unref(two);
    claim(cell_look(two) == CELL_GONE && gone == before + 1 && payer.used == 1 && in_use == 2, "gone with the last");
    claim(held(one)->refs == 1, "what it kept is kept no more");
    st = cell_new(&payer, 0, &three);
    claim(st == NOS_OK && cell_index(three) == cell_index(two), "its place is used again");
    claim(three != two && cell_look(two) == CELL_GONE && cell_look(three) == CELL_ALIVE, "and is another's");
    cell_forget(&payer);
    claim(payer.used == 0 && payer.first == 0 && cell_look(one) == CELL_ALIVE, "they live on, paid for by nobody");
    cell_unref(one);
    cell_unref(three);
    claim(in_use == 1 && cell_look(one) == CELL_GONE, "all gone");
}

/* References come and go in pairs: with its last one a cell goes, and those above that it alone kept; what remembers
 * it is told that it has gone, also when its place is used again; who pays has paid for what there is, and no more
 * than its limit
 * bound: two cells, one below the other or not, a third in the place of the second; a limit of one and two
 * unwind: 17
 * planted: kernel/object/cell.c: cell_at(index)->serial != via >> 32 => false
 * planted: kernel/object/cell.c: payer->used >= payer->limit => payer->used > payer->limit
 * planted: kernel/object/cell.c: c->payer->used--; => ;
 * planted: kernel/object/cell.c: while (--c->refs == 0) { => while (--c->refs <= 1) { */
void prove_cell_refs(void)
{
    for (unsigned n = 0; n < 4; n++) {
        refs((n & 1) != 0, 1 + n / 2);
    }
}
