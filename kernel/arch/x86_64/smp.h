/* Starting the other CPUs. Spec: docs/x86_64.md, "Other CPUs". */
#pragma once

#include "lib/acpi.h"

/** What the tables say, kept for arch_cpus_start. */
void smp_init(const struct acpi_madt *madt);

/** Did a counter read `at` between the readings `before` and `after` of this CPU's own, give or
 * take `slack`? */
static inline bool tsc_agrees(uint64_t before, uint64_t at, uint64_t after, uint64_t slack)
{
    return at + slack - before <= after - before + 2 * slack;
}
