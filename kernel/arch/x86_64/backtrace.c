/* Return addresses by frame pointers. What lies on a stack may be broken, so nothing is followed
 * out of the stack it began on, downwards, or to a place that is not code. The one step that leads
 * off a stack is from a fault's own to the kernel stack that it interrupted. */
#include "kernel/arch/api/arch.h"
#include "kernel/arch/x86_64/stacks.h"

extern const uint8_t __ehdr_start[], image_text[], image_text_end[];  // NOLINT: the linker's name

struct bounds {
    uint64_t low, high;
};

static bool inside(const uint8_t *low, uint64_t len, uint64_t at, struct bounds *out)
{
    if (at < (uint64_t)low || at > (uint64_t)low + len - 16) {
        return false;
    }
    *out = (struct bounds){ (uint64_t)low, (uint64_t)low + len };
    return true;
}

/* This CPU's; the boot CPU's while no other runs. */
static const struct stacks *own(void)
{
    const struct stacks *s = cpu_stacks[this_cpu()->id];
    return s != NULL ? s : &stacks;
}

static bool on_kernel_stack(uint64_t at, struct bounds *out)
{
    return inside(own()->kernel, STACK_KERNEL, at, out);
}

static bool on_fault_stack(uint64_t at, struct bounds *out)
{
    for (unsigned i = 0; i < STACK_FAULTS; i++) {
        if (inside(own()->fault[i].bytes, STACK_FAULT, at, out)) {
            return true;
        }
    }
    return false;
}

/* Is `next` a frame that can have called the one at `fp`? Stacks grow down: a caller's lies higher.
 */
static bool leads_on(uint64_t fp, uint64_t next, struct bounds *b)
{
    struct bounds other;

    if (next % 8 != 0) {
        return false;
    }
    if (next > fp && next <= b->high - 16) {
        return true;
    }
    return on_fault_stack(fp, &other) && on_kernel_stack(next, b);
}

uint64_t arch_image_base(void)
{
    return (uint64_t)__ehdr_start;
}

unsigned arch_backtrace(uint64_t fp, uint64_t *out, unsigned n)
{
    struct bounds b;
    unsigned got = 0;

    fp = fp != 0 ? fp : (uint64_t)__builtin_frame_address(0);
    if (fp % 8 != 0 || (!on_kernel_stack(fp, &b) && !on_fault_stack(fp, &b))) {
        return 0;
    }
    while (got < n) {
        const uint64_t *frame = (const uint64_t *)fp;
        if (frame[1] < (uint64_t)image_text || frame[1] >= (uint64_t)image_text_end) {
            break;
        }
        out[got++] = frame[1];
        if (!leads_on(fp, frame[0], &b)) {
            break;
        }
        fp = frame[0];
    }
    return got;
}
