/* The kernel's check of itself says nothing of a machine in order, and names what is broken: each
 * thing that it compares is broken here on purpose. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#define HOST_HAS_CAPSULES
#include "tests/host/kernel_host_impl.h"

#include "kernel/memory/frame.c"
#include "kernel/object/cell.c"
#include "kernel/object/handle.c"
#include "kernel/object/object.c"
#include "kernel/runtime/check.c"

struct thread *thread_table[THREADS_MAX];
uint32_t thread_top;
static uint64_t n_threads;

uint64_t thread_count(void)
{
    return n_threads;
}

bool up_reclaim(void)
{
    return false;
}

void cell_gone(void)
{
}

#include "tests/host/objects_host.h"

static void destroy_nothing(struct obj *o)
{
    (void)o;
}

void (*const obj_destroy[NOS_TYPE_COUNT])(struct obj *) = {
    [NOS_TYPE_ENDPOINT] = destroy_nothing,
    [NOS_TYPE_NOTIFICATION] = destroy_nothing,
    [NOS_TYPE_REGION] = destroy_nothing,
};

/* ---- two capsules, in order ---- */

enum { THREADS = 3, AREAS = 3 };
static struct capsule cap[2];
static struct thread th[THREADS]; /* of the second */
static struct obj endpoint, note, region;
static struct handle_slot *plain, *derived; /* of the second */

struct capsule *capsule_nth(uint32_t n)
{
    return n < 2 ? &cap[n] : NULL;
}

struct capsule *capsule_find(uint32_t id)
{
    return id == 0 || id > 2 ? NULL : &cap[id - 1];
}

static struct handle_slot *slot_of(uint32_t h)
{
    struct handle_slot *s = NULL;
    assert_int_equal(handle_get(&cap[1].handles, h, ~0u, 0, &s), NOS_OK);
    return s;
}

static void fill_table(void)
{
    uint32_t h = 0;
    assert_int_equal(handle_add(&cap[1].handles, &note, NOS_RIGHT_ALL, 0, NOS_ORIGIN_MADE, &h),
                     NOS_OK);
    plain = slot_of(h);
    assert_int_equal(handle_derive(&cap[1].handles, plain, &h), NOS_OK);
    derived = slot_of(h);
}

static void start_threads(void)
{
    memset(th, 0, sizeof th);
    memset(thread_table, 0, sizeof thread_table);
    for (unsigned i = 0; i < THREADS; i++) {
        th[i] = (struct thread){ .capsule = &cap[1], .index = 10 + i, .state = THREAD_READY };
        th[i].sibling = cap[1].threads;
        cap[1].threads = &th[i];
        thread_table[10 + i] = &th[i];
    }
    cap[1].n_threads = THREADS;
    n_threads = THREADS;
    thread_top = 10 + THREADS;
}

static void lay_areas(void)
{
    struct space *s = &cap[1].space;
    s->area = s->first;
    s->n_areas = AREAS;
    s->pages = s->limit = 7;
    s->first[0] = (struct area){ .va = 0x10000, .pages = 2, .kind = AREA_PRIVATE };
    s->first[1] = (struct area){ .va = 0x12000, .pages = 1, .kind = AREA_BORROWED };
    s->first[1].owner = &region;
    s->first[2] = (struct area){ .va = 0x20000, .pages = 4, .kind = AREA_PRIVATE };
}

static int setup(void **state)
{
    (void)state;
    host_start();
    memset(head, 0, sizeof head);
    memset(&stats, 0, sizeof stats);
    memset(cell_page, 0, sizeof cell_page);
    in_use = first_with_room = derived_keepers = 0;
    frame_init(&host_bi);
    for (uint32_t i = 0; i < 2; i++) {
        cap[i] = (struct capsule){ .id = i + 1, .state = NOS_CAPSULE_RUNNING };
        handle_table_init(&cap[i].handles, 10, NOS_CLASS_ALL);
    }
    cap[0].next = &cap[1];
    obj_init(&endpoint, NOS_TYPE_ENDPOINT);
    obj_init(&note, NOS_TYPE_NOTIFICATION);
    obj_init(&region, NOS_TYPE_REGION);
    fill_table();
    start_threads();
    lay_areas();
    return 0;
}

