/* Address spaces. A capsule's areas lie in one random 1 GiB window, so that they share all tables
 * but the last; inside it each area has a random place: 17 bits for the window, 18 for the page.
 *
 * Areas lie sorted by address, without gaps in the array: one search says where a new one goes and
 * what its neighbours are. Neighbours also tell whether a page table serves an area alone: then it
 * goes with the area, so that page tables are never more than the areas need.
 */
#include "kernel/memory/space.h"

#include <string.h>

#include "kernel/core/panic.h"
#include "kernel/crypto/vault.h"
#include "kernel/memory/frame.h"

enum {
    WINDOW_SHIFT = 30,
    WINDOW_PAGES = 1 << (WINDOW_SHIFT - PAGE_SHIFT),
    PLACE_TRIES = 32,
    TABLE_SHIFT = 21, /* what one page table maps */
    TABLE_PAGES = 1 << (TABLE_SHIFT - PAGE_SHIFT),
    BATCH = 16 /* frames freed after one flush */
};

nos_status_t space_create(struct space *s, uint32_t limit)
{
    uint64_t windows =
        (USER_MAX >> WINDOW_SHIFT) - 1;  // neither the lowest nor, by rounding, the highest
    s->window = (1 + vault_random64() % windows) << WINDOW_SHIFT;
    s->limit = limit;
    s->pages = s->n_areas = 0;
    s->area = s->first;
    s->room = SPACE_FIRST_AREAS;
    nos_status_t st = arch_space_create(&s->arch);
    if (st == NOS_OK) {
        s->pages = 1;
    }
    return st;
}

/* ---- areas ---- */

static uint64_t end_of(const struct area *a)
{
    return a->va + (uint64_t)a->span * PAGE_SIZE;
}

/* The first area that ends above `va`; s->n_areas if there is none. */
static unsigned first_above(const struct space *s, uint64_t va)
{
    unsigned low = 0, high = s->n_areas;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (end_of(&s->area[mid]) > va) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return low;
}

/* Order of the frames that the areas lie in. */
static unsigned area_order(const struct space *s)
{
    unsigned order = 0;
    while (s->room * sizeof s->area[0] > (size_t)PAGE_SIZE << order) {
        order++;
    }
    return order;
}

static void free_area_frames(struct space *s)
{
    if (s->area != s->first) {
        unsigned order = area_order(s);
        frame_free(ptr_phys(s->area), order);
        s->pages -= 1u << order;
    }
    s->area = s->first;
    s->room = SPACE_FIRST_AREAS;
}

static NOINLINE nos_status_t make_room(struct space *s)
{
    unsigned order = s->area == s->first ? 0 : area_order(s) + 1;
    if (order > SPACE_AREA_ORDER_MAX) {
        return NOS_NO_SLOT;
    }
    if (s->pages + (1u << order) > s->limit) {
        return NOS_QUOTA;
    }
    paddr_t p = frame_alloc(order);
    if (p.v == 0) {
        return NOS_NO_MEMORY;
    }
    struct area *to = phys_ptr(p);
    memcpy(to, s->area, s->n_areas * sizeof *to);
    free_area_frames(s);
    s->area = to;
    s->room = (uint32_t)(((size_t)PAGE_SIZE << order) / sizeof *to);
    s->pages += 1u << order;
    return NOS_OK;
}

static void area_insert(struct space *s, unsigned at, const struct area *a)
{
    memmove(&s->area[at + 1], &s->area[at], (s->n_areas - at) * sizeof *a);
    s->area[at] = *a;
    s->n_areas++;
}

static void area_remove(struct space *s, unsigned at)
{
    s->n_areas--;
    memmove(&s->area[at], &s->area[at + 1], (s->n_areas - at) * sizeof s->area[0]);
}

/* The area that begins at `va`; NULL. */
static struct area *area_at(struct space *s, uint64_t va)
{
    unsigned i = first_above(s, va);
    return i < s->n_areas && s->area[i].va == va ? &s->area[i] : NULL;
}

/* ---- places ---- */

static uint32_t random_pool[32], random_left; /* for places */

/* Never given out twice, never in memory once it was used. */
static uint32_t random_below(uint32_t n)
{
    if (random_left == 0) {
        vault_random(random_pool, sizeof random_pool);
        random_left = ARRAY_LEN(random_pool);
    }
    uint32_t v = random_pool[--random_left];
    random_pool[random_left] = 0;
    return (uint32_t)((uint64_t)v * n >> 32);
}

/* Areas and their guards: [va - page, va + len + page). Two guards may share a page. */
static bool is_clear(struct space *s, uint64_t va, uint64_t pages)
{
    unsigned i = first_above(s, va - PAGE_SIZE);
    s->hint = i;
    return i == s->n_areas || s->area[i].va >= va + (pages + 1) * PAGE_SIZE;
}

