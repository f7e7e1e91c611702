/* sdk/ring.c: bytes between two capsules that do not trust each other. One call from any state that there can be: so
 * any number of calls, in any order. */
#include "tests/cbmc/proof.h"

#define memcpy short_memcpy
#include "sdk/ring.c"

enum { SIZE = 8 };

static struct {
    struct nos_ring_head head;
    uint8_t data[SIZE];
} shared;

/* One side, after any calls; the other side's words and the data are whatever it wrote last. */
static struct nos_ring any_side(bool writer)
{
    struct nos_ring r = { .head = &shared.head, .data = shared.data, .size = SIZE, .writer = writer };

    shared.head = (struct nos_ring_head){ .written = nondet_u32(), .taken = nondet_u32() };
    shared.head.reader_waits = nondet_u32();
    shared.head.writer_waits = nondet_u32();
    __CPROVER_havoc_object(shared.data);
    r.at = nondet_u32();
    r.broken = nondet_bool();
    return r;
}

/* nos_ring_open takes the largest power of two that fits, never more than the memory
 * bound: memory of any length below 2^32
 * unwind: 32
 * planted: sdk/ring.c: size + sizeof(struct nos_ring_head) > len => size > len */
void prove_ring_open(void)
{
    struct nos_ring r;
    uint32_t len = nondet_u32();

    bool ok = nos_ring_open(&r, &shared, len, nondet_bool());
    claim(ok == (len >= sizeof(struct nos_ring_head) + 2), "false when there is no room");
    claim(IMPLIES(ok, r.size <= len - sizeof(struct nos_ring_head)), "inside");
    claim(IMPLIES(ok, (r.size & (r.size - 1)) == 0), "a power of two");
    claim(IMPLIES(ok && r.size < 1u << 30, 2ull * r.size > len - sizeof(struct nos_ring_head)), "the largest");
}

/* nos_ring_write: at most the room there is, to its places and no others; an index that is impossible breaks the ring
 * for good
 * bound: a ring of 8 bytes, 0 to 9 bytes to write; any state, any words of the other side
 * unwind: 12
 * without: unsigned-overflow-check (indices wrap at 2^32)
 * planted: sdk/ring.c: bytes.len < r->size - fill ? bytes.len : r->size - fill => bytes.len < r->size ? bytes.len : r->size
 * planted: sdk/ring.c: r->broken |= *fill > r->size => r->broken |= *fill > 2 * r->size
 * planted: sdk/ring.c: memcpy(r->data, bytes.data + first, n - first); => memcpy(r->data + 1, bytes.data + first, n - first); */
void prove_ring_write(void)
{
    struct nos_ring r = any_side(true), before = r;
    size_t len = nondet_u64();
    uint32_t i = nondet_u32();
    assume(len <= SIZE + 1 && i < SIZE);
    uint8_t *bytes = any_bytes(len), old = shared.data[i];
    struct nos_ring_head head = shared.head;
    uint32_t fill = r.at - head.taken;

    size_t n = nos_ring_write(&r, span_of(bytes, len));
    bool broken = before.broken || fill > SIZE;
    claim(r.broken == broken, "broken by an index that cannot be, and then for ever");
    claim(n == (broken ? 0 : len < SIZE - fill ? len : SIZE - fill), "what there is room for");
    claim(r.at - before.at == n && r.size == SIZE && r.data == shared.data, "its own index, nothing else");
    claim(shared.head.written == (n == 0 ? head.written : r.at), "published");
    claim(shared.head.taken == head.taken, "the other side's word is only read");
    uint32_t nth = (i - before.at) & (SIZE - 1); /* of the bytes written, if it was one of them */
    claim(shared.data[i] == (nth < n ? bytes[nth] : old), "each byte in its place, unread ones untouched");
}

/* nos_ring_read: at most what is there, from its places; an index that is impossible breaks the ring for good
 * bound: a ring of 8 bytes, room for 0 to 9; any state, any words of the other side
 * unwind: 12
 * without: unsigned-overflow-check (indices wrap at 2^32)
 * planted: sdk/ring.c: to.len < fill ? to.len : fill => to.len < fill ? fill : to.len
 * planted: sdk/ring.c: memcpy(to.data + first, r->data, n - first); => memcpy(to.data + first, r->data + first, n - first); */