/* What is said of part `index`, and that the other parts are in order. */
static const char *said(uint64_t index)
{
    static struct nos_check_info info;
    const char *all = "";
    for (uint64_t i = 0; i <= 2; i++) {
        static struct nos_check_info one;
        assert_int_equal(check_record(i, &one), NOS_OK);
        assert_int_equal(one.capsule, i);
        if (i == index) {
            info = one;
            all = info.broken;
        } else {
            assert_string_equal(one.broken, "");
        }
    }
    return all;
}

static void in_order(void **state)
{
    (void)state;
    struct nos_check_info info;
    for (uint64_t i = 0; i <= 2; i++) {
        assert_string_equal(said(i), "");
    }
    assert_int_equal(check_record(3, &info), NOS_NOT_FOUND);
    assert_int_equal(check_record(1ull << 32, &info), NOS_NOT_FOUND);
    assert_int_equal(check_record(UINT64_MAX, &info), NOS_NOT_FOUND);
    cell_revoke(derived->via);  // a dead handle is in order
    assert_string_equal(said(2), "");
    cap[1].space.pages = 9;  // so is what is being given back
    handle_close_all(&cap[1].handles);
    cap[1].state = NOS_CAPSULE_KILLED;
    assert_string_equal(said(2), "");
}

static void handles(void **state)
{
    (void)state;
    plain->type = 1u << NOS_TYPE_ENDPOINT;
    assert_string_equal(said(2), "handle: object");
    plain->type = 1u << NOS_TYPE_NOTIFICATION | 1u << NOS_TYPE_ENDPOINT;
    assert_string_equal(said(2), "handle: object");
    plain->type = 1u << NOS_TYPE_NOTIFICATION;
    uint32_t refs = note.refs;
    note.refs = 0;
    assert_string_equal(said(2), "handle: object");
    note.refs = refs;
    via_t via = derived->via;
    derived->via += 1ull << 32;  // a cell of that place, but another one
    assert_string_equal(said(2), "handle: cell");
    derived->via = 300;  // a page of cells that is not there
    assert_string_equal(said(2), "handle: cell");
    derived->via = via;
    cap[1].handles.used++;
    assert_string_equal(said(2), "handle table: count");
    cap[1].handles.used -= 2;
    assert_string_equal(said(2), "handle table: count");
    cap[1].handles.used++;
    cap[1].handles.limit = 1;
    assert_string_equal(said(2), "handle table: count");
    cap[1].handles.limit = 2;
    assert_string_equal(said(2), "");
    cap[1].state = NOS_CAPSULE_CRASHED;
    assert_string_equal(said(2), "handle table: of an ended capsule");
}

static void threads(void **state)
{
    (void)state;
    th[1].capsule = &cap[0];
    assert_string_equal(said(2), "thread: owner");
    th[1].capsule = &cap[1];
    th[1].index = 12;
    assert_string_equal(said(2), "thread: owner");
    th[1].index = 11;
    cap[1].n_threads = 2;
    assert_string_equal(said(2), "threads: count");
    cap[1].n_threads = 4;
    assert_string_equal(said(2), "threads: count");
    cap[1].n_threads = 3;
    th[0].sibling = &th[2];  // the list runs in a circle
    assert_string_equal(said(2), "threads: count");
    th[0].sibling = NULL;
    assert_string_equal(said(2), "");
}

