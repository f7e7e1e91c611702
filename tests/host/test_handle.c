/* Handle tables and cells: order of refusals, stale handles, rights, quotas, cuts; a random walk
 * against a model. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"
#include "tests/host/exhaust.h"

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

static bool ended;

bool obj_ended(const struct obj *o)
{
    (void)o;
    return ended;
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
    destroyed = opened = closed = gone = 0;
    ended = false;
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
    exhaust(0);
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

/* ---- cells ---- */

static uint32_t derive(struct handle_slot like, uint32_t depth)
{
    uint32_t h = 0;
    like.depth = (uint8_t)depth;
    assert_int_equal(handle_derive(&t, &like, &h), NOS_OK);
    return h;
}

static struct handle_slot *slot(uint32_t h)
{
    struct handle_slot *s = NULL;
    assert_int_equal(handle_get(&t, h, HANDLE_TYPE_ANY, 0, &s), NOS_OK);
    return s;
}

static bool is_fast(uint32_t h)
{
    return handle_fast(&t, h, HANDLE_WANT(REGION, 1)) != NULL;
}

/* Four below one another and no fifth; a cut in the middle takes what is below and nothing above,
 * and costs every other handle one long look. */
static void a_cut_takes_all_below_it(void **state)
{
    uint32_t h[5] = { add(1, 0) };
    via_t fifth;
    struct handle_slot *s;
    (void)state;
    for (uint32_t i = 1; i < 5; i++) {
        h[i] = derive(*slot(h[i - 1]), 4 - i);
    }
    assert_int_equal(cell_new(&t.cells, slot(h[4])->via, &fifth), NOS_DEPTH);
    assert_int_equal(cell_count(), 4);
    uint32_t copy;
    assert_int_equal(handle_insert(&t, slot(h[3]), &copy), NOS_OK);
    assert_false(is_fast(copy));  // it has a cell: looked at once
    assert_int_equal(get(copy, REGION, 1), NOS_OK);
    assert_true(is_fast(copy));
    cell_revoke(slot(h[2])->via);
    for (uint32_t i = 0; i < 5; i++) {
        assert_false(is_fast(h[i]));
        assert_int_equal(get(h[i], REGION, 1), i < 2 ? NOS_OK : NOS_REVOKED);
        assert_int_equal(is_fast(h[i]), i < 2);
        assert_int_equal(get(h[i], REGION, 2), i < 2 ? NOS_DENIED : NOS_REVOKED);
        assert_int_equal(get(h[i], ENDPOINT, 1), NOS_WRONG_TYPE);
    }
    assert_int_equal(handle_get(&t, copy, REGION, 1, &s), NOS_REVOKED);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(handle_close(&t, h[i]), NOS_OK);
    }
    assert_int_equal(cell_count(), 3);  // the copy still has three above it
    assert_int_equal(gone, 1);
    assert_int_equal(handle_close(&t, copy), NOS_OK);
    assert_int_equal(cell_count(), 0);
    assert_int_equal(gone, 4);
    assert_int_equal(t.cells.used, 0);
}

/* Somebody held a copy of a slot while its cell was cut. */
static void a_dead_slot_is_not_revived_by_a_copy(void **state)
{
    uint32_t h = add(1, 0), copy;
    (void)state;
    uint32_t child = derive(*slot(h), 3);
    struct handle_slot like = *slot(child);
    cell_revoke(like.via);
    assert_int_equal(handle_insert(&t, &like, &copy), NOS_OK);
    assert_false(is_fast(copy));
    assert_int_equal(get(copy, REGION, 1), NOS_REVOKED);
    handle_close_all(&t);
    assert_int_equal(cell_count(), 0);
}

