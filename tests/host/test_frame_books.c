/* The books of the frame allocator: after each thing it is asked, every word of its metadata is
 * what the lists say, buddies are together, and the counts are true; and what it makes of maps of
 * memory that end where its own arrays do. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"
#include "tests/host/panic_host.h"
#include "tests/host/exhaust.h"

#define panic panics
#include "kernel/memory/frame.c"
#undef panic

enum { MIB = 1 << 20, A_MIB = MIB / PAGE_SIZE, BIG = A_MIB };

static struct {
    paddr_t at; /* what an ended capsule still has, for a shortage */
    unsigned asked;
} ended;

bool up_reclaim(void)
{
    paddr_t at = ended.at;
    ended.asked++;
    ended.at.v = 0;
    if (at.v != 0) {
        frame_free(at, 0);
    }
    return at.v != 0;
}

/* The allocator over the ranges that the test has set. */
static void begin(void)
{
    memset(head, 0, sizeof head);
    stats = (struct frame_stats){ 0 };
    n_tables = tables_made = 0;
    memset(&ended, 0, sizeof ended);
    frame_init(&host_bi);
}

static int setup(void **state)
{
    (void)state;
    host_start();
    begin();
    return 0;
}

static void range(uint32_t i, uint64_t base, uint64_t len, uint32_t kind)
{
    host_bi.mem[i] = (struct nos_mem_range){ base, len, kind, 0 };
}

/* Every word: 0, the head of a block on the list that it names, or a page table. No two blocks lie
 * on each other, and no two free buddies of a kind are apart. */
static void check_books(void)
{
    static uint8_t of[1 << 16]; /* frame -> 1 + state of the free block that it lies in */
    uint64_t heads = 0, words = 0;

    assert_true(n_frames <= ARRAY_LEN(of));
    memset(of, 0, n_frames);
    for (enum state st = ST_ZERO; st < LISTS; st++) {
        for (unsigned o = 0; o <= FRAME_ORDER_MAX; o++) {
            uint32_t before = 0;
            for (uint32_t f = head[st][o]; f != 0; before = f, f = next_of(f), heads++) {
                assert_int_equal(state_of(f), st);
                assert_int_equal(order_of(f), o);
                assert_int_equal(prev_of(f), before);
                assert_int_equal(f % (1u << o), 0);
                for (uint32_t i = f; i < f + (1u << o); i++) {
                    assert_true(i < n_frames);
                    assert_int_equal(of[i], 0);
                    of[i] = (uint8_t)(1 + st);
                }
                uint32_t buddy = f ^ 1u << o;
                assert_false(st != ST_DEFERRED && o < FRAME_ORDER_MAX && buddy < n_frames &&
                             state_of(buddy) == st && order_of(buddy) == o);
            }
        }
    }
    for (uint32_t f = 0; f < n_frames; f++) {
        words += meta[f] != 0 && state_of(f) != ST_TABLE;
    }
    assert_int_equal(words, heads);
    assert_true(frame_check());
}

static paddr_t run_of(uint32_t pages)
{
    bool dirty;
    paddr_t p = frame_alloc_run(pages, &dirty);
    assert_int_not_equal(p.v, 0);
    memset(phys_ptr(p), 0x5a, (size_t)pages * PAGE_SIZE);
    return p;
}

/* ---- blocks ---- */

/* Cut, given back in any order, and whole again. */
static void cut_and_merged(void **state)
{
    enum { N = 64 };
    paddr_t p[N];
    (void)state;
    host_bi.n_mem = 1;
    range(0, MIB, 2 * MIB, NOS_MEM_FREE);
    begin();
    paddr_t whole = frame_alloc(6);  // one clean block, so that the rest is of one state
    frame_free(whole, 6);
    check_books();
    for (unsigned step = 1; step < N; step += 6) {  // odd: every frame once
        for (unsigned i = 0; i < N; i++) {
            p[i] = frame_alloc(0);
            check_books();
        }
        for (unsigned i = 0; i < N; i++) {
            uint64_t zeroed = frame_stats().zeroed;
            frame_free(p[i * step % N], 0);
            assert_int_equal(frame_stats().zeroed, zeroed + 1);
            check_books();
        }
        paddr_t again = frame_alloc(6);
        assert_int_equal(again.v, whole.v);
        frame_free(again, 6);
    }
}

