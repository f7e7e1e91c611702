/* The frame allocator against a map of all frames: what each is, and what its first and last bytes
 * hold. More than a million random steps of all that the allocator can be asked; after each one the
 * counts must be exact, and every so often every frame of RAM and every list is looked at. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include "kernel/memory/frame.c"

bool up_reclaim(void)
{
    return false;
}

enum {
    FRAMES = HOST_RAM / PAGE_SIZE,
    LIVE = 600,
    STEPS = 1100000,
    LOOK_EVERY = 20000,
    MARK = 0x5a
};

/* What a frame is to the model. */
enum what { OUTSIDE = 0, LOADER, FREE, GIVEN, PUT_OFF, METADATA };
static uint8_t model[FRAMES];
static uint64_t n_free, n_deferred, n_table;

enum kind { NONE = 0, BLOCK, DIRTY_BLOCK, RUN, TABLE };
static struct held {
    uint64_t frame;
    uint32_t pages;
    unsigned order;
    enum kind kind;
} held[LIVE];

static uint64_t seed;

static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((seed >> 33) % n);
}

static uint64_t *bytes_of(uint64_t frame)
{
    return phys_ptr((paddr_t){ frame << PAGE_SHIFT });
}

static void start(void)
{
    memset(head, 0, sizeof head);
    memset(held, 0, sizeof held);
    memset(model, 0, sizeof model);
    stats = (struct frame_stats){ 0 };
    n_tables = tables_made = n_deferred = n_table = 0;
    host_start();
    frame_init(&host_bi);
    for (uint32_t i = 0; i < host_bi.n_mem; i++) {
        const struct nos_mem_range *r = &host_bi.mem[i];
        for (uint64_t f = r->base / PAGE_SIZE; f < (r->base + r->len) / PAGE_SIZE; f++) {
            model[f] = r->kind == NOS_MEM_FREE ? FREE : LOADER;
        }
    }
    uint64_t at = ptr_phys(meta).v / PAGE_SIZE;
    memset(&model[at], METADATA, stats.metadata_bytes / PAGE_SIZE);
    n_free = 0;
    for (uint64_t f = 0; f < FRAMES; f++) {
        n_free += model[f] == FREE;
    }
}

/* Given out: it was free (or put off, and a shortage worked that off), and it is as promised. */
static void claim(struct held *h, paddr_t p, uint32_t pages, bool zero)
{
    h->frame = p.v >> PAGE_SHIFT;
    h->pages = pages;
    for (uint64_t f = h->frame; f < h->frame + pages; f++) {
        assert_true(f != 0 && f < FRAMES);
        assert_int_equal(model[f], FREE);
        model[f] = GIVEN;
        if (zero) {
            const uint64_t *w = bytes_of(f);
            for (unsigned i = 0; i < PAGE_SIZE / sizeof *w; i += f % 8 == 0 ? 1 : 73) {
                assert_int_equal(w[i], 0);
            }
        }
        memset(bytes_of(f), MARK, 8);
        memset(bytes_of(f) + PAGE_SIZE / 8 - 1, MARK, 8);
    }
    n_free -= pages;
}

/* Nobody has written over what is given out. */
static void unclaim(const struct held *h, enum what to)
{
    for (uint64_t f = h->frame; f < h->frame + h->pages; f++) {
        assert_int_equal(model[f], GIVEN);
        if (h->kind != TABLE) {
            assert_int_equal(bytes_of(f)[0], 0x5a5a5a5a5a5a5a5a);
            assert_int_equal(bytes_of(f)[PAGE_SIZE / 8 - 1], 0x5a5a5a5a5a5a5a5a);
        }
        model[f] = (uint8_t)to;
    }
    *(to == FREE ? &n_free : &n_deferred) += h->pages;
}

/* A shortage works off everything that was put off; the model learns it from the count alone. */
static void learn_reclaimed(void)
{
    if (stats.deferred == n_deferred) {
        return;
    }
    uint64_t left = 0;
    for (uint64_t f = 0; f < FRAMES; f++) {
        if (model[f] == PUT_OFF) {
            bool still = false;  // a put-off frame lies in a block on a deferred list
            for (unsigned o = 0; o <= FRAME_ORDER_MAX && !still; o++) {
                uint64_t first = f >> o << o;
                still = state_of((uint32_t)first) == ST_DEFERRED && order_of((uint32_t)first) == o;
            }
            model[f] = still ? PUT_OFF : FREE;
            left += still;
            if (!still) {
                assert_int_equal(bytes_of(f)[0], 0);
                assert_int_equal(bytes_of(f)[PAGE_SIZE / 8 - 1], 0);
            }
        }
    }
    n_free += n_deferred - left;
    n_deferred = left;
}

