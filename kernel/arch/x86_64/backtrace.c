/* Return addresses by frame pointers. What lies on a stack may be broken, so nothing is followed
 * out of the stack it began on, downwards, or to a place that is not code. */
#include "kernel/arch/api/arch.h"
#include "kernel/arch/x86_64/stacks.h"

extern const uint8_t image_text[], image_text_end[];

struct bounds {
    uint64_t low, high;
};

static bool inside(const uint8_t *low, uint64_t len, uint64_t at, struct bounds *out)
{
    if (at < (uint64_t)low || at >= (uint64_t)low + len) {
        return false;
    }
    *out = (struct bounds){ (uint64_t)low, (uint64_t)low + len };
    return true;
}

static bool stack_of(uint64_t at, struct bounds *out)
{
    bool found = inside(stacks.kernel, STACK_KERNEL, at, out);
    for (unsigned i = 0; !found && i < STACK_FAULTS; i++) {
        found = inside(stacks.fault[i].bytes, STACK_FAULT, at, out);
    }
    return found;
}

unsigned arch_backtrace(uint64_t fp, uint64_t *out, unsigned n)
{
    struct bounds b;
    unsigned got = 0;

    fp = fp != 0 ? fp : (uint64_t)__builtin_frame_address(0);
    if (!stack_of(fp, &b)) {
        return 0;
    }
    while (got < n && fp % 8 == 0 && fp >= b.low && fp <= b.high - 16) {
        const uint64_t *frame = (const uint64_t *)fp;
        if (frame[1] < (uint64_t)image_text || frame[1] >= (uint64_t)image_text_end) {
            break;
        }
        out[got++] = frame[1];
        if (frame[0] <= fp) {  // stacks grow down: a caller's frame lies higher
            break;
        }
        fp = frame[0];
    }
    return got;
}
