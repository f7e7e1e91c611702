#pragma once
/*
 * The firmware's memory map in the kernel's form: sorted, page-aligned, disjoint, neighbours of one
 * kind merged. Pure. Spec: docs/boot.md, "Memory map".
 */
#include <stddef.h>
#include <stdint.h>

#include "abi/bootinfo.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

struct memmap {  // ranges while they are sorted
    struct nos_mem_range *range;
    uint32_t n, room;
};

/** Start over with no ranges in `range[room]`. */
void memmap_start(struct memmap *m, struct nos_mem_range *range, uint32_t room);

/**
 * Add a range of whole pages. What lies beyond the direct map (64 TiB) is left out, an empty range
 * too. Errors: BOOT_FIRMWARE when it is not page-aligned, wraps, or there is no room.
 */
MUST_CHECK nos_status_t memmap_add(struct memmap *m, uint64_t base, uint64_t len,
                                   enum nos_mem_kind kind, uint32_t attr);

/**
 * Add the descriptors of an EFI memory map, `stride` bytes apart.
 * Errors: BOOT_FIRMWARE when the map is malformed or has more entries than there is room.
 */
MUST_CHECK nos_status_t memmap_add_uefi(struct memmap *m, span_t map, uint64_t stride);

/**
 * Sort, cut overlaps (the kind with the higher number wins: RESERVED over all, FREE under all; of
 * one kind the higher attr), merge, and write at most `max` ranges. When there are more, the
 * smallest FREE ones are left out, of equal ones the lowest: memory is lost, never gained.
 * Errors: BOOT_FIRMWARE when it cannot be done within the room.
 */
MUST_CHECK nos_status_t memmap_finish(struct memmap *m, struct nos_mem_range *out, uint32_t max,
                                      uint32_t *n_out);

/**
 * The highest base of `len` bytes on a boundary of `align`, a power of two, in conventional memory
 * of an EFI memory map, below 4 GiB: where the kernel lies, its wiper can go on without page
 * tables. Never 0. Errors: false when there is no such place or the map is malformed.
 */
MUST_CHECK bool memmap_find_free(span_t map, uint64_t stride, uint64_t len, uint64_t align,
                                 uint64_t *base);