/* The buddy of the last block would be behind the last frame: the word there is nobody's. */
static void the_last_block_has_no_buddy(void **state)
{
    const uint64_t end = 16 * MIB;
    uint64_t *behind = phys_ptr((paddr_t){ end }), was;
    (void)state;
    host_bi.n_mem = 2;
    range(0, 32 * MIB, 2 * MIB, NOS_MEM_FREE);
    range(1, 8 * MIB, 8 * MIB, NOS_MEM_FREE);
    *behind = was = (uint64_t)ST_DIRTY << 60 | 9ull << 56;  // as a free block of 2 MiB has it
    begin();
    assert_ptr_equal(&meta[n_frames], behind);
    check_books();
    assert_int_equal(*behind, was);
    paddr_t p;
    do {
        p = frame_alloc_dirty(9);
        assert_int_not_equal(p.v, 0);
    } while (p.v != 32 * MIB);
    frame_free(p, 9);
    assert_int_equal(*behind, was);
}

static void the_largest_block(void **state)
{
    (void)state;
    host_bi.n_mem = 2;
    range(0, 32 * MIB, 32 * MIB, NOS_MEM_FREE);
    range(1, 8 * MIB, 8 * MIB, NOS_MEM_FREE);
    begin();
    paddr_t p = frame_alloc_dirty(FRAME_ORDER_MAX);
    assert_int_equal(p.v, 32 * MIB);
    assert_int_equal(frame_alloc_dirty(FRAME_ORDER_MAX).v, 0);
    frame_free_run(p, 1u << FRAME_ORDER_MAX);
    check_books();
    assert_true(frame_reclaim_step(1));  // found there, and cut
    assert_int_equal(frame_stats().deferred, (1u << FRAME_ORDER_MAX) - 4);
    check_books();
}

/* ---- what is put off ---- */

static void put_off_and_worked_off(void **state)
{
    static const struct {
        uint32_t pages, runs, budget, done;
    } rows[] = {
        { BIG, 1, 4, 4 },     // no more than asked for
        { 16, 1, 16, 16 },    // a block that is as large as that, at once
        { 4, 3, 1, 4 },       // 16 KiB are never cut
        { 1, 8, 8, 8 },       // one block after the other
        { 1, 8, 7, 7 },       // and no more of them
        { 8, 1, 5, 4 },       // what it is cut into waits for the next step
        { BIG, 1, 0, 0 },     // nothing asked for, nothing done
        { 300, 1, 300, 300 }  // as much as there is: 256 + 32 + 8 + 4
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint32_t all = rows[i].pages * rows[i].runs;
        paddr_t p[8];
        setup(state);
        for (unsigned k = 0; k < rows[i].runs; k++) {
            p[k] = run_of(rows[i].pages);
        }
        assert_false(frame_reclaim_pending() || frame_reclaim_step(1) || background_news != 0);
        for (unsigned k = 0; k < rows[i].runs; k++) {
            frame_free_run(p[k], rows[i].pages);
        }
        assert_true(frame_reclaim_pending() && background_news != 0);
        check_books();
        uint64_t zeroed = frame_stats().zeroed;
        assert_int_equal(frame_reclaim_step(rows[i].budget), rows[i].done != 0);
        assert_int_equal(frame_stats().deferred, all - rows[i].done);
        assert_int_equal(frame_stats().zeroed, zeroed + rows[i].done);
        check_books();
        while (frame_reclaim_step(100)) {
            check_books();
        }
        assert_false(frame_reclaim_pending());
        for (unsigned k = 0; k < rows[i].runs; k++) {  // what is free is clean
            const uint8_t *bytes = phys_ptr(p[k]);
            for (size_t b = 0; b < (size_t)rows[i].pages * PAGE_SIZE; b += 1024) {
                assert_int_equal(bytes[b], 0);
            }
        }
    }
}

/* A long run is put off in one piece, not page by page. */
static void one_block_is_one_entry(void **state)
{
    (void)state;
    paddr_t p = run_of(BIG);
    frame_free_run(p, BIG);
    uint32_t f = head[ST_DEFERRED][8];
    assert_int_equal((uint64_t)f << PAGE_SHIFT, p.v);
    assert_int_equal(next_of(f), 0);
}

/* ---- shortage ---- */

