/* kernel/object/handle.c, cell.c: a number from user mode becomes an object, or not. */
#include "tests/cbmc/memory.h"

#include "kernel/object/handle.c"

static uint64_t now;
static enum cell_state state_of_cell[2]; /* of two cells, by the lowest bit of their name */
static bool ended;
static int references, opened; /* of the object: taken less given back */

uint64_t cell_epoch;

/* What is around a table, by contract. */
uint64_t arch_clock_ns(void)
{
    return now;
}

enum cell_state cell_look(via_t via)
{
    return via == 0 ? CELL_ALIVE : state_of_cell[via & 1];
}

bool obj_ended(const struct obj *o)
{
    claim(__CPROVER_r_ok(o, sizeof *o), "a slot names an object");
    return ended;
}

nos_status_t cell_new(struct cell_account *payer, via_t parent, via_t *out)
{
    claim(__CPROVER_w_ok(payer, sizeof *payer), "who pays");
    if (nondet_bool()) {
        return NOS_QUOTA;
    }
    *out = parent + 2;
    return NOS_OK;
}

void cell_ref(via_t via)
{
    claim(via != 0, "a cell");
}

void cell_unref(via_t via)
{
    claim(via != 0, "a cell");
}

void cell_forget(struct cell_account *payer)
{
    payer->first = 0;
}

void obj_get(struct obj *o)
{
    claim(__CPROVER_w_ok(o, sizeof *o), "an object");
    references++;
}

void obj_put(struct obj *o)
{
    claim(__CPROVER_w_ok(o, sizeof *o), "an object");
    references--;
}

void obj_handle_opened(struct obj *o, uint32_t rights)
{
    (void)o, (void)rights;
    opened++;
}

void obj_handle_closed(struct obj *o, uint32_t rights)
{
    (void)o, (void)rights;
    opened--;
}

paddr_t frame_alloc(unsigned order)
{
    claim(order == 0, "a page of slots");
    return any_frame();
}

void frame_free(paddr_t p, unsigned order)
{
    claim(p.v != 0 && order == 0, "a page of slots");
    pages_freed++;
}

/* Which place a number leads to is proved by itself (handle_place). Here the table's second page has one slot, the
 * first, with anything in it that handle_insert could have left there; the other pages have a free one. */
static struct handle_table table;
static struct handle_slot one[1], none[1];
static struct obj object;

static struct handle_slot *any_slot(void)
{
    struct handle_slot *s = one;

    for (uint32_t k = 0; k < HANDLE_PAGES; k++) {
        table.page[k] = k == 1 ? one : none;
    }
    table.capacity = HANDLES_MAX;
    table.limit = nondet_u32();
    table.classes = nondet_u32();
    table.used = 1;
    assume(table.limit >= 1 && table.limit <= HANDLES_MAX);
    object.type = nondet_u16();
    object.classes = nondet_u16();
    assume(object.type > NOS_TYPE_NONE && object.type < NOS_TYPE_COUNT && (object.classes & ~table.classes) == 0);
    s->obj = &object;
    s->rights = nondet_u32();
    s->type = 1u << object.type;
    s->name = HANDLES_PER_PAGE | (uint32_t)nondet_u16() << HANDLE_TAG_SHIFT;
    assume(s->name >> HANDLE_TAG_SHIFT != 0 && s->name >> HANDLE_TAG_SHIFT != HANDLE_TAG_MAX);
    s->depth = nondet_u8();
    s->deadline_ns = nondet_u64();
    s->via = nondet_u64();
    cell_epoch = nondet_u64();
    s->epoch = nondet_u64();
    now = nondet_u64();
    ended = nondet_bool();
    state_of_cell[0] = nondet_u8() % 3;
    state_of_cell[1] = nondet_u8() % 3;
    assume(cell_epoch != 0);
    /* What a slot remembers: found alive at this epoch, still is. (Broken by nobody: cell_revoke raises the epoch.) */
    assume(s->epoch != cell_epoch || (cell_look(s->via) == CELL_ALIVE && !ended));
    return s;
}

/* Every number leads into the table: slot number % 64 of page number / 64 % 16
 * bound: any 64-bit number
 * unwind: 17
 * planted: kernel/object/handle.h: [h / HANDLES_PER_PAGE % HANDLE_PAGES][h % HANDLES_PER_PAGE] => [h / HANDLES_PER_PAGE][h % HANDLES_PER_PAGE]
 * planted: kernel/object/handle.c: [index % HANDLES_PER_PAGE]; => [index % (HANDLES_PER_PAGE + 1)]; */
void prove_handle_place(void)
{
    uint64_t h = nondet_u64();
    struct handle_table *t = any_bytes(sizeof *t);

    handle_table_init(t, 8, 0);
    t->page[3] = any_bytes(PAGE_SIZE);
    struct handle_slot *first = t->page[h / 64 % 16], *s = handle_place(t, h), *low = slot_at(t, (uint32_t)(h & UINT32_MAX));
    claim(s == first + h % 64 && low == s, "its own place, by both ways");
    claim((size_t)((uint8_t *)s - (uint8_t *)first) <= PAGE_SIZE - sizeof *s && __CPROVER_r_ok(s, sizeof *s), "inside");
}