/* A waiter remembers its cell by index and serial number. */
static void a_cell_that_went_is_known_by_its_number(void **state)
{
    uint32_t h = add(1, 0);
    (void)state;
    uint32_t child = derive(*slot(h), 0);
    via_t was = slot(child)->via;
    assert_int_equal(cell_look(was), CELL_ALIVE);
    assert_int_equal(handle_close(&t, child), NOS_OK);
    assert_int_equal(cell_look(was), CELL_GONE);  // its frame has gone back
    child = derive(*slot(h), 0);
    assert_int_equal(cell_index(slot(child)->via), cell_index(was));
    assert_int_equal(cell_look(was), CELL_GONE);
    assert_int_equal(cell_look(slot(child)->via), CELL_ALIVE);
    assert_true(cell_via(cell_index(was)) == slot(child)->via);
    handle_close_all(&t);
}

static void cells_are_paid_for(void **state)
{
    static struct handle_table heir;
    uint64_t frames = frame_stats().free;
    uint32_t h = add(1, 0), last = 0, kept;
    uint32_t early = 0;
    struct handle_slot *s;
    (void)state;
    handle_table_init(&heir, 1000, NOS_CLASS_ALL);
    t.cells.limit = 300;
    for (unsigned i = 0; i < 300; i++) {
        last = derive(*slot(h), 3);
        early = i == 50 ? last : early;
    }
    assert_true(cell_index(slot(last)->via) > 2 * CELLS_PER_PAGE);
    assert_int_equal(handle_close(&t, early), NOS_OK);
    assert_int_equal(handle_close(&t, last), NOS_OK);
    last = derive(*slot(h), 3);
    derive(*slot(h), 3);
    assert_true(cell_index(slot(last)->via) < CELLS_PER_PAGE);  // where there was room
    struct handle_slot like = *slot(h);
    uint32_t used = t.used, refs = thing.refs;
    assert_int_equal(handle_derive(&t, &like, &kept), NOS_QUOTA);
    t.cells.limit = 301;
    t.limit = used;
    assert_int_equal(handle_derive(&t, &like, &kept), NOS_QUOTA);  // no slot for it: no cell either
    assert_int_equal(cell_count(), 300);
    assert_int_equal(thing.refs, refs);
    assert_int_equal(handle_insert(&heir, slot(last), &kept), NOS_OK);
    handle_close_all(&t);
    assert_int_equal(t.cells.used, 0);
    assert_int_equal(cell_count(), 1);  // given away, paid for by nobody
    assert_int_equal(handle_get(&heir, kept, REGION, 1, &s), NOS_OK);
    assert_int_equal(heir.cells.used, 0);
    handle_close_all(&heir);
    assert_int_equal(t.cells.used, 0);  // not once more
    assert_int_equal(cell_count(), 0);
    assert_int_equal(frame_stats().free, frames);
}

/* A cut touches its own cell and nothing else, however many hang below it: of all memory one byte
 * changes, and every one of them is dead. */
static void a_cut_of_ten_thousand(void **state)
{
    enum { TABLES = 12, EACH = 900, BELOW = 10000 };
    static struct handle_table tables[TABLES];
    static uint8_t before[HOST_RAM];
    static uint32_t h[BELOW];
    struct handle_slot *s;
    uint32_t root = add(1, 0), n = 0, changed = 0;
    (void)state;
    uint32_t top = derive(*slot(root), 3);
    struct handle_slot like = *slot(top);
    for (uint32_t i = 0; i < TABLES; i++) {
        handle_table_init(&tables[i], HANDLES_MAX, NOS_CLASS_ALL);
    }
    for (; n < BELOW; n++) {
        like.depth = 0;
        assert_int_equal(handle_derive(&tables[n / EACH], &like, &h[n]), NOS_OK);
        assert_int_equal(handle_get(&tables[n / EACH], h[n], REGION, 1, &s), NOS_OK);
    }
    uint64_t epoch = cell_epoch;
    memcpy(before, (const void *)NOS_DIRECT_BASE, HOST_RAM);
    cell_revoke(like.via);
    for (size_t i = 0; i < HOST_RAM; i++) {
        changed += before[i] != ((const uint8_t *)NOS_DIRECT_BASE)[i];
    }
    assert_int_equal(changed, 1);
    assert_int_equal(cell_epoch, epoch + 1);
    for (n = 0; n < BELOW; n++) {
        assert_null(handle_fast(&tables[n / EACH], h[n], HANDLE_WANT(REGION, 1)));
        assert_int_equal(handle_get(&tables[n / EACH], h[n], REGION, 1, &s), NOS_REVOKED);
    }
    assert_int_equal(get(root, REGION, 1), NOS_OK);
    for (uint32_t i = 0; i < TABLES; i++) {
        handle_close_all(&tables[i]);
    }
    handle_close_all(&t);
    assert_int_equal(cell_count(), 0);
}