static void waits(void **state)
{
    (void)state;
    const struct {
        enum thread_state state;
        struct obj *on;
        struct thread *worker;
        bool well;
    } rows[] = {
        { THREAD_NOTE, &note, NULL, true },     { THREAD_NOTE, &endpoint, NULL, false },
        { THREAD_NOTE, NULL, NULL, false },     { THREAD_CALL, &endpoint, NULL, true },
        { THREAD_CALL, &note, NULL, false },    { THREAD_CALL, NULL, NULL, false },
        { THREAD_SEND, &endpoint, NULL, true }, { THREAD_SEND, &note, NULL, false },
        { THREAD_SEND, NULL, NULL, false },     { THREAD_RECV, &endpoint, NULL, true },
        { THREAD_RECV, &note, NULL, false },    { THREAD_RECV, NULL, NULL, false },
        { THREAD_REPLY, NULL, &th[0], true },   { THREAD_REPLY, NULL, NULL, false },
        { THREAD_READY, NULL, NULL, true },     { THREAD_RUNNING, NULL, NULL, true },
        { THREAD_SLEEP, NULL, NULL, true },     { THREAD_DEAD, NULL, NULL, false },
        { (enum thread_state)77, 0, 0, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        th[1].state = rows[i].state;
        th[1].waits_on = rows[i].on;
        th[1].worker = rows[i].worker;
        if (strcmp(said(2), rows[i].well ? "" : "thread: wait") != 0) {
            fail_msg("row %zu: %s", i, said(2));
        }
    }
    struct thread dead = { .state = THREAD_DEAD };
    th[1].state = THREAD_REPLY;
    th[1].worker = &dead;
    assert_string_equal(said(2), "thread: wait");
}

static void spaces(void **state)
{
    (void)state;
    struct space *s = &cap[1].space;
    s->first[1].va -= PAGE_SIZE;
    assert_string_equal(said(2), "space: areas overlap");
    s->first[1].va += PAGE_SIZE;
    s->first[0].pages = 3;
    assert_string_equal(said(2), "space: areas overlap");
    s->first[0].pages = 2;
    s->first[2].kind = AREA_NONE;
    assert_string_equal(said(2), "space: areas overlap");
    s->first[2].kind = AREA_PRIVATE;
    s->first[2].owner = &region;
    assert_string_equal(said(2), "space: owner");
    s->first[2].owner = NULL;
    s->first[1].owner = NULL;
    assert_string_equal(said(2), "space: owner");
    s->first[1].owner = &region;
    region.refs = 0;
    assert_string_equal(said(2), "space: owner");
    region.refs = 1;
    s->pages = 8;
    assert_string_equal(said(2), "space: above its limit");
    s->pages = 7;
    assert_string_equal(said(2), "");
}

static void machine(void **state)
{
    (void)state;
    n_threads++;
    assert_string_equal(said(0), "threads: count of the machine");
    n_threads -= 2;
    assert_string_equal(said(0), "threads: count of the machine");
    n_threads++;
    in_use--;
    assert_string_equal(said(0), "cells: more paid for than there are");
    in_use++;
    uint64_t *counts[] = { &stats.free, &stats.dirty_free, &stats.deferred };
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        ++*counts[i];
        assert_string_equal(said(0), "frames: free lists");
        --*counts[i];
    }
    paddr_t frame = frame_alloc(0);  // a free block whose mark is another state's
    assert_int_not_equal(frame.v, 0);
    frame_free(frame, 0);
    assert_string_equal(said(0), "");
    uint32_t block = 0;
    for (unsigned o = 0; o <= FRAME_ORDER_MAX && block == 0; o++) {
        block = head[ST_ZERO][o];
    }
    assert_int_not_equal(block, 0);
    uint32_t next = next_of(block), prev = prev_of(block);
    unsigned order = order_of(block);
    set(block, next, prev, order, ST_DIRTY);
    assert_string_equal(said(0), "frames: free lists");
    set(block, next, prev, order, ST_ZERO);
    assert_string_equal(said(0), "");
    cap[0].handles.cells.used = 5;  // whose account it is does not matter
    assert_string_equal(said(0), "cells: more paid for than there are");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(in_order), TEST(handles), TEST(threads), TEST(waits), TEST(spaces), TEST(machine),
    };
    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
