#pragma once
/* What newcapsule says. Nothing of N0N-OS in it, so test_greeting.c tries it on the developer's
 * machine. */
#include <stdbool.h>
#include <stddef.h>

/** Writes "hello, WHO" and a zero to the `cap` bytes at `out`. False, and `out` untouched, when
 * they are too few. */
bool greeting(char *out, size_t cap, const char *who);
