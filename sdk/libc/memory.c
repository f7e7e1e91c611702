/*
 * Memory for malloc and for stacks. Regions are handed out by the page from arenas: a mapping of
 * the kernel's for each mmap would soon be all that a capsule may have, and cost 1,200 instructions
 * each. The first page of an arena is its map. A piece that is asked for without rights (a stack
 * with its guard, by pthread_create) or that is larger than an arena has a region of its own, with
 * the kernel's unmapped pages on both sides.
 *
 * What is given back is zeroed at once: the next one who gets it must find zeros, and a secret has
 * gone when free returns.
 */
#define _GNU_SOURCE  // MREMAP_MAYMOVE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/checked.h"
#include "sdk/libc/personality.h"

enum {
    PAGE = 4096,
    ARENAS_MAX = 256,
    FIRST_PAGES = 16,    // the first arena, doubled for each further one
    ARENA_PAGES = 256,   // up to this
    REGION_PAGES = 4096  // the kernel's most
};

struct arena {  // the first page of its memory
    uint32_t pages, used;
    uint64_t taken[REGION_PAGES / 64];
};
_Static_assert(sizeof(struct arena) <= PAGE, "one page");

struct piece {  // memory of the kernel's in one piece
    uint64_t at;
    uint32_t pages;
    uint32_t first, end;  // of one that is apart: those pages have not been given back
    bool apart;           // handed out whole; no map in its first page
};

static struct piece pieces[ARENAS_MAX];
static uint32_t n_pieces;
static struct nos_libc_lock lock;

static struct arena *arena_of(const struct piece *p)
{
    return (struct arena *)p->at;
}

static bool is_taken(const struct arena *a, uint32_t page)
{
    return (a->taken[page / 64] >> page % 64 & 1) != 0;
}

static void mark(struct arena *a, uint32_t page, uint32_t n, bool taken)
{
    for (uint32_t i = page; i < page + n; i++) {
        uint64_t bit = 1ull << i % 64;
        a->taken[i / 64] = taken ? a->taken[i / 64] | bit : a->taken[i / 64] & ~bit;
    }
    a->used = taken ? a->used + n : a->used - n;
}

/* `n` free pages in a row; 0: there are none (page 0 is the map). */
static uint32_t find_run(const struct arena *a, uint32_t n)
{
    uint32_t run = 0;

    if (a->pages - a->used < n) {
        return 0;
    }
    for (uint32_t i = 1; i < a->pages; i++) {
        run = is_taken(a, i) ? 0 : run + 1;
        if (run == n) {
            return i + 1 - n;
        }
    }
    return 0;
}

static nos_status_t piece_new(uint32_t pages, bool apart, struct piece **out)
{
    nos_handle_t region;
    void *at;

    if (n_pieces == ARENAS_MAX) {
        return NOS_QUOTA;
    }
    nos_status_t st = nos_sys_region_create(pages, &region);
    if (st != NOS_OK) {
        return st;
    }
    st = nos_sys_region_map(region, 3, &at);
    nos_ignore(nos_sys_handle_close(region));  // the mapping keeps it, or it goes
    if (st == NOS_OK) {
        *out = &pieces[n_pieces++];
        **out = (struct piece){ .at = (uint64_t)at, .pages = pages, .end = pages, .apart = apart };
    }
    return st;
}

static void piece_drop(struct piece *p)
{
    *p = pieces[--n_pieces];
}

static long from_arenas(uint32_t n)
{
    struct piece *p = NULL;
    uint32_t size = FIRST_PAGES;

    for (uint32_t i = 0; i < n_pieces; i++) {
        uint32_t at = pieces[i].apart ? 0 : find_run(arena_of(&pieces[i]), n);
        if (at != 0) {
            mark(arena_of(&pieces[i]), at, n, true);
            return (long)(pieces[i].at + (uint64_t)at * PAGE);
        }
        size = pieces[i].apart || pieces[i].pages < size ? size : 2 * pieces[i].pages;
    }
    size = size < ARENA_PAGES ? size : ARENA_PAGES;
    while (size <= n) {
        size *= 2;
    }
    nos_status_t st = piece_new(size, false, &p);
    if (st != NOS_OK && n + 1 < size) {
        st = piece_new(n + 1, false, &p);  // a quota may have room for just this
    }
    if (st != NOS_OK) {
        return -nos_libc_errno(st);
    }
    struct arena *a = arena_of(p);
    a->pages = p->pages;
    mark(a, 0, n + 1, true);
    return (long)(p->at + PAGE);
}

static long from_kernel(uint32_t n)
{
    struct piece *p;
    nos_status_t st = piece_new(n, true, &p);
    return st == NOS_OK ? (long)p->at : -nos_libc_errno(st);
}

long nos_libc_map(size_t bytes, bool apart)
{
    uint64_t up;

    if (bytes == 0) {
        return -EINVAL;
    }
    if (!checked_align_up(bytes, PAGE, &up) || up / PAGE > REGION_PAGES) {
        return -ENOMEM;
    }
    uint32_t n = (uint32_t)(up / PAGE);
    nos_libc_acquire(&lock);
    long at = apart || n >= ARENA_PAGES ? from_kernel(n) : from_arenas(n);
    nos_libc_release(&lock);
    return at;
}

