/* kernel/syscall/handle.c: what may be made of a handle, and what not. */
#include "tests/host/syscall_host.h"

#include "kernel/syscall/handle.c"

static struct obj an_ep, a_region;

static struct nos_handle_info described;

void handle_describe(uint32_t h, const struct handle_slot *slot, struct nos_handle_info *out)
{
    *out = described;
    out->handle = h;
    out->rights = slot->rights;
}

static int fresh(void **state)
{
    fresh_caller(state);
    obj_init(&an_ep, NOS_TYPE_ENDPOINT);
    obj_init(&a_region, NOS_TYPE_REGION);
    return 0;
}

enum { RIGHTS = NOS_RIGHT_DUP | NOS_RIGHT_CALL | NOS_RIGHT_TRANSFER };

static nos_status_t dup_of(uint32_t h, uint64_t rights, uint64_t ttl)
{
    args(h, rights, ttl);
    return sys_handle_dup(&me, saved, slot_of(h));
}

static void close_one(void **state)
{
    uint32_t h = hold(&an_ep, RIGHTS);
    (void)state;
    args(1ull << 32 | h, 0, 0);
    assert_int_equal(sys_handle_close(&me, saved, NULL), NOS_BAD_HANDLE);
    assert_int_equal(mine.handles.used, 1);
    args(h, 0, 0);
    assert_int_equal(sys_handle_close(&me, saved, NULL), NOS_OK);
    assert_int_equal(mine.handles.used, 0);
    assert_int_equal(an_ep.refs, 1);
    assert_int_equal(sys_handle_close(&me, saved, NULL), NOS_BAD_HANDLE);
    args(UINT32_MAX, 0, 0);
    assert_int_equal(sys_handle_close(&me, saved, NULL), NOS_BAD_HANDLE);
}

static void narrower(void **state)
{
    uint32_t h = hold_cell(&an_ep, RIGHTS);
    (void)state;
    slot_of(h)->badge = 5;
    slot_of(h)->depth = 2;
    assert_int_equal(dup_of(h, NOS_RIGHT_CALL, 0), NOS_OK);
    assert_int_not_equal(saved->w[0], h);
    via_t via = slot_of(h)->via;
    struct handle_slot s = given(&an_ep);
    assert_int_equal(s.rights, NOS_RIGHT_CALL);
    assert_int_equal(s.origin, NOS_ORIGIN_DUP);
    assert_int_equal(s.deadline_ns, 0);
    assert_int_equal(s.badge, 5);
    assert_int_equal(s.depth, 2);
    assert_int_equal(s.via, via);
    assert_int_equal(an_ep.refs, 2);
    assert_int_equal(dup_of(h, RIGHTS, 0), NOS_OK);  // all of it
    assert_int_equal(given(&an_ep).rights, RIGHTS);
    assert_int_equal(dup_of(h, 0, 0), NOS_OK);  // and nothing
    assert_int_equal(given(&an_ep).rights, 0);
}

static void never_wider(void **state)
{
    uint32_t h = hold(&an_ep, RIGHTS);
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t one = 1ull << bit;
        nos_status_t want = (one & NOS_RIGHT_ALL) == 0 ? NOS_INVALID
                            : (one & RIGHTS) == 0      ? NOS_DENIED
                                                       : NOS_OK;
        assert_int_equal(dup_of(h, one, KEEP), want);
        if (want == NOS_OK) {
            (void)given(&an_ep);
        } else {
            assert_int_equal(saved->w[0], KEEP);
        }
        assert_int_equal(mine.handles.used, 1);
        assert_int_equal(an_ep.refs, 2);
    }
    uint32_t was = no_more_handles();
    assert_int_equal(dup_of(h, RIGHTS, KEEP), NOS_QUOTA);
    assert_int_equal(saved->w[0], KEEP);
    mine.handles.limit = was;
}

