/*
 * A polled 16550. The firmware may drive the same port: both only poll, so they do not disturb each
 * other, and after the firmware is gone the port is still ours.
 */
#include "boot/serial.h"

#include <stdint.h>

#include "boot/port.h"

enum {
    COM1 = 0x3f8,
    REG_DATA = COM1,
    REG_INTERRUPTS = COM1 + 1,
    REG_FIFO = COM1 + 2,
    REG_LINE = COM1 + 3,
    REG_MODEM = COM1 + 4,
    REG_STATUS = COM1 + 5,
    REG_SCRATCH = COM1 + 7,
    LINE_8N1 = 0x03,
    LINE_DIVISOR = 0x80,
    FIFO_ON = 0x01,
    MODEM_DTR_RTS = 0x03,
    STATUS_ROOM = 0x20,
    SPINS_MAX = 1000000,
};

static bool present;

static bool scratch_holds(uint8_t value)
{
    port_out8(REG_SCRATCH, value);
    return port_in8(REG_SCRATCH) == value;
}

bool serial_start(void)
{
    present = scratch_holds(0x5a) && scratch_holds(0xa5) && port_in8(REG_STATUS) != 0xff;
    if (present) {
        port_out8(REG_INTERRUPTS, 0);
        port_out8(REG_LINE, LINE_DIVISOR);
        port_out8(REG_DATA, 1);  // divisor 1: 115200
        port_out8(REG_INTERRUPTS, 0);
        port_out8(REG_LINE, LINE_8N1);
        port_out8(REG_FIFO, FIFO_ON);
        port_out8(REG_MODEM, MODEM_DTR_RTS);
    }
    return present;
}

void serial_put(char c)
{
    for (uint32_t spin = 0; present && (port_in8(REG_STATUS) & STATUS_ROOM) == 0; spin++) {
        present = spin < SPINS_MAX;
    }
    if (present) {
        port_out8(REG_DATA, (uint8_t)c);
    }
}
