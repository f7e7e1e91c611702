/* Loader memory, from the firmware's page allocator. */
#include "boot/boot.h"
#include "boot/firmware.h"
#include "lib/checked.h"

enum { PAGE = 4096, BIG_PAGES = 512 };

static bool page_count(uint64_t bytes, uint64_t *pages)
{
    uint64_t whole;
    if (bytes == 0 || !checked_align_up(bytes, PAGE, &whole)) {
        return false;
    }
    *pages = whole / PAGE;
    return true;
}

static nos_status_t take(struct boot *b, uint64_t pages, uint64_t *address)
{
    uint64_t at = 0;
    uefi_status_t st =
        FIRMWARE(b->bs->allocate_pages(UEFI_ALLOCATE_ANY, UEFI_MEM_LOADER_DATA, pages, &at));
    if (st != UEFI_SUCCESS) {
        return NOS_NO_MEMORY;
    }
    *address = at;
    return NOS_OK;
}

static void give(struct boot *b, uint64_t address, uint64_t pages)
{
    if (pages > 0) {
        (void)FIRMWARE(b->bs->free_pages(
            address, pages));  // at worst the frames stay LOADER: still the kernel's
    }
}

nos_status_t pages_take(struct boot *b, uint64_t bytes, uint8_t **out)
{
    uint64_t pages, at;
    nos_status_t st = page_count(bytes, &pages) ? take(b, pages, &at) : NOS_NO_MEMORY;
    if (st == NOS_OK) {
        *out = (uint8_t *)at;
    }
    return st;
}

nos_status_t pages_take_2m(struct boot *b, uint64_t bytes, uint8_t **out)
{
    uint64_t pages, all, at;
    if (!page_count(bytes, &pages) || !checked_add(pages, BIG_PAGES - 1, &all)) {
        return NOS_NO_MEMORY;
    }
    nos_status_t st = take(b, all, &at);
    if (st == NOS_OK) {
        uint64_t head = -(at / PAGE) % BIG_PAGES;
        give(b, at, head);
        give(b, at + (head + pages) * PAGE, all - head - pages);
        *out = (uint8_t *)(at + head * PAGE);
    }
    return st;
}

void pages_give(struct boot *b, uint8_t *data, uint64_t bytes)
{
    uint64_t pages;
    if (page_count(bytes, &pages)) {
        give(b, (uint64_t)data, pages);
    }
}
