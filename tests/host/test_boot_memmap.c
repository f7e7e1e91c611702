/* boot/memmap.h: firmware maps, tidy and untidy, against a model that colours single pages. */
#include "boot/memmap.h"
#include "boot/uefi.h"
#include "tests/host/test.h"

enum { PAGE = 4096, ROOM = 64, MODEL_PAGES = 64, STRIDE = 48, DESCRIPTOR = 40 };

static struct nos_mem_range work[ROOM];
static struct nos_mem_range out[NOS_MEM_RANGES_MAX];

static void add(struct memmap *m, uint64_t page, uint64_t pages, enum nos_mem_kind kind)
{
    assert_int_equal(memmap_add(m, page * PAGE, pages * PAGE, kind, 0), NOS_OK);
}

static uint32_t finish(struct memmap *m, uint32_t max)
{
    uint32_t n = 999;
    assert_int_equal(memmap_finish(m, out, max, &n), NOS_OK);
    return n;
}

static void expect(uint32_t i, uint64_t page, uint64_t pages, enum nos_mem_kind kind)
{
    assert_int_equal(out[i].base, page * PAGE);
    assert_int_equal(out[i].len, pages * PAGE);
    assert_int_equal(out[i].kind, kind);
}

static void test_sorts_and_merges(void **state)
{
    struct memmap m;
    (void)state;
    memmap_start(&m, work, ROOM);
    add(&m, 20, 5, NOS_MEM_ACPI);
    add(&m, 4, 4, NOS_MEM_FREE);
    add(&m, 0, 4, NOS_MEM_FREE);
    add(&m, 8, 0, NOS_MEM_RESERVED);
    add(&m, 8, 2, NOS_MEM_FREE);
    assert_int_equal(finish(&m, ROOM), 2);
    expect(0, 0, 10, NOS_MEM_FREE);
    expect(1, 20, 5, NOS_MEM_ACPI);
    memmap_start(&m, work, ROOM);
    assert_int_equal(memmap_add(&m, 0, 4 * PAGE, NOS_MEM_RUNTIME, true), NOS_OK);
    assert_int_equal(memmap_add(&m, 4 * PAGE, 4 * PAGE, NOS_MEM_RUNTIME, false), NOS_OK);
    assert_int_equal(finish(&m, ROOM), 2);  // code and data of firmware stay apart
}

/* The firmware says of the same pages that they are its code and its data, in either order. */
static void test_code_wins_over_data(void **state)
{
    (void)state;
    for (uint32_t code_first = 0; code_first <= 1; code_first++) {
        struct memmap m;
        memmap_start(&m, work, ROOM);
        assert_int_equal(memmap_add(&m, 0, 8 * PAGE, NOS_MEM_RUNTIME, code_first), NOS_OK);
        assert_int_equal(memmap_add(&m, 0, 4 * PAGE, NOS_MEM_RUNTIME, 1 - code_first), NOS_OK);
        assert_int_equal(finish(&m, ROOM), 2 - code_first);
        expect(0, 0, code_first ? 8 : 4, NOS_MEM_RUNTIME);
        assert_int_equal(out[0].attr, 1);
    }
}

static void test_kernel_is_cut_out_of_loader_memory(void **state)
{
    struct memmap m;
    (void)state;
    memmap_start(&m, work, ROOM);
    add(&m, 0, 30, NOS_MEM_LOADER);
    add(&m, 10, 5, NOS_MEM_KERNEL);
    assert_int_equal(finish(&m, ROOM), 3);
    expect(0, 0, 10, NOS_MEM_LOADER);
    expect(1, 10, 5, NOS_MEM_KERNEL);
    expect(2, 15, 15, NOS_MEM_LOADER);
}

static uint8_t colour(const struct nos_mem_range *r)
{
    return (uint8_t)(2 * r->kind + r->attr);
}

/** The rule, page by page: who claims it with the highest number has it. */
static void model(const struct nos_mem_range *in, uint32_t n, uint8_t page[MODEL_PAGES])
{
    memset(page, 0, MODEL_PAGES);
    for (uint32_t i = 0; i < n; i++) {
        for (uint64_t p = in[i].base / PAGE; p < (in[i].base + in[i].len) / PAGE; p++) {
            page[p] = colour(&in[i]) > page[p] ? colour(&in[i]) : page[p];
        }
    }
}