void prove_ring_read(void)
{
    struct nos_ring r = any_side(false), before = r;
    size_t len = nondet_u64();
    uint32_t i = nondet_u32();
    assume(len <= SIZE + 1);
    uint8_t *to = any_bytes(len);
    struct nos_ring_head head = shared.head;
    uint32_t fill = head.written - r.at;

    size_t n = nos_ring_read(&r, mspan_of(to, len));
    bool broken = before.broken || fill > SIZE;
    claim(r.broken == broken, "broken by an index that cannot be, and then for ever");
    claim(n == (broken ? 0 : len < fill ? len : fill), "what there is");
    claim(r.at - before.at == n && r.size == SIZE && r.data == shared.data, "its own index, nothing else");
    claim(shared.head.taken == (n == 0 ? head.taken : r.at), "published");
    claim(shared.head.written == head.written, "the other side's word is only read");
    assume(i < n);
    claim(to[i] == shared.data[(before.at + i) & (SIZE - 1)], "the bytes in order");
}

/* What one side writes the other reads: the same bytes in the same order, also over the end of the ring
 * bound: a ring of 8 bytes, a write and two reads of 0 to 9; any index, any fill
 * unwind: 12
 * without: unsigned-overflow-check (indices wrap at 2^32)
 * planted: sdk/ring.c: from = r->at & (r->size - 1);
    if (!fill_of(r, &fill)) {
        return 0;
    }
    size_t n = to.len => from = r->at & (r->size - 2);
    if (!fill_of(r, &fill)) {
        return 0;
    }
    size_t n = to.len */
void prove_ring_fifo(void)
{
    struct nos_ring w = any_side(true), r = w;
    uint32_t fill = nondet_u32(), i = nondet_u32();
    size_t len = nondet_u64(), first = nondet_u64();
    uint8_t bytes[SIZE + 1], old[SIZE], got[2 * SIZE];

    assume(fill <= SIZE && len <= SIZE + 1 && first <= SIZE);
    w.broken = r.broken = r.writer = false;
    r.at = w.at - fill;
    shared.head.written = w.at;
    shared.head.taken = r.at;
    for (uint32_t k = 0; k < SIZE; k++) {
        old[k] = shared.data[(r.at + k) & (SIZE - 1)];
    }
    size_t n = nos_ring_write(&w, span_of(bytes, len));
    size_t m = nos_ring_read(&r, mspan_of(got, first));
    m += nos_ring_read(&r, mspan_of(got + m, sizeof got - m));
    claim(m == fill + n && !w.broken && !r.broken, "all of it comes");
    assume(i < m);
    claim(got[i] == (i < fill ? old[i] : bytes[i - fill]), "in order");
}

/* nos_ring_sleeps and nos_ring_wakes: nobody sleeps over what is there, who sleeps has said so, who is woken was asleep
 * bound: a ring of 8 bytes; any state, any words of the other side, both sides
 * without: unsigned-overflow-check (indices wrap at 2^32)
 * planted: sdk/ring.c: fill == r->size : fill == 0 => fill == r->size : fill <= 1 */
void prove_ring_sleep(void)
{
    bool writer = nondet_bool();
    struct nos_ring r = any_side(writer), before = r;
    uint32_t fill = writer ? r.at - shared.head.taken : shared.head.written - r.at;
    uint32_t *mine = writer ? &shared.head.writer_waits : &shared.head.reader_waits;
    uint32_t *other = writer ? &shared.head.reader_waits : &shared.head.writer_waits;
    uint32_t waits = *other;

    bool sleeps = nos_ring_sleeps(&r);
    claim(IMPLIES(sleeps, fill == (writer ? SIZE : 0u) && !before.broken), "nothing to do, else it does not sleep");
    claim(*mine == (sleeps ? 1 : 0), "who sleeps says so, who does not takes it back");
    claim(*other == waits, "nothing else");
    bool wakes = nos_ring_wakes(&r);
    claim(wakes == (waits != 0) && *other == 0, "a signal to who sleeps, once");
}
