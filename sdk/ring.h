#pragma once
/*
 * A ring of bytes in memory that two capsules share: one writes, one reads. Neither trusts the
 * other: an index of the other side is read once and only believed if it is possible, data is
 * copied out before anyone looks at it, and each keeps its own index to itself. A peer that writes
 * nonsense can spoil what it sends or gets, nothing else.
 *
 * Signals are batched: who is about to sleep says so in the ring, and only then the other side has
 * to signal. Spec: docs/sdk.md, "Rings".
 */
#include <stdbool.h>

#include "lib/span.h"

struct nos_ring_head {      // how shared memory begins: both sides can write all of it at any time
    uint32_t written;       // bytes so far, modulo 2^32
    uint32_t writer_waits;  // for room
    uint32_t rsv1[14];      // each side's words in a cache line of its own
    uint32_t taken;
    uint32_t reader_waits;  // for bytes
    uint32_t rsv2[14];
};
_Static_assert(sizeof(struct nos_ring_head) == 128, "shared by two capsules");

struct nos_ring {  // one side of it; private
    struct nos_ring_head *head;
    uint8_t *data;
    uint32_t size;  // a power of two
    uint32_t at;    // own index: bytes written or taken so far
    bool writer;
    bool broken;  // the other side's index was impossible: nothing goes through any more
};

/** One side of the ring in `mem`, which must be zero or used by nobody before. Gives: false when
 * `len` is too small. */
MUST_CHECK bool nos_ring_open(struct nos_ring *r, void *mem, size_t len, bool writer);

/** Go on where the ring itself says that this side is: another capsule had this side before. */
void nos_ring_resume(struct nos_ring *r);

/** Put in what there is room for. Gives: how many bytes; 0 when full or broken. */
MUST_CHECK size_t nos_ring_write(struct nos_ring *r, span_t bytes);

/** Take out what there is, at most to.len. Gives: how many bytes; 0 when empty or broken. */
MUST_CHECK size_t nos_ring_read(struct nos_ring *r, mspan_t to);

/** Bytes that are in it; 0 when broken. */
MUST_CHECK size_t nos_ring_used(struct nos_ring *r);

/** After a write or a read: must the other side be signalled? It said that it sleeps. */
MUST_CHECK bool nos_ring_wakes(struct nos_ring *r);

/** Before sleeping: tells the other side. False: something came meanwhile, do not sleep. */
MUST_CHECK bool nos_ring_sleeps(struct nos_ring *r);
