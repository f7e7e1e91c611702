/* The frame allocator and the object caches against a model: never the same frame twice, aligned,
 * zeroed, nothing lost. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include "kernel/memory/frame.c"
#include "kernel/memory/cache.c"

bool up_reclaim(void)
{
    return false;
}

enum { FRAMES = HOST_RAM / PAGE_SIZE, LIVE = 400, STEPS = 60000, FEW = 60 };

struct run {
    paddr_t at;
    uint32_t pages;
    unsigned order;
    bool is_run;
};
static struct run held[LIVE];
static uint8_t owner[FRAMES]; /* 1 = given out */

static void reset_allocator(void)
{
    memset(head, 0, sizeof head);
    stats = (struct frame_stats){ 0 };
    n_tables = 0;
    host_start();
    frame_init(&host_bi);
    memset(owner, 0, sizeof owner);
    memset(held, 0, sizeof held);
}

static void claim(const struct run *r)
{
    const uint8_t *bytes = phys_ptr(r->at);
    for (uint32_t i = 0; i < r->pages; i++) {
        assert_int_equal(owner[(r->at.v >> PAGE_SHIFT) + i], 0);
        owner[(r->at.v >> PAGE_SHIFT) + i] = 1;
    }
    for (size_t i = 0; i < (size_t)r->pages * PAGE_SIZE; i += 64) {
        assert_int_equal(bytes[i], 0);
    }
    memset(phys_ptr(r->at), 0x5a, (size_t)r->pages * PAGE_SIZE);
}

static void give_back(struct run *r)
{
    memset(&owner[r->at.v >> PAGE_SHIFT], 0, r->pages);
    if (r->is_run) {
        frame_free_run(r->at, r->pages);
    } else {
        frame_free(r->at, r->order);
    }
    r->at.v = 0;
}

static paddr_t clean_run(uint32_t pages)
{
    bool dirty = false;
    paddr_t p = frame_alloc_run(pages, &dirty);
    if (p.v != 0 && dirty) {
        memset(phys_ptr(p), 0, (size_t)pages * PAGE_SIZE);
    }
    return p;
}

static void take_one(struct run *r)
{
    r->is_run = rand() % 4 == 0;
    if (r->is_run) {
        r->pages = 1 + (uint32_t)rand() % 300;
        r->at = clean_run(r->pages);
    } else {
        r->order = (unsigned)rand() % 7;
        r->pages = 1u << r->order;
        r->at = frame_alloc(r->order);
        assert_int_equal(r->at.v % ((uint64_t)PAGE_SIZE << r->order), 0);
    }
    if (r->at.v != 0) {
        claim(r);
    }
}

/* `often`: look into the books at every step. */
static void walk(int steps, bool often)
{
    reset_allocator();
    uint64_t all = frame_stats().free;
    srand(1);
    for (int i = 0; i < steps; i++) {
        struct run *r = &held[rand() % LIVE];
        if (r->at.v != 0) {
            give_back(r);
        } else {
            take_one(r);
        }
        if (rand() % 8 == 0) {
            (void)frame_reclaim_step(4);
        }
        assert_true(!often || frame_check());
    }
    for (int i = 0; i < LIVE; i++) {
        if (held[i].at.v != 0) {
            give_back(&held[i]);
        }
    }
    while (frame_reclaim_step(1000)) {
    }
    assert_true(frame_check());
    assert_int_equal(frame_stats().free, all);
    assert_int_equal(frame_stats().deferred, 0);
}

static void random_against_model(void **state)
{
    (void)state;
    walk(STEPS, false);
}

static void a_short_walk(void **state)
{
    (void)state;
    walk(FEW, true);
}

/* What a run needs, and no frame more; what was dirty is said, and counted as cleared. */
static void runs(void **state)
{
    static const struct {
        uint32_t pages;
        unsigned order;
    } rows[] = { { 1, 0 }, { 2, 1 }, { 3, 2 }, { 4, 2 }, { 5, 3 }, { 300, 9 } };
    (void)state;
    reset_allocator();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(order_for(rows[i].pages), rows[i].order);
        for (unsigned dirty = 2; dirty-- > 0;) {
            uint64_t free = frame_stats().free, zeroed = frame_stats().zeroed;
            bool was = dirty == 0;
            if (!dirty) {  // a clean block of that size is there, and taken first
                paddr_t clean = frame_alloc_dirty(rows[i].order);
                frame_free(clean, rows[i].order);
                zeroed = frame_stats().zeroed;
            }
            paddr_t p = frame_alloc_run(rows[i].pages, &was);
            assert_int_not_equal(p.v, 0);
            assert_true(dirty || !was);
            assert_int_equal(frame_stats().free, free - rows[i].pages);
            assert_int_equal(frame_stats().zeroed, zeroed + (was ? rows[i].pages : 0));
            assert_true(frame_check());
            frame_free_run(p, rows[i].pages);
            assert_int_equal(frame_stats().deferred, rows[i].pages);
            while (frame_reclaim_step(1)) {
                assert_true(frame_check());
            }
            assert_int_equal(frame_stats().free, free);
        }
    }
    bool dirty = true;
    assert_int_equal(frame_alloc_run(0, &dirty).v, 0);
    assert_true(dirty);
    assert_int_equal(frame_alloc(FRAME_ORDER_MAX + 1).v, 0);
    assert_int_equal(frame_alloc_run((1u << FRAME_ORDER_MAX) + 1, &dirty).v, 0);
    assert_true(frame_check());
}