static void take_something(struct held *h)
{
    bool dirty = true;
    paddr_t p = { 0 };
    h->kind = (enum kind)(1 + below(4));
    h->order = below(16) == 0 ? below(FRAME_ORDER_MAX + 2) : below(5);
    uint32_t pages = 1u << h->order;
    switch (h->kind) {
    case BLOCK:
        p = frame_alloc(h->order);
        break;
    case DIRTY_BLOCK:
        p = frame_alloc_dirty(h->order);
        break;
    case RUN:
        pages = below(12) == 0 ? below(9000) : 1 + below(40);
        p = frame_alloc_run(pages, &dirty);
        break;
    case TABLE:
    case NONE:
        pages = 1;
        h->order = 0;
        p = up_table_alloc();
        n_table += p.v != 0;
        break;
    }
    learn_reclaimed();
    if (p.v == 0) {
        h->kind = NONE;
        return;
    }
    assert_int_equal(p.v % ((uint64_t)PAGE_SIZE << (h->kind == RUN ? 0 : h->order)), 0);
    claim(h, p, pages, h->kind == BLOCK || h->kind == TABLE || (h->kind == RUN && !dirty));
}

static void give_back(struct held *h)
{
    paddr_t p = { h->frame << PAGE_SHIFT };
    unclaim(h, h->kind == RUN ? PUT_OFF : FREE);
    switch (h->kind) {
    case RUN:
        frame_free_run(p, h->pages);
        break;
    case TABLE:
        up_table_free(p);
        n_table--;
        break;
    case BLOCK:
    case DIRTY_BLOCK:
    case NONE:
        frame_free(p, h->order);
        break;
    }
    h->kind = NONE;
}

/* Every list holds only blocks of its order and state, aligned, none touching what is in use, no
 * two of one state that should have been merged; all together they are the free frames. */
static void look_at_everything(void)
{
    uint64_t count[LISTS] = { 0 };
    static uint8_t seen[FRAMES];
    memset(seen, 0, sizeof seen);
    for (unsigned st = ST_ZERO; st < LISTS; st++) {
        for (unsigned o = 0; o <= FRAME_ORDER_MAX; o++) {
            uint32_t before = 0;
            for (uint32_t f = head[st][o]; f != 0; before = f, f = next_of(f)) {
                assert_true(state_of(f) == st && order_of(f) == o && prev_of(f) == before);
                assert_int_equal(f % (1u << o), 0);
                uint32_t buddy = f ^ 1u << o;
                assert_false(st != ST_DEFERRED && o < FRAME_ORDER_MAX && buddy != 0 &&
                             buddy < n_frames && state_of(buddy) == st && order_of(buddy) == o);
                for (uint32_t i = f; i < f + (1u << o); i++) {
                    assert_int_equal(seen[i]++, 0);
                    assert_int_equal(model[i], st == ST_DEFERRED ? PUT_OFF : FREE);
                    assert_true(st != ST_ZERO || (bytes_of(i)[0] == 0 && bytes_of(i)[511] == 0));
                }
                count[st] += 1ull << o;
            }
        }
    }
    assert_int_equal(count[ST_ZERO] + count[ST_DIRTY], n_free);
    assert_int_equal(count[ST_DIRTY], stats.dirty_free);
    assert_int_equal(count[ST_DEFERRED], n_deferred);
}

static void check_counts(void)
{
    struct frame_stats f = frame_stats();
    assert_int_equal(f.free, n_free);
    assert_int_equal(f.deferred, n_deferred);
    assert_int_equal(f.tables, n_table);
    assert_int_equal(frame_reclaim_pending(), n_deferred != 0);
}

static void donate(void)
{
    uint64_t from = 0x100 + below(0x6c0), pages = 1 + below(64);
    for (uint64_t f = from; f < from + pages && f < 0x800; f++) {
        if (model[f] == LOADER) {
            frame_donate((paddr_t){ f << PAGE_SHIFT }, PAGE_SIZE);
            model[f] = FREE;
            n_free++;
        }
    }
}

static void million_steps(void **state)
{
    (void)state;
    seed = 1;
    start();
    uint64_t all = n_free;
    look_at_everything();
    for (uint32_t i = 0; i < STEPS; i++) {
        struct held *h = &held[below(LIVE)];
        uint32_t what = below(100);
        if (what == 0) {
            (void)frame_reclaim_step(below(64));
            learn_reclaimed();
        } else if (what == 1 && i > STEPS / 2) {
            donate();
        } else if (h->kind != NONE) {
            give_back(h);
        } else {
            take_something(h);
        }
        check_counts();
        if (i % LOOK_EVERY == 0) {
            look_at_everything();
        }
    }
    for (unsigned i = 0; i < LIVE; i++) {
        if (held[i].kind != NONE) {
            give_back(&held[i]);
        }
    }
    while (frame_reclaim_step(1000)) {
    }
    learn_reclaimed();
    check_counts();
    look_at_everything();
    for (uint64_t f = 0; f < FRAMES; f++) {
        assert_true(model[f] != GIVEN && model[f] != PUT_OFF);
        all += f >= 0x100 && f < 0x800 && model[f] == FREE;
    }
    assert_int_equal(n_free, all);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(million_steps) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
