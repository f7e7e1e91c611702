#pragma once
/*
 * A 16550 in ring 3: eight ports and one interrupt line, both granted. 115200 8N1, FIFO on, receive
 * by interrupt, transmit by bounded polling. The console uses COM1, the management channel COM2.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"
#include "sdk/syscalls.h"

struct nos_uart {
    nos_handle_t ports, irq;
    uint16_t base;
    bool stuck;       /* the line did not drain in time: bytes are dropped until it does */
    uint64_t dropped; /* bytes lost to a stuck line */
};

/**
 * Find the granted port window at `base` and the interrupt `line`, reset the device, and have its
 * interrupts signal `bits` on `notify`. Errors: NOT_FOUND (no such grant), NOT_SUPPORTED (nothing
 * answers at these ports), those of irq_bind.
 */
MUST_CHECK nos_status_t nos_uart_open(struct nos_uart *u, uint16_t base, uint64_t line,
                                      nos_handle_t notify, uint64_t bits);

/** The same device as another version of this capsule had it, which bound its interrupt to this
 * very notification: nothing is reset, nothing that is under way gets lost. Errors: NOT_FOUND,
 * those of irq_bind. */
MUST_CHECK nos_status_t nos_uart_adopt(struct nos_uart *u, uint16_t base, uint64_t line,
                                       nos_handle_t notify, uint64_t bits);

/** What has arrived, at most `room.len` bytes, without waiting. */
size_t nos_uart_read(struct nos_uart *u, mspan_t room);

/** After the line was read empty: let the next interrupt in. */
void nos_uart_ack(struct nos_uart *u);

/** Send; waits while the device is busy, but never for ever (`dropped`). */
void nos_uart_write(struct nos_uart *u, span_t bytes);
