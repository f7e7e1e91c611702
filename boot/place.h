#pragma once
/*
 * Where the kernel goes: a page of the top 2 GiB, drawn from the entropy that was collected. Pure.
 * Spec: docs/boot.md, "Where the kernel goes".
 */
#include <stdint.h>

#include "abi/bootinfo.h"

enum { PLACE_ENTROPY_MIN = 128 };  // credited bits below which nothing is drawn

/** Places for an image of `len` bytes, whole pages. 0 = too large for the top 2 GiB. */
uint32_t place_count(uint64_t len);

/** Place `i` of place_count(len). An image of at most 2 MiB never crosses a multiple of 2 MiB, so
 * that every place takes as many page tables. */
uint64_t place_at(uint64_t len, uint32_t i);

/**
 * Draw a place: the hash of info->entropy under a context of its own decides, so that who learns
 * the place learns nothing of what the vault makes of the same bytes. Gives: NOS_KERNEL_BASE, and
 * the flag RANDOM_BASE not set, when too little entropy is credited.
 */
uint64_t place_kernel(struct nos_bootinfo *info, uint64_t len);
