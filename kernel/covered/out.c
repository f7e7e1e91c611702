/*
 * How the counters get out. They lie in the kernel's image, where QEMU's monitor reads them: at
 * boot the debug port is told at which physical address. The wipe at the machine's end takes them
 * too, so right before it they go out of the debug port themselves. tests/qemu/covered.py reads
 * both.
 */
#include "kernel/arch/api/arch.h"
#include "kernel/arch/x86_64/wiper.h"
#include "kernel/covered/covered.h"

enum { DEBUG_PORT = 0xe9, HERE = 'A', ALL = 'C' };

extern const uint8_t __ehdr_start[];  // NOLINT: the linker's name
/* The compiler asks for a runtime that would write a file. There is none, and this is its name. */
const int __llvm_profile_runtime = 0;  // NOLINT: the compiler's name

void __real_wiper_init(const struct nos_bootinfo *bi, paddr_t root);
void __wrap_wiper_init(const struct nos_bootinfo *bi, paddr_t root);
_Noreturn void __real_wiper_enter(enum wiper_what what, uint32_t a, uint32_t b);
_Noreturn void __wrap_wiper_enter(enum wiper_what what, uint32_t a, uint32_t b);

void covered_write(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        arch_port_out(DEBUG_PORT, 1, data[i]);
    }
}

void covered_put(uint8_t tag, const void *data, size_t len)
{
    covered_write(&tag, 1);
    covered_write(data, len);
}

void __wrap_wiper_init(const struct nos_bootinfo *bi, paddr_t root)
{
    uint64_t at = bi->kernel_base + (uint64_t)((const uint8_t *)covered_first - __ehdr_start);
    covered_put(HERE, &at, sizeof at);
    __real_wiper_init(bi, root);
}

void __wrap_wiper_enter(enum wiper_what what, uint32_t a, uint32_t b)
{
    covered_put(ALL, covered_first, covered_count() * sizeof *covered_first);
    __real_wiper_enter(what, a, b);
}
