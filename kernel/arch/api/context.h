/* A thread's user registers, saved at kernel entry and restored from at exit. They lie so that the
 * words of a message (abi/ipc.h) are an array. Offsets are used by entry.S. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arch_context {
    uint64_t nr;   /* rax: call number in, status out */
    uint64_t arg0; /* rdi */
    uint64_t arg1; /* rsi */
    uint64_t w[8]; /* rdx r10 r8 r9 r12 r13 r14 r15; w[0..3] are arguments 2..5 */
    uint64_t dl;   /* rbx: deadline or reply token */
    uint64_t fp;   /* rbp */
    uint64_t t0;   /* rcx, kept for interrupts and faults only */
    uint64_t t1;   /* r11, the same */
    uint64_t ip;
    uint64_t flags;
    uint64_t sp;
    uint64_t fast; /* ARCH_FAST while the thread is in user mode or entered by a system call: t0 and
                    * t1 are free. 0: it was interrupted, or is new: everything must be restored.
                    * Only the port writes it. */
};
/* USER_MAX: the way out compares ip with `fast` once, and that decides between sysret and iret and
 * keeps sysret away from addresses that are not canonical; and a system call has nothing to store
 * here. */
#define ARCH_FAST 0x00007ffffffff000ull
_Static_assert(offsetof(struct arch_context, w) == 24 && offsetof(struct arch_context, dl) == 88,
               "entry.S");
_Static_assert(offsetof(struct arch_context, ip) == 120 && sizeof(struct arch_context) == 152,
               "entry.S");
