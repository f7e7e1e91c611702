#pragma once
/* Instructions that C has no word for, and that a test on a host cannot run or must choose the
 * answer of. */
#include <stdbool.h>
#include <stdint.h>

/** One word of the CPU's seed source, or of its generator; false when it ran dry. */
static inline bool rdseed_once(uint64_t *out)
{
    bool ok;
    __asm__ volatile("rdseed %0" : "=r"(*out), "=@ccc"(ok));
    return ok;
}

static inline bool rdrand_once(uint64_t *out)
{
    bool ok;
    __asm__ volatile("rdrand %0" : "=r"(*out), "=@ccc"(ok));
    return ok;
}

struct cpu_leaf {
    uint32_t eax, ebx, ecx, edx;
};

/** Subleaf 0 of a leaf. What the processor does not have may be anything: ask for the last first.
 */
static inline struct cpu_leaf cpuid(uint32_t number)
{
    struct cpu_leaf l = { number, 0, 0, 0 };
    __asm__ volatile("cpuid" : "+a"(l.eax), "=b"(l.ebx), "+c"(l.ecx), "=d"(l.edx));
    return l;
}

static inline uint64_t cr4_read(void)
{
    uint64_t cr4;
    __asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
    return cr4;
}

static inline _Noreturn void halt_for_ever(void)
{
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}
