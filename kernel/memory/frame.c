/* The buddy allocator. One 64-bit word a frame: next28 | prev28 | order4 | state4. Only the head of
 * a free block has a state; every other word is 0, so "allocated" needs no bookkeeping. Frame 0 is
 * never given out: index 0 ends a list.
 *
 * Freeing a long run would zero it in one go; runs go to a deferred list instead, and
 * frame_reclaim_step zeroes it in bounded steps (SETTLED 15). A shortage works the list off on the
 * spot. */
#include "kernel/memory/frame.h"

#include <string.h>

#include "kernel/arch/api/upcalls.h"
#include "kernel/core/panic.h"
#include "kernel/core/percpu.h"

enum state { ST_USED = 0, ST_ZERO = 1, ST_DIRTY = 2, ST_DEFERRED = 3, ST_TABLE = 4 };
enum { LISTS = ST_DEFERRED + 1, STEP_ORDER = 2 /* 16 KiB: what one step zeroes */ };
#define LINK_MASK 0xfffffffull

static uint64_t *meta;
static uint64_t n_frames, n_tables, tables_made;
static uint32_t head[LISTS][FRAME_ORDER_MAX + 1];
static struct frame_stats stats;

static uint32_t next_of(uint32_t f)
{
    return (uint32_t)(meta[f] & LINK_MASK);
}

static uint32_t prev_of(uint32_t f)
{
    return (uint32_t)(meta[f] >> 28 & LINK_MASK);
}

static unsigned order_of(uint32_t f)
{
    return (unsigned)(meta[f] >> 56 & 15);
}

static enum state state_of(uint32_t f)
{
    return (enum state)(meta[f] >> 60);
}

static void set(uint32_t f, uint32_t next, uint32_t prev, unsigned order, enum state st)
{
    meta[f] = (uint64_t)next | (uint64_t)prev << 28 | (uint64_t)order << 56 | (uint64_t)st << 60;
}

static void set_next(uint32_t f, uint32_t next)
{
    meta[f] = (meta[f] & ~LINK_MASK) | next;
}

static void set_prev(uint32_t f, uint32_t prev)
{
    meta[f] = (meta[f] & ~(LINK_MASK << 28)) | (uint64_t)prev << 28;
}

static void list_push(uint32_t f, unsigned order, enum state st)
{
    uint32_t first = head[st][order];
    set(f, first, 0, order, st);
    if (first != 0) {
        set_prev(first, f);
    }
    head[st][order] = f;
}

static void list_remove(uint32_t f)
{
    uint32_t next = next_of(f), prev = prev_of(f);
    if (prev != 0) {
        set_next(prev, next);
    } else {
        head[state_of(f)][order_of(f)] = next;
    }
    if (next != 0) {
        set_prev(next, prev);
    }
    meta[f] = 0;
}

static void account(enum state st, unsigned order, bool freed)
{
    uint64_t n = 1ull << order;
    stats.free += freed ? n : 0 - n;
    if (st == ST_DIRTY) {
        stats.dirty_free += freed ? n : 0 - n;
    }
}

/* Put a block on the free list of its state, merged with its free buddies of the same state. */
static void insert(uint32_t f, unsigned order, enum state st)
{
    account(st, order, true);
    while (order < FRAME_ORDER_MAX) {
        uint32_t buddy = f ^ 1u << order;
        if (buddy == 0 || buddy >= n_frames || state_of(buddy) != st || order_of(buddy) != order) {
            break;
        }
        list_remove(buddy);
        f &= ~(1u << order);
        order++;
    }
    list_push(f, order, st);
}

/* Cut [f, f + n) into aligned blocks and hand each on. */
static void each_block(uint64_t f, uint64_t n, enum state st)
{
    while (n != 0) {
        unsigned order = f == 0 ? 0 : (unsigned)__builtin_ctzll(f);
        unsigned fits = 63u - (unsigned)__builtin_clzll(n);
        order = order > FRAME_ORDER_MAX ? FRAME_ORDER_MAX : order;
        order = order > fits ? fits : order;
        if (st == ST_DEFERRED) {
            list_push((uint32_t)f, order, ST_DEFERRED);
        } else if (f != 0) {
            insert((uint32_t)f, order, st);
        }
        f += 1ull << order;
        n -= 1ull << order;
    }
}

