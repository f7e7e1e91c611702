/* Handle tables. Slot 0 is never used, so handle 0 names nothing. The index is bounded by a mask,
 * not by a branch that could be mispredicted past the table; a page that is not there is a page of
 * empty slots, which nobody fills. */
#include "kernel/object/handle.h"

#include "kernel/arch/api/arch.h"
#include "kernel/core/panic.h"
#include "kernel/memory/frame.h"
#include "kernel/object/device.h"

enum { RETIRE_AT_ONCE = 256 };
_Static_assert(HANDLES_PER_PAGE * sizeof(struct handle_slot) == PAGE_SIZE, "a page of slots");

static struct handle_slot absent[HANDLES_PER_PAGE]; /* all free: nothing is ever written here */
static uint32_t derived_keepers;
static struct region no_region = { /* what a dead handle to a region names: that keeps no frames */
                                   .obj = { .type = NOS_TYPE_REGION,
                                            .classes = NOS_CLASS_MEMORY,
                                            .refs = 1 }
};

static struct handle_slot *slot_at(const struct handle_table *t, uint32_t index)
{
    return &t->page[index / HANDLES_PER_PAGE % HANDLE_PAGES][index % HANDLES_PER_PAGE];
}

void handle_table_init(struct handle_table *t, uint32_t limit, uint32_t classes)
{
    *t = (struct handle_table){ .limit = limit, .classes = classes };
    t->cells.limit = CAPSULE_CELLS_MAX;
    for (uint32_t i = 0; i < HANDLE_PAGES; i++) {
        t->page[i] = absent;
    }
}

static nos_status_t grow(struct handle_table *t)
{
    if (t->capacity == HANDLES_MAX) {
        return NOS_NO_SLOT;
    }
    paddr_t p = frame_alloc(0);
    if (p.v == 0) {
        return NOS_NO_MEMORY;
    }
    struct handle_slot *page = phys_ptr(p);
    uint32_t first = t->capacity;
    t->page[first / HANDLES_PER_PAGE] = page;
    t->capacity += HANDLES_PER_PAGE;
    for (uint32_t i = HANDLES_PER_PAGE; i-- > (first == 0 ? 1u : 0u);) {
        page[i].name = (first + i) | 1u << HANDLE_TAG_SHIFT;
        page[i].next_free = t->free;
        t->free = (uint16_t)(first + i);
    }
    return NOS_OK;
}

nos_status_t handle_add(struct handle_table *t, struct obj *o, uint32_t rights,
                        uint64_t deadline_ns, enum nos_origin origin, uint32_t *out)
{
    const struct handle_slot fresh = { .obj = o,
                                       .rights = rights,
                                       .origin = (uint8_t)origin,
                                       .depth = CELL_DEPTH_MAX,
                                       .deadline_ns = deadline_ns };
    return handle_insert(t, &fresh, out);
}

/* A handle that a revocation can kill, and that keeps something from others by being there: an
 * endpoint's that is served with, a region's. */
static bool is_derived_keeper(const struct handle_slot *s)
{
    return s->via != 0 &&
           ((s->type == 1u << NOS_TYPE_ENDPOINT && (s->rights & NOS_RIGHT_RECV) != 0) ||
            (s->type == 1u << NOS_TYPE_REGION && s->obj != &no_region.obj));
}

static void fill(struct handle_slot *s, const struct handle_slot *like)
{
    uint32_t name = s->name;
    *s = *like;
    s->name = name;
    s->type = 1u << like->obj->type;
    s->next_free = 0;
    s->epoch = like->via == 0 ? cell_epoch : 0;  // one that has a cell is looked at when it is used
    derived_keepers += is_derived_keeper(s) ? 1 : 0;
    obj_handle_opened(s->obj, s->rights);
}

nos_status_t handle_insert(struct handle_table *t, const struct handle_slot *like, uint32_t *out)
{
    struct obj *o = like->obj;
    if ((o->classes & ~t->classes) != 0) {
        return NOS_NO_CLASS;
    }
    nos_status_t st = t->used >= t->limit ? NOS_QUOTA : NOS_OK;
    obj_get(o);  // first: on shortage growing reclaims, and an ended capsule that is only borrowed
                 // would go
    if (st == NOS_OK && t->free == 0) {
        st = grow(t);
    }
    if (st != NOS_OK) {
        obj_put(o);
        return st;
    }
    struct handle_slot *s = slot_at(t, t->free);
    t->free = s->next_free;
    t->used++;
    cell_get(like->via);
    fill(s, like);
    *out = s->name;
    return NOS_OK;
}

