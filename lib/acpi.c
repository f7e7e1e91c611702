/*
 * ACPI tables, as far as a kernel without an AML interpreter goes: RSDP -> XSDT or RSDT -> a table
 * by name; MADT and FADT. Firmware's bytes get the same treatment as a file from a stranger: every
 * read through a span, every table's checksum before its contents.
 */
#include "lib/acpi.h"

#include <string.h>

#include "lib/checked.h"

enum {
    RSDP_V1_LEN = 20,
    RSDP_V2_LEN = 36,
    HEADER_LEN = 36,
    TABLE_MAX = 1 << 20,
    ENTRIES_MAX = 1024,
    MADT_ENTRIES = 44,
};

bool acpi_at(const struct acpi_mem *mem, uint64_t phys, uint64_t len, span_t *out)
{
    uint64_t off;

    for (uint32_t i = 0; i < mem->n; i++) {
        const struct acpi_range *r = &mem->range[i];
        if (checked_sub(phys, r->phys, &off) && span_cut(span_of(r->base, r->len), off, len, out)) {
            return true;
        }
    }
    return false;
}

static bool sum_ok(span_t s)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < s.len; i++) {
        sum = (uint8_t)((sum + s.data[i]) & 0xff);
    }
    return sum == 0;
}

nos_status_t acpi_table_at(const struct acpi_mem *mem, uint64_t phys, span_t *out)
{
    span_t head, table;
    uint32_t len;

    if (!acpi_at(mem, phys, HEADER_LEN, &head) || !span_le32(head, 4, &len)) {
        return NOS_ACPI_BOUNDS;
    }
    if (len < HEADER_LEN || len > TABLE_MAX) {
        return NOS_ACPI_FORMAT;
    }
    if (!acpi_at(mem, phys, len, &table)) {
        return NOS_ACPI_BOUNDS;
    }
    if (!sum_ok(table)) {
        return NOS_ACPI_CHECKSUM;
    }
    *out = table;
    return NOS_OK;
}

/* The RSDP: where the table of tables lies, and how wide its entries are. */
static nos_status_t rsdp_read(const struct acpi_mem *mem, uint64_t phys, uint64_t *sdt,
                              struct acpi_root *r)
{
    span_t v1, v2, magic;
    uint32_t rsdt, len;
    uint8_t rev;

    if (!acpi_at(mem, phys, RSDP_V1_LEN, &v1) || !span_cut(v1, 0, 8, &magic) ||
        !span_u8(v1, 15, &rev) || !span_le32(v1, 16, &rsdt)) {
        return NOS_ACPI_BOUNDS;
    }
    if (!span_equal(magic, SPAN_LIT("RSD PTR "))) {
        return NOS_ACPI_FORMAT;
    }
    if (!sum_ok(v1)) {
        return NOS_ACPI_CHECKSUM;
    }
    r->oem_rev = rev;
    r->entry_len = 4;
    *sdt = rsdt;
    if (rev < 2) {
        return NOS_OK;
    }
    if (!acpi_at(mem, phys, RSDP_V2_LEN, &v2) || !span_le32(v2, 20, &len)) {
        return NOS_ACPI_BOUNDS;
    }
    if (len != RSDP_V2_LEN) {
        return NOS_ACPI_FORMAT;
    }
    if (!sum_ok(v2)) {
        return NOS_ACPI_CHECKSUM;
    }
    uint64_t xsdt = load_le64(v2.data + 24);
    if (xsdt != 0) {
        r->entry_len = 8;
        *sdt = xsdt;
    }
    return NOS_OK;
}

nos_status_t acpi_root(const struct acpi_mem *mem, uint64_t rsdp, struct acpi_root *out)
{
    struct acpi_root r;
    span_t table, sig;
    uint64_t sdt;

    nos_status_t st = rsdp_read(mem, rsdp, &sdt, &r);
    if (st == NOS_OK) {
        st = acpi_table_at(mem, sdt, &table);
    }
    if (st != NOS_OK) {
        return st;
    }
    if (!span_cut(table, 0, 4, &sig) ||
        !span_equal(sig, r.entry_len == 8 ? SPAN_LIT("XSDT") : SPAN_LIT("RSDT")) ||
        !span_from(table, HEADER_LEN, &r.entries) || r.entries.len % r.entry_len != 0 ||
        r.entries.len / r.entry_len > ENTRIES_MAX) {
        return NOS_ACPI_FORMAT;
    }
    r.n = (uint32_t)(r.entries.len / r.entry_len);
    *out = r;
    return NOS_OK;
}