static void check_against(const uint8_t page[MODEL_PAGES], uint32_t n)
{
    uint8_t seen[MODEL_PAGES] = { 0 };
    for (uint32_t i = 0; i < n; i++) {
        uint64_t end = out[i].base + out[i].len;
        assert_true(out[i].len > 0);
        if (i > 0) {
            uint64_t before = out[i - 1].base + out[i - 1].len;
            assert_true(before <= out[i].base);
            assert_false(before == out[i].base &&
                         colour(&out[i - 1]) == colour(&out[i]));  // merged
        }
        for (uint64_t p = out[i].base / PAGE; p < end / PAGE; p++) {
            seen[p] = colour(&out[i]);
        }
    }
    assert_memory_equal(seen, page, MODEL_PAGES);
}

static void test_overlaps_like_the_model(void **state)
{
    uint32_t seed = 12345;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct nos_mem_range in[8];
        uint8_t page[MODEL_PAGES];
        struct memmap m;
        uint32_t n = 1 + (uint32_t)round % 8;
        memmap_start(&m, work, ROOM);
        for (uint32_t i = 0; i < n; i++) {
            seed = seed * 1103515245 + 12345;
            uint64_t base = seed >> 8 & 31;
            uint64_t len = seed >> 16 & 31;
            in[i] = (struct nos_mem_range){ base * PAGE, len * PAGE, 1 + (seed >> 24) % 7,
                                            seed >> 30 & 1 };
            assert_int_equal(
                memmap_add(&m, in[i].base, in[i].len, (enum nos_mem_kind)in[i].kind, in[i].attr),
                NOS_OK);
        }
        model(in, n, page);
        check_against(page, finish(&m, ROOM));
    }
}

static void test_drops_the_smallest_free_ranges(void **state)
{
    struct memmap m;
    (void)state;
    memmap_start(&m, work, ROOM);
    add(&m, 0, 5, NOS_MEM_FREE);
    add(&m, 6, 1, NOS_MEM_FREE);
    add(&m, 8, 1, NOS_MEM_ACPI);
    add(&m, 10, 3, NOS_MEM_FREE);
    assert_int_equal(finish(&m, 2), 2);
    expect(0, 0, 5, NOS_MEM_FREE);
    expect(1, 8, 1, NOS_MEM_ACPI);
}

/* One has to go: which, by where they lie. */
static void test_which_free_range_goes(void **state)
{
    static const struct {
        uint64_t pages[2], left; /* of two FREE ranges, and where the one that is left begins */
    } rows[] = { { { 1, 5 }, 10 }, { { 5, 1 }, 0 }, { { 3, 3 }, 10 } };
    struct memmap m;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        memmap_start(&m, work, ROOM);
        add(&m, 0, rows[i].pages[0], NOS_MEM_FREE);
        add(&m, 8, 1, NOS_MEM_ACPI);
        add(&m, 10, rows[i].pages[1], NOS_MEM_FREE);
        assert_int_equal(finish(&m, 2), 2);
        uint32_t at = rows[i].left == 0 ? 0 : 1;
        expect(at, rows[i].left, rows[i].pages[at], NOS_MEM_FREE);
        expect(1 - at, 8, 1, NOS_MEM_ACPI);
    }
    memmap_start(&m, work, ROOM);  // behind the last is what was merged into it: no range any more
    add(&m, 0, 1, NOS_MEM_ACPI);
    add(&m, 10, 5, NOS_MEM_FREE);
    add(&m, 15, 1, NOS_MEM_FREE);
    assert_int_equal(finish(&m, 1), 1);
    expect(0, 0, 1, NOS_MEM_ACPI);
}

static void test_gives_up_without_free_ranges(void **state)
{
    struct memmap m;
    uint32_t n = 999;
    (void)state;
    memmap_start(&m, work, ROOM);
    add(&m, 0, 1, NOS_MEM_ACPI);
    add(&m, 2, 1, NOS_MEM_ACPI);
    assert_int_equal(memmap_finish(&m, out, 1, &n), NOS_BOOT_FIRMWARE);
    assert_int_equal(n, 999);
}

