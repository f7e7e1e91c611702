/*
 * Switching off. The FADT names the ports; the value to write there stands in AML, in the object
 * \_S5. We do not interpret AML: we look for the bytes of Name(\_S5_, Package { const, const, ...
 * }), which every compiler emits the same way, and take nothing else for an answer.
 */
#include "lib/acpi.h"

#include <string.h>

enum {
    HEADER_LEN = 36,
    FADT_V1_LEN = 116,
    FADT_FIRMWARE_DSDT = 40,
    FADT_SMI_CMD = 48,
    FADT_ACPI_ENABLE = 52,
    FADT_PM1A = 64,
    FADT_PM1B = 68,
    FADT_FLAGS = 112,
    FADT_RESET_REG = 116,
    FADT_RESET_VALUE = 128,
    FADT_X_DSDT = 140,
    FADT_X_PM1A = 172,
    FADT_X_PM1B = 184,
    FLAG_RESET = 1u << 10,
    FLAG_HW_REDUCED = 1u << 20,
    GAS_LEN = 12,
    GAS_MEMORY = 0,
    GAS_PORT = 1,
    SSDTS_MAX = 64,
};
enum {
    AML_NAME = 0x08,
    AML_PACKAGE = 0x12,
    AML_ZERO = 0x00,
    AML_ONE = 0x01,
    AML_BYTE = 0x0a,
    AML_WORD = 0x0b,
    AML_DWORD = 0x0c,
    SLP_TYP_MAX = 7,
};

/* A generic address; false when it is not there or names nothing. */
static bool gas_read(span_t table, size_t off, uint8_t *space, uint64_t *addr)
{
    span_t gas;
    if (!span_cut(table, off, GAS_LEN, &gas)) {
        return false;
    }
    *space = gas.data[0];
    *addr = load_le64(gas.data + 4);
    return *addr != 0;
}

/* A PM1 control port: the 64-bit field wins where there is one, as the specification says. */
static nos_status_t pm1_port(span_t table, size_t off32, size_t off64, uint16_t *port)
{
    uint32_t low;
    uint64_t addr;
    uint8_t space;

    if (!span_le32(table, off32, &low)) {
        return NOS_ACPI_BOUNDS;
    }
    if (gas_read(table, off64, &space, &addr)) {
        if (space != GAS_PORT) {
            return NOS_NOT_SUPPORTED;
        }
    } else {
        addr = low;
    }
    if (addr > UINT16_MAX) {
        return NOS_ACPI_FORMAT;
    }
    *port = (uint16_t)addr;
    return NOS_OK;
}

static void reset_register(span_t table, uint32_t flags, struct acpi_fadt *f)
{
    uint8_t space;
    uint64_t addr;

    if ((flags & FLAG_RESET) == 0 || !gas_read(table, FADT_RESET_REG, &space, &addr) ||
        !span_u8(table, FADT_RESET_VALUE, &f->reset_value)) {
        return;
    }
    if (space == GAS_MEMORY || (space == GAS_PORT && addr <= UINT16_MAX)) {
        f->has_reset = true;
        f->reset_is_port = space == GAS_PORT;
        f->reset_addr = addr;
    }
}

nos_status_t acpi_fadt(span_t table, struct acpi_fadt *out)
{
    struct acpi_fadt f = { 0 };
    span_t sig;
    uint32_t dsdt, flags;
    uint64_t x_dsdt;

    if (!span_cut(table, 0, 4, &sig) || !span_equal(sig, SPAN_LIT("FACP"))) {
        return NOS_ACPI_FORMAT;
    }
    if (table.len < FADT_V1_LEN || !span_le32(table, FADT_FIRMWARE_DSDT, &dsdt) ||
        !span_le32(table, FADT_SMI_CMD, &f.smi_cmd) ||
        !span_u8(table, FADT_ACPI_ENABLE, &f.acpi_enable) ||
        !span_le32(table, FADT_FLAGS, &flags)) {
        return NOS_ACPI_BOUNDS;
    }
    f.hw_reduced = (flags & FLAG_HW_REDUCED) != 0;
    f.dsdt = span_le64(table, FADT_X_DSDT, &x_dsdt) && x_dsdt != 0 ? x_dsdt : dsdt;
    if (f.smi_cmd > UINT16_MAX) {
        return NOS_ACPI_FORMAT;
    }
    nos_status_t st = NOS_OK;
    if (!f.hw_reduced) {
        st = pm1_port(table, FADT_PM1A, FADT_X_PM1A, &f.pm1a);
        if (st == NOS_OK) {
            st = pm1_port(table, FADT_PM1B, FADT_X_PM1B, &f.pm1b);
        }
    }
    if (st != NOS_OK) {
        return st;
    }
    reset_register(table, flags, &f);
    *out = f;
    return NOS_OK;
}

