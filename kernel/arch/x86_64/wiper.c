/*
 * What wiper_code.S needs, made at boot: five pages of the kernel's image. Four are page tables
 * that map the image at its physical address (the page of code to be executed, all others to be
 * written) and have one entry over, for the window. The loader has laid the image below 4 GiB and
 * within 2 MiB.
 */
#include "kernel/arch/x86_64/wiper.h"

#include <string.h>

#include "kernel/arch/x86_64/paging.h"
#include "kernel/core/panic.h"

struct words { /* the end of wiper_code.S */
    uint16_t gdt_limit;
    uint64_t gdt;
    uint32_t far_ip;
    uint16_t far_cs;
    uint32_t root, ranges, window, window_entry, image, image_to;
} PACKED;

struct range {
    uint64_t from, to;
};

enum { CODE, ROOT, PAGES = ROOT + LEVEL_ROOT };
enum { RANGES = NOS_MEM_RANGES_MAX + 3 }; /* one is cut in two, the screen, the end of the list */
#define LEAF (PTE_PRESENT | PTE_ACCESSED)

extern const uint8_t wiper[], wiper_words[], wiper_end[], wiper_gdt[], wiper_low[];
extern const uint8_t __ehdr_start[];  // NOLINT: the linker's name

uint64_t wiper_root, wiper_at, wiper_image; /* physical; 0 = not set up */
static uint64_t page[PAGES][TABLE_ENTRIES] ALIGNED(PAGE_SIZE);
static struct range wiper_ranges[RANGES];

static uint32_t phys_of(const void *p)
{
    return (uint32_t)(wiper_image + (uint64_t)((const uint8_t *)p - __ehdr_start));
}

static uint32_t code_at(const uint8_t *part)
{
    return phys_of(page[CODE]) + (uint32_t)(part - wiper);
}

static void tables_init(uint64_t len, paddr_t root)
{
    const uint64_t *kernel = phys_ptr(root);
    memcpy(page[ROOT] + KERNEL_FIRST, kernel + KERNEL_FIRST,
           (TABLE_ENTRIES - KERNEL_FIRST) * sizeof *kernel);
    for (unsigned level = LEVEL_ROOT, i = ROOT; level > 1; level--, i++) {
        page[i][level_index(wiper_image, level)] = phys_of(page[i + 1]) | LEAF | PTE_WRITE;
    }
    for (uint64_t at = wiper_image; at < wiper_image + len; at += PAGE_SIZE) {
        page[PAGES - 1][level_index(at, 1)] = at | LEAF | PTE_DIRTY | PTE_WRITE | PTE_NX;
    }
    page[PAGES - 1][level_index(phys_of(page[CODE]), 1)] = phys_of(page[CODE]) | LEAF;
}

static void code_init(uint64_t len)
{
    uint64_t window = wiper_image ^ 1ull << level_shift(2);
    struct words w = {
        .gdt_limit = 23,
        .gdt = code_at(wiper_gdt),
        .far_ip = code_at(wiper_low),
        .far_cs = 8,
        .root = phys_of(page[ROOT]),
        .ranges = phys_of(wiper_ranges),
        .window = (uint32_t)(window & ~((1ull << level_shift(2)) - 1)),
        .window_entry = phys_of(&page[PAGES - 2][level_index(window, 2)]),
        .image = (uint32_t)wiper_image,
        .image_to = (uint32_t)(wiper_image + len),
    };
    memcpy(page[CODE], wiper, (size_t)(wiper_end - wiper));
    memcpy((uint8_t *)page[CODE] + (wiper_words - wiper), &w, sizeof w);
}

/* What of [from, to) is not the image: that goes last. */
static uint32_t add(uint32_t n, uint64_t from, uint64_t to, uint64_t image_to)
{
    uint64_t before = to < wiper_image ? to : wiper_image;
    uint64_t behind = from > image_to ? from : image_to;
    if (from < before) {
        wiper_ranges[n++] = (struct range){ from, before };
    }
    if (behind < to) {
        wiper_ranges[n++] = (struct range){ behind, to };
    }
    return n;
}

static void ranges_init(const struct nos_bootinfo *bi, uint64_t image_to)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < bi->n_mem; i++) {
        const struct nos_mem_range *r = &bi->mem[i];
        if (r->kind == NOS_MEM_FREE || r->kind == NOS_MEM_LOADER || r->kind == NOS_MEM_KERNEL) {
            n = add(n, r->base, r->base + r->len, image_to);
        }
    }
    (void)add(n, bi->fb.base, bi->fb.base + (bi->fb.len & ~7ull), image_to);
}

void wiper_init(const struct nos_bootinfo *bi, paddr_t root)
{
    uint64_t len = (bi->kernel_len + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
    uint64_t span = 1ull << level_shift(2);
    wiper_image = bi->kernel_base;
    if (bi->kernel_base % span != 0 || len > span || wiper_image + len > 1ull << 32) {
        panic("the kernel's image at 0x%lx, 0x%lx bytes, is not within 2 MiB below 4 GiB",
              wiper_image, len);
    }
    tables_init(len, root);
    code_init(len);
    ranges_init(bi, wiper_image + len);
    wiper_at = phys_of(page[CODE]);
    wiper_root = phys_of(page[ROOT]);
}
