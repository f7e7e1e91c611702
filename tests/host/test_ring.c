/* The ring of sdk/ring.h: what goes in comes out, in order, wherever it wraps; signals are neither
 * lost nor sent for nothing; and the other side may write whatever it likes into the shared memory.
 */
#include "sdk/ring.h"
#include "tests/host/test.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { LEN = 128 + 64, SIZE = 64 };

static uint8_t *memory; /* exactly LEN bytes, so that the sanitiser sees every byte beside it */
static struct nos_ring in, out;

static int setup(void **state)
{
    (void)state;
    memory = calloc(1, LEN);
    assert_true(nos_ring_open(&in, memory, LEN, true));
    assert_true(nos_ring_open(&out, memory, LEN, false));
    assert_int_equal(in.size, SIZE);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static void sizes(void **state)
{
    struct nos_ring r;
    (void)state;
    assert_false(nos_ring_open(&r, memory, 128, true));
    assert_false(nos_ring_open(&r, memory, 129, true));
    assert_true(nos_ring_open(&r, memory, 130, true));
    assert_int_equal(r.size, 2);
    assert_true(nos_ring_open(&r, memory, 4096, true));
    assert_int_equal(r.size, 2048);
    assert_true(nos_ring_open(&r, memory, 4096 + 128, true));
    assert_int_equal(r.size, 4096);
}

static void full_and_empty(void **state)
{
    uint8_t bytes[SIZE + 10], got[SIZE + 10];
    (void)state;
    memset(bytes, 7, sizeof bytes);
    assert_int_equal(nos_ring_read(&out, MSPAN_OF(got)), 0);
    assert_int_equal(nos_ring_write(&in, SPAN_OF(bytes)), SIZE);
    assert_int_equal(nos_ring_write(&in, SPAN_OF(bytes)), 0);
    assert_int_equal(nos_ring_read(&out, mspan_of(got, 1)), 1);
    assert_int_equal(nos_ring_write(&in, SPAN_OF(bytes)), 1);
    assert_int_equal(nos_ring_read(&out, MSPAN_OF(got)), SIZE);
    assert_int_equal(nos_ring_read(&out, MSPAN_OF(got)), 0);
    assert_int_equal(nos_ring_write(&in, span_of(NULL, 0)), 0);
    assert_false(in.broken || out.broken);
}

/* Also across 2^32. */
static void order_is_kept(void **state)
{
    uint8_t bytes[SIZE], got[SIZE];
    uint8_t next_in = 0, next_out = 0;
    (void)state;
    in.at = out.at = UINT32_MAX - 1000;
    ((struct nos_ring_head *)(void *)memory)->written = in.at;
    ((struct nos_ring_head *)(void *)memory)->taken = in.at;
    for (int i = 0; i < 20000; i++) {
        size_t want = (size_t)rand() % (SIZE + 1);
        for (size_t k = 0; k < want; k++) {
            bytes[k] = (uint8_t)(next_in + k);
        }
        next_in = (uint8_t)(next_in + nos_ring_write(&in, span_of(bytes, want)));
        size_t n = nos_ring_read(&out, mspan_of(got, (size_t)rand() % (SIZE + 1)));
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(got[k], next_out++);
        }
    }
    assert_true(in.at < 1u << 30);  // it has wrapped
    assert_false(in.broken || out.broken);
}

static void signals(void **state)
{
    uint8_t bytes[SIZE] = { 0 };
    (void)state;
    assert_int_equal(nos_ring_write(&in, span_of(bytes, 3)), 3);
    assert_int_equal(nos_ring_used(&in), 3);
    assert_int_equal(nos_ring_used(&out), 3);
    assert_false(nos_ring_wakes(&in));  // nobody sleeps: nobody is woken
    assert_false(nos_ring_sleeps(&out));
    assert_int_equal(nos_ring_read(&out, MSPAN_OF(bytes)), 3);
    assert_true(nos_ring_sleeps(&out));
    assert_int_equal(nos_ring_write(&in, span_of(bytes, 1)), 1);
    assert_true(nos_ring_wakes(&in));
    assert_int_equal(nos_ring_write(&in, span_of(bytes, 1)), 1);
    assert_false(nos_ring_wakes(&in));  // once
    assert_false(nos_ring_sleeps(&in));
    assert_int_equal(nos_ring_write(&in, SPAN_OF(bytes)), SIZE - 2);
    assert_true(nos_ring_sleeps(&in));
    assert_int_equal(nos_ring_read(&out, mspan_of(bytes, 1)), 1);
    assert_true(nos_ring_wakes(&out));
    assert_false(nos_ring_wakes(&out));
    assert_false(nos_ring_sleeps(&in));
}

