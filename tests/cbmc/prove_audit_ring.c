/* kernel/audit/ring.c: an entry comes, and an old one leaves. A run of 16 entries in frames of 8, not of 1,024 in
 * frames of 14; an entry is a kind, and a byte that stands for the rest. */
#include "tests/cbmc/proof.h"

#include "abi/audit.h"

struct short_entry {
    struct {
        uint8_t seq; /* any: what is in an entry is not for ring.c */
        uint16_t kind;
    } rec;
};
enum { PER_FRAME_HERE = 8 };
#define PAGE_SIZE PAGE_SIZE_OF_THE_KERNEL
#define phys_ptr direct_map_ptr
#include "kernel/core/types.h"
#undef phys_ptr
#undef PAGE_SIZE
enum { PAGE_SIZE = PER_FRAME_HERE * sizeof(struct short_entry) };
#define AUDIT_RING AUDIT_RING_OF_THE_KERNEL
#define nos_audit_entry short_entry
#include "kernel/audit/audit.h"
#undef AUDIT_RING
enum { AUDIT_RING = 2 * PER_FRAME_HERE };

struct frame {
    struct short_entry at[PER_FRAME_HERE];
};
static struct frame run_0, run_1, boots, others, given; /* the room: BOOT's share, and the rest, not looked at */
static bool gave;

static inline void *phys_ptr(paddr_t p)
{
    claim(p.v == 1, "a frame that was given");
    return given.at;
}

/* CBMC's own takes the frame for bytes, and does not come to an end. */
static void zero_entry(struct short_entry *e, int byte, size_t len)
{
    claim(byte == 0 && len == sizeof *e, "one entry, zero");
    *e = (struct short_entry){ 0 };
}
#define memset zero_entry
#include "kernel/audit/ring.c"

/* An allocator's contract; the frame is dirty. */
paddr_t frame_alloc_dirty(unsigned order)
{
    claim(order == 0 && !gave, "one frame for one entry");
    gave = nondet_bool();
    return (paddr_t){ gave };
}

void panic(const char *format, ...)
{
    (void)format;
    assume(false);
}

static uint64_t kept(void)
{
    uint64_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
        n += shares[i].kept < shares[i].size ? shares[i].kept : shares[i].size;
    }
    return n;
}

static uint64_t run_len(const struct ring *r)
{
    return r->next < r->cap ? r->next : r->cap;
}

/* Any log of `next` entries, in which each is counted once: it is in the run, in the room, or dropped. */
static struct ring any_log(uint64_t next, uint32_t cap)
{
    struct ring r = { .next = next, .cap = cap };
    struct frame any[4];

    run_0 = any[0], run_1 = any[1], given = any[2], boots = any[3];
    gave = false;
    r.first = r.next - run_len(&r);
    run_frame[0] = run_0.at;
    run_frame[1] = cap > PER_FRAME_HERE && (r.next > PER_FRAME_HERE || nondet_bool()) ? run_1.at : NULL;
    for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
        shares[i].kept = nondet_u32();
        assume(shares[i].kept < 256);
    }
    for (uint32_t i = 0; i < ROOM_FRAMES; i++) {
        room_frame[i] = i == 0 ? boots.at : others.at;
    }
    assume(kept() <= r.first);
    r.dropped = r.first - kept();
    return r;
}

static void push(uint64_t next, uint32_t cap)
{
    struct ring r = any_log(next, cap), was = r;
    uint64_t w = nondet_u64(); /* one of the others in the run, any */
    uint32_t p = nondet_u32(); /* one place of BOOT's, any */

    assume(w >= was.first && w < was.next);
    assume(p < PER_FRAME_HERE);
    struct short_entry oldest = *ring_at(&r, was.first), other = *ring_at(&r, w), old = boots.at[p];
    uint64_t had = shares[0].kept, n = kept();
    bool full = false, protected = false;
    for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
        protected |= shares[i].kind == oldest.rec.kind;
        full |= shares[i].kind == oldest.rec.kind && shares[i].kept >= shares[i].size;
    }

    struct short_entry *e = ring_push(&r);
    bool evicts = was.next - was.first == r.cap;
    claim(r.next == was.next + 1 && r.first == was.first + evicts && r.next - r.first == run_len(&r), "one more, as many as fit");
    claim(r.cap == cap || (r.cap == was.next && r.cap < cap && !gave), "shorter only where memory ended");
    claim(e == ring_at(&r, was.next) && e->rec.seq == 0 && e->rec.kind == 0, "its place, zeroed");
    claim(r.first == r.dropped + kept(), "what left the run is in the room or counted");
    claim(kept() == n + (evicts && protected && !full), "none that was kept is forgotten");
    const struct short_entry *now = &boots.at[p];
    bool new = evicts && oldest.rec.kind == NOS_AUDIT_BOOT && p == had % 8;
    const struct short_entry *want = new ? &oldest : &old;
    claim(now->rec.seq == want->rec.seq && now->rec.kind == want->rec.kind, "over the oldest of its kind, and no other");
    if (w >= r.first) {
        now = ring_at(&r, w);
        claim(now->rec.seq == other.rec.seq && now->rec.kind == other.rec.kind, "the others are as they were");
    }
}

/* ring_push: the new entry has its own place and is zero; the run is as long as there is memory; what leaves it is the
 * oldest entry, which goes to its kind's share of the protected room, over the oldest there, or is counted as dropped;
 * every other entry of the run and of BOOT's share stays as it is, and none is counted twice or forgotten
 * bound: a run of 16 entries, or 8 where memory ends, in frames of 8, after 8 and 405 of any kinds; 0 to 255 of each kept before
 * assumed: the room has its memory (audit_reserve); an entry is 4 bytes
 * unwind: 33
 * planted: kernel/audit/ring.c: return r->next - r->first == r->cap; => return r->next - r->first > r->cap;
 * planted: kernel/audit/ring.c: r->cap = (uint32_t)r->next; => ;
 * planted: kernel/audit/ring.c: r->dropped += s->kept >= s->size; => ;
 * planted: kernel/audit/ring.c: memset(e, 0, sizeof *e); => ; */
void prove_audit_ring(void)
{
    push(8, 16); /* by cases: what is known is not searched for */
    push(405, 16);
}
