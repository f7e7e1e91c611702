/* I/O ports that no capsule may have. */
#pragma once

#include "kernel/core/types.h"

struct port_range {
    uint16_t first;
    uint16_t count;
};
enum { PORTS_ACPI_MAX = 10 };

/** Is any port of [port, port + count) in one of the `n` ranges? True too for no port, and past the
 * last one. */
bool ports_meet(const struct port_range *ranges, unsigned n, uint16_t port, uint32_t count);

/** Ports that the FADT names: power management blocks, SMI command, reset register. Gives how many
 * ranges. */
unsigned ports_of_fadt(span_t fadt, struct port_range out[PORTS_ACPI_MAX]);

/** Reserve what ports_of_fadt found. Called once. */
void ports_reserve(const struct port_range *ranges, unsigned n);
