/* Handle tables: order of refusals, stale handles, rights, quotas; a random walk against a model.
 */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include "kernel/memory/frame.c"
#include "kernel/object/cell.c"
#include "kernel/object/handle.c"
#include "kernel/object/object.c"

static struct obj *reclaimable; /* held by nothing but the reclaim queue */
static paddr_t spare;

bool up_reclaim(void)
{
    if (reclaimable == NULL) {
        return false;
    }
    obj_put(reclaimable);
    reclaimable = NULL;
    frame_free(spare, 0);
    return true;
}

static int destroyed, opened, closed, gone;

void cell_gone(void)
{
    gone++;
}

static void count_destroyed(struct obj *o)
{
    (void)o;
    destroyed++;
}

void (*const obj_destroy[NOS_TYPE_COUNT])(struct obj *) = {
    [NOS_TYPE_REGION] = count_destroyed, [NOS_TYPE_ENDPOINT] = count_destroyed
};

bool obj_ended(const struct obj *o)
{
    (void)o;
    return false;
}

void obj_handle_opened(struct obj *o, uint32_t rights)
{
    (void)o, (void)rights;
    opened++;
}

void obj_handle_closed(struct obj *o, uint32_t rights)
{
    (void)o, (void)rights;
    closed++;
}

enum { REGION = 1u << NOS_TYPE_REGION, ENDPOINT = 1u << NOS_TYPE_ENDPOINT };

static struct handle_table t;
static struct obj thing;

static int setup(void **state)
{
    (void)state;
    memset(head, 0, sizeof head);
    host_start();
    frame_init(&host_bi);
    host_now = 1000;
    handle_table_init(&t, 1000, NOS_CLASS_ALL);
    obj_init(&thing, NOS_TYPE_REGION);
    destroyed = opened = closed = 0;
    return 0;
}

static uint32_t add(uint32_t rights, uint64_t deadline)
{
    uint32_t h = 0;
    assert_int_equal(handle_add(&t, &thing, rights, deadline, NOS_ORIGIN_MADE, &h), NOS_OK);
    return h;
}

static nos_status_t get(uint32_t h, uint32_t types, uint32_t need)
{
    struct handle_slot *s;
    return handle_get(&t, h, types, need, &s);
}

static void refusals_in_order(void **state)
{
    (void)state;
    uint32_t h = add(NOS_RIGHT_READ, 2000);
    assert_int_equal(get(h, REGION, NOS_RIGHT_READ), NOS_OK);
    assert_int_equal(get(h, ENDPOINT, NOS_RIGHT_READ), NOS_WRONG_TYPE);
    assert_int_equal(get(h, REGION, NOS_RIGHT_READ | NOS_RIGHT_WRITE), NOS_DENIED);
    host_now = 2000;  // the deadline itself is too late
    assert_int_equal(get(h, REGION, NOS_RIGHT_READ), NOS_EXPIRED);
    assert_int_equal(get(h, REGION, NOS_RIGHT_WRITE), NOS_EXPIRED);
    assert_int_equal(get(h, ENDPOINT, 0), NOS_WRONG_TYPE);
    assert_int_equal(handle_close(&t, h), NOS_OK);
    assert_int_equal(get(h, ENDPOINT, 0), NOS_BAD_HANDLE);
}

static void forged_handles_name_nothing(void **state)
{
    (void)state;
    uint32_t h = add(NOS_RIGHT_READ, 0);
    static const uint32_t forged[] = { 0,       0xffffffff,     0x10000, 0x10000 | HANDLES_MAX,
                                       0x1ffff, 1u << 16 | 1023 };
    for (size_t i = 0; i < ARRAY_LEN(forged); i++) {
        if (forged[i] != h) {
            assert_int_equal(get(forged[i], ~0u, 0), NOS_BAD_HANDLE);
            assert_int_equal(handle_close(&t, forged[i]), NOS_BAD_HANDLE);
        }
    }
    assert_int_equal(get(h ^ 1u << 16, ~0u, 0), NOS_BAD_HANDLE);  // wrong tag
    assert_int_equal(get(h + HANDLES_MAX, ~0u, 0),
                     NOS_BAD_HANDLE);  // index that the mask would fold back
}

static void a_stale_handle_never_comes_back(void **state)
{
    (void)state;
    uint32_t first = add(1, 0);
    assert_int_equal(handle_close(&t, first), NOS_OK);
    for (uint32_t i = 0; i < 2 * 0x10000; i++) {  // twice round the tag
        uint32_t h = add(1, 0);
        assert_int_not_equal(h, first);
        assert_int_equal(handle_close(&t, h), NOS_OK);
    }
    assert_int_equal(get(first, ~0u, 0), NOS_BAD_HANDLE);
}

static void quota_then_table(void **state)
{
    uint32_t h;
    (void)state;
    t.limit = 3;
    add(1, 0), add(1, 0), add(1, 0);
    assert_int_equal(handle_add(&t, &thing, 1, 0, NOS_ORIGIN_MADE, &h), NOS_QUOTA);
    t.limit = 5000;
    for (uint32_t i = 3; i < HANDLES_MAX - 1; i++) {
        add(1, 0);
    }
    assert_int_equal(handle_add(&t, &thing, 1, 0, NOS_ORIGIN_MADE, &h), NOS_NO_SLOT);
}

