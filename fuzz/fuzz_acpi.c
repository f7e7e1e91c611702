/*
 * ACPI: the input is physical memory from 64 KiB on, with the RSDP in front. A second pass puts the
 * checksums right that the first pass would stumble over.
 */
#include "fuzz/fuzz.h"
#include "lib/acpi.h"

enum { BASE = 0x10000, TABLES = 16 };

static void set_sum(uint8_t *p, size_t len, size_t where)
{
    uint8_t s = 0;
    p[where] = 0;
    for (size_t i = 0; i < len; i++) {
        s = (uint8_t)((s + p[i]) & 0xff);
    }
    p[where] = (uint8_t)((0x100 - s) & 0xff);
}

static void fix_table(uint8_t *ram, size_t size, uint64_t phys)
{
    span_t table;
    uint32_t len;
    if (phys < BASE || !span_from(span_of(ram, size), phys - BASE, &table) ||
        !span_le32(table, 4, &len) || len < 36 || len > table.len) {
        return;
    }
    set_sum(ram + (phys - BASE), len, 9);
}

static void fix_sums(uint8_t *ram, size_t size)
{
    if (size < 36) {
        return;
    }
    set_sum(ram, 20, 8);
    set_sum(ram, 36, 32);
    uint64_t xsdt = load_le64(ram + 24), rsdt = load_le32(ram + 16);
    fix_table(ram, size, rsdt);
    fix_table(ram, size, xsdt);
    struct acpi_range range = { ram, BASE, size };
    struct acpi_mem mem = { &range, 1 };
    struct acpi_root root;
    if (acpi_root(&mem, BASE, &root) == NOS_OK && root.entry_len == 8) {
        uint64_t phys;
        for (size_t i = 0; i < TABLES && span_le64(root.entries, 8 * i, &phys); i++) {
            fix_table(ram, size, phys);
        }
    }
}

static void walk(const uint8_t *ram, size_t size)
{
    struct acpi_range range = { ram, BASE, size };
    struct acpi_mem mem = { &range, 1 };
    struct acpi_root root;
    struct acpi_madt madt;
    struct acpi_fadt fadt;
    struct acpi_s5 s5;
    span_t table;

    if (acpi_root(&mem, BASE, &root) != NOS_OK) {
        return;
    }
    if (acpi_find(&mem, &root, "APIC", 0, &table) == NOS_OK) {
        (void)!acpi_madt(table, &madt);
    }
    if (acpi_power(&mem, &root, &fadt, &s5) == NOS_OK) {
        PROMISE(fadt.pm1a != 0 && s5.slp_typa <= 7 && s5.slp_typb <= 7);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct acpi_madt madt;
    struct acpi_fadt fadt;
    struct acpi_s5 s5;
    uint32_t gsi;
    uint16_t flags;

    walk(data, size);
    uint8_t *ram = malloc(size + 1);
    PROMISE(ram != NULL);
    memcpy(ram, data, size);
    fix_sums(ram, size);
    walk(ram, size);
    free(ram);
    if (acpi_madt(span_of(data, size), &madt) == NOS_OK) {
        PROMISE(madt.n_ioapic <= ACPI_IOAPICS && madt.n_override <= ACPI_OVERRIDES);
        acpi_route(&madt, 0, &gsi, &flags);
    }
    (void)!acpi_fadt(span_of(data, size), &fadt);
    (void)!acpi_s5(span_of(data, size), &s5);
    return 0;
}
