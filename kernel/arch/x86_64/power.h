/* Switching off and resetting: what ACPI said at boot. */
#pragma once

#include "lib/acpi.h"

/** Remember how. */
void power_init(const struct acpi_mem *mem, const struct acpi_root *root);