static void exhaustion_is_an_answer(void **state)
{
    (void)state;
    reset_allocator();
    uint64_t all = frame_stats().free, n = 0, last = 0;
    for (paddr_t p; (p = frame_alloc(0)).v != 0; n++) {
        *(uint64_t *)phys_ptr(p) = last;  // a list through the frames
        last = p.v;
    }
    assert_int_equal(n, all);
    assert_int_equal(clean_run(1).v, 0);
    assert_int_equal(frame_alloc_dirty(0).v, 0);
    while (last != 0) {
        paddr_t p = { last };
        last = *(uint64_t *)phys_ptr(p);
        frame_free(p, 0);
    }
    assert_int_equal(frame_stats().free, all);
    paddr_t big = frame_alloc(12);  // and all merged again
    assert_int_not_equal(big.v, 0);
}

static void shortage_works_off_what_was_put_off(void **state)
{
    (void)state;
    reset_allocator();
    paddr_t a = clean_run(4000), b;
    assert_int_not_equal(a.v, 0);
    frame_free_run(a, 4000);
    assert_int_equal(frame_stats().deferred, 4000);
    uint64_t n = 0;
    while ((b = frame_alloc(0)).v != 0) {
        n++;
    }
    assert_true(n > 4000);
    assert_int_equal(frame_stats().deferred, 0);
}

static void zero_blocks_are_not_zeroed_twice(void **state)
{
    (void)state;
    reset_allocator();
    paddr_t p = frame_alloc(3);
    frame_free(p, 3);
    uint64_t zeroed = frame_stats().zeroed;
    p = frame_alloc(3);
    assert_int_equal(frame_stats().zeroed, zeroed);
    frame_free(p, 3);
}

static void donated_frames_are_used(void **state)
{
    (void)state;
    reset_allocator();
    uint64_t before = frame_stats().free;
    frame_donate((paddr_t){ 0x100000 }, 0x700000);
    assert_int_equal(frame_stats().free - before, 0x700);
    assert_int_equal(frame_stats().total, (0x9e + 0x700 + (HOST_RAM - 0x800000) / PAGE_SIZE));
}

struct thing {
    uint64_t a[9];
};
static struct cache things = CACHE(thing);

enum { N = 3000 };
static struct thing *t[N];

static void use_things(int n, int steps)
{
    reset_allocator();
    uint64_t all = frame_stats().free;
    srand(2);
    for (int step = 0; step < steps; step++) {
        struct thing **slot = &t[rand() % n];
        if (*slot != NULL) {
            cache_free(&things, *slot);
            *slot = NULL;
            continue;
        }
        *slot = cache_alloc(&things);
        assert_non_null(*slot);
        for (size_t i = 0; i < 9; i++) {
            assert_int_equal((*slot)->a[i], 0);
        }
        memset(*slot, 0xff, sizeof **slot);
    }
    for (int i = 0; i < n; i++) {
        for (int k = 0; t[i] != NULL && k < i % 8; k++) {
            assert_ptr_not_equal(t[i], t[i - k - 1]);
        }
    }
    for (int i = 0; i < n; i++) {
        if (t[i] != NULL) {
            cache_free(&things, t[i]);
            t[i] = NULL;
        }
    }
    assert_int_equal(things.used, 0);
    assert_int_equal(cache_frames(), 0);
    assert_int_equal(frame_stats().free, all);
}

static void cache_objects_are_zero_and_distinct(void **state)
{
    (void)state;
    use_things(N, 40000);
}

/* Full pages leave the list, and come back to it; no page is held for nothing; and no memory is an
 * answer. */
