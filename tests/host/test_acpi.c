/* lib/acpi.h, on tables laid out in a small memory that begins at physical 0x10000. */
#include "lib/acpi.h"
#include "tests/host/golden.h"
#include "tests/host/test.h"

enum {
    BASE = 0x10000,
    SIZE = 0x2000,
    RSDP = 0x000,
    XSDT = 0x100,
    RSDT = 0x200,
    MADT = 0x300,
    FADT = 0x400,
    DSDT = 0x600,
    SSDT = 0x800,
};

static uint8_t *ram;
static struct acpi_range range;
static struct acpi_mem mem;

static void sum(size_t at, size_t len, size_t where)
{
    uint8_t s = 0;
    ram[at + where] = 0;
    for (size_t i = 0; i < len; i++) {
        s = (uint8_t)(s + ram[at + i]);
    }
    ram[at + where] = (uint8_t)(0 - s);
}

static void table(size_t at, const char *sig, size_t len)
{
    memcpy(ram + at, sig, 4);
    store_le32(ram + at + 4, (uint32_t)len);
    sum(at, len, 9);
}

static const uint8_t madt_entries[] = {
    0,    8,  0, 0, 1, 0, 0,    0,                               // CPU, enabled
    0,    8,  1, 1, 0, 0, 0,    0,                               // CPU, not enabled
    9,    16, 0, 0, 2, 0, 0,    0,    1,   0, 0, 0, 0, 0, 0, 0,  // x2APIC CPU, enabled
    1,    12, 7, 0, 0, 0, 0xc0, 0xfe, 0,   0, 0, 0,              // I/O APIC 7
    2,    10, 0, 0, 2, 0, 0,    0,    0,   0,                    // IRQ 0 -> 2
    2,    10, 0, 9, 9, 0, 0,    0,    0xd, 0,                    // IRQ 9, level, high
    0x80, 4,  0, 0,                                              // somebody's own
};
static const uint8_t s5[] = { 0x08, '_',  'S',  '5',  '_',  0x12, 0x08,
                              0x04, 0x0a, 0x05, 0x0a, 0x06, 0x00, 0x00 };

static void build(void)
{
    memset(ram, 0, SIZE);
    memcpy(ram + RSDP, "RSD PTR ", 8);
    ram[RSDP + 15] = 2;
    store_le32(ram + RSDP + 16, BASE + RSDT);
    store_le32(ram + RSDP + 20, 36);
    store_le64(ram + RSDP + 24, BASE + XSDT);
    sum(RSDP, 20, 8);
    sum(RSDP, 36, 32);
    const uint32_t tables[] = { BASE + MADT, BASE + FADT, BASE + SSDT };
    for (size_t i = 0; i < 3; i++) {
        store_le64(ram + XSDT + 36 + 8 * i, tables[i]);
        store_le32(ram + RSDT + 36 + 4 * i, tables[i]);
    }
    table(XSDT, "XSDT", 36 + 24);
    table(RSDT, "RSDT", 36 + 12);
    store_le32(ram + MADT + 36, 0xfee00000);
    store_le32(ram + MADT + 40, 1);
    memcpy(ram + MADT + 44, madt_entries, sizeof madt_entries);
    table(MADT, "APIC", 44 + sizeof madt_entries);
    store_le32(ram + FADT + 40, BASE + DSDT);
    store_le32(ram + FADT + 48, 0xb2);
    ram[FADT + 52] = 0xf1;
    store_le32(ram + FADT + 64, 0x604);
    store_le32(ram + FADT + 112, 1 << 10);
    ram[FADT + 116] = 1;
    store_le64(ram + FADT + 120, 0xcf9);
    ram[FADT + 128] = 0x0f;
    table(FADT, "FACP", 244);
    memset(ram + DSDT + 36, 0x5b, 32);
    memcpy(ram + DSDT + 36 + 32, s5, sizeof s5);
    table(DSDT, "DSDT", 36 + 32 + sizeof s5);
    table(SSDT, "SSDT", 36);
}

static int setup(void **state)
{
    (void)state;
    ram = malloc(SIZE);
    range = (struct acpi_range){ ram, BASE, SIZE };
    mem = (struct acpi_mem){ &range, 1 };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(ram);
    return 0;
}