/* `n` units of `unit` pages, neither the first nor the last of the window. */
static nos_status_t place(struct space *s, uint32_t n, uint32_t unit, uint64_t *va)
{
    uint32_t all = WINDOW_PAGES / unit;
    for (unsigned i = 0; n != 0 && n <= all - 2 && i < PLACE_TRIES; i++) {
        uint64_t page = (uint64_t)(1 + random_below(all - 1 - n)) * unit;
        uint64_t at = s->window + page * PAGE_SIZE;
        if (is_clear(s, at, (uint64_t)n * unit)) {
            *va = at;
            return NOS_OK;
        }
    }
    return NOS_NO_MEMORY;  // a window this full is far above any quota that fits the machine
}

nos_status_t space_place(struct space *s, uint32_t pages, uint64_t *va)
{
    return place(s, pages, 1, va);
}

nos_status_t space_place_large(struct space *s, uint32_t pages, uint64_t *va)
{
    return place(s, (pages + TABLE_PAGES - 1) / TABLE_PAGES, TABLE_PAGES, va);
}

/* Does `a` lie between the areas at - 1 and at? */
static inline bool goes_at(const struct space *s, const struct area *a, unsigned at)
{
    return at <= s->n_areas && (at == 0 || end_of(&s->area[at - 1]) <= a->va) &&
           (at == s->n_areas || s->area[at].va >= end_of(a));
}

/* Take the place of a new area before its pages: what a shortage does meanwhile to the areas around
 * it then sees it. Placement keeps the guards; a mapping itself need only not lie on another: the
 * segments of one image are neighbours. */
static nos_status_t area_begin(struct space *s, const struct area *a)
{
    if (a->va % PAGE_SIZE != 0 || a->pages == 0 ||
        !user_range(a->va, (uint64_t)a->span * PAGE_SIZE) ||
        (a->prot & (PROT_W | PROT_X)) == (PROT_W | PROT_X) || (a->prot & PROT_R) == 0) {
        return NOS_INVALID;
    }
    if (s->pages > s->limit) {  // tables may go above it
        return NOS_QUOTA;
    }
    nos_status_t st = LIKELY(s->n_areas != s->room) ? NOS_OK : make_room(s);
    if (st != NOS_OK) {
        return st;
    }
    unsigned at = s->hint;
    if (!goes_at(s, a, at)) {
        at = first_above(s, a->va);
        if (!goes_at(s, a, at)) {
            return NOS_BAD_STATE;
        }
    }
    area_insert(s, at, a);
    return NOS_OK;
}

/* ---- unmapping ---- */

/* Does nothing but what lies between areas `before` and `after` use the page table of `va`? */
static bool is_alone(const struct space *s, uint64_t va, unsigned before, unsigned after)
{
    uint64_t low = va >> TABLE_SHIFT << TABLE_SHIFT;
    return (before >= s->n_areas || end_of(&s->area[before]) <= low) &&
           (after >= s->n_areas || s->area[after].va >= low + (1ull << TABLE_SHIFT));
}

/* Clear a run between two areas, a page table at a time, and take out the tables that nobody else
 * uses. */
static void clear_run(struct space *s, uint64_t va, uint32_t pages, unsigned before, unsigned after)
{
    while (pages != 0) {
        uint32_t room = TABLE_PAGES - (uint32_t)(va >> PAGE_SHIFT) % TABLE_PAGES;
        uint32_t n = pages < room ? pages : room;
        paddr_t table = arch_clear(&s->arch, va, n, is_alone(s, va, before, after));
        arch_flush(&s->arch, va, n);
        s->pages -= arch_table_put(&s->arch, table) ? 1 : 0;
        va += (uint64_t)n * PAGE_SIZE;
        pages -= n;
    }
}

/* Take private pages out and free their frames, after one flush for many. */
static void free_pages(struct space *s, uint64_t va, uint32_t pages)
{
    paddr_t frame[BATCH];
    while (pages != 0) {
        uint32_t n = pages < BATCH ? pages : BATCH;
        for (uint32_t i = 0; i < n; i++) {
            frame[i] = arch_unmap(&s->arch, va + (uint64_t)i * PAGE_SIZE);
        }
        arch_flush(&s->arch, va, n);
        for (uint32_t i = 0; i < n; i++) {
            if (frame[i].v != 0) {
                frame_free(frame[i], 0);
                s->pages--;
            }
        }
        va += (uint64_t)n * PAGE_SIZE;
        pages -= n;
    }
}

/* Undo area `a`: its mappings, its own frames, its place. */
static void drop_area(struct space *s, const struct area *a)
{
    unsigned at = (unsigned)(a - s->area);
    KASSERT(at < s->n_areas);
    if (a->kind != AREA_BORROWED) {
        free_pages(s, a->va, a->pages);
    }
    clear_run(s, a->va, a->pages, at - 1, at + 1);
    area_remove(s, at);
}

