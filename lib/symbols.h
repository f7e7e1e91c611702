#pragma once
/*
 * The symbol lump of a module: names for the addresses of a crash record. Never loaded, never
 * needed to run.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

enum { SYMBOL_ROW = 12, SYMBOL_NAME_MAX = 255 };

struct symbols {  // borrows the lump
    uint32_t n;
    span_t rows, names;
};

/**
 * Check a lump whose hashes were checked: count, order, every name inside and terminated.
 * Errors: SYMBOLS_FORMAT.
 * Spec:   docs/formats.md, "Symbol lump".
 */
MUST_CHECK nos_status_t symbols_parse(span_t lump, struct symbols *out);

/**
 * The symbol that covers image offset `addr`: the last that starts at or before it, when its size
 * reaches it (size
 * 0: reaches to the next one).
 * Gives:  the name (printable ASCII) and the offset into it; false, and both untouched, when none
 *         covers it.
 */
MUST_CHECK bool symbols_find(const struct symbols *s, uint64_t addr, span_t *name, uint64_t *off);
