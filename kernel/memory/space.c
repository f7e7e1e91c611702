/* Address spaces. A capsule's areas lie in one random 1 GiB window, so that four table frames serve
 * a small capsule; inside it each area has a random place: 17 bits for the window, 18 for the page.
 */
#include "kernel/memory/space.h"

#include "kernel/core/panic.h"
#include "kernel/crypto/vault.h"
#include "kernel/memory/frame.h"

enum { WINDOW_SHIFT = 30, WINDOW_PAGES = 1 << (WINDOW_SHIFT - PAGE_SHIFT), PLACE_TRIES = 32 };

nos_status_t space_create(struct space *s, uint32_t limit)
{
    uint64_t windows =
        (USER_MAX >> WINDOW_SHIFT) - 1;  // neither the lowest nor, by rounding, the highest
    s->window = (1 + vault_random64() % windows) << WINDOW_SHIFT;
    s->limit = limit;
    s->pages = 0;
    nos_status_t st = arch_space_create(&s->arch);
    if (st == NOS_OK) {
        s->pages = 1;
    }
    return st;
}

/* Areas and their guards: [va - page, va + len + page). Two guards may share a page. */
static bool is_clear(const struct space *s, uint64_t va, uint64_t pages)
{
    for (unsigned i = 0; i < SPACE_AREAS; i++) {
        const struct area *a = &s->area[i];
        if (a->kind != AREA_NONE && va < a->va + ((uint64_t)a->pages + 1) * PAGE_SIZE &&
            a->va < va + (pages + 1) * PAGE_SIZE) {
            return false;
        }
    }
    return true;
}

nos_status_t space_place(const struct space *s, uint32_t pages, uint64_t *va)
{
    if (pages == 0 || pages > WINDOW_PAGES - 2) {
        return NOS_NO_MEMORY;
    }
    for (unsigned i = 0; i < PLACE_TRIES; i++) {
        uint64_t page = 1 + vault_random64() % (WINDOW_PAGES - 1 - pages);
        uint64_t at = s->window + page * PAGE_SIZE;
        if (is_clear(s, at, pages)) {
            *va = at;
            return NOS_OK;
        }
    }
    return NOS_NO_MEMORY;  // a window this full is far above any quota that fits the machine
}

static struct area *free_area(struct space *s)
{
    for (unsigned i = 0; i < SPACE_AREAS; i++) {
        if (s->area[i].kind == AREA_NONE) {
            return &s->area[i];
        }
    }
    return NULL;
}

/* Placement keeps the guards; a mapping itself need only not lie on another: the segments of one
 * image are neighbours. */
static bool is_free(const struct space *s, uint64_t va, uint64_t pages)
{
    for (unsigned i = 0; i < SPACE_AREAS; i++) {
        const struct area *a = &s->area[i];
        if (a->kind != AREA_NONE && va < a->va + (uint64_t)a->pages * PAGE_SIZE &&
            a->va < va + pages * PAGE_SIZE) {
            return false;
        }
    }
    return true;
}

static nos_status_t check_new(struct space *s, uint64_t va, uint32_t pages, unsigned prot,
                              struct area **out)
{
    if (va % PAGE_SIZE != 0 || pages == 0 || !user_range(va, (uint64_t)pages * PAGE_SIZE) ||
        (prot & (PROT_W | PROT_X)) == (PROT_W | PROT_X) || (prot & PROT_R) == 0) {
        return NOS_INVALID;
    }
    if (!is_free(s, va, pages)) {
        return NOS_BAD_STATE;
    }
    *out = free_area(s);
    return *out == NULL          ? NOS_NO_SLOT
           : s->pages > s->limit ? NOS_QUOTA
                                 : NOS_OK;  // tables may have gone above it
}

/* Page tables are charged too: those made meanwhile are for this space. (Not the difference in
 * tables that there are: a shortage may free those of an ended capsule on the way.) */
static nos_status_t map_charged(struct space *s, uint64_t va, paddr_t pa, unsigned prot,
                                unsigned flags)
{
    uint64_t before = frame_tables_made();
    nos_status_t st = arch_map(&s->arch, va, pa, prot, flags);
    s->pages += (uint32_t)(frame_tables_made() - before);
    return st;
}

static void unmap_private(struct space *s, uint64_t va, uint32_t pages)
{
    for (uint32_t i = 0; i < pages; i++) {
        paddr_t p = arch_unmap(&s->arch, va + (uint64_t)i * PAGE_SIZE);
        if (p.v != 0) {
            frame_free(p, 0);
            s->pages--;
        }
    }
}

static nos_status_t map_fresh(struct space *s, uint64_t va, unsigned prot, bool zero)
{
    if (s->pages >= s->limit) {
        return NOS_QUOTA;
    }
    paddr_t p = zero ? frame_alloc(0) : frame_alloc_dirty(0);
    if (p.v == 0) {
        return NOS_NO_MEMORY;
    }
    nos_status_t st = map_charged(s, va, p, prot, 0);
    if (st != NOS_OK) {
        frame_free(p, 0);
        return st;
    }
    s->pages++;
    return NOS_OK;
}

