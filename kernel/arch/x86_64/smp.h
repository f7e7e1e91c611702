/* Starting the other CPUs. Spec: docs/x86_64.md, "Other CPUs". */
#pragma once

#include "kernel/core/percpu.h"
#include "lib/acpi.h"

enum { APIC_ID_MAX = 254 };

/** What the tables say, kept for arch_cpus_start. */
void smp_init(const struct acpi_madt *madt);

/** Did a counter read `at` between the readings `before` and `after` of this CPU's own, give or
 * take `slack`? */
static inline bool tsc_agrees(uint64_t before, uint64_t at, uint64_t after, uint64_t slack)
{
    return at + slack - before <= after - before + 2 * slack;
}

struct smp_others {
    uint32_t n, left_out; /* enabled, but no room or no address that reaches them */
    uint8_t apic_id[CPUS_MAX - 1];
};

/** The CPUs that the tables list, less the one that runs; each once, however often it is listed: a
 * second start would reset one that works. */
static inline struct smp_others smp_select(const struct acpi_madt *madt, uint8_t self)
{
    struct smp_others o = { 0 };
    for (uint32_t i = 0; i < madt->n_cpus && i < ACPI_CPUS; i++) {
        uint32_t id = madt->cpu[i], k = 0;
        while (k < o.n && o.apic_id[k] != id) {
            k++;
        }
        if (id == self || k < o.n) {
            continue;
        }
        if (id > APIC_ID_MAX || o.n == CPUS_MAX - 1) {
            o.left_out++;
        } else {
            o.apic_id[o.n++] = (uint8_t)id;
        }
    }
    o.left_out += madt->n_cpus > ACPI_CPUS ? madt->n_cpus - ACPI_CPUS : 0;
    return o;
}