static void references_balance(void **state)
{
    uint32_t h, n = 0;
    struct handle_slot *s;
    (void)state;
    uint64_t free_before = frame_stats().free;
    for (int i = 0; i < 200; i++) {
        add(1, 0);
    }
    while (handle_nth(&t, n, &h, &s) == NOS_OK) {
        n++;
    }
    assert_int_equal(n, 200);
    assert_int_equal(thing.refs, 201);
    handle_close_all(&t);
    assert_int_equal(thing.refs, 1);
    assert_int_equal(opened, closed);
    assert_int_equal(t.used, 0);
    assert_int_equal(frame_stats().free, free_before);
    obj_put(&thing);
    assert_int_equal(destroyed, 1);
}

enum { MODEL = 300 };

static void random_walk(void **state)
{
    static struct {
        uint32_t h, rights;
        uint64_t deadline;
    } m[MODEL];
    (void)state;
    memset(m, 0, sizeof m);
    srand(3);
    for (int step = 0; step < 200000; step++) {
        uint32_t i = (uint32_t)rand() % MODEL;
        host_now += 1;
        if (m[i].h == 0) {
            m[i].rights = (uint32_t)rand() & NOS_RIGHT_ALL;
            m[i].deadline = rand() % 2 == 0 ? 0 : host_now + (uint64_t)rand() % 500;
            m[i].h = add(m[i].rights, m[i].deadline);
        } else if (rand() % 3 == 0) {
            assert_int_equal(handle_close(&t, m[i].h), NOS_OK);
            assert_int_equal(get(m[i].h, ~0u, 0), NOS_BAD_HANDLE);
            m[i].h = 0;
        } else {
            uint32_t need = (uint32_t)rand() & (uint32_t)rand() & NOS_RIGHT_ALL;
            nos_status_t want = m[i].deadline != 0 && m[i].deadline <= host_now ? NOS_EXPIRED
                                : (m[i].rights & need) != need                  ? NOS_DENIED
                                                                                : NOS_OK;
            assert_int_equal(get(m[i].h, REGION, need), want);
        }
    }
}

/* The way in line says yes only where the long one does, and never to a deadline. */
static void the_fast_look(void **state)
{
    struct handle_slot *s;
    (void)state;
    uint32_t h = add(NOS_RIGHT_MAP, 0), late = add(NOS_RIGHT_MAP, host_now + 10);
    assert_non_null(handle_fast(&t, h, HANDLE_WANT(REGION, NOS_RIGHT_MAP)));
    assert_int_equal(handle_get(&t, late, REGION, NOS_RIGHT_MAP, &s), NOS_OK);
    assert_null(handle_fast(&t, late, HANDLE_WANT(REGION, NOS_RIGHT_MAP)));
    assert_null(handle_fast(&t, h, HANDLE_WANT(ENDPOINT, NOS_RIGHT_MAP)));
    assert_null(handle_fast(&t, h, HANDLE_WANT(REGION, NOS_RIGHT_MAP | NOS_RIGHT_READ)));
    assert_null(handle_fast(&t, h + 0x10000, HANDLE_WANT(REGION, NOS_RIGHT_MAP)));
    assert_null(handle_fast(&t, h + HANDLES_MAX, HANDLE_WANT(REGION, NOS_RIGHT_MAP)));
    assert_null(handle_fast(&t, h + (1ull << 32), HANDLE_WANT(REGION, NOS_RIGHT_MAP)));
    assert_null(handle_fast(&t, 0, HANDLE_WANT(HANDLE_TYPE_ANY, 0)));
    assert_null(handle_fast(&t, (h & 0xffff) + HANDLES_PER_PAGE, HANDLE_WANT(REGION, 0)));
    assert_int_equal(handle_close(&t, h), NOS_OK);
    assert_null(handle_fast(&t, h, HANDLE_WANT(REGION, 0)));
}

/* capsule_open finds an ended capsule that only the reclaim queue still holds; the table must grow,
 * memory is short, and the shortage reclaims just that capsule. */
static void growing_keeps_what_is_added(void **state)
{
    static struct obj borrowed;
    uint32_t h = 0;
    (void)state;
    obj_init(&borrowed, NOS_TYPE_REGION);
    spare = frame_alloc(0);
    for (unsigned order = FRAME_ORDER_MAX + 1; order-- > 0;) {
        while (frame_alloc(order).v != 0) {
        }
    }
    reclaimable = &borrowed;
    assert_int_equal(handle_add(&t, &borrowed, 0, 0, NOS_ORIGIN_MADE, &h), NOS_OK);
    assert_int_equal(borrowed.refs, 1);
    assert_int_equal(destroyed, 0);
    assert_int_equal(handle_close(&t, h), NOS_OK);
    assert_int_equal(destroyed, 1);
    obj_init(&borrowed, NOS_TYPE_REGION);
    handle_table_init(&t, 1000, NOS_CLASS_ALL);
    assert_int_equal(handle_add(&t, &borrowed, 0, 0, NOS_ORIGIN_MADE, &h), NOS_NO_MEMORY);
    assert_int_equal(borrowed.refs, 1);  // and what was refused took nothing
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(refusals_in_order, setup),
        cmocka_unit_test_setup(forged_handles_name_nothing, setup),
        cmocka_unit_test_setup(a_stale_handle_never_comes_back, setup),
        cmocka_unit_test_setup(quota_then_table, setup),
        cmocka_unit_test_setup(references_balance, setup),
        cmocka_unit_test_setup(random_walk, setup),
        cmocka_unit_test_setup(the_fast_look, setup),
        cmocka_unit_test_setup(growing_keeps_what_is_added, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