static void test_memory(void **state)
{
    span_t s = { NULL, 77 };
    struct acpi_range two[2] = { { ram, 0x1000, 16 }, { ram, UINT64_MAX - 15, 16 } };
    struct acpi_mem m = { two, 2 };
    (void)state;
    assert_true(acpi_at(&m, 0x1000, 16, &s));
    assert_false(acpi_at(&m, 0xfff, 2, &s));
    assert_false(acpi_at(&m, 0x1001, 16, &s));
    assert_true(acpi_at(&m, UINT64_MAX - 15, 15, &s));
    assert_false(acpi_at(&m, UINT64_MAX, 2, &s));
    assert_false(acpi_at(&m, 0x1000, UINT64_MAX, &s));
    assert_int_equal(s.len, 15);
}

static void test_root(void **state)
{
    struct acpi_root r;
    (void)state;
    build();
    assert_int_equal(acpi_root(&mem, BASE + RSDP, &r), NOS_OK);
    assert_int_equal(r.entry_len, 8);
    assert_int_equal(r.n, 3);
    ram[RSDP + 15] = 0;
    sum(RSDP, 20, 8);
    assert_int_equal(acpi_root(&mem, BASE + RSDP, &r), NOS_OK);
    assert_int_equal(r.entry_len, 4);
    build();
    store_le64(ram + RSDP + 24, 0);  // revision 2 without an XSDT
    sum(RSDP, 36, 32);
    assert_int_equal(acpi_root(&mem, BASE + RSDP, &r), NOS_OK);
    assert_int_equal(r.entry_len, 4);
    build();
    assert_int_equal(acpi_root(&mem, BASE + SIZE - 19, &r), NOS_ACPI_BOUNDS);
    assert_int_equal(acpi_root(&mem, 0, &r), NOS_ACPI_BOUNDS);
    ram[RSDP] = 'X';
    assert_int_equal(acpi_root(&mem, BASE + RSDP, &r), NOS_ACPI_FORMAT);
    build();
    ram[RSDP + 9] ^= 1;
    assert_int_equal(acpi_root(&mem, BASE + RSDP, &r), NOS_ACPI_CHECKSUM);
    ram[RSDP + 15] = 0;  // revision 0 has that checksum only
    sum(RSDP, 20, 8);
    ram[RSDP + 9] ^= 1;
    assert_int_equal(acpi_root(&mem, BASE + RSDP, &r), NOS_ACPI_CHECKSUM);
    build();
    memcpy(ram + SIZE - 30, ram + RSDP, 30);  // revision 2, cut off by the end of memory
    assert_int_equal(acpi_root(&mem, BASE + SIZE - 30, &r), NOS_ACPI_BOUNDS);
    build();
    ram[RSDP + 33] ^= 1;  // beyond the first checksum
    assert_int_equal(acpi_root(&mem, BASE + RSDP, &r), NOS_ACPI_CHECKSUM);
    build();
    store_le32(ram + RSDP + 20, 37);
    sum(RSDP, 36, 32);
    assert_int_equal(acpi_root(&mem, BASE + RSDP, &r), NOS_ACPI_FORMAT);
    build();
    table(XSDT, "RSDT", 36 + 24);
    assert_int_equal(acpi_root(&mem, BASE + RSDP, &r), NOS_ACPI_FORMAT);
    table(XSDT, "XSDT", 36 + 23);
    assert_int_equal(acpi_root(&mem, BASE + RSDP, &r), NOS_ACPI_FORMAT);
    build();
    store_le64(ram + RSDP + 24, BASE + SIZE);
    sum(RSDP, 36, 32);
    assert_int_equal(acpi_root(&mem, BASE + RSDP, &r), NOS_ACPI_BOUNDS);
}

