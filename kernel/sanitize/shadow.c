/*
 * Where the shadow lies. One block of memory is taken out of the loader's map before anybody else
 * looks at it, and mapped in the loader's page tables, which the kernel copies: the shadow of all
 * RAM by 2 MiB pages, of the first 16 MiB of the device window (other CPUs' stacks) by one, and of
 * the image by small ones.
 */
#include <string.h>

#include "kernel/arch/x86_64/paging.h"
#include "kernel/core/panic.h"
#include "kernel/sanitize/sanitize.h"

#define LARGE (1ull << 21)
#define ROUND_UP(n, to) (((n) + (to)-1) / (to) * (to))
#define TABLE (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)
#define LEAF (TABLE | PTE_NX | PTE_DIRTY)
enum { OWN = 4 << 20 /* tables, the image's shadow, what shadow_spare gives */ };
enum { WINDOW = 16 << 20 };

static uint64_t direct_len, image_base, image_len, window_len;
static uint64_t spare, spare_end; /* physical */

bool shadow_covers(uint64_t addr)
{
    return addr - NOS_DIRECT_BASE < direct_len || addr - image_base < image_len ||
           addr - DEVICE_BASE < window_len;
}

static uint64_t spare_frames(uint64_t bytes)
{
    uint64_t at = spare;
    bytes = ROUND_UP(bytes, PAGE_SIZE);
    if (bytes > spare_end - spare) {
        return 0;
    }
    spare += bytes;
    return at;
}

void *shadow_spare(uint64_t bytes)
{
    uint64_t at = spare_frames(bytes);
    return at == 0 ? NULL : phys_ptr((paddr_t){ at });
}

static uint64_t must_frames(uint64_t bytes)
{
    uint64_t at = spare_frames(bytes);
    if (at == 0) {
        panic("no room for the shadow's page tables");
    }
    return at;
}

/* The entry for `va` in the table of `level`; tables on the way are made. */
static uint64_t *entry_for(uint64_t root, uint64_t va, unsigned level)
{
    uint64_t *table = phys_ptr((paddr_t){ root });
    for (unsigned l = LEVEL_ROOT; l > level; l--) {
        uint64_t *e = &table[level_index(va, l)];
        if ((*e & PTE_PRESENT) == 0) {
            *e = must_frames(PAGE_SIZE) | TABLE;
        }
        table = table_at(*e);
    }
    return &table[level_index(va, level)];
}

static void map_large(uint64_t root, uint64_t addr, uint64_t pa, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += LARGE) {
        *entry_for(root, (uint64_t)shadow_at(addr) + at, 2) = (pa + at) | LEAF | PTE_LARGE;
    }
}

static void map_image(uint64_t root)
{
    uint64_t from = (uint64_t)shadow_at(image_base) & ~(uint64_t)(PAGE_SIZE - 1);
    uint64_t to = (uint64_t)shadow_at(image_base + image_len);
    for (uint64_t va = from; va <= to; va += PAGE_SIZE) {
        *entry_for(root, va, 1) = must_frames(PAGE_SIZE) | LEAF;
    }
}

static bool is_ram(const struct nos_mem_range *r)
{
    return r->kind == NOS_MEM_FREE || r->kind == NOS_MEM_LOADER || r->kind == NOS_MEM_KERNEL;
}

static uint64_t top_of_ram(const struct nos_bootinfo *bi)
{
    uint64_t top = 0;
    for (uint32_t i = 0; i < bi->n_mem; i++) {
        uint64_t end = bi->mem[i].base + bi->mem[i].len;
        top = is_ram(&bi->mem[i]) && end > top ? end : top;
    }
    return top;
}

/* The end of the highest free range that has so much: it is the kernel's own from now on, so the
 * wiper gets it too. What alignment leaves over stays at its end, unused. */
static uint64_t take(struct nos_bootinfo *bi, uint64_t bytes)
{
    for (uint32_t i = bi->n_mem; i-- > 0;) {
        struct nos_mem_range *r = &bi->mem[i];
        uint64_t end = r->base + r->len;
        if (r->kind != NOS_MEM_FREE || r->len < bytes + 2 * LARGE ||
            bi->n_mem == NOS_MEM_RANGES_MAX) {
            continue;
        }
        uint64_t at = (end - bytes) & ~(LARGE - 1);
        memmove(r + 2, r + 1, (bi->n_mem - i - 1) * sizeof *r);
        r[1] = (struct nos_mem_range){ at, end - at, NOS_MEM_KERNEL, 0 };
        r->len -= end - at;
        bi->n_mem++;
        return at;
    }
    panic("no room for %lu bytes of shadow", bytes);
}

void shadow_init(struct nos_bootinfo *bi)
{
    uint64_t ram = top_of_ram(bi), root = bi->boot_cr3 & PTE_ADDR;
    uint64_t direct = ROUND_UP(ram >> SHADOW_SHIFT, LARGE);
    uint64_t bytes = direct + LARGE + OWN, at = take(bi, bytes);

    memset(phys_ptr((paddr_t){ at }), 0, bytes);
    spare = at + direct + LARGE;
    spare_end = at + bytes;
    image_base = bi->kernel_virt;
    image_len = ROUND_UP(bi->kernel_len, PAGE_SIZE);
    map_large(root, NOS_DIRECT_BASE, at, direct);
    map_large(root, DEVICE_BASE, at + direct, LARGE);
    map_image(root);
    window_len = WINDOW;
    direct_len = ram;
}

void shadow_poison(uint64_t addr, uint64_t len, enum shadow why)
{
    if (len != 0 && shadow_covers(addr)) {
        memset(shadow_at(addr), why, len >> SHADOW_SHIFT);
    }
}

void shadow_open(uint64_t addr, uint64_t len)
{
    if (len == 0 || !shadow_covers(addr)) {
        return;
    }
    memset(shadow_at(addr), SHADOW_OPEN, len >> SHADOW_SHIFT);
    if (len % GRANULE != 0) {
        *shadow_at(addr + len) = (uint8_t)(len % GRANULE);
    }
}

static bool is_open(uint64_t addr)
{
    int8_t s = (int8_t)*shadow_at(addr);
    return s == 0 || (int8_t)(addr % GRANULE) < s;
}

static uint64_t first_closed(uint64_t addr, uint64_t end)
{
    for (; addr < end; addr = (addr | (GRANULE - 1)) + 1) {
        uint64_t last = addr | (GRANULE - 1);
        last = last < end ? last : end - 1;
        if (!is_open(last)) {
            return is_open(addr) ? last : addr;
        }
    }
    return 0;
}

/* Eight shadow bytes a step where that is possible. */
uint64_t shadow_bad(uint64_t addr, uint64_t len)
{
    enum { STEP = 8 * GRANULE };
    uint64_t end = addr + len, to;

    if (len == 0 || !shadow_covers(addr) || !shadow_covers(end - 1)) {
        return 0;
    }
    to = ROUND_UP(addr, STEP);
    to = to < end ? to : end;
    uint64_t bad = first_closed(addr, to);
    while (bad == 0 && end - to >= STEP) {
        const uint64_t *eight = (const uint64_t *)(const void *)shadow_at(to);
        bad = *eight == 0 ? 0 : first_closed(to, to + STEP);
        to += STEP;
    }
    return bad != 0 ? bad : first_closed(to, end);
}
