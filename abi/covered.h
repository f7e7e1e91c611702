/* The covered flavour of the kernel: the released sources, compiled so that they count what runs.
 * It is in no release. The call below is in no table; every other kernel answers BAD_SYSCALL.
 * Spec: docs/syscall-fuzzing.md. */
#pragma once

#include <stdint.h>

/* rdi = node handle with KILL, rsi = op, rdx, r10 = buffer. Errors: BAD_ADDRESS, TOO_BIG */
#define NOS_SYS_COVERED 0x64657265766f63ull

enum nos_covered_op {
    NOS_COVERED_LOOK = 1,  /* what ran since the last look that never ran before. Gives: regions in
                              bits 0..31, regions that ran so often for the first time in 32..63 */
    NOS_COVERED_NEXT = 2,  /* remember the buffer: it says what is done next */
    NOS_COVERED_KEEP = 3,  /* the buffer goes out of the debug port */
    NOS_COVERED_FORGET = 4 /* what NEXT remembered */
};
enum { NOS_COVERED_BUFFER = 1024, NOS_COVERED_REMEMBERED = 64 };
