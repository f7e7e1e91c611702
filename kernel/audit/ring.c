/*
 * Entries lie in frames, 14 to a frame, taken when audit_reserve is called or when they are first
 * needed. When the run is full its oldest entry leaves. If its kind is protected it goes to that
 * kind's share of the protected room, over the oldest there: a flood of one kind (say refused
 * modules) pushes out nothing of another (what was loaded and granted at boot).
 */
#include <string.h>

#include "kernel/audit/audit_impl.h"
#include "kernel/core/panic.h"
#include "kernel/memory/frame.h"

enum {
    PER_FRAME = PAGE_SIZE / sizeof(struct nos_audit_entry),
    RING_FRAMES = (AUDIT_RING + PER_FRAME - 1) / PER_FRAME,
    ROOM_FRAMES = (AUDIT_PROTECTED + PER_FRAME - 1) / PER_FRAME,
};

/* Shares of the protected room, in entries. */
#define SHARE_LIST(X) X(BOOT, 8) X(LOAD, 64) X(REFUSE, 40) X(GRANT, 64) X(SPAWN, 40) X(CRASH, 40)
#define X(kind, n) +(n)
_Static_assert(0 SHARE_LIST(X) == AUDIT_PROTECTED, "all of the room is shared out");
#undef X

struct share {
    uint16_t kind;
    uint16_t size;
    uint64_t kept; /* entries ever put here; the newest `size` of them are there */
};

static struct nos_audit_entry *run_frame[RING_FRAMES];
static struct nos_audit_entry *room_frame[ROOM_FRAMES];
#define X(name, n) { .kind = NOS_AUDIT_##name, .size = (n) },
static struct share shares[] = { SHARE_LIST(X) };
#undef X

static struct nos_audit_entry *frame_at(struct nos_audit_entry **frames, uint32_t i)
{
    return &frames[i / PER_FRAME][i % PER_FRAME];
}

/* Is there memory for place `i`? Takes it from the machine the first time. Dirty: an entry is
 * zeroed when it is made. */
static bool have_place(struct nos_audit_entry **frames, uint32_t i)
{
    if (frames[i / PER_FRAME] == NULL) {
        paddr_t p = frame_alloc_dirty(0);
        frames[i / PER_FRAME] = p.v == 0 ? NULL : phys_ptr(p);
    }
    return frames[i / PER_FRAME] != NULL;
}

void ring_init(struct ring *r)
{
    *r = (struct ring){ .cap = AUDIT_RING };
    for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
        shares[i].kept = 0;
    }
    if (!have_place(run_frame, 0)) {
        panic("no memory for the audit log");
    }
}

void audit_reserve(void)
{
    for (uint32_t i = 0; i < AUDIT_RING; i += PER_FRAME) {
        (void)have_place(run_frame, i);
    }
    for (uint32_t i = 0; i < AUDIT_PROTECTED; i += PER_FRAME) {
        (void)have_place(room_frame, i);
    }
}

struct nos_audit_entry *ring_at(const struct ring *r, uint64_t seq)
{
    return frame_at(run_frame, (uint32_t)(seq % r->cap));
}

bool ring_evicts(struct ring *r)
{
    if (r->next < r->cap && !have_place(run_frame, (uint32_t)r->next)) {
        r->cap = (uint32_t)r->next;  // the first time round: what is there stays where it is
    }
    return r->next - r->first == r->cap;
}

/* False: not of a protected kind, or no memory for it. An older one may have to go. */
static bool protect(struct ring *r, const struct nos_audit_entry *e)
{
    uint32_t base = 0;

    for (size_t i = 0; i < ARRAY_LEN(shares); base += shares[i].size, i++) {
        struct share *s = &shares[i];
        if (s->kind == e->rec.kind) {
            uint32_t at = base + (uint32_t)(s->kept % s->size);
            if (!have_place(room_frame, at)) {
                return false;
            }
            r->dropped += s->kept >= s->size;
            s->kept++;
            *frame_at(room_frame, at) = *e;
            return true;
        }
    }
    return false;
}

struct nos_audit_entry *ring_push(struct ring *r)
{
    if (ring_evicts(r)) {
        r->dropped += !protect(r, ring_at(r, r->first));
        r->first++;
    }
    struct nos_audit_entry *e = ring_at(r, r->next++);
    memset(e, 0, sizeof *e);
    return e;
}

const struct nos_audit_entry *ring_protected(uint64_t seq)
{
    const struct nos_audit_entry *best = NULL;
    uint32_t base = 0;

    for (size_t i = 0; i < ARRAY_LEN(shares); base += shares[i].size, i++) {
        uint64_t n = shares[i].kept < shares[i].size ? shares[i].kept : shares[i].size;
        for (uint32_t k = 0; k < n; k++) {
            const struct nos_audit_entry *e = frame_at(room_frame, base + k);
            if (e->rec.seq >= seq && (best == NULL || e->rec.seq < best->rec.seq)) {
                best = e;
            }
        }
    }
    return best;
}
