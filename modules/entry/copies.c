/*
 * User copies at every edge: each length at each distance from the end of the last page that is
 * mapped. A copy that stays inside succeeds and touches nothing else; one that leaves is refused.
 */
#include "modules/entry/entry.h"

#include <string.h>

#include "abi/caps.h"
#include "sdk/start.h"

enum { PAGE = 4096, LONGEST = 40, READ_WRITE = 3, FILL = 0x5a, NAME_LEN = 7 };

static bool untouched(const uint8_t *page, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (page[i] != FILL) {
            return false;
        }
    }
    return true;
}

static bool out_ok(uint8_t *page, size_t distance, size_t len)
{
    uint8_t *at = page + PAGE - distance;
    memset(page + PAGE - 2 * LONGEST, FILL, (size_t)2 * LONGEST);
    nos_status_t st = nos_sys_random(at, len);
    bool fits = len <= distance;
    return st == (fits ? NOS_OK : NOS_BAD_ADDRESS) &&
           untouched(page, PAGE - 2 * LONGEST, PAGE - distance) &&
           (!fits || untouched(page, PAGE - distance + len, PAGE));
}

/* No module has such a name; that is found out after the copy. */
static bool in_ok(nos_handle_t node, uint8_t *page, size_t distance, size_t len)
{
    nos_handle_t h;
    memset(page + PAGE - distance, 'q', distance);
    nos_status_t st = nos_sys_module_open(node, (const char *)page + PAGE - distance, len, &h);
    return st == (len <= distance ? NOS_NOT_FOUND : NOS_BAD_ADDRESS);
}

unsigned copy_edges(unsigned *tried)
{
    nos_handle_t node = nos_find_handle(NOS_CAP_NODE, NULL), region;
    void *page = NULL;
    unsigned bad = 0;

    nos_status_t st = nos_sys_region_create(1, &region);
    st = st == NOS_OK ? nos_sys_region_map(region, READ_WRITE, &page) : st;
    for (size_t d = 0; st == NOS_OK && d <= LONGEST; d++) {
        for (size_t len = 1; len <= LONGEST; len++) {
            bad += out_ok(page, d, len) ? 0 : 1;
            *tried += 1;
        }
        for (size_t len = 1; len <= NAME_LEN; len++) {
            bad += in_ok(node, page, d, len) ? 0 : 1;
            *tried += 1;
        }
    }
    return bad;
}
