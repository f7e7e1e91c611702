/* Indices count bytes and wrap at 2^32; a place is an index modulo the size, so no index can point
 * outside. Saying "I sleep" and looking once more, against publishing and then looking whether the
 * other sleeps, needs one order for all four: sequential consistency. */
#include "sdk/ring.h"

#include <string.h>

static uint32_t look(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void publish(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

bool nos_ring_open(struct nos_ring *r, void *mem, size_t len, bool writer)
{
    uint32_t size = 1u << 30;
    while (size > 1 && size + sizeof(struct nos_ring_head) > len) {
        size /= 2;
    }
    *r = (struct nos_ring){ .head = mem,
                            .data = (uint8_t *)mem + sizeof(struct nos_ring_head),
                            .size = size,
                            .writer = writer };
    return size > 1;
}

/* The other side can have written anything there; an index that is impossible breaks the ring at
 * the next look. */
void nos_ring_resume(struct nos_ring *r)
{
    r->at = look(r->writer ? &r->head->written : &r->head->taken);
}

/* Bytes in the ring, if the other side's index makes sense. */
static bool fill_of(struct nos_ring *r, uint32_t *fill)
{
    *fill = r->writer ? r->at - look(&r->head->taken) : look(&r->head->written) - r->at;
    r->broken |= *fill > r->size;
    return !r->broken;
}

size_t nos_ring_write(struct nos_ring *r, span_t bytes)
{
    uint32_t fill, from = r->at & (r->size - 1);
    if (!fill_of(r, &fill)) {
        return 0;
    }
    size_t n = bytes.len < r->size - fill ? bytes.len : r->size - fill;
    size_t first = n < r->size - from ? n : r->size - from;
    if (n != 0) {
        memcpy(r->data + from, bytes.data, first);
        memcpy(r->data, bytes.data + first, n - first);
        r->at += (uint32_t)n;
        publish(&r->head->written, r->at);
    }
    return n;
}

size_t nos_ring_read(struct nos_ring *r, mspan_t to)
{
    uint32_t fill, from = r->at & (r->size - 1);
    if (!fill_of(r, &fill)) {
        return 0;
    }
    size_t n = to.len < fill ? to.len : fill;
    size_t first = n < r->size - from ? n : r->size - from;
    if (n != 0) {
        memcpy(to.data, r->data + from, first);
        memcpy(to.data + first, r->data, n - first);
        r->at += (uint32_t)n;
        publish(&r->head->taken, r->at);
    }
    return n;
}

size_t nos_ring_used(struct nos_ring *r)
{
    uint32_t fill;
    return fill_of(r, &fill) ? fill : 0;
}

bool nos_ring_wakes(struct nos_ring *r)
{
    uint32_t *other = r->writer ? &r->head->reader_waits : &r->head->writer_waits;
    if (look(other) == 0) {
        return false;
    }
    publish(other, 0);
    return true;
}

bool nos_ring_sleeps(struct nos_ring *r)
{
    uint32_t *mine = r->writer ? &r->head->writer_waits : &r->head->reader_waits;
    uint32_t fill;
    publish(mine, 1);
    bool sleeps = fill_of(r, &fill) && (r->writer ? fill == r->size : fill == 0);
    if (!sleeps) {
        publish(mine, 0);
    }
    return sleeps;
}
