#pragma once
/*
 * The bytes of a file. Pages are made when they are first written: what was never written is a hole
 * that reads as zeros and costs nothing. A page that is cut off is wiped at once.
 *
 * A file that is mapped lies in a block: pages in a row that are its alone, so a handle to them
 * gives nothing else away.
 */
#include <stdbool.h>
#include <stdint.h>

#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"
#include "modules/memfs/pages.h"

struct purse {  // what a tree may hold
    uint64_t bytes, bytes_max;
};

struct data {
    uint64_t size;
    void *top;           // of the radix tree: a page, or a table of 512 such; NULL = one hole
    uint32_t height;     // of it
    uint32_t pages;      // taken by it, tables too
    struct block block;  // the first pages, if it has one; the radix tree has the others
    uint32_t maps;       // of the block, that somebody holds
};

/** Copy what there is from `at` on. Gives: the bytes copied; 0 at or behind the end. */
MUST_CHECK size_t data_read(const struct data *d, uint64_t at, mspan_t out);

/** Write at `at`, which grows the file. Gives: `*done`, perhaps fewer.
 * Errors: TOO_BIG (NOS_FS_FILE_MAX); QUOTA, NO_MEMORY: not a byte. */
MUST_CHECK nos_status_t data_write(struct purse *p, struct data *d, uint64_t at, span_t in,
                                   size_t *done);

/** Cut or grow to `size`. Errors: TOO_BIG. */
MUST_CHECK nos_status_t data_resize(struct purse *p, struct data *d, uint64_t size);

/** Have all of it in its block. Errors: QUOTA, NO_MEMORY; TOO_BIG (NOS_FS_MAP_MAX), INVALID (no
 * bytes); BUSY: a smaller block is mapped. */
MUST_CHECK nos_status_t data_solid(struct purse *p, struct data *d);

/** Everything of it is wiped and given back; nobody maps it any more. */
void data_end(struct purse *p, struct data *d);

/** Bytes that the purse is charged for it. */
uint64_t data_held(const struct data *d);