static void the_last_ways_out(void **state)
{
    (void)state;
    paddr_t p = run_of(BIG), spare = frame_alloc(0);
    exhaust(0);
    memset(phys_ptr((paddr_t){ 0 }), 0x77, PAGE_SIZE);
    uint64_t zeroed = frame_stats().zeroed;
    for (unsigned order = 0; order <= FRAME_ORDER_MAX; order += FRAME_ORDER_MAX) {
        assert_int_equal(frame_alloc(order).v, 0);
        assert_int_equal(up_table_alloc().v, 0);
    }
    assert_int_equal(frame_stats().zeroed, zeroed);  // what is not given is not written
    assert_int_equal(*(uint8_t *)phys_ptr((paddr_t){ 0 }), 0x77);
    assert_int_equal(meta[0], 0);
    assert_int_equal(frame_stats().tables, 0);
    assert_int_equal(frame_tables_made(), 0);

    ended.asked = 0;
    frame_free_run(p, BIG);
    assert_int_equal(frame_alloc(FRAME_ORDER_MAX + 1).v, 0);  // no shortage: there is no such block
    assert_int_equal(frame_stats().deferred, BIG);
    assert_int_equal(ended.asked, 0);
    assert_int_equal(frame_alloc(8).v, p.v);  // first what is put off,
    assert_int_equal(ended.asked, 0);
    ended.at = spare;
    assert_int_equal(frame_alloc(0).v, spare.v);  // then what an ended capsule has
    assert_int_equal(ended.asked, 1);
    assert_int_equal(frame_alloc(0).v, 0);
    check_books();
}

/* ---- page tables ---- */

static void tables_are_counted(void **state)
{
    uint64_t free = frame_stats().free;
    (void)state;
    paddr_t a = up_table_alloc(), b = up_table_alloc();
    assert_int_equal(frame_stats().tables, 2);
    assert_int_equal(frame_stats().free, free - 2);
    assert_int_equal(state_of((uint32_t)(a.v >> PAGE_SHIFT)), ST_TABLE);  // no other frame is one
    up_table_free(a);
    up_table_free(b);
    assert_int_equal(frame_stats().tables, 0);
    assert_int_equal(frame_tables_made(), 2);  // since boot
    assert_int_equal(frame_stats().free, free);
    check_books();
}

/* ---- counts that are wrong are found ---- */

static void wrong_counts(void **state)
{
    uint64_t *const counts[] = { &stats.dirty_free, &stats.free, &stats.deferred };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        assert_true(frame_check());
        ++*counts[i];
        assert_false(frame_check());
        --*counts[i];
    }
}

/* ---- maps of memory ---- */

/* The metadata fill whole pages of the topmost free range with room, and what is no range is not
 * looked at. */
static void metadata(void **state)
{
    const uint64_t bytes = HOST_RAM / PAGE_SIZE * sizeof *meta;
    (void)state;
    assert_int_equal(frame_stats().metadata_bytes, bytes);  // whole pages: none is over
    host_start();
    host_bi.n_mem = 3;
    range(0, 8 * MIB, bytes + PAGE_SIZE, NOS_MEM_FREE);  // it fits, and a page remains
    range(1, 16 * MIB, bytes, NOS_MEM_FREE);             // none would
    range(2, HOST_RAM - MIB, MIB, NOS_MEM_LOADER);       // not free, and the last frames
    range(3, 2 * HOST_RAM, MIB, NOS_MEM_FREE);           // behind the list
    begin();
    assert_ptr_equal(meta, phys_ptr((paddr_t){ 8 * MIB + PAGE_SIZE }));
    assert_int_equal(n_frames, HOST_RAM / PAGE_SIZE);
    assert_int_equal(frame_stats().free, 1 + bytes / PAGE_SIZE);
    check_books();
    frame_donate((paddr_t){ HOST_RAM - MIB }, MIB);  // there is a word for each of them
    assert_int_equal(frame_stats().free, 1 + bytes / PAGE_SIZE + A_MIB);
    check_books();
    host_bi.mem[2].kind = NOS_MEM_KERNEL;
    begin();
    assert_int_equal(n_frames, HOST_RAM / PAGE_SIZE);
}

static void no_room_for_metadata(void **state)
{
    (void)state;
    host_bi.mem[2].kind = NOS_MEM_RESERVED;
    host_bi.mem[0] = (struct nos_mem_range){ 0x1000, PAGE_SIZE, NOS_MEM_FREE, 0 };
    if (setjmp(panicked) == 0) {
        begin();
        fail();
    }
    assert_string_equal(panic_text, "no room for 16384 bytes of frame metadata");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(cut_and_merged),
        TEST(the_last_block_has_no_buddy),
        TEST(the_largest_block),
        TEST(put_off_and_worked_off),
        TEST(one_block_is_one_entry),
        TEST(the_last_ways_out),
        TEST(tables_are_counted),
        TEST(wrong_counts),
        TEST(metadata),
        TEST(no_room_for_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
