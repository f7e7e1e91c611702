#pragma once
/* memfs on the host: its pages from malloc, each checked to come back wiped; and one call for one
 * request. */
#include <stdlib.h>
#include <string.h>

#include "modules/memfs/session.h"

static size_t host_pages, host_blocks, host_lent;  // that are out
static unsigned host_dirty;                        // came back with something in them
static unsigned host_fail;                         // 0: never; n: one in n takes fails
static uint64_t host_seed = 1;

static uint64_t host_random(void)
{
    host_seed ^= host_seed << 13;
    host_seed ^= host_seed >> 7;
    host_seed ^= host_seed << 17;
    return host_seed;
}

static bool host_fails(void)
{
    return host_fail != 0 && host_random() % host_fail == 0;
}

void *page_take(void)
{
    if (host_fails()) {
        return NULL;
    }
    void *page = aligned_alloc(FS_PAGE, FS_PAGE);
    memset(page, 0, FS_PAGE);
    host_pages++;
    return page;
}

void page_give(void *page)
{
    host_dirty += span_is_zero(span_of(page, FS_PAGE)) ? 0 : 1;
    host_pages--;
    free(page);
}

bool block_take(uint32_t pages, struct block *out)
{
    if (host_fails()) {
        return false;
    }
    *out = (struct block){ .at = calloc(pages, FS_PAGE), .pages = pages, .region = 1 };
    host_blocks++;
    return true;
}

void block_give(struct block *b)
{
    host_blocks--;
    free(b->at);
}

nos_status_t block_lend(const struct block *b, bool write, uint32_t *lent)
{
    (void)b;
    *lent = write ? 2 : 1;
    host_lent++;
    return host_fails() ? (host_lent--, NOS_QUOTA) : NOS_OK;
}

void block_unlend(uint32_t lent)
{
    host_lent -= lent != 0 ? 1 : 0;
}

/* Nothing of a tree is left, and what came back was wiped. Ends it. */
static inline bool host_ended(struct tree *t)
{
    tree_end(t);
    return t->nodes == 0 && t->purse.bytes == 0 && host_pages == 0 && host_blocks == 0 &&
           host_lent == 0 && host_dirty == 0;
}