static void test_refuses_malformed_ranges(void **state)
{
    struct memmap m;
    (void)state;
    memmap_start(&m, work, 1);
    assert_int_equal(memmap_add(&m, 1, PAGE, NOS_MEM_FREE, 0), NOS_BOOT_FIRMWARE);
    assert_int_equal(memmap_add(&m, PAGE, 1, NOS_MEM_FREE, 0), NOS_BOOT_FIRMWARE);
    assert_int_equal(memmap_add(&m, UINT64_MAX - PAGE + 1, PAGE, NOS_MEM_FREE, 0),
                     NOS_BOOT_FIRMWARE);
    assert_int_equal(memmap_add(&m, (uint64_t)64 << 40, PAGE, NOS_MEM_FREE, 0), NOS_OK);
    assert_int_equal(m.n, 0);  // beyond the direct map: left out
    add(&m, 0, 1, NOS_MEM_FREE);
    assert_int_equal(memmap_add(&m, PAGE, PAGE, NOS_MEM_FREE, 0), NOS_BOOT_FIRMWARE);  // full
}

static void test_no_room_to_split(void **state)
{
    struct memmap m;
    uint32_t n = 999;
    (void)state;
    memmap_start(&m, work, 2);
    add(&m, 0, 30, NOS_MEM_FREE);
    add(&m, 10, 5, NOS_MEM_RESERVED);
    assert_int_equal(memmap_finish(&m, out, ROOM, &n), NOS_BOOT_FIRMWARE);

    memmap_start(&m, work, 3);  // what lies in another of its kind is no piece of its own
    add(&m, 0, 30, NOS_MEM_FREE);
    add(&m, 0, 20, NOS_MEM_FREE);
    add(&m, 10, 5, NOS_MEM_RESERVED);
    assert_int_equal(finish(&m, ROOM), 3);
    memmap_start(&m, work, 2);
    add(&m, 0, 30, NOS_MEM_FREE);
    add(&m, 10, 5, NOS_MEM_FREE);
    assert_int_equal(finish(&m, ROOM), 1);
}

static void descriptor(uint8_t *d, uint32_t type, uint64_t page, uint64_t pages, uint64_t attribute)
{
    memset(d, 0xee, STRIDE);
    store_le32(d, type);
    store_le64(d + 8, page * PAGE);
    store_le64(d + 24, pages);
    store_le64(d + 32, attribute);
}

