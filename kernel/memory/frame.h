/* Physical frames: a buddy allocator over all usable RAM. Metadata is 8 bytes a frame and holds the
 * free-list links, so free memory is never touched. A free block is known to be zero or it is dirty
 * (boot memory); freed frames are zeroed on free, dirty ones at first allocation, none twice
 * (SETTLED 16). */
#pragma once

#include "abi/bootinfo.h"
#include "kernel/core/types.h"

enum { FRAME_ORDER_MAX = 13 /* 32 MiB */ };

/** Take all FREE ranges of the map; everything else stays allocated for ever unless given to
 * frame_donate. */
void frame_init(const struct nos_bootinfo *bi);

/** Give a range that boot used (LOADER) to the allocator. Units: bytes, page-aligned. It is dirty.
 */
void frame_donate(paddr_t base, uint64_t len);

/** 2^order contiguous frames, zeroed. {0} when there are none. */
MUST_CHECK paddr_t frame_alloc(unsigned order);

/** The same without zeroing: only for frames whose every byte is written before anyone else can see
 * it. */
MUST_CHECK paddr_t frame_alloc_dirty(unsigned order);

/** `pages` contiguous frames, aligned to the next power of two; freed with frame_free_run of the
 * same length. If `*dirty` they are not zero: the caller zeroes them, in bounded steps, before
 * anyone else can see them. */
MUST_CHECK paddr_t frame_alloc_run(uint32_t pages, bool *dirty);

void frame_free(paddr_t p, unsigned order);     /* zeroes */
void frame_free_run(paddr_t p, uint32_t pages); /* later, in steps */

/** Zero and free what frame_free_run put off, about `budget` frames of it. True if there was
 * something. */
bool frame_reclaim_step(uint32_t budget);

struct frame_stats {
    uint64_t total, free, dirty_free, metadata_bytes, zeroed, deferred,
        tables; /* frames, but for metadata_bytes */
};
struct frame_stats frame_stats(void);
bool frame_reclaim_pending(void);
bool frame_check(void);           /* the free lists hold what the counts say */
uint64_t frame_tables_made(void); /* page tables since boot: only grows */

/** Up-call on shortage: give back something of an ended capsule. False: there is none. In
 * kernel/runtime/background.c. */
bool up_reclaim(void);
