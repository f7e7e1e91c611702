#pragma once
/* COM1, a 16550 at I/O port 0x3f8, polled: 115200 baud, 8 data bits, no parity. */
#include <stdbool.h>

/** Is there one? Sets it up if so. */
bool serial_start(void);

/** One character. A port that takes nothing for too long is given up, silently: boot must not hang
 * on it. */
void serial_put(char c);
