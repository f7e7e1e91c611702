/* COM1, polled: the kernel's voice before `console` runs and when everything else is broken. A port
 * with nothing behind it is found out once, and a stuck one costs a bounded wait for each byte. */
#include "kernel/arch/api/arch.h"
#include "kernel/arch/x86_64/cpu.h"

enum uart {
    DATA = 0x3f8,
    IER = 0x3f9,
    FCR = 0x3fa,
    LCR = 0x3fb,
    MCR = 0x3fc,
    LSR = 0x3fd,
    SCRATCH = 0x3ff
};
enum {
    LCR_8N1 = 0x03,
    LCR_DIVISOR = 0x80,
    FCR_CLEAR = 0x07,
    MCR_DTR_RTS = 0x03,
    LSR_EMPTY = 0x20,
    SPINS = 100000
};

static bool present, tried;

void arch_serial_init(void)
{
    tried = true;
    out8(SCRATCH, 0x5a);
    present = in8(SCRATCH) == 0x5a && in8(LSR) != 0xff;
    if (!present) {
        return;
    }
    out8(IER, 0);
    out8(LCR, LCR_DIVISOR);
    out8(DATA, 1);  // 115,200 baud
    out8(IER, 0);
    out8(LCR, LCR_8N1);
    out8(FCR, FCR_CLEAR);
    out8(MCR, MCR_DTR_RTS);
}

void arch_serial_put(char c)
{
    if (!tried) {  // a panic before anything was set up
        arch_serial_init();
    }
    for (unsigned i = 0; present && i < SPINS; i++) {
        if ((in8(LSR) & LSR_EMPTY) != 0) {
            out8(DATA, (uint8_t)c);
            return;
        }
    }
}
