/* Rings: the input is what a hostile peer writes into the shared memory between our reads and
 * writes. Never more than asked for, never more than the ring holds, and broken stays broken. */
#include "fuzz/fuzz.h"
#include "sdk/ring.h"

#include <string.h>

enum { LEN = 128 + 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[LEN] ALIGNED(8);
    uint8_t bytes[64];
    struct nos_ring in, out;

    memset(memory, 0, sizeof memory);
    PROMISE(nos_ring_open(&in, memory, LEN, true) && nos_ring_open(&out, memory, LEN, false));
    for (size_t i = 0; i + 6 <= size; i += 6) {
        bool broken = in.broken || out.broken;
        memcpy(memory + data[i] % (LEN - 4), data + i + 1, 4);
        size_t n = data[i + 5] % sizeof bytes;
        size_t put = nos_ring_write(&in, span_of(bytes, n));
        size_t got = nos_ring_read(&out, mspan_of(bytes, n));
        PROMISE(put <= n && put <= in.size && got <= n && got <= out.size);
        PROMISE((!in.broken || put == 0) && (!out.broken || got == 0));
        PROMISE(!broken || in.broken || out.broken);
        PROMISE(!nos_ring_sleeps(&out) || !out.broken);
        (void)nos_ring_wakes(&in);
    }
    return 0;
}