/* What a handle names has ended: looked at once after each cut, and refused. */
static void what_has_ended_is_revoked(void **state)
{
    uint32_t h = add(1, 0);
    (void)state;
    ended = true;
    assert_int_equal(get(h, REGION, 1), NOS_OK);  // not before somebody cuts
    cell_epoch++;
    assert_int_equal(get(h, REGION, 1), NOS_REVOKED);
    assert_int_equal(get(h, REGION, 1), NOS_REVOKED);
    ended = false;
    assert_int_equal(get(h, REGION, 1), NOS_OK);
    ended = true;
    assert_int_equal(get(h, REGION, 1), NOS_OK);  // once is enough
}

/* Every cell there can be, and the paths up from one. */
static void no_cell_is_left(void **state)
{
    static struct cell_account payer;
    static via_t all[CELL_PAGES * (CELLS_PER_PAGE - 1)];
    via_t via, path[CELL_DEPTH_MAX] = { 0 };
    (void)state;
    payer = (struct cell_account){ .limit = UINT32_MAX };
    assert_int_equal(cell_frames(), 0);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        via_t parent = i > 0 && i < CELL_DEPTH_MAX ? all[i - 1] : 0;
        assert_int_equal(cell_new(&payer, parent, &all[i]), NOS_OK);
    }
    assert_int_equal(cell_frames(), CELL_PAGES);
    assert_int_equal(cell_new(&payer, 0, &via), NOS_NO_MEMORY);
    assert_int_equal(cell_count(), ARRAY_LEN(all));
    assert_null(cell_path(0, path));
    assert_ptr_equal(cell_path(all[CELL_DEPTH_MAX - 1], path), &payer);
    assert_memory_equal(path, all, sizeof path);
    for (size_t i = ARRAY_LEN(all); i-- > 0;) {
        cell_put(all[i]);
    }
    assert_int_equal(cell_count(), 0);
    assert_int_equal(cell_frames(), 0);
}

/* 0 is the serial number of no cell. */
static void serial_numbers_go_round(void **state)
{
    struct cell_account payer = { .limit = 8 };
    via_t via[3], path[CELL_DEPTH_MAX];
    (void)state;
    assert_null(cell_path(0, path));
    last_cell = UINT32_MAX - 1;
    for (size_t i = 0; i < ARRAY_LEN(via); i++) {
        assert_int_equal(cell_new(&payer, 0, &via[i]), NOS_OK);
    }
    assert_int_equal(via[0] >> 32, UINT32_MAX);
    assert_int_equal(via[1] >> 32, 1);
    assert_int_equal(via[2] >> 32, 2);
    for (size_t i = 0; i < ARRAY_LEN(via); i++) {
        assert_int_equal(cell_look(via[i]), CELL_ALIVE);
        cell_put(via[i]);
    }
}

static void user_ranges(void **state)
{
    (void)state;
    assert_true(user_range(USER_MIN, 0) && user_range(USER_MIN, USER_MAX - USER_MIN));
    assert_true(user_range(USER_MAX - 1, 1) && user_range(USER_MAX, 0));
    assert_false(user_range(USER_MIN - 1, 1) || user_range(0, 0));
    assert_false(user_range(USER_MIN, USER_MAX - USER_MIN + 1) || user_range(USER_MAX, 1));
    assert_false(user_range(USER_MIN, USER_MAX + 1) || user_range(USER_MIN, UINT64_MAX));
    assert_false(user_range(UINT64_MAX, 1) || user_range(UINT64_MAX, UINT64_MAX));
}