static bool entry_at(const struct acpi_root *root, uint32_t i, uint64_t *phys)
{
    uint32_t low;
    size_t at = (size_t)i * root->entry_len;

    if (root->entry_len == 8) {
        return span_le64(root->entries, at, phys);
    }
    if (!span_le32(root->entries, at, &low)) {
        return false;
    }
    *phys = low;
    return true;
}

nos_status_t acpi_find(const struct acpi_mem *mem, const struct acpi_root *root, const char *sig,
                       uint32_t nth, span_t *out)
{
    uint64_t phys;
    span_t name;

    for (uint32_t i = 0; i < root->n && entry_at(root, i, &phys); i++) {
        if (!acpi_at(mem, phys, 4, &name) || memcmp(name.data, sig, 4) != 0) {
            continue;
        }
        if (nth == 0) {
            return acpi_table_at(mem, phys, out);
        }
        nth--;
    }
    return NOS_NOT_FOUND;
}

static void madt_cpu(struct acpi_madt *m, uint32_t id, uint32_t flags)
{
    if ((flags & 1) == 0) {  // not enabled
        return;
    }
    if (m->n_cpus < ACPI_CPUS) {
        m->cpu[m->n_cpus] = id;
    }
    m->n_cpus++;
}

/* One MADT entry, type and length included. Unknown types are passed over, known ones have their
 * exact length. */
static nos_status_t madt_entry(span_t e, struct acpi_madt *m)
{
    uint8_t type = e.data[0];

    if (type == 0) {  // local APIC
        if (e.len != 8) {
            return NOS_ACPI_FORMAT;
        }
        madt_cpu(m, e.data[3], load_le32(e.data + 4));
    } else if (type == 9) {  // local x2APIC
        if (e.len != 16) {
            return NOS_ACPI_FORMAT;
        }
        madt_cpu(m, load_le32(e.data + 4), load_le32(e.data + 8));
    } else if (type == 1) {  // I/O APIC
        if (e.len != 12) {
            return NOS_ACPI_FORMAT;
        }
        if (m->n_ioapic < ACPI_IOAPICS) {
            m->ioapic[m->n_ioapic++] = (struct acpi_ioapic){
                .id = e.data[2],
                .addr = load_le32(e.data + 4),
                .gsi_base = load_le32(e.data + 8),
            };
        }
    } else if (type == 2) {  // interrupt source override
        if (e.len != 10 || e.data[2] != 0) {
            return NOS_ACPI_FORMAT;
        }
        if (m->n_override < ACPI_OVERRIDES) {
            m->override[m->n_override++] = (struct acpi_override){
                .irq = e.data[3],
                .gsi = load_le32(e.data + 4),
                .flags = load_le16(e.data + 8),
            };
        }
    } else if (type == 5) {  // 64-bit address of the local APICs
        if (e.len != 12) {
            return NOS_ACPI_FORMAT;
        }
        m->lapic = load_le64(e.data + 4);
    }
    return NOS_OK;
}

static bool signature_is(span_t table, const char *sig)
{
    span_t s;
    return span_cut(table, 0, 4, &s) && memcmp(s.data, sig, 4) == 0;
}

nos_status_t acpi_madt(span_t table, struct acpi_madt *out)
{
    struct acpi_madt m = { 0 };
    uint32_t lapic, flags;
    uint8_t len;
    span_t rest, entry;

    if (!signature_is(table, "APIC")) {
        return NOS_ACPI_FORMAT;
    }
    if (!span_le32(table, HEADER_LEN, &lapic) || !span_le32(table, HEADER_LEN + 4, &flags) ||
        !span_from(table, MADT_ENTRIES, &rest)) {
        return NOS_ACPI_BOUNDS;
    }
    m.lapic = lapic;
    m.pcat = (flags & 1) != 0;
    while (rest.len != 0) {
        if (!span_u8(rest, 1, &len) || len < 2 || !span_take(&rest, len, &entry)) {
            return NOS_ACPI_BOUNDS;
        }
        nos_status_t st = madt_entry(entry, &m);
        if (st != NOS_OK) {
            return st;
        }
    }
    *out = m;
    return NOS_OK;
}

void acpi_route(const struct acpi_madt *m, uint8_t irq, uint32_t *gsi, uint16_t *flags)
{
    *gsi = irq;
    *flags = 0;
    for (uint32_t i = 0; i < m->n_override; i++) {
        if (m->override[i].irq == irq) {
            *gsi = m->override[i].gsi;
            *flags = m->override[i].flags;
        }
    }
}