static void a_cache_and_its_pages(void **state)
{
    uint32_t room = (PAGE_SIZE - sizeof(struct cache_page)) / slot_size(&things);
    (void)state;
    use_things(200, 1500);
    for (uint32_t i = 0; i < 3 * room; i++) {
        t[i] = cache_alloc(&things);
        assert_non_null(t[i]);
        assert_int_equal(things.used, i + 1);
        assert_int_equal(cache_frames(), i / room + 1);
        assert_int_equal(things.partial == NULL, (i + 1) % room == 0);
    }
    for (uint32_t i = 0; i < 3; i++) {  // one of each page
        cache_free(&things, t[i * room]);
        assert_non_null(things.partial);
    }
    for (uint32_t i = 0; i < 3; i++) {
        t[i * room] = cache_alloc(&things);
        assert_int_equal(cache_frames(), 3);
    }
    assert_null(things.partial);
    while (frame_alloc_dirty(0).v != 0) {
    }
    assert_null(cache_alloc(&things));
    assert_int_equal(cache_frames(), 3);
    assert_int_equal(things.used, 3 * room);
    for (uint32_t i = 0; i < 3 * room; i++) {
        cache_free(&things, t[(i * 7) % (3 * room)]);
    }
    assert_int_equal(cache_frames(), 0);
    assert_null(things.partial);
    memset(t, 0, sizeof t);
}

/* Ranges as no firmware of ours reports them: one from address 0, one of the kernel's, reserved
 * ones, one beyond the end of a buddy, one above all that the tests map (its frames are only
 * counted), one too small for the books. */
static void odd_memory_maps(void **state)
{
    enum { FAR = 2 * HOST_RAM };
    (void)state;
    reset_allocator();
    memset(head, 0, sizeof head);
    stats = (struct frame_stats){ 0 };
    host_bi = (struct nos_bootinfo){ .n_mem = 7 };
    host_bi.mem[0] = (struct nos_mem_range){ 0x100000, 0x100000, NOS_MEM_KERNEL, 0 };
    host_bi.mem[1] = (struct nos_mem_range){ 0, 0x9f000, NOS_MEM_FREE, 0 };
    host_bi.mem[2] = (struct nos_mem_range){ FAR, HOST_RAM + 5 * PAGE_SIZE, NOS_MEM_FREE, 0 };
    host_bi.mem[3] = (struct nos_mem_range){ 0x200000, 0x100000, NOS_MEM_RESERVED, 0 };
    host_bi.mem[4] = (struct nos_mem_range){ 0x800000, HOST_RAM - 0x800000, NOS_MEM_FREE, 0 };
    host_bi.mem[5] = (struct nos_mem_range){ HOST_RAM + 0x1000, 0x1000, NOS_MEM_FREE, 0 };
    host_bi.mem[6] = (struct nos_mem_range){ 2 * FAR, 0x1000, NOS_MEM_RESERVED, 0 };
    frame_init(&host_bi);
    assert_int_equal(n_frames, (FAR + HOST_RAM) / PAGE_SIZE + 5);
    assert_true(frame_check());
    uint64_t metadata = frame_stats().metadata_bytes / PAGE_SIZE;
    assert_int_equal(frame_stats().free, HOST_RAM / PAGE_SIZE + 5 + 0x9e +
                                             (HOST_RAM - 0x800000) / PAGE_SIZE + 1 - metadata);
    assert_true(phys_ptr((paddr_t){ 0x800000 }) < (void *)meta &&
                (void *)meta < phys_ptr((paddr_t){ HOST_RAM }));
    assert_true(head[ST_DIRTY][FRAME_ORDER_MAX] != 0);  // the largest blocks merge no further
    stats.total = frame_stats().total;
    assert_int_equal(stats.total - frame_stats().free, metadata + 0x100 + 1);  // frame 0 too

    uint32_t f = head[ST_DIRTY][FRAME_ORDER_MAX];  // a book out of order is found out
    uint64_t was = meta[f];
    set(f, next_of(f), prev_of(f), 3, ST_DIRTY);
    assert_false(frame_check());
    meta[f] = was;
    set(f, next_of(f), prev_of(f), FRAME_ORDER_MAX, ST_ZERO);
    assert_false(frame_check());
    meta[f] = was;
    assert_true(frame_check());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_against_model),
        cmocka_unit_test(a_short_walk),
        cmocka_unit_test(runs),
        cmocka_unit_test(a_cache_and_its_pages),
        cmocka_unit_test(exhaustion_is_an_answer),
        cmocka_unit_test(shortage_works_off_what_was_put_off),
        cmocka_unit_test(zero_blocks_are_not_zeroed_twice),
        cmocka_unit_test(donated_frames_are_used),
        cmocka_unit_test(odd_memory_maps),
        cmocka_unit_test(cache_objects_are_zero_and_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