nos_status_t handle_derive(struct handle_table *t, const struct handle_slot *like, uint32_t *out)
{
    struct handle_slot child = *like;
    nos_status_t st = cell_new(&t->cells, like->via, &child.via);
    if (st == NOS_OK) {
        st = handle_insert(t, &child, out);
        cell_put(child.via);  // the slot has its own
    }
    return st;
}

nos_status_t handle_get(const struct handle_table *t, uint32_t h, uint32_t types, uint32_t need,
                        struct handle_slot **out)
{
    struct handle_slot *s = slot_at(t, h);
    if (UNLIKELY(s->name != h || s->obj == NULL)) {
        return NOS_BAD_HANDLE;
    }
    if (UNLIKELY((types & s->type) == 0)) {
        return NOS_WRONG_TYPE;  // before rights: rights on the wrong object mean nothing
    }
    if (UNLIKELY(s->deadline_ns != 0) && s->deadline_ns <= arch_clock_ns()) {
        return NOS_EXPIRED;
    }
    if (UNLIKELY(s->epoch != cell_epoch)) {
        if (cell_look(s->via) != CELL_ALIVE || obj_ended(s->obj)) {
            return NOS_REVOKED;
        }
        s->epoch = cell_epoch;
    }
    if (UNLIKELY((s->rights & need) != need)) {
        return NOS_DENIED;
    }
    *out = s;
    return NOS_OK;
}

static void clear_slot(struct handle_table *t, struct handle_slot *s)
{
    const struct handle_slot was = *s;
    *s = (struct handle_slot){ .name = was.name + (1u << HANDLE_TAG_SHIFT) };
    t->used--;
    if (s->name >> HANDLE_TAG_SHIFT != HANDLE_TAG_MAX) {  // a tag that would wrap retires the slot
        s->next_free = t->free;
        t->free = (uint16_t)(s->name & HANDLE_TAG_MAX);
    }
    derived_keepers -= is_derived_keeper(&was) ? 1 : 0;
    obj_handle_closed(was.obj, was.rights);
    obj_put(was.obj);
    cell_put(was.via);
}

nos_status_t handle_close(struct handle_table *t, uint32_t h)
{
    struct handle_slot *s = slot_at(t, h);
    if (s->name != h || s->obj == NULL) {
        return NOS_BAD_HANDLE;
    }
    clear_slot(t, s);
    return NOS_OK;
}

void handle_close_all(struct handle_table *t)
{
    for (uint32_t i = 1; i < t->capacity; i++) {
        struct handle_slot *s = slot_at(t, i);
        if (s->obj != NULL) {
            clear_slot(t, s);
        }
    }
    cell_forget(&t->cells);
    for (uint32_t i = 0; i < t->capacity / HANDLES_PER_PAGE; i++) {
        frame_free(ptr_phys(t->page[i]), 0);
        t->page[i] = absent;
    }
    t->capacity = t->free = 0;
}

static void retire(struct handle_slot *s)
{
    struct obj *o = s->obj;
    derived_keepers--;
    if (o->type == NOS_TYPE_REGION) {
        obj_get(&no_region.obj);
        s->obj = &no_region.obj;
        obj_put(o);
        return;
    }
    uint32_t rights = s->rights;
    s->rights &= ~(uint32_t)NOS_RIGHT_RECV;  // its close is not to count again
    obj_handle_closed(o, rights);
}

bool handle_retire_step(struct handle_table *t, uint32_t *at)
{
    for (uint32_t n = 0; *at < t->capacity && n < RETIRE_AT_ONCE; n++, ++*at) {
        struct handle_slot *s = slot_at(t, *at);
        if (is_derived_keeper(s) && cell_look(s->via) != CELL_ALIVE) {
            retire(s);
        }
    }
    return *at >= t->capacity;
}

uint32_t handle_derived_keepers(void)
{
    return derived_keepers;
}

nos_status_t handle_nth(const struct handle_table *t, uint32_t n, uint32_t *h,
                        struct handle_slot **out)
{
    for (uint32_t i = 1; i < t->capacity; i++) {
        struct handle_slot *s = slot_at(t, i);
        if (s->obj != NULL && n-- == 0) {
            *h = s->name;
            *out = s;
            return NOS_OK;
        }
    }
    return NOS_NOT_FOUND;
}
