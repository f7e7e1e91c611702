/* The storm flavour of the kernel: the released kernel plus kernel/storm, linked around it. It
 * breaks things on request, so it is no kernel to trust: it says `storm` wherever it names itself.
 * The call below is in no table; every other kernel answers BAD_SYSCALL. Little-endian, no padding.
 * Spec: docs/storm.md. */
#pragma once

#include <stdint.h>

#define NOS_STORM_KERNEL "kernel-storm" /* its name in its manifest */
/* rdi = node handle with KILL, rsi = op, rdx, r10 = buffer */
#define NOS_SYS_STORM 0x6d726f7473ull

enum nos_storm_op {
    NOS_STORM_SAY = 1,   /* rdx, r10 = text, at most 256 bytes: out of the debug port, at once */
    NOS_STORM_FAULT = 2, /* rdx = struct nos_storm_fault: break that */
    NOS_STORM_LOOK = 3,  /* rdx = struct nos_storm_state to fill */
    NOS_STORM_QUIET = 5, /* rdx = ns at most: wait until the fault has happened, whoever died is
                            there again, nothing is left to give back and the CPU has nothing to
                            do. Errors: TIMED_OUT */
    NOS_STORM_PAUSE = 4  /* rdx != 0: the machine stops here, for a debugger to go on with */
};
enum { NOS_STORM_SAY_MAX = 256 };

/* The kernel's faults are first: enum order is the wire's. */
#define NOS_STORM_KIND_LIST(X) \
    X(MEMORY, 1, "memory")     /* a bit of the victim's memory: page a, bit b */ \
    X(REGISTER, 2, "register") /* a bit of a thread's registers, those of the FPU too if it has \
                                  used it: thread c, register a, bit b */ \
    X(CALLS, 3, "calls")       /* the victim's next b system calls are other ones; a = seed */ \
    X(ALLOC, 4, "alloc")       /* the a-th allocation from now fails, and b - 1 after it */ \
    X(KILL, 5, "kill")         /* the victim ends, wherever it is */ \
    X(SPURIOUS, 6, "spurious") /* an interrupt with vector a that nothing raised */ \
    X(MISSING, 7, "missing")   /* the next interrupt of line a does not arrive */ \
    X(CLOCK, 8, "clock")       /* the time-stamp counter jumps by a ticks; b != 0: backwards */ \
    X(MESSAGE, 9, "message")   /* by the driver: malformed messages to a service */ \
    X(QUOTA, 10, "quota")      /* by the driver: a capsule uses up what it may have */ \
    X(MODULE, 11, "module")    /* by the driver: a truncated or corrupted module is loaded */ \
    X(LEAK, 12, "leak")        /* a frame is lost: never drawn, planted to show that it is seen */
enum nos_storm_kind {
#define X(name, value, text) NOS_STORM_##name = (value),
    NOS_STORM_KIND_LIST(X)
#undef X
        NOS_STORM_KINDS = 13
};
enum { NOS_STORM_REGISTERS = 18, NOS_STORM_FPU_REGISTERS = 24 /* x87, then xmm */ };

struct nos_storm_fault {
    uint32_t kind;   /* enum nos_storm_kind */
    uint32_t victim; /* capsule; 0 where the kind has none */
    uint64_t after;  /* ticks from now until it happens, by an interrupt of its own */
    uint64_t a, b, c;
};
_Static_assert(sizeof(struct nos_storm_fault) == 40, "ABI");

struct nos_storm_state {
    uint64_t now, idle;        /* ticks since the machine started; of these without work */
    uint64_t deaths, restarts; /* of capsules whose manifest asks for a restart */
    uint64_t worst, total;     /* ticks of work from an end until its successor first waits */
    uint64_t waiting;          /* ends without a successor yet */
    uint64_t fired;            /* faults that have happened */
    uint64_t hit, hit_more;    /* what the last one met: docs/storm.md */
    uint64_t allocs, refused;  /* allocations since boot, and those made to fail */
    uint64_t calls;            /* system calls replaced */
    uint64_t lost_irqs;        /* interrupts that did not arrive */
    uint64_t reclaiming;       /* memory of the dead is still being given back */
    uint64_t free, known;      /* frames: free; free and accounted for. The latter never changes
                                  while nothing is reclaimed or started */
};
_Static_assert(sizeof(struct nos_storm_state) == 136, "ABI");