/* REP STOSQ counts one instruction per eight bytes under icount, and is the fastest on silicon with
 * ERMS. */
static void zero_block(paddr_t p, unsigned order)
{
    memset(phys_ptr(p), 0, (size_t)PAGE_SIZE << order);
    stats.zeroed += 1ull << order;
}

static const struct nos_mem_range *find_home(const struct nos_bootinfo *bi, uint64_t bytes)
{
    for (uint32_t i = bi->n_mem; i-- > 0;) {  // from the top: low memory is for what needs it
        const struct nos_mem_range *r = &bi->mem[i];
        if (r->kind == NOS_MEM_FREE && r->len >= bytes + PAGE_SIZE) {
            return r;
        }
    }
    panic("no room for %lu bytes of frame metadata", bytes);
}

static uint64_t top_of_ram(const struct nos_bootinfo *bi)
{
    uint64_t top = 0;
    for (uint32_t i = 0; i < bi->n_mem; i++) {
        const struct nos_mem_range *r = &bi->mem[i];
        if ((r->kind == NOS_MEM_FREE || r->kind == NOS_MEM_LOADER || r->kind == NOS_MEM_KERNEL) &&
            r->base + r->len > top) {
            top = r->base + r->len;
        }
    }
    return top;
}

void frame_init(const struct nos_bootinfo *bi)
{
    n_frames = top_of_ram(bi) >> PAGE_SHIFT;
    KASSERT(n_frames <= LINK_MASK);
    uint64_t bytes = (n_frames * sizeof *meta + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
    const struct nos_mem_range *home = find_home(bi, bytes);
    uint64_t at = home->base + home->len - bytes;

    meta = phys_ptr((paddr_t){ at });
    memset(meta, 0, bytes);
    stats.metadata_bytes = bytes;
    for (uint32_t i = 0; i < bi->n_mem; i++) {
        const struct nos_mem_range *r = &bi->mem[i];
        if (r->kind == NOS_MEM_FREE || r->kind == NOS_MEM_LOADER || r->kind == NOS_MEM_KERNEL) {
            stats.total += r->len >> PAGE_SHIFT;
        }
        if (r->kind == NOS_MEM_FREE) {
            each_block(r->base >> PAGE_SHIFT, (r->len - (r == home ? bytes : 0)) >> PAGE_SHIFT,
                       ST_DIRTY);
        }
    }
}

void frame_donate(paddr_t base, uint64_t len)
{
    KASSERT(base.v % PAGE_SIZE == 0 && base.v + len <= n_frames << PAGE_SHIFT);
    each_block(base.v >> PAGE_SHIFT, len >> PAGE_SHIFT, ST_DIRTY);
}

/* Take a block of exactly `order` out of one state's lists; 0 = none. Its words are cleared. */
static uint32_t take(unsigned order, enum state st)
{
    unsigned o = order;
    while (o <= FRAME_ORDER_MAX && head[st][o] == 0) {
        o++;
    }
    if (o > FRAME_ORDER_MAX) {
        return 0;
    }
    uint32_t f = head[st][o], next = next_of(f);  // list_remove would ask where it is
    head[st][o] = next;
    if (next != 0) {
        set_prev(next, 0);
    }
    meta[f] = 0;
    while (o > order) {
        o--;
        list_push(f + (1u << o), o, st);
    }
    account(st, order, false);
    return f;
}

static uint32_t take_or_reclaim(unsigned order, enum state first, enum state second,
                                enum state *got)
{
    if (order > FRAME_ORDER_MAX) {
        return 0;
    }
    do {
        uint32_t f = take(order, *got = first);
        if (f == 0) {
            f = take(order, *got = second);
        }
        if (f != 0) {
            return f;
        }
    } while (frame_reclaim_step(1u << FRAME_ORDER_MAX) || up_reclaim());
    return 0;
}

paddr_t frame_alloc(unsigned order)
{
    enum state got;
    uint32_t f = take_or_reclaim(order, ST_ZERO, ST_DIRTY, &got);
    paddr_t p = { (uint64_t)f << PAGE_SHIFT };
    if (f != 0 && got == ST_DIRTY) {
        zero_block(p, order);
    }
    return p;
}

paddr_t frame_alloc_dirty(unsigned order)
{
    enum state got;
    return (paddr_t){ (uint64_t)take_or_reclaim(order, ST_DIRTY, ST_ZERO, &got) << PAGE_SHIFT };
}

static unsigned order_for(uint32_t pages)
{
    return pages <= 1 ? 0 : 32u - (unsigned)__builtin_clz(pages - 1);
}

paddr_t frame_alloc_run(uint32_t pages, bool *dirty)
{
    enum state got = ST_ZERO;
    unsigned order = order_for(pages);
    uint32_t f = pages == 0 ? 0 : take_or_reclaim(order, ST_ZERO, ST_DIRTY, &got);
    if (f == 0) {
        return (paddr_t){ 0 };
    }
    each_block(f + pages, (1ull << order) - pages, got);  // the tail goes back as it was
    *dirty = got == ST_DIRTY;
    stats.zeroed += *dirty ? pages : 0;
    return (paddr_t){ (uint64_t)f << PAGE_SHIFT };
}

void frame_free(paddr_t p, unsigned order)
{
    uint32_t f = (uint32_t)(p.v >> PAGE_SHIFT);
    KASSERT(p.v % ((uint64_t)PAGE_SIZE << order) == 0 && f != 0 &&
            f + (1ull << order) <= n_frames && meta[f] == 0);
    zero_block(p, order);
    insert(f, order, ST_ZERO);
}

void frame_free_run(paddr_t p, uint32_t pages)
{
    KASSERT(p.v % PAGE_SIZE == 0 && p.v != 0);
    each_block(p.v >> PAGE_SHIFT, pages, ST_DEFERRED);
    stats.deferred += pages;
    background_news = 1;
}

bool frame_reclaim_step(uint32_t budget)
{
    bool worked = false;
    for (unsigned o = 0; stats.deferred != 0 && o <= FRAME_ORDER_MAX && budget != 0;) {
        uint32_t f = head[ST_DEFERRED][o];
        if (f == 0) {
            o++;
            continue;
        }
        list_remove(f);
        unsigned order = o;
        while (order > STEP_ORDER &&
               1u << order > budget) {  // zero a piece, keep the rest for later
            order--;
            list_push(f + (1u << order), order, ST_DEFERRED);
        }
        zero_block((paddr_t){ (uint64_t)f << PAGE_SHIFT }, order);
        insert(f, order, ST_ZERO);
        stats.deferred -= 1ull << order;
        budget -= budget < 1u << order ? budget : 1u << order;
        worked = true;
    }
    return worked;
}

bool frame_reclaim_pending(void)
{
    return stats.deferred != 0;
}

struct frame_stats frame_stats(void)
{
    stats.tables = n_tables;
    return stats;
}

/* Frames on the lists of one state; blocks that do not belong there count as none. */
static uint64_t listed(enum state st)
{
    uint64_t n = 0;
    for (unsigned o = 0; o <= FRAME_ORDER_MAX; o++) {
        for (uint32_t f = head[st][o]; f != 0; f = next_of(f)) {
            n += state_of(f) == st && order_of(f) == o ? 1ull << o : 0;
        }
    }
    return n;
}

bool frame_check(void)
{
    uint64_t dirty = listed(ST_DIRTY);
    return dirty == stats.dirty_free && listed(ST_ZERO) + dirty == stats.free &&
           listed(ST_DEFERRED) == stats.deferred;
}

uint64_t frame_tables_made(void)
{
    return tables_made;
}

paddr_t up_table_alloc(void)
{
    paddr_t p = frame_alloc(0);
    if (p.v != 0) {
        set((uint32_t)(p.v >> PAGE_SHIFT), 0, 0, 0, ST_TABLE);
        n_tables++;
        tables_made++;
    }
    return p;
}

void up_table_free(paddr_t p)
{
    uint32_t f = (uint32_t)(p.v >> PAGE_SHIFT);
    KASSERT(f < n_frames && state_of(f) == ST_TABLE);
    meta[f] = 0;
    n_tables--;
    frame_free(p, 0);
}