static void no_memory_for_a_cell(void **state)
{
    uint32_t h = add(1, 0), child = derive(*slot(h), 3), out;
    via_t via;
    (void)state;
    while (cell_count() < CELLS_PER_PAGE - 1) {  // the frame that there is gets full
        derive(*slot(child), 0);
    }
    uint32_t used = t.used;
    exhaust(0);
    struct handle_slot like = *slot(child);
    assert_int_equal(handle_derive(&t, &like, &out), NOS_NO_MEMORY);
    assert_int_equal(cell_new(&t.cells, 0, &via), NOS_NO_MEMORY);
    assert_int_equal(t.cells.used, CELLS_PER_PAGE - 1);
    assert_int_equal(t.used, used);
    handle_close_all(&t);
    assert_int_equal(cell_count(), 0);
}

/* The class of the object, whatever the way in; and a network endpoint is of another class than an
 * endpoint. */
static void classes_gate_the_holding(void **state)
{
    static const struct {
        enum nos_type type;
        uint32_t cls;
    } want[] = {
        { NOS_TYPE_MODULE, NOS_CLASS_COREEXEC },  { NOS_TYPE_CAPSULE, NOS_CLASS_COREEXEC },
        { NOS_TYPE_THREAD, NOS_CLASS_COREEXEC },  { NOS_TYPE_ENDPOINT, NOS_CLASS_IPC },
        { NOS_TYPE_NOTIFICATION, NOS_CLASS_IPC }, { NOS_TYPE_REGION, NOS_CLASS_MEMORY },
        { NOS_TYPE_DEVICE, NOS_CLASS_IO },        { NOS_TYPE_IRQ, NOS_CLASS_IO },
        { NOS_TYPE_PORTS, NOS_CLASS_IO },         { NOS_TYPE_POWER, NOS_CLASS_IO },
        { NOS_TYPE_NODE, NOS_CLASS_COREEXEC },
    };
    uint32_t h;
    struct obj o;
    (void)state;
    _Static_assert(ARRAY_LEN(want) == NOS_TYPE_COUNT - 1, "every type");
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        obj_init(&o, want[i].type);
        struct handle_slot like = { .obj = &o, .rights = 1, .depth = 4 };
        t.classes = NOS_CLASS_ALL & ~want[i].cls;
        assert_int_equal(handle_add(&t, &o, 1, 0, NOS_ORIGIN_MADE, &h), NOS_NO_CLASS);
        assert_int_equal(handle_insert(&t, &like, &h), NOS_NO_CLASS);
        assert_int_equal(handle_derive(&t, &like, &h), NOS_NO_CLASS);
        assert_int_equal(o.refs, 1);
        assert_int_equal(cell_count(), 0);
        t.classes = want[i].cls;
        assert_int_equal(handle_add(&t, &o, 1, 0, NOS_ORIGIN_MADE, &h), NOS_OK);
        assert_int_equal(handle_close(&t, h), NOS_OK);
    }
    obj_init(&o, NOS_TYPE_ENDPOINT);
    o.classes = NOS_CLASS_NETWORK;
    t.classes = NOS_CLASS_IPC;
    assert_int_equal(handle_add(&t, &o, 1, 0, NOS_ORIGIN_MADE, &h), NOS_NO_CLASS);
}

/* ---- a handle that goes with a message ---- */