/* The end is never moved back, whatever is asked. */
static void deadlines(void **state)
{
    static const struct {
        uint64_t had, ttl, gets;
    } rows[] = {
        { 0, 0, 0 },
        { 0, 500, 1500 },
        { 2000, 0, 2000 },
        { 2000, 500, 1500 },
        { 2000, 1000, 2000 },
        { 2000, 1001, 2000 },
        { 2000, 999, 1999 },
        { 0, 1, 1001 },
        { 0, UINT64_MAX - 1000, UINT64_MAX },
        { 2000, UINT64_MAX - 1000, 2000 },
    };
    uint32_t h = hold(&an_ep, RIGHTS);
    struct handle_slot *s = slot_of(h);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        s->deadline_ns = rows[i].had;
        args(h, RIGHTS, rows[i].ttl);
        assert_int_equal(sys_handle_dup(&me, saved, s), NOS_OK);
        assert_int_equal(given(&an_ep).deadline_ns, rows[i].gets);
        args(h, RIGHTS, rows[i].ttl);
        saved->w[1] = saved->w[2] = 0;
        assert_int_equal(sys_cap_derive(&me, saved, s), NOS_OK);
        assert_int_equal(given(&an_ep).deadline_ns, rows[i].gets);
    }
    s->deadline_ns = 0;
    assert_int_equal(dup_of(h, RIGHTS, UINT64_MAX - 999), NOS_INVALID);
    assert_int_equal(saved->w[0], UINT64_MAX - 999);
}

static nos_status_t derive(uint32_t h, uint64_t rights, uint64_t badge, uint64_t depth)
{
    args(h, rights, 0);
    saved->w[1] = badge;
    saved->w[2] = depth;
    return sys_cap_derive(&me, saved, slot_of(h));
}

static void derived(void **state)
{
    uint32_t h = hold(&an_ep, RIGHTS);
    (void)state;
    assert_int_equal(slot_of(h)->via, 0);
    assert_int_equal(derive(h, NOS_RIGHT_CALL | NOS_RIGHT_REVOKE, 9, 3), NOS_OK);
    uint32_t child = (uint32_t)saved->w[0];
    struct handle_slot *s = slot_of(child);
    assert_ptr_equal(s->obj, &an_ep);
    assert_int_equal(s->rights, NOS_RIGHT_CALL | NOS_RIGHT_REVOKE);  // its own cell's, if it likes
    assert_int_equal(s->badge, 9);
    assert_int_equal(s->depth, 3);
    assert_int_equal(s->origin, NOS_ORIGIN_DERIVE);
    assert_int_not_equal(s->via, 0);
    assert_int_equal(cell_count(), 1);
    assert_int_equal(slot_of(h)->badge, 0);

    assert_int_equal(derive(child, NOS_RIGHT_CALL, 1, 0), NOS_DENIED);  // a badge over a badge
    assert_int_equal(derive(child, NOS_RIGHT_CALL, 9, 0), NOS_DENIED);  // though it be the same
    assert_int_equal(derive(child, NOS_RIGHT_CALL, 0, 3), NOS_DEPTH);
    assert_int_equal(derive(child, NOS_RIGHT_CALL, 0, 1ull << 32), NOS_DEPTH);
    assert_int_equal(derive(child, NOS_RIGHT_DUP, 0, 0), NOS_DENIED);
    assert_int_equal(derive(child, 1u << 5, 0, 0), NOS_INVALID);
    assert_int_equal(cell_count(), 1);
    assert_int_equal(derive(child, NOS_RIGHT_CALL, 0, 2), NOS_OK);
    s = slot_of(saved->w[0]);
    assert_int_equal(s->badge, 9);  // what the receiver sees goes on
    assert_int_equal(s->depth, 2);
    uint32_t grandchild = (uint32_t)saved->w[0];
    assert_int_equal(derive(grandchild, 0, 0, 1), NOS_OK);
    assert_int_equal(derive((uint32_t)saved->w[0], 0, 0, 0), NOS_OK);
    assert_int_equal(cell_count(), 4);
    uint32_t was = no_more_handles();
    args(h, 0, KEEP);
    saved->w[1] = saved->w[2] = 0;
    assert_int_equal(sys_cap_derive(&me, saved, slot_of(h)), NOS_QUOTA);
    assert_int_equal(saved->w[0], KEEP);
    assert_int_equal(cell_count(), 4);
    mine.handles.limit = was;
}

