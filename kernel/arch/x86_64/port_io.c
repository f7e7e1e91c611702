/* Port access for the calls on a port window; the caller has checked window and width. */
#include "kernel/arch/api/arch.h"
#include "kernel/arch/x86_64/cpu.h"

uint64_t arch_port_in(uint16_t port, unsigned width)
{
    switch (width) {
    case 1:
        return in8(port);
    case 2:
        return in16(port);
    default:
        return in32(port);
    }
}

void arch_port_out(uint16_t port, unsigned width, uint64_t value)
{
    switch (width) {
    case 1:
        out8(port, (uint8_t)(value & 0xff));
        break;
    case 2:
        out16(port, (uint16_t)(value & 0xffff));
        break;
    default:
        out32(port, (uint32_t)(value & 0xffffffff));
        break;
    }
}