static void test_tables(void **state)
{
    struct acpi_root r;
    span_t t;
    (void)state;
    build();
    assert_int_equal(acpi_root(&mem, BASE + RSDP, &r), NOS_OK);
    assert_int_equal(acpi_find(&mem, &r, "FACP", 0, &t), NOS_OK);
    assert_int_equal(t.len, 244);
    assert_int_equal(acpi_find(&mem, &r, "FACP", 1, &t), NOS_NOT_FOUND);
    assert_int_equal(acpi_find(&mem, &r, "HPET", 0, &t), NOS_NOT_FOUND);
    ram[RSDP + 15] = 0;
    sum(RSDP, 20, 8);
    assert_int_equal(acpi_root(&mem, BASE + RSDP, &r), NOS_OK);
    assert_int_equal(acpi_find(&mem, &r, "SSDT", 0, &t), NOS_OK);  // by 32-bit entries
    build();
    assert_int_equal(acpi_root(&mem, BASE + RSDP, &r), NOS_OK);
    store_le64(ram + XSDT + 36, 0xdead0000);  // an entry that points nowhere is passed over
    assert_int_equal(acpi_find(&mem, &r, "FACP", 0, &t), NOS_OK);
    ram[FADT + 100] ^= 1;
    assert_int_equal(acpi_find(&mem, &r, "FACP", 0, &t), NOS_ACPI_CHECKSUM);
    store_le32(ram + FADT + 4, 35);
    assert_int_equal(acpi_table_at(&mem, BASE + FADT, &t), NOS_ACPI_FORMAT);
    store_le32(ram + FADT + 4, (1 << 20) + 1);
    assert_int_equal(acpi_table_at(&mem, BASE + FADT, &t), NOS_ACPI_FORMAT);
    store_le32(ram + FADT + 4, SIZE);
    assert_int_equal(acpi_table_at(&mem, BASE + FADT, &t), NOS_ACPI_BOUNDS);
    assert_int_equal(acpi_table_at(&mem, BASE + SIZE - 35, &t), NOS_ACPI_BOUNDS);
}

static void test_madt(void **state)
{
    struct acpi_madt m;
    uint32_t gsi;
    uint16_t flags;
    (void)state;
    build();
    span_t t = span_of(ram + MADT, 44 + sizeof madt_entries);
    assert_int_equal(acpi_madt(t, &m), NOS_OK);
    assert_true(m.lapic == 0xfee00000);
    assert_int_equal(m.n_cpus, 2);
    assert_true(m.pcat);
    assert_int_equal(m.n_ioapic, 1);
    assert_int_equal(m.ioapic[0].id, 7);
    assert_int_equal(m.ioapic[0].addr, 0xfec00000);
    acpi_route(&m, 0, &gsi, &flags);
    assert_int_equal(gsi, 2);
    acpi_route(&m, 9, &gsi, &flags);
    assert_int_equal(gsi, 9);
    assert_int_equal(flags, 0xd);
    acpi_route(&m, 4, &gsi, &flags);
    assert_int_equal(gsi, 4);
    assert_int_equal(flags, 0);
    for (size_t len = 0; len < t.len;
         len++) {  // a cut inside an entry is seen, one between entries is not
        struct buf b = buf_copy(span_of(ram + MADT, len));
        nos_status_t st = acpi_madt(buf_span(b), &m);
        assert_true(st == NOS_OK ? len >= 44
                                 : st == NOS_ACPI_BOUNDS || (len < 4 && st == NOS_ACPI_FORMAT));
        buf_free(&b);
    }
    static const struct {
        size_t at;
        uint8_t value;
        nos_status_t status;
    } rows[] = {
        { 0, 'X', NOS_ACPI_FORMAT },       { 44 + 1, 0, NOS_ACPI_BOUNDS },
        { 44 + 1, 1, NOS_ACPI_BOUNDS },    { 44 + 1, 16, NOS_ACPI_FORMAT },
        { 44 + 17, 8, NOS_ACPI_FORMAT },   { 44 + 33, 16, NOS_ACPI_FORMAT },
        { 44 + 46, 1, NOS_ACPI_FORMAT },   { 44 + 45, 20, NOS_ACPI_FORMAT },
        { 44 + 65, 255, NOS_ACPI_BOUNDS }, { 44 + 32, 5, NOS_OK },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        build();
        ram[MADT + rows[i].at] = rows[i].value;
        nos_status_t st = acpi_madt(t, &m);
        if (st != rows[i].status) {
            fail_msg("row %zu: %d", i, st);
        }
    }
    assert_true(m.lapic ==
                load_le64(madt_entries + 36));  // the last row made it a 64-bit address entry
    build();
    ram[MADT + 44 + 54] = 5;  // 10 bytes: an address entry has 12
    assert_int_equal(acpi_madt(t, &m), NOS_ACPI_FORMAT);
    struct buf many = buf_new(44 + 12 * 20 + 10 * 30);
    memcpy(many.data, "APIC", 4);
    for (size_t i = 0; i < 20; i++) {
        memcpy(many.data + 44 + 12 * i, (uint8_t[]){ 1, 12 }, 2);
    }
    for (size_t i = 0; i < 30; i++) {
        memcpy(many.data + 44 + 240 + 10 * i, (uint8_t[]){ 2, 10 }, 2);
    }
    assert_int_equal(acpi_madt(buf_span(many), &m), NOS_OK);
    assert_int_equal(m.n_ioapic, ACPI_IOAPICS);
    assert_int_equal(m.n_override, ACPI_OVERRIDES);
    buf_free(&many);
}