/* handle_can_move: one reason at a time. */
static void what_cannot_move(void **state)
{
    static struct handle_table to;
    struct obj end;
    uint32_t h;
    (void)state;
    obj_init(&end, NOS_TYPE_ENDPOINT);
    handle_table_init(&to, 4, NOS_CLASS_IPC);
    assert_int_equal(handle_add(&t, &end, NOS_RIGHT_CALL, 0, NOS_ORIGIN_MADE, &h), NOS_OK);
    struct handle_slot *s = slot(h);
    assert_false(handle_can_move(s, &to));  // no page yet
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t there;
        assert_int_equal(handle_add(&to, &end, 1, 0, NOS_ORIGIN_MADE, &there), NOS_OK);
    }
    assert_true(handle_can_move(s, &to));
    to.used = to.limit;
    assert_false(handle_can_move(s, &to));
    to.used = to.limit - 1;
    uint16_t free = to.free;
    to.free = 0;
    assert_false(handle_can_move(s, &to));
    to.free = free;
    to.classes = NOS_CLASS_ALL & ~NOS_CLASS_IPC;
    assert_false(handle_can_move(s, &to));
    to.classes = NOS_CLASS_ALL;
    s->rights = NOS_RIGHT_RECV;
    assert_false(handle_can_move(s, &to));
    s->rights = NOS_RIGHT_CALL;
    s->type = REGION;
    assert_false(handle_can_move(s, &to));
    s->type = ENDPOINT;
    static const struct {
        uint32_t tag;
        bool may;
    } tags[] = { { HANDLE_TAG_MAX - 2, true }, { HANDLE_TAG_MAX - 1, false } };
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        s->name = (h & HANDLE_TAG_MAX) | tags[i].tag << HANDLE_TAG_SHIFT;
        assert_int_equal(handle_can_move(s, &to), tags[i].may);
    }
    s->name = h;
    assert_true(handle_can_move(s, &to));
}

/* handle_move: every field there, nothing here, and both lists of free slots go on. */
static void a_move_leaves_nothing_behind(void **state)
{
    static struct handle_table to;
    struct obj end;
    uint32_t h, other, next;
    (void)state;
    obj_init(&end, NOS_TYPE_ENDPOINT);
    handle_table_init(&to, 8, NOS_CLASS_ALL);
    assert_int_equal(handle_add(&to, &end, 1, 0, NOS_ORIGIN_MADE, &other), NOS_OK);
    const struct handle_slot like = { .obj = &end,
                                      .rights = NOS_RIGHT_CALL | NOS_RIGHT_TRANSFER,
                                      .origin = NOS_ORIGIN_MADE,
                                      .depth = 3,
                                      .badge = 77 };
    assert_int_equal(handle_derive(&t, &like, &h), NOS_OK);
    struct handle_slot *s = slot(h), *d = NULL;
    via_t via = s->via;
    uint32_t used = t.used, used_there = to.used, refs = end.refs;
    uint16_t here_free = t.free, free_there = to.free;
    uint16_t after = handle_place(&to, free_there)->next_free;
    handle_place(&to, free_there)->origin = NOS_ORIGIN_MADE;

    uint32_t name = handle_move(&t, s, NOS_RIGHT_CALL | NOS_RIGHT_RECV, &to);
    assert_int_equal(name & HANDLE_TAG_MAX, free_there);
    assert_int_equal(to.free, after);
    assert_int_equal(to.used, used_there + 1);
    assert_int_equal(end.refs, refs);
    assert_non_null(handle_fast(&to, name, HANDLE_WANT(ENDPOINT, NOS_RIGHT_CALL)));
    assert_int_equal(handle_get(&to, name, ENDPOINT, NOS_RIGHT_CALL, &d), NOS_OK);
    assert_ptr_equal(d->obj, &end);
    assert_int_equal(d->rights, NOS_RIGHT_CALL);  // of what was asked only what was had
    assert_int_equal(d->type, ENDPOINT);
    assert_int_equal(d->next_free, 0);
    assert_int_equal(d->origin, NOS_ORIGIN_MESSAGE);
    assert_int_equal(d->depth, 3);
    assert_int_equal(d->badge, 77);
    assert_true(d->via == via);

    assert_null(s->obj);
    assert_true(s->has == 0 && s->epoch == 0 && s->badge == 0 && s->via == 0);
    assert_int_equal(s->name, h + (1u << HANDLE_TAG_SHIFT));
    assert_int_equal(s->next_free, here_free);
    assert_int_equal(t.free, h & HANDLE_TAG_MAX);
    assert_int_equal(t.used, used - 1);
    assert_int_equal(get(h, ~0u, 0), NOS_BAD_HANDLE);
    assert_int_equal(handle_add(&t, &end, 1, 0, NOS_ORIGIN_MADE, &next), NOS_OK);
    assert_int_equal(next, h + (1u << HANDLE_TAG_SHIFT));
    handle_close_all(&to);
    handle_close_all(&t);
    assert_int_equal(cell_count(), 0);
    assert_int_equal(end.refs, 1);
}