/* PkgLength: the top two bits of the first byte say how many more follow. It counts itself. */
static bool aml_package(span_t aml, span_t *body)
{
    uint8_t lead, b;
    if (!span_u8(aml, 0, &lead)) {
        return false;
    }
    uint32_t more = lead >> 6;
    uint32_t len = more == 0 ? lead : lead & 0x0fu;
    for (uint32_t i = 1; i <= more; i++) {
        if (!span_u8(aml, i, &b)) {
            return false;
        }
        len |= (uint32_t)b << (8 * i - 4);
    }
    span_t whole;
    return span_cut(aml, 0, len, &whole) && span_from(whole, 1 + (size_t)more, body);
}

/* An integer constant that fits SLP_TYP. */
static bool aml_small(span_t *aml, uint8_t *out)
{
    span_t op, bytes;
    size_t width;

    if (!span_take(aml, 1, &op)) {
        return false;
    }
    switch (op.data[0]) {
    case AML_ZERO:
    case AML_ONE:
        *out = op.data[0];
        return true;
    case AML_BYTE:
        width = 1;
        break;
    case AML_WORD:
        width = 2;
        break;
    case AML_DWORD:
        width = 4;
        break;
    default:
        return false;
    }
    if (!span_take(aml, width, &bytes) || bytes.data[0] > SLP_TYP_MAX) {
        return false;
    }
    *out = bytes.data[0];
    span_t high;
    return span_from(bytes, 1, &high) && span_is_zero(high);
}

/* What follows the name "_S5_". */
static bool s5_package(span_t aml, struct acpi_s5 *out)
{
    struct acpi_s5 s5;
    span_t op, body, count;

    if (!span_take(&aml, 1, &op) || op.data[0] != AML_PACKAGE || !aml_package(aml, &body) ||
        !span_take(&body, 1, &count) || count.data[0] < 2 || !aml_small(&body, &s5.slp_typa) ||
        !aml_small(&body, &s5.slp_typb)) {
        return false;
    }
    *out = s5;
    return true;
}

/* Is the name at `at` the object of a Name operator, with or without a root prefix? */
static bool named_here(span_t aml, size_t at)
{
    uint8_t before;
    if (at == 0 || !span_u8(aml, at - 1, &before)) {
        return false;
    }
    if (before == '\\') {
        return at >= 2 && span_u8(aml, at - 2, &before) && before == AML_NAME;
    }
    return before == AML_NAME;
}

nos_status_t acpi_s5(span_t table, struct acpi_s5 *out)
{
    span_t aml, name, after;

    if (!span_from(table, HEADER_LEN, &aml)) {
        return NOS_NOT_FOUND;
    }
    for (size_t at = 0; span_cut(aml, at, 4, &name); at++) {
        if (memcmp(name.data, "_S5_", 4) == 0 && named_here(aml, at) &&
            span_from(aml, at + 4, &after) && s5_package(after, out)) {
            return NOS_OK;
        }
    }
    return NOS_NOT_FOUND;
}

static nos_status_t s5_anywhere(const struct acpi_mem *mem, const struct acpi_root *root,
                                uint64_t dsdt, struct acpi_s5 *out)
{
    span_t table;

    nos_status_t st = acpi_table_at(mem, dsdt, &table);
    if (st == NOS_OK) {
        st = acpi_s5(table, out);
    }
    for (uint32_t i = 0; st != NOS_OK && i < SSDTS_MAX; i++) {
        nos_status_t ssdt = acpi_find(mem, root, "SSDT", i, &table);
        if (ssdt == NOS_NOT_FOUND) {
            break;
        }
        if (ssdt == NOS_OK && acpi_s5(table, out) == NOS_OK) {
            st = NOS_OK;
        }
    }
    return st;
}

nos_status_t acpi_power(const struct acpi_mem *mem, const struct acpi_root *root,
                        struct acpi_fadt *fadt, struct acpi_s5 *s5)
{
    span_t table;

    nos_status_t st = acpi_find(mem, root, "FACP", 0, &table);
    if (st == NOS_OK) {
        st = acpi_fadt(table, fadt);
    }
    if (st == NOS_OK && fadt->pm1a == 0) {
        st = NOS_NOT_SUPPORTED;
    }
    return st == NOS_OK ? s5_anywhere(mem, root, fadt->dsdt, s5) : st;
}
