/* A radix tree of pages, as high as the last page written needs: one page is a tree of height 0. A
 * file that has become large and has no big holes moves to a block by itself, twice as large each
 * time, so that mapping it copies nothing. */
#include "modules/memfs/data.h"

#include <string.h>

#include "abi/fs.h"

enum { FANOUT = 512, HEIGHT_MAX = 2, LARGE = 64 /* pages */, BLOCK_MAX = NOS_FS_MAP_MAX / FS_PAGE };

/* ---- what it costs ---- */

static nos_status_t page_new(struct purse *p, struct data *d, void **out)
{
    if (p->bytes + FS_PAGE > p->bytes_max) {
        return NOS_QUOTA;
    }
    void *page = page_take();
    if (page == NULL) {
        return NOS_NO_MEMORY;
    }
    p->bytes += FS_PAGE;
    d->pages++;
    *out = page;
    return NOS_OK;
}

static void page_end(struct purse *p, struct data *d, void *page)
{
    memset(page, 0, FS_PAGE);
    page_give(page);
    p->bytes -= FS_PAGE;
    d->pages--;
}

uint64_t data_held(const struct data *d)
{
    return ((uint64_t)d->pages + d->block.pages) * FS_PAGE;
}

/* ---- the radix tree ---- */

/* Pages below one entry of a table of that height. */
static uint64_t below(uint32_t height)
{
    return height == 1 ? 1 : FANOUT;
}

static uint64_t reach(uint32_t height)
{
    return height == 0 ? 1 : below(height) * FANOUT;
}

static uint8_t *find(const struct data *d, uint64_t i)
{
    void *at = d->top;

    if (i < d->block.pages) {
        return d->block.at + i * FS_PAGE;
    }
    if (i >= reach(d->height)) {
        return NULL;
    }
    for (uint32_t h = d->height; h > 0 && at != NULL; h--) {
        at = ((void **)at)[i / below(h) % FANOUT];
    }
    return at;
}

static nos_status_t rise(struct purse *p, struct data *d)
{
    void *table;

    if (d->top == NULL) {
        d->height++;
        return NOS_OK;
    }
    nos_status_t st = page_new(p, d, &table);
    if (st == NOS_OK) {
        ((void **)table)[0] = d->top;
        d->top = table;
        d->height++;
    }
    return st;
}

/* The page of that number, made if it is a hole. A table that was made on the way and is empty when
 * the page cannot be had goes with the next cut, or with the file. */
static nos_status_t make(struct purse *p, struct data *d, uint64_t i, uint8_t **out)
{
    nos_status_t st = NOS_OK;

    *out = find(d, i);
    if (*out != NULL) {
        return NOS_OK;
    }
    while (st == NOS_OK && i >= reach(d->height)) {
        st = rise(p, d);
    }
    void **at = &d->top;
    for (uint32_t h = d->height; st == NOS_OK; h--) {
        st = *at != NULL ? NOS_OK : page_new(p, d, at);
        if (h == 0) {
            break;
        }
        at = st == NOS_OK ? (void **)*at + i / below(h) % FANOUT : at;
    }
    if (st == NOS_OK) {
        *out = *at;
    }
    return st;
}

/* Cut what lies at `from` and behind, below `*at`, the first page of which is number `base`. */
static void cut(struct purse *p, struct data *d, void **at, uint32_t height, uint64_t base,
                uint64_t from)
{
    if (*at == NULL || from >= base + reach(height)) {
        return;
    }
    for (uint64_t i = 0; height > 0 && i < FANOUT; i++) {
        cut(p, d, (void **)*at + i, height - 1, base + i * below(height), from);
    }
    if (from <= base) {
        page_end(p, d, *at);
        *at = NULL;
    }
}

static void cut_pages(struct purse *p, struct data *d, uint64_t from)
{
    cut(p, d, &d->top, d->height, 0, from);
    if (d->top == NULL) {
        d->height = 0;
    }
}

/* ---- blocks ---- */

static uint64_t pages_of(uint64_t bytes)
{
    return (bytes + FS_PAGE - 1) / FS_PAGE;
}

static void drop_block(struct purse *p, struct data *d)
{
    p->bytes -= (uint64_t)d->block.pages * FS_PAGE;
    block_give(&d->block);
    d->block = (struct block){ 0 };
}

