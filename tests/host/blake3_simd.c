/* tests/diff/blake3.c through the kernel's own choice of code, with its vector registers (as
 * test_simd.c). */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include "kernel/arch/x86_64/blake3.c"

int lines(void);
#define main lines
#include "tests/diff/blake3.c"
#undef main

int main(void)
{
    host_start();
    cpus[0].simd = true;
    return lines();
}
