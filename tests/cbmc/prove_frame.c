/* kernel/memory/frame.c: buddies. One call from any free lists that there can be; blocks of up to 2
 * frames, not 8,192. */
#include "tests/cbmc/proof.h"

#define phys_ptr direct_map_ptr
#include "kernel/core/types.h"
#undef phys_ptr
#define FRAME_ORDER_MAX FRAME_ORDER_OF_THE_KERNEL
#include "kernel/memory/frame.h"
#undef FRAME_ORDER_MAX

enum { FRAMES = 6, FRAME_ORDER_MAX = 1 };

/* Zeroing: which block it was asked for. */
static uint64_t zero_at, zero_len;

static inline void *phys_ptr(paddr_t p)
{
    zero_at = p.v;
    return NULL;
}

#include "kernel/core/panic.h"
#undef KASSERT
static bool panics; /* a panic ends it, and is what must come */
#define KASSERT(cond) \
    do { \
        claim(panics || (cond), "KASSERT: " #cond); \
        assume(cond); \
    } while (false)
#define memset(at, byte, len) ((void)(at), zero_len = (len))
#include "kernel/memory/frame.c"

uint32_t background_news;

bool up_reclaim(void)
{
    return false;
}

void panic(const char *format, ...)
{
    (void)format;
    assume(false);
}

static uint64_t words[FRAMES];

static bool heads(uint32_t f, enum state st, unsigned order)
{
    return f != 0 && f < FRAMES && state_of(f) == st && order_of(f) == order;
}

/* A free block lies aligned inside, nothing else begins in it, both neighbours of its list know it, and its buddy is
 * not free in the same way: else they were one. */
static bool block_ok(uint32_t f)
{
    enum state st = state_of(f);
    unsigned o = order_of(f);

    if (st == ST_USED) {
        return meta[f] == 0;
    }
    if ((st != ST_ZERO && st != ST_DIRTY) || f == 0 || o > FRAME_ORDER_MAX || (f & ((1u << o) - 1)) != 0 || f + (1u << o) > FRAMES) {
        return false;
    }
    for (uint32_t k = 1; k < 1u << o; k++) {
        if (meta[f + k] != 0) {
            return false;
        }
    }
    uint32_t next = next_of(f), prev = prev_of(f);
    return (prev == 0 ? head[st][o] == f : heads(prev, st, o) && next_of(prev) == f) &&
           (next == 0 || (heads(next, st, o) && prev_of(next) == f)) &&
           (o == FRAME_ORDER_MAX || !heads(f ^ 1u << o, st, o));
}

static bool all_ok(void)
{
    bool ok = true;

    for (uint32_t f = 0; f < FRAMES; f++) {
        ok &= block_ok(f);
    }
    for (enum state st = ST_ZERO; st <= ST_DIRTY; st++) {
        for (unsigned o = 0; o <= FRAME_ORDER_MAX; o++) {
            ok &= head[st][o] == 0 || (heads(head[st][o], st, o) && prev_of(head[st][o]) == 0);
        }
    }
    return ok;
}

/* The state of the free block that frame `f` is in. */
static enum state free_as(uint32_t f)
{
    enum state st = ST_USED;

    for (unsigned o = 0; o <= FRAME_ORDER_MAX; o++) {
        uint32_t first = f & ~((1u << o) - 1);
        st = state_of(first) != ST_USED && order_of(first) >= o ? state_of(first) : st;
    }
    return st;
}

static enum state was[FRAMES];
static uint64_t free_before;

static void any_lists(void)
{
    meta = words;
    n_frames = FRAMES;
    __CPROVER_havoc_object(words);
    __CPROVER_havoc_object(head);
    stats.deferred = 0;
    stats.free = free_before = nondet_u32();
    stats.dirty_free = nondet_u32();
    stats.zeroed = nondet_u32();
    zero_at = zero_len = 0;
    assume(all_ok());
    for (uint32_t x = 0; x < FRAMES; x++) {
        was[x] = free_as(x);
    }
}

/* Each frame is as free as it was, but for the 2^order from `f` on, which went from `from` to `to`. */
static bool moved(uint64_t f, unsigned order, bool freed)
{
    bool ok = stats.free == (freed ? free_before + (1ull << order) : free_before - (1ull << order));

    for (uint32_t x = 0; x < FRAMES; x++) {
        bool inside = x >= f && x - f < 1u << order;
        enum state now = free_as(x);
        ok &= !inside ? now == was[x] : freed ? now == ST_ZERO && was[x] == ST_USED : now == ST_USED && was[x] != ST_USED && meta[x] == 0;
    }
    return ok;
}

static void alloc(unsigned order)
{
    bool some = false;

    any_lists();
    for (unsigned o = order; o <= FRAME_ORDER_MAX; o++) {
        some |= head[ST_ZERO][o] != 0 || head[ST_DIRTY][o] != 0;
    }
    uint64_t at = frame_alloc(order).v, f = at / PAGE_SIZE;
    claim((f != 0) == some, "exactly if a list has one");
    claim(all_ok(), "the lists hold");
    if (f != 0) {
        claim((at & (((uint64_t)PAGE_SIZE << order) - 1)) == 0 && f + (1u << order) <= FRAMES, "aligned, inside");
        claim(moved(f, order, false), "it alone was taken");
        claim(was[f % FRAMES] != ST_DIRTY || (zero_at == at && zero_len == (uint64_t)PAGE_SIZE << order), "zeroed");
    }
}

/* frame_alloc: a block that is aligned, inside, never frame 0, was free and is not any more; zero or zeroed here; all
 * other frames are as free as before; what is left of a larger block is on its lists again
 * bound: 6 frames, blocks of order 0 and 1 in any state and order of lists; any order asked for
 * assumed: nothing waits for zeroing, nobody has anything to give back
 * unwind: 7
 * without: unsigned-overflow-check (counts go down by adding a number modulo 2^64)
 * planted: kernel/memory/frame.c: list_push(f + (1u << o), o, st); => ;
 * planted: kernel/memory/frame.c: if (f != 0 && got == ST_DIRTY) { => if (f != 0 && got != ST_DIRTY) {
 * planted: kernel/memory/frame.c: set_prev(next, 0);
    }
    meta[f] = 0; => }
    meta[f] = 0; */
void prove_frame_alloc(void)
{
    alloc(0); /* by cases: what is known is not searched for */
    alloc(1);
    unsigned order = nondet_u32();
    assume(order > FRAME_ORDER_MAX);
    claim(frame_alloc(order).v == 0, "none is so large");
}

static void free_one(uint32_t f, unsigned order)
{
    any_lists();
    for (uint32_t k = 0; k < 1u << order; k++) { /* who frees owns all of it */
        assume(was[f + k] == ST_USED);
    }
    frame_free((paddr_t){ (uint64_t)f * PAGE_SIZE }, order);
    claim(all_ok(), "the lists hold, all buddies have merged");
    claim(moved(f, order, true), "it alone is free now");
    claim(zero_at == (uint64_t)f * PAGE_SIZE && zero_len == (uint64_t)PAGE_SIZE << order, "zeroed");
}

/* frame_free: the block is zeroed and free, merged with every buddy that is free and zero, and with nothing else; all
 * other frames are as free as before
 * bound: 6 frames; frame 1, both halves of a pair, a pair; all others in any state and order of lists
 * unwind: 7
 * without: unsigned-overflow-check (counts go down by adding a number modulo 2^64)
 * planted: kernel/memory/frame.c: f &= ~(1u << order); => f |= 1u << order;
 * planted: kernel/memory/frame.c: if (buddy == 0 || buddy >= n_frames || state_of(buddy) != st => if (buddy == 0 || buddy >= n_frames || state_of(buddy) == ST_USED
 * planted: kernel/memory/frame.c: list_remove(buddy); => ;
 * planted: kernel/memory/frame.c: set_prev(next, prev); => ; */
void prove_frame_free(void)
{
    free_one(1, 0); /* by cases: what is known is not searched for */
    free_one(2, 0);
    free_one(3, 0);
    free_one(2, 1);
}

/* frame_free: frame 0, what is not aligned, not inside or heads a free block ends in a panic, and nothing was touched
 * bound: any address, order 0 and 1; 6 frames in any state and order of lists
 * unwind: 7
 * planted: kernel/memory/frame.c: f + (1ull << order) <= n_frames && meta[f] == 0); => f + (1ull << order) <= n_frames);
 * planted: kernel/memory/frame.c: f + (1ull << order) <= n_frames && meta[f] == 0); => meta[f] == 0);
 * planted: kernel/memory/frame.c: << order) == 0 && f != 0 && => << order) == 0 && */
void prove_frame_refused(void)
{
    unsigned order = nondet_u8() % (FRAME_ORDER_MAX + 1);
    uint64_t at = nondet_u64();

    any_lists();
    assume(at / PAGE_SIZE >= FRAMES || at == 0 || at % PAGE_SIZE != 0 || state_of((uint32_t)(at / PAGE_SIZE)) != ST_USED);
    assume(at / PAGE_SIZE < UINT32_MAX);
    panics = true;
    frame_free((paddr_t){ at }, order);
    claim(false, "a panic");
}