/* ---- what a revocation leaves behind ---- */

static uint32_t derive_of(struct obj *o, uint32_t rights)
{
    const struct handle_slot like = { .obj = o, .rights = rights, .depth = 2 };
    uint32_t h = 0;
    assert_int_equal(handle_derive(&t, &like, &h), NOS_OK);
    return h;
}

/* Only what a cell is over, and what keeps something from others, is counted; and uncounted once.
 */
static void keepers_are_counted(void **state)
{
    struct obj end, region, bell;
    uint32_t before = handle_derived_keepers(), h;
    (void)state;
    obj_init(&end, NOS_TYPE_ENDPOINT);
    obj_init(&bell, NOS_TYPE_NOTIFICATION);
    obj_init(&region, NOS_TYPE_REGION);
    const struct {
        struct obj *o;
        uint32_t rights;
        bool derived;
        uint32_t counts;
    } rows[] = {
        { &end, NOS_RIGHT_RECV, true, 1 },    { &end, NOS_RIGHT_RECV, false, 0 },
        { &end, NOS_RIGHT_CALL, true, 0 },    { &bell, NOS_RIGHT_RECV, true, 0 },
        { &region, NOS_RIGHT_RECV, true, 1 }, { &region, NOS_RIGHT_MAP, true, 1 },
        { &region, NOS_RIGHT_MAP, false, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].derived) {
            h = derive_of(rows[i].o, rows[i].rights);
        } else {
            assert_int_equal(handle_add(&t, rows[i].o, rows[i].rights, 0, NOS_ORIGIN_MADE, &h),
                             NOS_OK);
        }
        assert_int_equal(handle_derived_keepers(), before + rows[i].counts);
        assert_int_equal(handle_close(&t, h), NOS_OK);
        assert_int_equal(handle_derived_keepers(), before);
    }
}

static void the_dead_keep_nothing(void **state)
{
    struct obj end, region;
    uint32_t before = handle_derived_keepers(), at = 0;
    struct handle_slot *s;
    (void)state;
    obj_init(&end, NOS_TYPE_ENDPOINT);
    obj_init(&region, NOS_TYPE_REGION);
    uint32_t server = derive_of(&end, NOS_RIGHT_RECV | NOS_RIGHT_CALL);
    uint32_t client = derive_of(&end, NOS_RIGHT_CALL);
    uint32_t frames = derive_of(&region, NOS_RIGHT_MAP);
    uint32_t alive = derive_of(&region, NOS_RIGHT_MAP);
    cell_revoke(slot(server)->via);
    cell_revoke(handle_place(&t, client)->via);
    cell_revoke(handle_place(&t, frames)->via);
    closed = 0;
    for (unsigned twice = 0; twice < 2; twice++) {  // the second walk finds nothing to do
        at = 0;
        assert_true(handle_retire_step(&t, &at));
        assert_int_equal(at, t.capacity);
        assert_int_equal(handle_derived_keepers(), before + 1);
        assert_int_equal(closed, 1);  // of the server
        assert_int_equal(region.refs, 2);
        assert_ptr_equal(handle_place(&t, frames)->obj, &no_region.obj);
        assert_int_equal(no_region.obj.refs, 2);
        assert_int_equal(handle_place(&t, server)->rights, NOS_RIGHT_CALL);
        assert_int_equal(handle_place(&t, client)->rights, NOS_RIGHT_CALL);
    }
    assert_int_equal(handle_get(&t, frames, ~0u, 0, &s), NOS_REVOKED);
    assert_int_equal(handle_get(&t, alive, REGION, NOS_RIGHT_MAP, &s), NOS_OK);
    handle_close_all(&t);
    assert_int_equal(handle_derived_keepers(), before);
    assert_int_equal(no_region.obj.refs, 1);
    assert_int_equal(end.refs, 1);
    assert_int_equal(region.refs, 1);
    assert_int_equal(cell_count(), 0);
}

