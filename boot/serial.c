/*
 * A polled 16550. The firmware may drive the same port: both only poll, so they do not disturb each
 * other, and after the firmware is gone the port is still ours.
 */
#include "boot/serial.h"

#include <stdint.h>

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

static void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static bool scratch_holds(uint8_t value)
{
    out8(REG_SCRATCH, value);
    return in8(REG_SCRATCH) == value;
}

bool serial_start(void)
{
    present = scratch_holds(0x5a) && scratch_holds(0xa5) && in8(REG_STATUS) != 0xff;
    if (present) {
        out8(REG_INTERRUPTS, 0);
        out8(REG_LINE, LINE_DIVISOR);
        out8(REG_DATA, 1);  // divisor 1: 115200
        out8(REG_INTERRUPTS, 0);
        out8(REG_LINE, LINE_8N1);
        out8(REG_FIFO, FIFO_ON);
        out8(REG_MODEM, MODEM_DTR_RTS);
    }
    return present;
}

void serial_put(char c)
{
    for (uint32_t spin = 0; present && (in8(REG_STATUS) & STATUS_ROOM) == 0; spin++) {
        present = spin < SPINS_MAX;
    }
    if (present) {
        out8(REG_DATA, (uint8_t)c);
    }
}
