#include "modules/shell/capture.h"

#include <string.h>

#include "sdk/print.h"

enum { PAGE = 4096, READ_WRITE = 3 };

static struct {
    nos_handle_t region;
    uint8_t *at;  // NULL: there is none
    size_t len;
    bool cut;
} kept;

static nos_status_t keep(span_t text)
{
    size_t room = (size_t)CAPTURE_PAGES * PAGE - kept.len;
    size_t n = text.len < room ? text.len : room;

    memcpy(kept.at + kept.len, text.data, n);
    kept.len += n;
    kept.cut |= n < text.len;
    return NOS_OK;
}

nos_status_t capture_begin(void)
{
    void *at = NULL;

    if (kept.at != NULL) {
        return NOS_BUSY;
    }
    nos_status_t st = nos_sys_region_create(CAPTURE_PAGES, &kept.region);
    if (st == NOS_OK) {
        st = nos_sys_region_map(kept.region, READ_WRITE, &at);
        if (st != NOS_OK) {
            nos_ignore(nos_sys_handle_close(kept.region));
        }
    }
    if (st == NOS_OK) {
        kept.at = at;
        kept.len = 0;
        kept.cut = false;
        nos_console_sink = keep;
    }
    return st;
}

span_t capture_end(const char *who)
{
    nos_console_sink = NULL;
    if (kept.cut) {
        nos_print("%s: it says more than %u KiB: the rest is missing\n", who,
                  (unsigned)(CAPTURE_PAGES * PAGE / 1024));
    }
    return span_of(kept.at, kept.len);
}

void capture_drop(void)
{
    if (kept.at != NULL) {
        nos_ignore(nos_sys_region_unmap(kept.at));
        nos_ignore(nos_sys_handle_close(kept.region));
        kept.at = NULL;
    }
}