static void test_fadt(void **state)
{
    struct acpi_fadt f;
    (void)state;
    build();
    span_t t = span_of(ram + FADT, 244);
    assert_int_equal(acpi_fadt(t, &f), NOS_OK);
    assert_int_equal(f.dsdt, BASE + DSDT);
    assert_int_equal(f.smi_cmd, 0xb2);
    assert_int_equal(f.acpi_enable, 0xf1);
    assert_int_equal(f.pm1a, 0x604);
    assert_int_equal(f.pm1b, 0);
    assert_true(f.has_reset && f.reset_is_port && f.reset_addr == 0xcf9 && f.reset_value == 0x0f);
    store_le64(ram + FADT + 140, 0x123456789a);
    ram[FADT + 172] = 1;
    store_le64(ram + FADT + 176, 0xb004);
    assert_int_equal(acpi_fadt(t, &f), NOS_OK);
    assert_true(f.dsdt == 0x123456789a);
    assert_int_equal(f.pm1a, 0xb004);  // the 64-bit field wins
    ram[FADT + 172] = 0;
    assert_int_equal(acpi_fadt(t, &f), NOS_NOT_SUPPORTED);  // PM1 in memory
    ram[FADT + 172] = 1;
    store_le64(ram + FADT + 176, 0x10000);
    assert_int_equal(acpi_fadt(t, &f), NOS_ACPI_FORMAT);
    build();
    store_le32(ram + FADT + 48, 0x10000);
    assert_int_equal(acpi_fadt(t, &f), NOS_ACPI_FORMAT);
    store_le32(ram + FADT + 48, 0xffff);
    store_le32(ram + FADT + 64, 0xffff);
    assert_int_equal(acpi_fadt(t, &f), NOS_OK);
    build();
    store_le32(ram + FADT + 112, 0);
    assert_int_equal(acpi_fadt(t, &f), NOS_OK);
    assert_false(f.has_reset);
    store_le32(ram + FADT + 112, 1 << 10);
    ram[FADT + 116] = 2;  // PCI configuration space: not ours
    assert_int_equal(acpi_fadt(t, &f), NOS_OK);
    assert_false(f.has_reset);
    ram[FADT + 116] = 0;
    assert_int_equal(acpi_fadt(t, &f), NOS_OK);
    assert_true(f.has_reset && !f.reset_is_port);
    store_le32(ram + FADT + 112, 1 << 20);
    assert_int_equal(acpi_fadt(t, &f), NOS_OK);
    assert_true(f.hw_reduced && f.pm1a == 0);
    ram[FADT] = 'X';
    assert_int_equal(acpi_fadt(t, &f), NOS_ACPI_FORMAT);
    build();
    for (size_t len = 0; len < 244; len++) {
        struct buf b = buf_copy(span_of(ram + FADT, len));
        nos_status_t st = acpi_fadt(buf_span(b), &f);
        assert_int_equal(st, len < 4 ? NOS_ACPI_FORMAT : len < 116 ? NOS_ACPI_BOUNDS : NOS_OK);
        buf_free(&b);
    }
}

static nos_status_t scan(const uint8_t *aml, size_t len, struct acpi_s5 *out)
{
    struct buf b = buf_new(36 + len);
    memcpy(b.data + 36, aml, len);
    nos_status_t st = acpi_s5(buf_span(b), out);
    buf_free(&b);
    return st;
}