/* handle_get gives a slot exactly if the number is its whole name, object and type are right, its time has not come,
 * nothing above it was revoked, and it has every right asked for; the first that is wrong is told. handle_fast gives
 * it only if handle_get does, and the same
 * bound: any number that leads to the first slot of one of the 16 pages; any contents of the slot, any types, rights, clock, epoch, state of its cell
 * assumed: cell_look and obj_ended tell the truth (cell_tree); a slot whose epoch is the present one was found alive in it
 * unwind: 17
 * planted: kernel/object/handle.c: s->name != h || s->obj == NULL => (s->name & HANDLE_TAG_MAX) != (h & HANDLE_TAG_MAX) || s->obj == NULL
 * planted: kernel/object/handle.c: s->deadline_ns <= arch_clock_ns() => s->deadline_ns < arch_clock_ns()
 * planted: kernel/object/handle.c: (s->rights & need) != need => (s->rights & need) == 0 && need != 0
 * planted: kernel/object/handle.c: cell_look(s->via) != CELL_ALIVE || obj_ended(s->obj) => cell_look(s->via) == CELL_REVOKED || obj_ended(s->obj)
 * planted: kernel/object/handle.h: | s->deadline_ns | (s->epoch ^ cell_epoch) => | s->deadline_ns */
void prove_handle_get(void)
{
    struct handle_slot *s = any_slot(), *got = NULL;
    uint64_t number = nondet_u64() & ~(uint64_t)(HANDLES_PER_PAGE - 1);
    uint32_t h = (uint32_t)(number & UINT32_MAX), types = nondet_u32(), need = nondet_u32();
    bool alive = cell_look(s->via) == CELL_ALIVE && !ended;

    struct handle_slot *fast = handle_fast(&table, number, (uint64_t)types << 32 | need);
    nos_status_t st = handle_get(&table, h, types, need, &got);
    bool in_time = s->deadline_ns == 0 || now < s->deadline_ns;
    nos_status_t right = h != s->name                  ? NOS_BAD_HANDLE
                         : (types & s->type) == 0      ? NOS_WRONG_TYPE
                         : !in_time                    ? NOS_EXPIRED
                         : !alive                      ? NOS_REVOKED
                         : (s->rights & need) != need  ? NOS_DENIED
                                                       : NOS_OK;
    claim(st == right, "what it says");
    claim(got == (st == NOS_OK ? s : NULL), "the slot, or nothing");
    claim(IMPLIES(fast != NULL && types != 0, st == NOS_OK && fast == s && number == h), "the fast way grants no more");
    claim(IMPLIES(fast != NULL, alive && in_time && (s->rights & need) == need), "and nothing dead");
    claim(references == 0 && opened == 0, "looking takes no reference");
}

/* A handle that was closed names nothing any more, also when its slot is used again; the last tag is never given out
 * twice; references come and go in pairs
 * bound: any contents of a slot, any new handle in its place
 * assumed: as handle_get
 * unwind: 17
 * without: unsigned-overflow-check (derived_keepers counts down to below what this proof began with)
 * planted: kernel/object/handle.c: .name = was.name + (1u << HANDLE_TAG_SHIFT) => .name = was.name
 * planted: kernel/object/handle.c: if (s->name >> HANDLE_TAG_SHIFT != HANDLE_TAG_MAX) { => if (true) {
 * planted: kernel/object/handle.c: (o->classes & ~t->classes) != 0 => (o->classes & t->classes) == 0 */
void prove_handle_close(void)
{
    struct handle_slot *s = any_slot(), *got = NULL;
    uint32_t old = s->name, fresh = 0, classes = nondet_u32();

    table.free = 0;
    derived_keepers = 1;
    nos_status_t st = handle_close(&table, old);
    claim(st == NOS_OK && references == -1 && opened == -1 && table.used == 0, "its reference goes");
    claim(handle_get(&table, old, UINT32_MAX, 0, &got) == NOS_BAD_HANDLE, "closed");
    claim(handle_close(&table, old) == NOS_BAD_HANDLE && references == -1, "once");
    table.classes = classes;
    st = handle_add(&table, &object, nondet_u32(), 0, NOS_ORIGIN_MESSAGE, &fresh);
    claim(IMPLIES((object.classes & ~classes) != 0, st == NOS_NO_CLASS), "no handle without the class");
    claim(IMPLIES(st != NOS_OK, references == -1 && opened == -1), "refused: nothing taken");
    claim(handle_get(&table, old, UINT32_MAX, 0, &got) == NOS_BAD_HANDLE, "an old number never names what is new");
    claim(IMPLIES(st == NOS_OK, references == 0 && opened == 0 && fresh != old && fresh >> HANDLE_TAG_SHIFT != 0 &&
                                    fresh >> HANDLE_TAG_SHIFT != HANDLE_TAG_MAX),
          "a new name");
}