/* The piece that [at, at + bytes) lies in; NULL. */
static struct piece *piece_of(uint64_t at, uint64_t bytes)
{
    for (uint32_t i = 0; i < n_pieces; i++) {
        uint64_t size = (uint64_t)pieces[i].pages * PAGE;
        if (at >= pieces[i].at && at - pieces[i].at < size && bytes <= size - (at - pieces[i].at)) {
            return &pieces[i];
        }
    }
    return NULL;
}

/* Pages that are free already are passed over, as Linux does. */
static nos_status_t give_back(struct piece *p, uint32_t page, uint32_t n)
{
    struct arena *a = arena_of(p);

    if (page == 0) {
        return NOS_INVALID;  // the map itself was never given out
    }
    for (uint32_t i = page; i < page + n; i++) {
        if (is_taken(a, i)) {
            memset((void *)(p->at + (uint64_t)i * PAGE), 0, PAGE);
            mark(a, i, 1, false);
        }
    }
    if (a->used > 1) {
        return NOS_OK;
    }
    void *at = (void *)p->at;
    piece_drop(p);
    return nos_sys_region_unmap(at);
}

/* The kernel unmaps it whole, so a part that goes stays charged until the last one does: malloc
 * gives back the end first when something gets smaller, others both ends of what they align. */
static nos_status_t give_back_apart(struct piece *p, uint32_t page, uint32_t n)
{
    void *at = (void *)p->at;

    if (page <= p->first && page + n >= p->end) {
        piece_drop(p);
        return nos_sys_region_unmap(at);
    }
    memset((uint8_t *)at + (uint64_t)page * PAGE, 0, (uint64_t)n * PAGE);
    if (page <= p->first && page + n > p->first) {
        p->first = page + n;
    } else if (page + n >= p->end && page < p->end) {
        p->end = page;
    }
    return NOS_OK;
}

long nos_libc_unmap(uint64_t at, size_t bytes)
{
    uint64_t up;
    nos_status_t st = NOS_OK;

    if (at % PAGE != 0 || bytes == 0 || !checked_align_up(bytes, PAGE, &up)) {
        return -EINVAL;
    }
    nos_libc_acquire(&lock);
    struct piece *p = piece_of(at, up);
    if (p == NULL) {
        st = NOS_INVALID;  // none, or more than one mapping
    } else {
        const uint32_t page = (uint32_t)((at - p->at) / PAGE), n = (uint32_t)(up / PAGE);
        st = p->apart ? give_back_apart(p, page, n) : give_back(p, page, n);
    }
    nos_libc_release(&lock);
    return st == NOS_OK ? 0 : -nos_libc_errno(st);
}

bool nos_libc_disown(uint64_t at)
{
    nos_libc_acquire(&lock);
    struct piece *p = piece_of(at, 1);
    bool apart = p != NULL && p->apart && p->at == at;
    if (apart) {
        piece_drop(p);
    }
    nos_libc_release(&lock);
    return apart;
}

long libc_mmap(const struct nos_libc_args *x)
{
    long prot = x->a[2], flags = x->a[3];

    if ((flags & MAP_FIXED) != 0) {
        return -EINVAL;
    }
    if ((prot & PROT_EXEC) != 0) {
        return -EACCES;  // nothing runs that was not verified; musl makes ENOMEM of EPERM
    }
    if ((flags & MAP_ANONYMOUS) == 0) {
        return libc_map_file(x->a[4], (size_t)x->a[1], prot, flags, (uint64_t)x->a[5]);
    }
    return nos_libc_map((size_t)x->a[1], prot == PROT_NONE);
}

long libc_munmap(const struct nos_libc_args *x)
{
    long r = libc_unmap_file((uint64_t)x->a[0], (size_t)x->a[1]);
    return r <= 0 ? r : nos_libc_unmap((uint64_t)x->a[0], (size_t)x->a[1]);
}

/* A piece that gets smaller stays; a larger one is another, with what was in it. */
long libc_mremap(const struct nos_libc_args *x)
{
    uint64_t from = (uint64_t)x->a[0], was, now;

    if (from % PAGE != 0 || (x->a[3] & ~MREMAP_MAYMOVE) != 0 ||
        !checked_align_up((uint64_t)x->a[1], PAGE, &was) ||
        !checked_align_up((uint64_t)x->a[2], PAGE, &now) || was == 0 || now == 0) {
        return -EINVAL;
    }
    nos_libc_acquire(&lock);
    bool known = piece_of(from, was) != NULL;
    nos_libc_release(&lock);
    if (!known) {
        return -EFAULT;
    }
    if (now <= was) {
        long r = now == was ? 0 : nos_libc_unmap(from + now, was - now);
        return r == 0 ? (long)from : r;
    }
    if ((x->a[3] & MREMAP_MAYMOVE) == 0) {
        return -ENOMEM;
    }
    long to = nos_libc_map(now, false);
    if (to > 0) {
        memcpy((void *)to, (const void *)from, was);
        (void)nos_libc_unmap(from, was);
    }
    return to;
}

long libc_mprotect(const struct nos_libc_args *x)
{
    uint64_t up;

    if (x->a[0] % PAGE != 0 || !checked_align_up((uint64_t)x->a[1], PAGE, &up)) {
        return -EINVAL;
    }
    if ((x->a[2] & PROT_EXEC) != 0) {
        return -EACCES;
    }
    nos_libc_acquire(&lock);
    bool known = piece_of((uint64_t)x->a[0], up) != NULL;
    nos_libc_release(&lock);
    if (!known) {
        return -ENOMEM;
    }
    return x->a[2] == (PROT_READ | PROT_WRITE) ? 0 : -ENOSYS;
}
