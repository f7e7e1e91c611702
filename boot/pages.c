/*
 * Loader memory, from the firmware's page allocator, and the firmware's account of all memory.
 *
 * Little is given back: EDK2 clears what is freed, byte by byte. So an aligned block is not cut out
 * of a bigger one, but looked for in the memory map and asked for by address.
 */
#include "boot/boot.h"
#include "boot/firmware.h"
#include "boot/memmap.h"
#include "lib/checked.h"

enum {
    PAGE = 4096,
    BIG_PAGE = 2 << 20,
    ENTRIES_SPARE = 32,  // by which the memory map may grow while it is in use
    MAP_MAX = 1 << 20,
};

static bool page_count(uint64_t bytes, uint64_t *pages)
{
    uint64_t whole;
    if (bytes == 0 || !checked_align_up(bytes, PAGE, &whole)) {
        return false;
    }
    *pages = whole / PAGE;
    return true;
}

static nos_status_t take(struct boot *b, enum uefi_allocate how, uint64_t pages, uint64_t at,
                         uint8_t **out)
{
    uefi_status_t st = FIRMWARE(b->bs->allocate_pages(how, UEFI_MEM_LOADER_DATA, pages, &at));
    if (st != UEFI_SUCCESS) {
        return NOS_NO_MEMORY;
    }
    *out = (uint8_t *)at;
    return NOS_OK;
}

nos_status_t pages_take(struct boot *b, uint64_t bytes, uint8_t **out)
{
    uint64_t pages;
    return page_count(bytes, &pages) ? take(b, UEFI_ALLOCATE_ANY, pages, 0, out) : NOS_NO_MEMORY;
}

nos_status_t pages_take_2m(struct boot *b, uint64_t bytes, uint8_t **out)
{
    uint64_t pages, at;
    if (!page_count(bytes, &pages)) {
        return NOS_NO_MEMORY;
    }
    nos_status_t st = map_read(b);
    if (st != NOS_OK) {
        return st;
    }
    span_t map = span_of(b->map.room.data, b->map.len);
    return memmap_find_free(map, b->map.stride, pages * PAGE, BIG_PAGE, &at)
               ? take(b, UEFI_ALLOCATE_ADDRESS, pages, at, out)
               : NOS_NO_MEMORY;
}

void pages_give(struct boot *b, uint8_t *data, uint64_t bytes)
{
    uint64_t pages;
    if (page_count(bytes, &pages)) {
        // Refused, the frames stay LOADER, and so the kernel's to take.
        (void)FIRMWARE(b->bs->free_pages((uint64_t)data, pages));
    }
}

static nos_status_t map_take_room(struct boot *b)
{
    uint64_t size = 0;
    uint32_t version;

    (void)FIRMWARE(b->bs->get_memory_map(&size, NULL, &b->map.key, &b->map.stride, &version));
    if (b->map.stride < sizeof(struct uefi_memory_descriptor) || b->map.stride > PAGE ||
        size > MAP_MAX) {
        return NOS_BOOT_FIRMWARE;
    }
    b->map.room.len = size + ENTRIES_SPARE * b->map.stride;
    return pages_take(b, b->map.room.len, &b->map.room.data);
}

nos_status_t map_read(struct boot *b)
{
    uint32_t version;
    nos_status_t st = b->map.room.data == NULL ? map_take_room(b) : NOS_OK;
    if (st != NOS_OK) {
        return st;
    }
    b->map.len = b->map.room.len;
    uefi_status_t fw = FIRMWARE(b->bs->get_memory_map(&b->map.len, b->map.room.data, &b->map.key,
                                                      &b->map.stride, &version));
    return fw == UEFI_SUCCESS && b->map.len <= b->map.room.len ? NOS_OK : NOS_BOOT_FIRMWARE;
}
