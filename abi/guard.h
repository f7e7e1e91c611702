/* How a thread survives memory that somebody else takes away. It may say, in its own IPC buffer,
 * where it goes on when it reads or writes an address of [from, from + len) where it has no page: a
 * region whose owner has ended, a mapping whose handle was revoked. Such a fault clears `ip` and
 * sets the thread's instruction and stack pointer; all its other registers are what they were at
 * the fault. Any other fault is a crash as ever: an instruction fetch, an address outside the
 * range. A capsule's fault endpoint (capsule_faults) is asked first, and has the last word. Spec:
 * docs/memory.md, "Memory that may go". */
#pragma once

#include <stdint.h>

enum { NOS_GUARD_AT = 1024 }; /* where in the page of the thread's IPC buffer */

struct nos_guard {
    uint64_t ip; /* 0: nothing is guarded */
    uint64_t sp;
    uint64_t from, len;
};
