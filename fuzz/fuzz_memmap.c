/* The firmware's memory map, from which the boot information is made: `stride`, then descriptors.
 * Whatever it says, the kernel's map is sorted, page-aligned, disjoint and merged, has no memory as
 * free that another entry calls anything else, and the kernel's own place is free by the map. */
#include "boot/memmap.h"
#include "boot/uefi.h"
#include "fuzz/fuzz.h"

enum { ROOM = 300, FEW = 12, PAGE = 4096 };

static struct nos_mem_range work[ROOM], out[NOS_MEM_RANGES_MAX];

static bool overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
    return a < b + b_len && b < a + a_len;
}

/* Nothing that any descriptor keeps is free. */
static void check_free(span_t map, uint64_t stride, const struct nos_mem_range *r)
{
    struct uefi_memory_descriptor d;
    span_t row;

    while (span_take(&map, stride, &row)) {
        memcpy(&d, row.data, sizeof d);
        bool frees = (d.type == UEFI_MEM_CONVENTIONAL || d.type == UEFI_MEM_BOOT_CODE ||
                      d.type == UEFI_MEM_BOOT_DATA) &&
                     (d.attribute & UEFI_MEM_ATTR_SP) == 0;
        PROMISE(frees || d.pages == 0 ||
                !overlap(d.physical_start, d.pages * PAGE, r->base, r->len));
    }
}

static void check_map(span_t map, uint64_t stride, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct nos_mem_range *r = &out[i];
        PROMISE(r->len != 0 && (r->base | r->len) % PAGE == 0 && r->base + r->len > r->base);
        PROMISE(r->kind >= NOS_MEM_FREE && r->kind <= NOS_MEM_RESERVED);
        PROMISE(r->base + r->len <= (uint64_t)64 << 40);
        PROMISE(i == 0 || out[i - 1].base + out[i - 1].len <= r->base);
        PROMISE(i == 0 || out[i - 1].base + out[i - 1].len != r->base ||
                out[i - 1].kind != r->kind || out[i - 1].attr != r->attr);
        if (r->kind == NOS_MEM_FREE) {
            check_free(map, stride, r);
        }
    }
}

/* Each descriptor from eight bytes: type, start, pages, attributes, so that they meet each other.
 */
static size_t unfold(span_t in, uint8_t *map)
{
    size_t n = 0;
    span_t row;

    for (; n < ROOM && span_take(&in, 8, &row); n++) {
        struct uefi_memory_descriptor d = {
            .type = row.data[0] % 16u,
            .physical_start = (uint64_t)load_le16(row.data + 1) * PAGE << row.data[7] % 32u,
            .pages = load_le16(row.data + 3) % 512u,
            .attribute = (uint64_t)row.data[5] << 11,
        };
        memcpy(map + n * sizeof d, &d, sizeof d);
    }
    return n * sizeof(struct uefi_memory_descriptor);
}

static void try_map(span_t map, uint64_t stride, uint32_t max)
{
    struct memmap m;
    uint32_t n = 0;
    uint64_t base = 0;

    memmap_start(&m, work, ROOM);
    if (memmap_add_uefi(&m, map, stride) == NOS_OK && memmap_finish(&m, out, max, &n) == NOS_OK) {
        PROMISE(n <= max);
        check_map(map, stride, n);
    }
    if (memmap_find_free(map, stride, 1 << 20, 1 << 21, &base)) {
        PROMISE(base != 0 && base % (1 << 21) == 0 && base + (1 << 20) <= (uint64_t)4 << 30);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t map[ROOM * sizeof(struct uefi_memory_descriptor)];

    if (size < 2) {
        return 0;
    }
    uint32_t max = (data[0] & 1) != 0 ? FEW : NOS_MEM_RANGES_MAX;
    try_map(span_of(data + 2, size - 2), data[1], max);
    size_t len = unfold(span_of(data + 2, size - 2), map);
    try_map(span_of(map, len), sizeof(struct uefi_memory_descriptor), max);
    return 0;
}