nos_status_t space_map_private(struct space *s, uint64_t va, uint32_t pages, unsigned prot,
                               enum area_kind kind, bool zero)
{
    struct area *a = NULL;
    nos_status_t st = check_new(s, va, pages, prot, &a);
    for (uint32_t i = 0; st == NOS_OK && i < pages; i++) {
        st = map_fresh(s, va + (uint64_t)i * PAGE_SIZE, prot, zero);
        if (st != NOS_OK) {
            unmap_private(s, va, i);
        }
    }
    if (st == NOS_OK) {
        *a =
            (struct area){ .va = va, .pages = pages, .kind = (uint8_t)kind, .prot = (uint8_t)prot };
    }
    return st;
}

nos_status_t space_map_borrowed(struct space *s, uint64_t va, paddr_t base, uint32_t pages,
                                unsigned prot, unsigned flags, void *owner)
{
    struct area *a = NULL;
    nos_status_t st = check_new(s, va, pages, prot, &a);
    for (uint32_t i = 0; st == NOS_OK && i < pages; i++) {
        st = map_charged(s, va + (uint64_t)i * PAGE_SIZE,
                         (paddr_t){ base.v + (uint64_t)i * PAGE_SIZE }, prot, flags);
        for (uint32_t k = 0; st != NOS_OK && k < i; k++) {
            (void)arch_unmap(&s->arch, va + (uint64_t)k * PAGE_SIZE);
        }
    }
    if (st == NOS_OK) {
        *a = (struct area){ .va = va,
                            .pages = pages,
                            .kind = AREA_BORROWED,
                            .prot = (uint8_t)prot,
                            .flags = (uint8_t)flags,
                            .owner = owner };
    }
    return st;
}

void *space_ptr(const struct space *s, uint64_t va)
{
    unsigned prot;
    paddr_t p = arch_query(&s->arch, va, &prot);
    return p.v == 0 ? NULL : phys_ptr(p);
}

nos_status_t space_unmap(struct space *s, uint64_t va, void **owner)
{
    for (unsigned i = 0; i < SPACE_AREAS; i++) {
        struct area *a = &s->area[i];
        if (a->kind == AREA_BORROWED && a->va == va) {
            for (uint32_t k = 0; k < a->pages; k++) {
                (void)arch_unmap(&s->arch, va + (uint64_t)k * PAGE_SIZE);
            }
            *owner = a->owner;
            *a = (struct area){ 0 };
            return NOS_OK;
        }
    }
    return NOS_NOT_FOUND;
}

void space_drop(struct space *s, uint64_t va)
{
    for (unsigned i = 0; i < SPACE_AREAS; i++) {
        struct area *a = &s->area[i];
        if (a->kind == AREA_PRIVATE && a->va == va) {
            unmap_private(s, va, a->pages);
            *a = (struct area){ 0 };
        }
    }
}

const struct area *space_find(const struct space *s, uint64_t va, bool *guard)
{
    const struct area *near =
        NULL;  // a neighbour in the same image may begin where the guard would be

    for (unsigned i = 0; i < SPACE_AREAS; i++) {
        const struct area *a = &s->area[i];
        uint64_t end = a->va + (uint64_t)a->pages * PAGE_SIZE;
        if (a->kind != AREA_NONE && va >= a->va - PAGE_SIZE && va < end + PAGE_SIZE) {
            near = a;
            *guard = va < a->va || va >= end;
            if (!*guard) {
                break;
            }
        }
    }
    return near;
}

static bool drop_some(struct space *s, struct area *a, unsigned budget)
{
    uint32_t n = a->pages < budget ? a->pages : budget;
    uint64_t at = a->va + (uint64_t)(a->pages - n) *
                              PAGE_SIZE;  // from the end, so that the area stays one run
    if (a->kind == AREA_BORROWED) {
        for (uint32_t i = 0; i < n; i++) {
            (void)arch_unmap(&s->arch, at + (uint64_t)i * PAGE_SIZE);
        }
    } else {
        unmap_private(s, at, n);
    }
    a->pages -= n;
    return a->pages == 0;
}

bool space_destroy_step(struct space *s, unsigned budget, void **owner)
{
    *owner = NULL;
    for (unsigned i = 0; i < SPACE_AREAS; i++) {
        struct area *a = &s->area[i];
        if (a->kind == AREA_NONE) {
            continue;
        }
        if (drop_some(s, a, budget)) {
            *owner = a->kind == AREA_BORROWED ? a->owner : NULL;
            *a = (struct area){ 0 };
        }
        return false;
    }
    return s->arch.root.v == 0 || arch_space_destroy_step(&s->arch, budget);
}
