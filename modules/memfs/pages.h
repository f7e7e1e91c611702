#pragma once
/* Where the tree's memory comes from: pages.c in the capsule, the test's own on the host. What is
 * taken is zero, and what is given back must be zero again: who frees, wipes. */
#include <stdbool.h>
#include <stdint.h>

#include "abi/status.h"
#include "lib/compiler.h"

enum { FS_PAGE = 4096 };

/** A page of zeros; NULL: there is none. */
MUST_CHECK void *page_take(void);
void page_give(void *page);

struct block {  // pages in a row, alone in a region
    uint8_t *at;
    uint32_t pages;
    uint32_t region;  // its handle; 0 on the host
};

/** Pages of zeros in a row; false: there are none. What is given back need not be zero: it is wiped
 * by who takes it. */
MUST_CHECK bool block_take(uint32_t pages, struct block *out);
void block_give(struct block *b);

/** A handle to a block for a client: it may map it, to read or to write too. NO_MEMORY, QUOTA. */
MUST_CHECK nos_status_t block_lend(const struct block *b, bool write, uint32_t *lent);
/** The handle, all made from it and all mappings through it are dead when this returns. */
void block_unlend(uint32_t lent);
