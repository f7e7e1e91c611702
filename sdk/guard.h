#pragma once
/*
 * Work on memory that another capsule may take away at any moment: it ends early instead of ending
 * the capsule. The kernel's side is abi/guard.h; docs/memory.md, "Memory that may go".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"

struct nos_guard_range {
    const void *from;
    size_t len;
    uint64_t *buffer; /* the calling thread's IPC buffer; NULL = the first thread's */
};

/**
 * Run `run(arg)`. Gives: false when it touched a part of the range that is not there (any more): it
 * was left right there, what it has stored so far is stored. It must not own anything then, and
 * cannot be nested.
 */
MUST_CHECK bool nos_guarded(const struct nos_guard_range *range, void (*run)(void *), void *arg);