static void test_uefi_types(void **state)
{
    static const struct {
        uint32_t type;
        uint64_t attribute;
        enum nos_mem_kind kind;
        uint32_t attr;
    } row[] = {
        { UEFI_MEM_RESERVED, 0, NOS_MEM_RESERVED, 0 },
        { UEFI_MEM_LOADER_CODE, 0, NOS_MEM_LOADER, 0 },
        { UEFI_MEM_LOADER_DATA, 0, NOS_MEM_LOADER, 0 },
        { UEFI_MEM_BOOT_CODE, 0, NOS_MEM_FREE, 0 },
        { UEFI_MEM_BOOT_DATA, 0, NOS_MEM_FREE, 0 },
        { UEFI_MEM_RUNTIME_CODE, 0, NOS_MEM_RUNTIME, 1 },
        { UEFI_MEM_RUNTIME_DATA, 0, NOS_MEM_RUNTIME, 0 },
        { UEFI_MEM_CONVENTIONAL, 0, NOS_MEM_FREE, 0 },
        { UEFI_MEM_CONVENTIONAL, ~UEFI_MEM_ATTR_SP, NOS_MEM_FREE, 0 },
        { UEFI_MEM_CONVENTIONAL, UEFI_MEM_ATTR_SP, NOS_MEM_RESERVED, 0 },
        { UEFI_MEM_UNUSABLE, 0, NOS_MEM_RESERVED, 0 },
        { UEFI_MEM_ACPI_RECLAIM, 0, NOS_MEM_ACPI, 0 },
        { UEFI_MEM_ACPI_NVS, 0, NOS_MEM_NVS, 0 },
        { UEFI_MEM_MMIO, 0, NOS_MEM_RESERVED, 0 },
        { UEFI_MEM_MMIO_PORTS, 0, NOS_MEM_RESERVED, 0 },
        { UEFI_MEM_PAL, 0, NOS_MEM_RESERVED, 0 },
        { UEFI_MEM_PERSISTENT, 0, NOS_MEM_RESERVED, 0 },
        { 15, 0, NOS_MEM_RESERVED, 0 },
        { 0x80000000, 0, NOS_MEM_RESERVED, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        uint8_t d[STRIDE];
        struct memmap m;
        descriptor(d, row[i].type, 5, 2, row[i].attribute);
        memmap_start(&m, work, ROOM);
        assert_int_equal(memmap_add_uefi(&m, SPAN_OF(d), STRIDE), NOS_OK);
        assert_int_equal(finish(&m, ROOM), 1);
        expect(0, 5, 2, row[i].kind);
        assert_int_equal(out[0].attr, row[i].attr);
    }
}

static void test_uefi_map_shape(void **state)
{
    uint8_t d[2 * STRIDE];
    struct memmap m;
    (void)state;
    descriptor(d, UEFI_MEM_CONVENTIONAL, 0, 4, 0);
    descriptor(d + STRIDE, UEFI_MEM_CONVENTIONAL, 4, 4, 0);
    memmap_start(&m, work, ROOM);
    assert_int_equal(memmap_add_uefi(&m, SPAN_OF(d), STRIDE), NOS_OK);
    assert_int_equal(finish(&m, ROOM), 1);
    expect(0, 0, 8, NOS_MEM_FREE);

    memmap_start(&m, work, ROOM);
    assert_int_equal(memmap_add_uefi(&m, SPAN_OF(d), 32), NOS_BOOT_FIRMWARE);
    assert_int_equal(memmap_add_uefi(&m, span_of(d, STRIDE + 1), STRIDE), NOS_BOOT_FIRMWARE);
    assert_int_equal(memmap_add_uefi(&m, SPAN_OF(d), 0), NOS_BOOT_FIRMWARE);
    store_le64(d + STRIDE + 24, UINT64_MAX / 2);  // pages: the length does not fit
    assert_int_equal(memmap_add_uefi(&m, SPAN_OF(d), STRIDE), NOS_BOOT_FIRMWARE);
    memmap_start(&m, work, ROOM);  // rows as short as a descriptor
    assert_int_equal(memmap_add_uefi(&m, span_of(d, DESCRIPTOR), DESCRIPTOR), NOS_OK);
    assert_int_equal(m.n, 1);
}

static void test_find_free(void **state)
{
    enum { BIG = 512 };
    uint8_t d[4 * STRIDE];
    uint64_t base = 99;
    (void)state;
    descriptor(d, UEFI_MEM_CONVENTIONAL, 1, 3 * BIG, 0);              // aligned: 1 to 3 times BIG
    descriptor(d + STRIDE, UEFI_MEM_BOOT_DATA, 4 * BIG, 4 * BIG, 0);  // not ours yet
    descriptor(d + 2 * STRIDE, UEFI_MEM_CONVENTIONAL, 8 * BIG, 9 * BIG, UEFI_MEM_ATTR_SP);
    descriptor(d + 3 * STRIDE, UEFI_MEM_CONVENTIONAL, 20 * BIG + 1, 5, 0);

    assert_true(memmap_find_free(SPAN_OF(d), STRIDE, 1 * PAGE, BIG * PAGE, &base));
    assert_int_equal(base, 3 * BIG * PAGE);
    assert_true(memmap_find_free(SPAN_OF(d), STRIDE, 2 * PAGE, BIG * PAGE, &base));
    assert_int_equal(base, 2 * BIG * PAGE);
    assert_true(memmap_find_free(SPAN_OF(d), STRIDE, (2 * BIG + 1) * PAGE, BIG * PAGE, &base));
    assert_int_equal(base, 1 * BIG * PAGE);
    assert_true(memmap_find_free(SPAN_OF(d), STRIDE, 5 * PAGE, PAGE, &base));
    assert_int_equal(base, (20 * BIG + 1) * PAGE);
    base = 99;
    assert_false(memmap_find_free(SPAN_OF(d), STRIDE, (2 * BIG + 2) * PAGE, BIG * PAGE, &base));
    assert_false(memmap_find_free(SPAN_OF(d), STRIDE, UINT64_MAX & ~4095ull, PAGE, &base));
    assert_false(memmap_find_free(SPAN_OF(d), 16, PAGE, PAGE, &base));
    descriptor(d, UEFI_MEM_CONVENTIONAL, (4ull << 30) / PAGE - 2 * BIG, 4 * BIG, 0);
    assert_true(memmap_find_free(SPAN_OF(d), STRIDE, PAGE, BIG * PAGE, &base));
    assert_int_equal(base, (4ull << 30) - BIG * PAGE);  // the highest whose end is below 4 GiB
    base = 99;
    descriptor(d, UEFI_MEM_CONVENTIONAL, (4ull << 30) / PAGE, 4 * BIG, 0);
    assert_false(memmap_find_free(SPAN_OF(d), STRIDE, 6 * PAGE, BIG * PAGE, &base));
    descriptor(d, UEFI_MEM_CONVENTIONAL, 0, BIG, 0);
    assert_false(memmap_find_free(SPAN_OF(d), STRIDE, PAGE, BIG * PAGE, &base));  // never at 0
    descriptor(d, UEFI_MEM_CONVENTIONAL, 1, UINT64_MAX / 2, 0);  // its length is none
    assert_false(memmap_find_free(SPAN_OF(d), STRIDE, 6 * PAGE, BIG * PAGE, &base));
    descriptor(d, UEFI_MEM_CONVENTIONAL, UINT64_MAX / PAGE - 2, 9, 0);  // nor its end
    assert_false(memmap_find_free(SPAN_OF(d), STRIDE, 6 * PAGE, BIG * PAGE, &base));
    descriptor(d, UEFI_MEM_CONVENTIONAL, 1, (8ull << 30) / PAGE, 0);  // long, but not below 4 GiB
    assert_false(memmap_find_free(SPAN_OF(d), STRIDE, 6ull << 30, BIG * PAGE, &base));
    assert_int_equal(base, 99);
}

/* One row that is no place for a page on a boundary of BIG, beside one that is, or alone. */
static void test_find_free_says_no(void **state)
{
    enum { BIG = 512 };
    static const struct {
        uint32_t type;
        uint64_t page, pages, attribute;
        bool found;
    } rows[] = {
        { UEFI_MEM_CONVENTIONAL, 8 * BIG, BIG, 0, true },
        { UEFI_MEM_CONVENTIONAL, 8 * BIG, BIG, ~UEFI_MEM_ATTR_SP, true },
        { UEFI_MEM_CONVENTIONAL, 8 * BIG, BIG, UEFI_MEM_ATTR_SP, false },
        { UEFI_MEM_BOOT_DATA, 8 * BIG, BIG, 0, false },
        { UEFI_MEM_CONVENTIONAL, 8 * BIG + 1, BIG - 1, 0, false },
        { UEFI_MEM_CONVENTIONAL, 8 * BIG, UINT64_MAX / 2, 0, false },  // a length that is none
        { UEFI_MEM_CONVENTIONAL, 8 * BIG, UINT64_MAX / PAGE - 1, 0, false },  // an end
        { UEFI_MEM_CONVENTIONAL, (4ull << 30) / PAGE + BIG, BIG, 0, false },
    };
    uint8_t d[2 * STRIDE + 1] = { 0 };
    uint64_t base;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        descriptor(d, UEFI_MEM_CONVENTIONAL, BIG, BIG, 0);
        descriptor(d + STRIDE, rows[i].type, rows[i].page, rows[i].pages, rows[i].attribute);
        assert_true(memmap_find_free(span_of(d, 2 * STRIDE), STRIDE, PAGE, BIG * PAGE, &base));
        assert_int_equal(base, (rows[i].found ? 8 : 1) * BIG * PAGE);
        assert_int_equal(
            memmap_find_free(span_of(d + STRIDE, STRIDE), STRIDE, PAGE, BIG * PAGE, &base),
            rows[i].found);
    }
    assert_false(memmap_find_free(SPAN_OF(d), STRIDE, PAGE, BIG * PAGE, &base));  // half a row
    assert_false(memmap_find_free(SPAN_OF(d), 0, PAGE, BIG * PAGE, &base));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorts_and_merges),
        cmocka_unit_test(test_code_wins_over_data),
        cmocka_unit_test(test_kernel_is_cut_out_of_loader_memory),
        cmocka_unit_test(test_overlaps_like_the_model),
        cmocka_unit_test(test_drops_the_smallest_free_ranges),
        cmocka_unit_test(test_which_free_range_goes),
        cmocka_unit_test(test_gives_up_without_free_ranges),
        cmocka_unit_test(test_refuses_malformed_ranges),
        cmocka_unit_test(test_no_room_to_split),
        cmocka_unit_test(test_uefi_types),
        cmocka_unit_test(test_uefi_map_shape),
        cmocka_unit_test(test_find_free),
        cmocka_unit_test(test_find_free_says_no),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