/* 256 slots at once, of those that there are. */
static void a_walk_in_steps(void **state)
{
    uint32_t at = 0, h, steps = 1;
    struct handle_slot *s;
    (void)state;
    for (uint32_t i = 1; i < 10 * HANDLES_PER_PAGE; i++) {
        add(i, 0);
        h = 0;
        assert_int_equal(handle_nth(&t, i - 1, &h, &s), NOS_OK);
        assert_int_equal(s->rights, i);
        assert_int_equal(h, s->name);
    }
    assert_int_equal(t.capacity, 10 * HANDLES_PER_PAGE);
    assert_int_equal(handle_nth(&t, 10 * HANDLES_PER_PAGE - 1, &h, &s), NOS_NOT_FOUND);
    while (!handle_retire_step(&t, &at)) {
        assert_int_equal(at, 256 * steps++);
    }
    assert_int_equal(steps, 3);
    assert_int_equal(at, t.capacity);
    assert_true(handle_retire_step(&t, &at));
    assert_int_equal(at, t.capacity);
    handle_close_all(&t);
    assert_int_equal(t.capacity, 0);
    assert_int_equal(t.free, 0);
    for (uint32_t i = 0; i < HANDLE_PAGES; i++) {
        assert_ptr_equal(t.page[i], absent);
    }
    assert_int_equal(handle_close(&t, HANDLES_PER_PAGE), NOS_BAD_HANDLE);
    const struct handle_slot like = { .obj = &thing, .next_free = 9 };  // as a free one's may be
    assert_int_equal(handle_insert(&t, &like, &h), NOS_OK);
    assert_int_equal(slot(h)->next_free, 0);
    assert_int_equal(handle_close(&t, h ^ 1u << HANDLE_TAG_SHIFT), NOS_BAD_HANDLE);
    assert_int_equal(handle_close(&t, h), NOS_OK);
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
        cmocka_unit_test_setup(a_cut_takes_all_below_it, setup),
        cmocka_unit_test_setup(a_dead_slot_is_not_revived_by_a_copy, setup),
        cmocka_unit_test_setup(a_cell_that_went_is_known_by_its_number, setup),
        cmocka_unit_test_setup(cells_are_paid_for, setup),
        cmocka_unit_test_setup(a_cut_of_ten_thousand, setup),
        cmocka_unit_test_setup(no_memory_for_a_cell, setup),
        cmocka_unit_test_setup(what_has_ended_is_revoked, setup),
        cmocka_unit_test_setup(no_cell_is_left, setup),
        cmocka_unit_test_setup(serial_numbers_go_round, setup),
        cmocka_unit_test(user_ranges),
        cmocka_unit_test_setup(what_cannot_move, setup),
        cmocka_unit_test_setup(a_move_leaves_nothing_behind, setup),
        cmocka_unit_test_setup(keepers_are_counted, setup),
        cmocka_unit_test_setup(the_dead_keep_nothing, setup),
        cmocka_unit_test_setup(a_walk_in_steps, setup),
        cmocka_unit_test_setup(classes_gate_the_holding, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