/* ---- mapping ---- */

/* Page tables are charged too: those made meanwhile are for this space. (Not the difference in
 * tables that there are: a shortage may free those of an ended capsule on the way.) */
static nos_status_t map_charged(struct space *s, const struct arch_run *r)
{
    uint64_t before = frame_tables_made();
    nos_status_t st = arch_map_run(&s->arch, r);
    s->pages += (uint32_t)(frame_tables_made() - before);
    return st;
}

static nos_status_t map_fresh(struct space *s, uint64_t va, unsigned prot, bool zero)
{
    if (s->pages >= s->limit) {
        return NOS_QUOTA;
    }
    struct arch_run r = { .va = va, .pages = 1, .prot = prot };
    r.pa = zero ? frame_alloc(0) : frame_alloc_dirty(0);
    if (r.pa.v == 0) {
        return NOS_NO_MEMORY;
    }
    nos_status_t st = map_charged(s, &r);
    if (st != NOS_OK) {
        frame_free(r.pa, 0);
        return st;
    }
    s->pages++;
    return NOS_OK;
}

nos_status_t space_map_private(struct space *s, uint64_t va, uint32_t pages, unsigned prot,
                               enum area_kind kind, bool zero)
{
    struct area a = {
        .va = va, .pages = pages, .span = pages, .kind = (uint8_t)kind, .prot = prot & 0xf
    };
    nos_status_t st = area_begin(s, &a);
    if (st != NOS_OK) {
        return st;
    }
    for (uint32_t i = 0; st == NOS_OK && i < pages; i++) {
        st = map_fresh(s, va + (uint64_t)i * PAGE_SIZE, prot, zero);
    }
    if (st != NOS_OK) {
        drop_area(s, area_at(s, va));
    }
    return st;
}

nos_status_t space_map_borrowed(struct space *s, const struct area *a, paddr_t base)
{
    const struct arch_run r = {
        .va = a->va, .pa = base, .pages = a->pages, .prot = a->prot, .flags = a->flags
    };
    nos_status_t st = area_begin(s, a);
    if (st != NOS_OK) {
        return st;
    }
    st = map_charged(s, &r);
    if (st != NOS_OK) {
        drop_area(s, area_at(s, a->va));
    }
    return st;
}

void *space_ptr(const struct space *s, uint64_t va)
{
    unsigned prot;
    paddr_t p = arch_query(&s->arch, va, &prot);
    return p.v == 0 ? NULL : phys_ptr(p);
}

void space_unmap_area(struct space *s, const struct area *a)
{
    KASSERT(a->kind == AREA_BORROWED);
    drop_area(s, a);
}

nos_status_t space_unmap(struct space *s, uint64_t va, struct area *out)
{
    struct area *a = area_at(s, va);
    if (a == NULL || a->kind != AREA_BORROWED) {
        return NOS_NOT_FOUND;
    }
    *out = *a;
    space_unmap_area(s, a);
    return NOS_OK;
}

void space_drop(struct space *s, uint64_t va)
{
    struct area *a = area_at(s, va);
    if (a != NULL && a->kind == AREA_PRIVATE) {
        drop_area(s, a);
    }
}

const struct area *space_borrows(const struct space *s, const void *owner)
{
    for (unsigned i = 0; i < s->n_areas; i++) {
        if (s->area[i].owner == owner) {
            return &s->area[i];
        }
    }
    return NULL;
}

const struct area *space_find(const struct space *s, uint64_t va, bool *guard)
{
    unsigned i = first_above(s, va);
    if (i < s->n_areas && va >= s->area[i].va - PAGE_SIZE) {
        *guard = va < s->area[i].va;
        return &s->area[i];
    }
    if (i > 0 && va < end_of(&s->area[i - 1]) + PAGE_SIZE) {
        *guard = true;
        return &s->area[i - 1];
    }
    return NULL;
}

/* ---- tear-down: the last area first, and that from its end, so that it stays one run; page tables
 * come after all areas ---- */

bool space_destroy_step(struct space *s, unsigned budget, struct area *out)
{
    out->owner = NULL;
    if (s->n_areas == 0) {
        free_area_frames(s);
        return s->arch.root.v == 0 || arch_space_destroy_step(&s->arch, budget);
    }
    struct area *a = &s->area[s->n_areas - 1];
    uint32_t n = a->pages < budget ? a->pages : budget;
    uint64_t at = a->va + (uint64_t)(a->pages - n) * PAGE_SIZE;
    if (a->kind != AREA_BORROWED) {
        free_pages(s, at, n);
        a->pages -= n;
    } else {
        a->pages = 0;  // nobody's registers can reach it, the tables go as they are
    }
    if (a->pages == 0) {
        *out = *a;
        s->n_areas--;
    }
    return false;
}
