/* Pages out of arenas of 1 MiB, each a region with a map of what is taken. An arena of which
 * nothing is used goes back to the machine; the last one stays, so that one file that comes and
 * goes is not a region each time. Blocks are regions of their own. */
#include "modules/memfs/pages.h"

#include <string.h>

#include "abi/caps.h"
#include "sdk/syscalls.h"

enum {
    ARENAS = 128,
    ARENA_PAGES = 256,
    WORDS = ARENA_PAGES / 64,
    READ_WRITE = 3,
    LEND = NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_REVOKE
};

struct arena {
    uint8_t *at;  // NULL: none
    uint32_t used;
    uint64_t taken[WORDS];
};

static struct arena arenas[ARENAS];
static uint32_t n_arenas;  // that there are; the others are behind them
static uint32_t roomy;     // where a page was free last

static nos_status_t map_new(uint32_t pages, nos_handle_t *region, void **at)
{
    nos_status_t st = nos_sys_region_create(pages, region);
    if (st != NOS_OK) {
        return st;
    }
    st = nos_sys_region_map(*region, READ_WRITE, at);
    if (st != NOS_OK) {
        nos_ignore(nos_sys_handle_close(*region));
    }
    return st;
}

static struct arena *arena_new(void)
{
    nos_handle_t region;
    void *at;

    if (n_arenas == ARENAS || map_new(ARENA_PAGES, &region, &at) != NOS_OK) {
        return NULL;
    }
    nos_ignore(nos_sys_handle_close(region));  // the mapping keeps it
    roomy = n_arenas++;
    arenas[roomy] = (struct arena){ .at = at };
    return &arenas[roomy];
}

static struct arena *arena_with_room(void)
{
    for (uint32_t i = 0; i < n_arenas; i++) {
        uint32_t at = (roomy + i) % n_arenas;
        if (arenas[at].used < ARENA_PAGES) {
            roomy = at;
            return &arenas[at];
        }
    }
    return arena_new();
}

void *page_take(void)
{
    struct arena *a = arena_with_room();

    for (uint32_t w = 0; a != NULL && w < WORDS; w++) {
        if (a->taken[w] != UINT64_MAX) {
            uint32_t bit = (uint32_t)__builtin_ctzll(~a->taken[w]);
            a->taken[w] |= 1ull << bit;
            a->used++;
            return a->at + ((size_t)w * 64 + bit) * FS_PAGE;
        }
    }
    return NULL;
}

static struct arena *arena_of(const uint8_t *page)
{
    uint32_t i = 0;
    while (i < n_arenas && (size_t)(page - arenas[i].at) >= (size_t)ARENA_PAGES * FS_PAGE) {
        i++;
    }
    return i < n_arenas ? &arenas[i] : NULL;
}

void page_give(void *page)
{
    struct arena *a = arena_of(page);
    if (a == NULL) {
        __builtin_trap();  // it was never ours: nothing here can be believed any more
    }
    size_t i = (size_t)((uint8_t *)page - a->at) / FS_PAGE;
    a->taken[i / 64] &= ~(1ull << i % 64);
    a->used--;
    if (a->used == 0 && n_arenas > 1) {
        nos_ignore(nos_sys_region_unmap(a->at));
        *a = arenas[--n_arenas];
        arenas[n_arenas] = (struct arena){ 0 };
    }
}

bool block_take(uint32_t pages, struct block *out)
{
    nos_handle_t region;
    void *at;

    if (map_new(pages, &region, &at) != NOS_OK) {
        return false;
    }
    *out = (struct block){ .at = at, .pages = pages, .region = region.v };
    return true;
}

/* The kernel zeroes it before anybody gets it. */
void block_give(struct block *b)
{
    nos_ignore(nos_sys_region_unmap(b->at));
    nos_ignore(nos_sys_handle_close((nos_handle_t){ b->region }));
}

nos_status_t block_lend(const struct block *b, bool write, uint32_t *lent)
{
    nos_handle_t h;
    uint32_t rights =
        LEND | NOS_RIGHT_READ | NOS_RIGHT_MAP | (write ? (uint32_t)NOS_RIGHT_WRITE : 0);

    nos_status_t st = nos_sys_cap_derive((nos_handle_t){ b->region }, rights, 0, 0, 0, &h);
    if (st == NOS_OK) {
        *lent = h.v;
    }
    return st;
}

void block_unlend(uint32_t lent)
{
    nos_ignore(nos_sys_cap_revoke((nos_handle_t){ lent }));
    nos_ignore(nos_sys_handle_close((nos_handle_t){ lent }));
}