/* Whatever the other side has put there: no byte beside the ring, and no more than its size. */
static void hostile_indices(void **state)
{
    const uint32_t values[] = {
        1, SIZE - 1, SIZE, SIZE + 1, 1u << 31, UINT32_MAX, UINT32_MAX - SIZE
    };
    struct nos_ring_head *h = (struct nos_ring_head *)(void *)memory;
    uint8_t bytes[4 * SIZE] = { 0 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        for (unsigned at = 0; at < 3; at++) {
            in.at = out.at = at * 40;
            in.broken = out.broken = false;
            h->written = h->taken = out.at + values[i];
            size_t n = nos_ring_read(&out, MSPAN_OF(bytes));
            assert_int_equal(n, values[i] <= SIZE ? values[i] : 0);
            assert_int_equal(out.broken, values[i] > SIZE);
            h->taken = in.at - values[i];
            n = nos_ring_write(&in, SPAN_OF(bytes));
            assert_int_equal(n, values[i] <= SIZE ? SIZE - values[i] : 0);
            assert_int_equal(in.broken, values[i] > SIZE);
        }
    }
    out.broken = true;  // stays so, whatever it says later
    h->written = out.at + 1;
    assert_int_equal(nos_ring_read(&out, MSPAN_OF(bytes)), 0);
    assert_int_equal(nos_ring_used(&out), 0);
    assert_false(nos_ring_sleeps(&out));
}

/* ---- two threads ---- */

enum { TOTAL = 3000000, NOTES = 2 };
static unsigned note[NOTES]; /* a notification each */
static unsigned slept[NOTES];

static void notify(unsigned which)
{
    __atomic_store_n(&note[which], 1, __ATOMIC_SEQ_CST);
}

static void wait_for(unsigned which)
{
    slept[which]++;
    while (__atomic_exchange_n(&note[which], 0, __ATOMIC_SEQ_CST) == 0) {
        sched_yield();
    }
}

static void *write_all(void *arg)
{
    uint8_t bytes[50];
    uint32_t sent = 0;
    (void)arg;
    while (sent < TOTAL) {
        size_t n = 1 + sent % sizeof bytes;
        n = n < TOTAL - sent ? n : TOTAL - sent;
        for (size_t i = 0; i < n; i++) {
            bytes[i] = (uint8_t)((sent + i) * 31 >> 3);
        }
        span_t left = span_of(bytes, n);
        while (left.len != 0) {
            size_t put = nos_ring_write(&in, left);
            left = span_of(left.data + put, left.len - put);
            if (nos_ring_wakes(&in)) {
                notify(0);
            }
            if (left.len != 0 && nos_ring_sleeps(&in)) {
                wait_for(1);
            }
        }
        sent += (uint32_t)n;
    }
    return NULL;
}

static void two_threads(void **state)
{
    pthread_t writer;
    uint8_t bytes[37];
    uint32_t got = 0;
    (void)state;
    assert_int_equal(pthread_create(&writer, NULL, write_all, NULL), 0);
    while (got < TOTAL) {
        size_t n = nos_ring_read(&out, MSPAN_OF(bytes));
        for (size_t i = 0; i < n; i++, got++) {
            assert_int_equal(bytes[i], (uint8_t)(got * 31 >> 3));
        }
        if (nos_ring_wakes(&out)) {
            notify(1);
        }
        if (n == 0 && nos_ring_sleeps(&out)) {
            wait_for(0);
        }
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_true(slept[0] != 0 || slept[1] != 0);
    assert_false(in.broken || out.broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(full_and_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(order_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(signals, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_indices, setup, teardown),
        cmocka_unit_test_setup_teardown(two_threads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