static void test_s5(void **state)
{
    struct acpi_s5 v;
    uint8_t aml[64];
    (void)state;
    assert_int_equal(scan(s5, sizeof s5, &v), NOS_OK);
    assert_int_equal(v.slp_typa, 5);
    assert_int_equal(v.slp_typb, 6);
    static const uint8_t rooted[] = { 0x08, '\\', '_',  'S',  '5',  '_', 0x12,
                                      0x06, 0x04, 0x00, 0x01, 0x00, 0x00 };
    assert_int_equal(scan(rooted, sizeof rooted, &v), NOS_OK);
    assert_int_equal(v.slp_typa, 0);
    assert_int_equal(v.slp_typb, 1);
    memcpy(aml, rooted, sizeof rooted);
    aml[0] = 0x09;  // a root prefix, but no Name before it
    assert_int_equal(scan(aml, sizeof rooted, &v), NOS_NOT_FOUND);
    static const uint8_t wide[] = { 0x08, '_',  'S',  '5',  '_', 0x12, 0x4a, 0x00, 0x02,
                                    0x0b, 0x07, 0x00, 0x0c, 2,   0,    0,    0 };
    assert_int_equal(scan(wide, sizeof wide, &v), NOS_NOT_FOUND);  // package runs past the end
    memcpy(aml, wide, sizeof wide);
    aml[6] = 0x4b;
    aml[7] = 0;  // two-byte length: 11
    assert_int_equal(scan(aml, sizeof wide, &v), NOS_OK);
    assert_int_equal(v.slp_typa, 7);
    assert_int_equal(v.slp_typb, 2);
    static const struct {
        size_t at;
        uint8_t value;
    } rows[] = {
        { 0, 0x09 },                // not a Name
        { 4, 'X' },   { 5, 0x13 },  // not a Package
        { 6, 0x0a },                // longer than the table
        { 6, 0x04 },                // too short for its constants
        { 7, 0x01 },                // one element only
        { 8, 0x70 },                // not a constant
        { 9, 0x08 },                // above 7
        { 11, 0x08 }, { 10, 0x70 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        memcpy(aml, s5, sizeof s5);
        aml[rows[i].at] = rows[i].value;
        if (scan(aml, sizeof s5, &v) != NOS_NOT_FOUND) {
            fail_msg("row %zu", i);
        }
    }
    memcpy(aml, s5, sizeof s5);
    memcpy(aml + 20, s5, sizeof s5);
    aml[5] = 0;  // a false start, then the real one
    assert_int_equal(scan(aml, 20 + sizeof s5, &v), NOS_OK);
    for (size_t len = 0; len < sizeof s5 - 2; len++) {
        assert_int_equal(scan(s5, len, &v), NOS_NOT_FOUND);
    }
    assert_int_equal(acpi_s5(span_of(s5, 4), &v), NOS_NOT_FOUND);
    aml[1] = 0;
    static const uint8_t high[] = { 0x08, '_',  'S',  '5',  '_',  0x12, 0x08,
                                    0x02, 0x0b, 0x05, 0x01, 0x0a, 0x05 };
    assert_int_equal(scan(high, sizeof high, &v), NOS_NOT_FOUND);  // 0x105 is no sleep type
}

static void test_power(void **state)
{
    struct acpi_root r;
    struct acpi_fadt f;
    struct acpi_s5 v;
    (void)state;
    build();
    assert_int_equal(acpi_root(&mem, BASE + RSDP, &r), NOS_OK);
    assert_int_equal(acpi_power(&mem, &r, &f, &v), NOS_OK);
    assert_int_equal(v.slp_typa, 5);
    ram[DSDT + 36 + 33] = 'X';  // gone from the DSDT, found in an SSDT
    table(DSDT, "DSDT", 36 + 32 + sizeof s5);
    assert_int_equal(acpi_power(&mem, &r, &f, &v), NOS_NOT_FOUND);
    memcpy(ram + SSDT + 36, s5, sizeof s5);
    table(SSDT, "SSDT", 36 + sizeof s5);
    assert_int_equal(acpi_power(&mem, &r, &f, &v), NOS_OK);
    store_le32(ram + FADT + 64, 0);
    table(FADT, "FACP", 244);
    assert_int_equal(acpi_power(&mem, &r, &f, &v), NOS_NOT_SUPPORTED);
    ram[FADT + 9] ^= 1;
    assert_int_equal(acpi_power(&mem, &r, &f, &v), NOS_ACPI_CHECKSUM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory), cmocka_unit_test(test_root), cmocka_unit_test(test_tables),
        cmocka_unit_test(test_madt),   cmocka_unit_test(test_fadt), cmocka_unit_test(test_s5),
        cmocka_unit_test(test_power),
    };
    return cmocka_run_group_tests_name("acpi", tests, setup, teardown);
}
