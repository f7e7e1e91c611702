#include "modules/manage/staging.h"

#include <string.h>

#include "abi/manage.h"

enum { PAGE = 4096, FIRST_BYTES = 256 * 1024, PROT_READ_WRITE = 3 };

static struct {
    nos_handle_t region;  // 0 = none
    uint8_t *at;
    size_t len, room;
} stage;

static nos_status_t unmap(uint8_t *at, nos_handle_t region, bool close)
{
    nos_status_t st = nos_sys_region_unmap(at);
    if (st == NOS_OK && close) {
        st = nos_sys_handle_close(region);
    }
    return st;
}

static nos_status_t drop(void)
{
    nos_status_t st = stage.region.v == 0 ? NOS_OK : unmap(stage.at, stage.region, true);
    memset(&stage, 0, sizeof(stage));
    return st;
}

/* A region of at least `need` bytes with what is staged copied into it. */
static nos_status_t grow(size_t need)
{
    nos_handle_t region;
    size_t room = stage.room == 0 ? FIRST_BYTES : stage.room;
    void *at;

    while (room < need) {
        room *= 2;  // need is at most NOS_MG_UPLOAD_MAX
    }
    nos_status_t st = nos_sys_region_create(room / PAGE, &region);
    if (st != NOS_OK) {
        return st;
    }
    st = nos_sys_region_map(region, PROT_READ_WRITE, &at);
    if (st != NOS_OK) {
        nos_ignore(nos_sys_handle_close(region));
        return st;
    }
    size_t len = stage.len;
    if (len > 0) {
        memcpy(at, stage.at, len);
    }
    st = drop();
    stage.region = region;
    stage.at = at;
    stage.len = len;
    stage.room = room;
    return st;
}

nos_status_t staging_put(uint64_t offset, span_t bytes)
{
    nos_status_t st = offset == 0 ? drop() : NOS_OK;

    if (st == NOS_OK && (offset < stage.len || offset > NOS_MG_UPLOAD_MAX ||
                         bytes.len > NOS_MG_UPLOAD_MAX - offset)) {
        st = NOS_INVALID;
    }
    size_t end = (size_t)offset + bytes.len;  // the sum is not believed before st is OK
    if (st == NOS_OK && end > stage.room) {
        st = grow(end);
    }
    if (st == NOS_OK) {
        memcpy(stage.at + offset, bytes.data,
               bytes.len);  // what was left out is zero: a new region is
        stage.len = end;
    }
    return st;
}

span_t staging_bytes(void)
{
    return span_of(stage.at, stage.len);
}

nos_status_t staging_take(nos_handle_t *region)
{
    nos_handle_t taken = stage.region;

    if (taken.v == 0) {
        return NOS_BAD_STATE;
    }
    nos_status_t st = unmap(stage.at, taken, false);
    memset(&stage, 0, sizeof(stage));
    if (st == NOS_OK) {
        *region = taken;
    }
    return st;
}
