#pragma once
/*
 * The few ACPI facts a kernel without an AML interpreter needs: where the interrupt controllers
 * are, how many CPUs
 * there are, and how to switch the machine off. Tables are firmware's, so they are read like any
 * untrusted file.
 * Spec: ACPI 6.5, sections 5.2.5-5.2.12 and 7.4.2 (\_S5).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

struct acpi_range {  // physical [phys, phys + len) can be read at `base`
    const uint8_t *base;
    uint64_t phys, len;
};
struct acpi_mem {
    const struct acpi_range *range;
    uint32_t n;
};

/** The bytes at physical `phys`; false, and `*out` untouched, unless all lie in one range. */
MUST_CHECK bool acpi_at(const struct acpi_mem *mem, uint64_t phys, uint64_t len, span_t *out);

struct acpi_root {
    uint64_t oem_rev;    // RSDP revision
    span_t entries;      // of the XSDT or RSDT
    uint32_t entry_len;  // 8 or 4
    uint32_t n;
};

/**
 * From the RSDP to the table of tables.
 * Errors: ACPI_BOUNDS, ACPI_CHECKSUM, ACPI_FORMAT.
 */
MUST_CHECK nos_status_t acpi_root(const struct acpi_mem *mem, uint64_t rsdp, struct acpi_root *out);

/**
 * The table at `phys`, header included, its length and checksum checked.
 * Errors: ACPI_BOUNDS, ACPI_CHECKSUM, ACPI_FORMAT (length below a header's or above 1 MiB).
 */
MUST_CHECK nos_status_t acpi_table_at(const struct acpi_mem *mem, uint64_t phys, span_t *out);

/**
 * The `nth` table (from 0) whose signature is the 4 bytes `sig`. A broken table of another name is
 * passed over.
 * Errors: NOT_FOUND; as acpi_table_at.
 */
MUST_CHECK nos_status_t acpi_find(const struct acpi_mem *mem, const struct acpi_root *root,
                                  const char *sig, uint32_t nth, span_t *out);

enum { ACPI_IOAPICS = 8, ACPI_OVERRIDES = 16, ACPI_CPUS = 64 };
struct acpi_ioapic {
    uint32_t id, addr, gsi_base;
};
struct acpi_override {
    uint8_t irq;     // ISA line
    uint16_t flags;  // MPS INTI: bits 0-1 polarity (1 high, 3 low), 2-3 trigger (1 edge, 3 level)
                     // 0 = as the bus has it
    uint32_t gsi;
};
struct acpi_madt {
    uint64_t lapic;   // physical
    uint32_t n_cpus;  // enabled; the ids of the first ACPI_CPUS of them follow
    uint32_t cpu[ACPI_CPUS];
    bool pcat;  // 8259 pair present, must be masked
    uint32_t n_ioapic, n_override;
    struct acpi_ioapic ioapic[ACPI_IOAPICS];
    struct acpi_override override[ACPI_OVERRIDES];
};

/** Errors: ACPI_FORMAT, ACPI_BOUNDS. Entries beyond our room are left out. */
MUST_CHECK nos_status_t acpi_madt(span_t table, struct acpi_madt *out);

/** Where ISA line `irq` arrives: the override when there is one, else gsi = irq, flags 0. */
void acpi_route(const struct acpi_madt *m, uint8_t irq, uint32_t *gsi, uint16_t *flags);

struct acpi_fadt {
    uint64_t dsdt;        // physical
    uint32_t smi_cmd;     // port; 0 = none
    uint8_t acpi_enable;  // value that turns ACPI mode on; 0 = not needed
    uint16_t pm1a, pm1b;  // PM1 control ports; pm1b 0 = none
    bool has_reset, reset_is_port;
    uint64_t reset_addr;  // port or physical
    uint8_t reset_value;
    bool hw_reduced;  // no PM1 registers at all
};

/** Errors: ACPI_FORMAT, ACPI_BOUNDS. */
MUST_CHECK nos_status_t acpi_fadt(span_t table, struct acpi_fadt *out);

struct acpi_s5 {
    uint8_t slp_typa, slp_typb;  // 0..7: bits 10..12 of PM1 control, with SLP_EN bit 13
};

/**
 * Look for Name(\_S5, Package { a, b, ... }) in the AML of a DSDT or SSDT, byte by byte, without
 * interpreting it.
 * Errors: NOT_FOUND.
 */
MUST_CHECK nos_status_t acpi_s5(span_t table, struct acpi_s5 *out);

/**
 * All that a power object needs: FADT, then \_S5 from the DSDT, else from the first SSDT that has
 * it.
 * Errors: as above; NOT_SUPPORTED when the platform has no PM1 control port.
 */
MUST_CHECK nos_status_t acpi_power(const struct acpi_mem *mem, const struct acpi_root *root,
                                   struct acpi_fadt *fadt, struct acpi_s5 *s5);
