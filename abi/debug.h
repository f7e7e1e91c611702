/* One capsule under a debugger: what the calls debug_* of abi/syscalls.tbl take and give, and what
 * the management channel carries. Little-endian, no padding. Spec: docs/debugging.md. */
#pragma once

#include "abi/crash.h"

enum {
    NOS_DEBUG_READ_MAX = 4096, /* bytes of one debug_read */
    NOS_DEBUG_WRITE_MAX = 256, /* of one debug_write */
    NOS_DEBUG_BREAKS = 32,     /* breakpoints of a capsule at once */
    NOS_DEBUG_SECONDS_MAX = 3600,
    NOS_DEBUG_FPU = 512
};

enum nos_debug_how { /* debug_run */
                     NOS_DEBUG_STOP = 0,
                     NOS_DEBUG_GO = 1,
                     NOS_DEBUG_STEP = 2, /* one instruction, then stop */
                     NOS_DEBUG_PASS = 3  /* go on, and if it crashes again that is its end */
};

enum nos_debug_flags {
    NOS_DEBUG_HELD = 1u << 0,   /* it runs no further until debug_run says so */
    NOS_DEBUG_HAS_FPU = 1u << 1 /* it has used the FPU: `fpu` counts */
};

struct nos_debug_thread { /* debug_thread */
    uint32_t id;          /* in this machine, 1..; of a dead thread it may come again */
    uint32_t doing;       /* enum nos_doing */
    uint32_t flags;       /* enum nos_debug_flags */
    uint32_t why;         /* enum nos_crash: what stopped it, DEBUG = a breakpoint or a step; 0 = no
                             event of its own */
    uint64_t addr;        /* as in a crash record */
    uint64_t image_base;
    uint64_t regs[NOS_REG_COUNT];
    uint8_t fpu[NOS_DEBUG_FPU]; /* as FXSAVE lays it out */
};
_Static_assert(sizeof(struct nos_debug_thread) == 688, "ABI");
