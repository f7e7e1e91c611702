#pragma once
/* What newcapsule keeps. Nothing of N0N-OS in it, so test_total.c tries it on the developer's
 * machine. */
#include <stdbool.h>
#include <stdint.h>

/** Adds `v`. False, and `*total` untouched, when the sum is too large. */
bool total_add(uint64_t *total, uint64_t v);

/** A whole number, decimal. False, and `*v` untouched, when `text` is something else. */
bool total_parse(const char *text, uint64_t *v);