static void badges_are_for_endpoints(void **state)
{
    uint32_t h = hold(&a_region, NOS_RIGHT_READ);
    (void)state;
    assert_int_equal(derive(h, NOS_RIGHT_READ, 1, 0), NOS_INVALID);
    assert_int_equal(derive(h, NOS_RIGHT_WRITE, 1, 0), NOS_INVALID);  // said before the rights
    assert_int_equal(derive(h, NOS_RIGHT_READ, 0, 0), NOS_OK);
    assert_int_equal(given(&a_region).badge, 0);
    assert_int_equal(derive(h, NOS_RIGHT_WRITE, 0, 0), NOS_DENIED);
}

static void revoked(void **state)
{
    uint32_t plain = hold(&an_ep, RIGHTS);
    struct handle_slot *s;
    (void)state;
    me.cursor = 9;
    assert_int_equal(sys_cap_revoke(&me, saved, slot_of(plain)), NOS_BAD_STATE);
    assert_int_equal(me.cont, CONT_NONE);
    assert_int_equal(me.cursor, 9);
    uint32_t h = hold_cell(&an_ep, RIGHTS);
    assert_int_equal(sys_cap_revoke(&me, saved, slot_of(h)), NOS_OK);
    assert_int_equal(me.cont, CONT_REVOKE);
    assert_int_equal(me.cursor, 0);
    assert_int_equal(handle_get(&mine.handles, h, HANDLE_TYPE_ANY, 0, &s), NOS_REVOKED);
    assert_int_equal(handle_get(&mine.handles, plain, HANDLE_TYPE_ANY, 0, &s), NOS_OK);
}

static void looked_at(void **state)
{
    uint32_t h = hold(&an_ep, RIGHTS);
    struct nos_handle_info *info = (void *)user;
    (void)state;
    memset(&described, 0x5a, sizeof described);
    args(h, USER_AT, sizeof described - 1);
    assert_int_equal(sys_handle_info(&me, saved, slot_of(h)), NOS_TOO_BIG);
    args(h, USER_AT, sizeof described + 1);
    assert_int_equal(sys_handle_info(&me, saved, slot_of(h)), NOS_TOO_BIG);
    assert_int_equal(user[0], 0xee);
    args(h, 0, sizeof described);
    assert_int_equal(sys_handle_info(&me, saved, slot_of(h)), NOS_BAD_ADDRESS);
    args(h, USER_AT, sizeof described);
    assert_int_equal(sys_handle_info(&me, saved, slot_of(h)), NOS_OK);
    assert_int_equal(info->handle, h);
    assert_int_equal(info->rights, RIGHTS);
    assert_int_equal(user[sizeof described], 0xee);
    assert_int_equal(user[sizeof described - 1], 0x5a);
}

static void filters(void **state)
{
    (void)state;
    mine.filter[0] = 0xff0f;
    mine.filter[1] = 0xf00f;
    args(0x0ff1, 0x3003, 0);
    assert_int_equal(sys_filter_narrow(&me, saved, NULL), NOS_OK);
    assert_int_equal(mine.filter[0], 0x0f01);
    assert_int_equal(mine.filter[1], 0x3003);
    args(UINT64_MAX, UINT64_MAX, 0);  // no way back
    assert_int_equal(sys_filter_narrow(&me, saved, NULL), NOS_OK);
    assert_int_equal(mine.filter[0], 0x0f01);
    assert_int_equal(mine.filter[1], 0x3003);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, drop_caller)
    const struct CMUnitTest tests[] = {
        TEST(close_one), TEST(narrower),  TEST(never_wider),
        TEST(deadlines), TEST(derived),   TEST(badges_are_for_endpoints),
        TEST(revoked),   TEST(looked_at), TEST(filters),
    };
    return cmocka_run_group_tests_name("sys_handle", tests, NULL, NULL);
}
