/* Where a function has been that knew a secret. */
#include "lib/crypto/scrub.h"

#include <stdint.h>

#include "lib/compiler.h"
#include "lib/secret.h"

/* Arrays, so that tools/check-stack and the compilers count them. */
enum { SCRUB = 2048, SCRUB_DEEP = 8192 };

/* The registers that a function may leave anything in. */
static ALWAYS_INLINE void scrub_registers(void)
{
    __asm__ volatile(
        "xorl %%eax, %%eax; xorl %%ecx, %%ecx; xorl %%edx, %%edx; xorl %%esi, %%esi\n\t"
        "xorl %%edi, %%edi; xorl %%r8d, %%r8d; xorl %%r9d, %%r9d; xorl %%r10d, %%r10d\n\t"
        "xorl %%r11d, %%r11d"
        :
        :
        : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc");
#ifdef __SSE2__
    __asm__ volatile(
        "pxor %%xmm0, %%xmm0; pxor %%xmm1, %%xmm1; pxor %%xmm2, %%xmm2; pxor %%xmm3, %%xmm3\n\t"
        "pxor %%xmm4, %%xmm4; pxor %%xmm5, %%xmm5; pxor %%xmm6, %%xmm6; pxor %%xmm7, %%xmm7\n\t"
        "pxor %%xmm8, %%xmm8; pxor %%xmm9, %%xmm9; pxor %%xmm10, %%xmm10\n\t"
        "pxor %%xmm11, %%xmm11; pxor %%xmm12, %%xmm12; pxor %%xmm13, %%xmm13\n\t"
        "pxor %%xmm14, %%xmm14; pxor %%xmm15, %%xmm15"
        :
        :
        : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
          "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
#endif
}

void secret_scrub(void)
{
    UNINITIALIZED uint8_t below[SCRUB];
    secret_wipe(below, sizeof below);
    scrub_registers();
}

void secret_scrub_deep(void)
{
    UNINITIALIZED uint8_t below[SCRUB_DEEP];
    secret_wipe(below, sizeof below);
    scrub_registers();
}