/* Move to a block of so many pages, which has room for all that there is. */
static nos_status_t move(struct purse *p, struct data *d, uint64_t pages)
{
    struct block b;

    if (d->maps != 0) {
        return NOS_BUSY;
    }
    if (p->bytes - data_held(d) + pages * FS_PAGE > p->bytes_max) {
        return NOS_QUOTA;
    }
    if (!block_take((uint32_t)pages, &b)) {
        return NOS_NO_MEMORY;
    }
    for (uint64_t i = 0; i < pages_of(d->size); i++) {
        const uint8_t *page = find(d, i);
        if (page != NULL) {
            memcpy(b.at + i * FS_PAGE, page, FS_PAGE);
        }
    }
    cut_pages(p, d, 0);
    if (d->block.pages != 0) {
        drop_block(p, d);
    }
    d->block = b;
    p->bytes += pages * FS_PAGE;
    return NOS_OK;
}

nos_status_t data_solid(struct purse *p, struct data *d)
{
    uint64_t pages = pages_of(d->size);

    if (pages == 0 || pages > BLOCK_MAX) {
        return pages == 0 ? NOS_INVALID : NOS_TOO_BIG;
    }
    return pages <= d->block.pages ? NOS_OK : move(p, d, pages);
}

/* `len` bytes are about to be written before `end`. Is it time for a (larger) block? No room for
 * one is no reason to refuse the write. */
static nos_status_t foresee(struct purse *p, struct data *d, uint64_t end, uint64_t len)
{
    uint64_t size = end > d->size ? end : d->size, pages = pages_of(size), room = LARGE;

    if (pages <= d->block.pages || pages < LARGE || pages > BLOCK_MAX ||
        data_held(d) + len < size / 2) {
        return NOS_OK;
    }
    while (room < pages) {
        room *= 2;
    }
    return move(p, d, room);
}

/* ---- bytes ---- */

size_t data_read(const struct data *d, uint64_t at, mspan_t out)
{
    if (at >= d->size) {
        return 0;
    }
    size_t len = out.len < d->size - at ? out.len : (size_t)(d->size - at);
    for (size_t done = 0; done < len;) {
        size_t in = (size_t)((at + done) % FS_PAGE), n = FS_PAGE - in;
        const uint8_t *page = find(d, (at + done) / FS_PAGE);
        n = n < len - done ? n : len - done;
        if (page == NULL) {
            memset(out.data + done, 0, n);
        } else {
            memcpy(out.data + done, page + in, n);
        }
        done += n;
    }
    return len;
}

/* Who maps the block to write can have left something behind the end: it does not become the file's
 * by growing. */
static void clear_gap(struct data *d, uint64_t to)
{
    uint64_t room = (uint64_t)d->block.pages * FS_PAGE, end = to < room ? to : room;

    if (d->size < end) {
        memset(d->block.at + d->size, 0, end - d->size);
    }
}

nos_status_t data_write(struct purse *p, struct data *d, uint64_t at, span_t in, size_t *done)
{
    nos_status_t st = NOS_OK;
    size_t n = 0;

    if (at > NOS_FS_FILE_MAX || in.len > NOS_FS_FILE_MAX - at) {
        return NOS_TOO_BIG;
    }
    clear_gap(d, at);
    (void)(foresee(p, d, at + in.len, in.len) == NOS_OK);
    while (st == NOS_OK && n < in.len) {
        size_t from = (size_t)((at + n) % FS_PAGE), part = FS_PAGE - from;
        uint8_t *page;
        part = part < in.len - n ? part : in.len - n;
        st = make(p, d, (at + n) / FS_PAGE, &page);
        if (st == NOS_OK) {
            memcpy(page + from, in.data + n, part);
            n += part;
        }
    }
    d->size = n > 0 && at + n > d->size ? at + n : d->size;
    *done = n;
    return n > 0 ? NOS_OK : st;
}

nos_status_t data_resize(struct purse *p, struct data *d, uint64_t size)
{
    if (size > NOS_FS_FILE_MAX) {
        return NOS_TOO_BIG;
    }
    uint64_t keep = pages_of(size), was = d->size;
    clear_gap(d, size);
    d->size = size;
    if (size >= was) {
        return NOS_OK;  // what lies behind the end is zero, or a hole
    }
    if (keep == 0 && d->maps == 0 && d->block.pages != 0) {
        drop_block(p, d);
    }
    cut_pages(p, d, keep);
    uint8_t *last = size % FS_PAGE == 0 ? NULL : find(d, size / FS_PAGE);
    if (last != NULL) {
        memset(last + size % FS_PAGE, 0, FS_PAGE - size % FS_PAGE);
    }
    if (d->block.at != NULL && keep < d->block.pages) {
        memset(d->block.at + keep * FS_PAGE, 0, (d->block.pages - keep) * FS_PAGE);
    }
    return NOS_OK;
}

void data_end(struct purse *p, struct data *d)
{
    cut_pages(p, d, 0);
    if (d->block.pages != 0) {
        drop_block(p, d);
    }
    d->size = 0;
}
