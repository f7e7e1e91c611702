/* Handle tables. Slot 0 is never used, so handle 0 names nothing. The index is bounded by a mask,
 * not by a branch that could be mispredicted past the table; a page that is not there is a NULL
 * that the mask cannot turn into another's. */
#include "kernel/object/handle.h"

#include "kernel/arch/api/arch.h"
#include "kernel/core/panic.h"
#include "kernel/memory/frame.h"

enum { TAG_MAX = 0xffff };
_Static_assert(HANDLES_PER_PAGE * sizeof(struct handle_slot) == PAGE_SIZE, "a page of slots");

static struct handle_slot *slot_at(const struct handle_table *t, uint32_t index)
{
    struct handle_slot *page = t->page[index / HANDLES_PER_PAGE % HANDLE_PAGES];
    return page == NULL ? NULL : &page[index % HANDLES_PER_PAGE];
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
        page[i].tag = 1;
        page[i].next_free = t->free;
        t->free = (uint16_t)(first + i);
    }
    return NOS_OK;
}

nos_status_t handle_add(struct handle_table *t, struct obj *o, uint32_t rights,
                        uint64_t deadline_ns, enum nos_origin origin, uint32_t *out)
{
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
    uint32_t index = t->free;
    struct handle_slot *s = slot_at(t, index);
    t->free = s->next_free;
    t->used++;
    *s = (struct handle_slot){ .obj = o,
                               .rights = rights,
                               .type = (uint16_t)o->type,
                               .tag = s->tag,
                               .deadline_ns = deadline_ns,
                               .origin = origin };
    obj_handle_opened(o, rights);
    *out = index | (uint32_t)s->tag << 16;
    return NOS_OK;
}

nos_status_t handle_get(const struct handle_table *t, uint32_t h, uint32_t types, uint32_t need,
                        struct handle_slot **out)
{
    struct handle_slot *s = slot_at(t, h & (HANDLES_MAX - 1));
    if (UNLIKELY(s == NULL || s->tag != h >> 16 || s->obj == NULL || (h & 0xffff) >= HANDLES_MAX)) {
        return NOS_BAD_HANDLE;
    }
    if (UNLIKELY((types >> s->type & 1) == 0)) {
        return NOS_WRONG_TYPE;  // before rights: rights on the wrong object mean nothing
    }
    if (UNLIKELY(s->deadline_ns != 0) && s->deadline_ns <= arch_clock_ns()) {
        return NOS_EXPIRED;
    }
    if (UNLIKELY((s->rights & need) != need)) {
        return NOS_DENIED;
    }
    *out = s;
    return NOS_OK;
}

static void clear_slot(struct handle_table *t, struct handle_slot *s, uint32_t index)
{
    struct obj *o = s->obj;
    uint32_t rights = s->rights;
    *s = (struct handle_slot){ .tag = (uint16_t)(s->tag + 1) };
    t->used--;
    if (s->tag != TAG_MAX) {  // a tag that would wrap retires the slot
        s->next_free = t->free;
        t->free = (uint16_t)index;
    }
    obj_handle_closed(o, rights);
    obj_put(o);
}

nos_status_t handle_close(struct handle_table *t, uint32_t h)
{
    uint32_t index = h & 0xffff;
    struct handle_slot *s = index < HANDLES_MAX ? slot_at(t, index) : NULL;
    if (s == NULL || s->obj == NULL || s->tag != h >> 16) {
        return NOS_BAD_HANDLE;
    }
    clear_slot(t, s, index);
    return NOS_OK;
}

void handle_close_all(struct handle_table *t)
{
    for (uint32_t i = 1; i < t->capacity; i++) {
        struct handle_slot *s = slot_at(t, i);
        if (s->obj != NULL) {
            clear_slot(t, s, i);
        }
    }
    for (uint32_t i = 0; i < t->capacity / HANDLES_PER_PAGE; i++) {
        frame_free(ptr_phys(t->page[i]), 0);
        t->page[i] = NULL;
    }
    t->capacity = t->free = 0;
}

nos_status_t handle_nth(const struct handle_table *t, uint32_t n, uint32_t *h,
                        struct handle_slot **out)
{
    for (uint32_t i = 1; i < t->capacity; i++) {
        struct handle_slot *s = slot_at(t, i);
        if (s->obj != NULL && n-- == 0) {
            *h = i | (uint32_t)s->tag << 16;
            *out = s;
            return NOS_OK;
        }
    }
    return NOS_NOT_FOUND;
}
