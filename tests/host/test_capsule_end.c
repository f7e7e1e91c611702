/* A capsule's end, and what is given back when: kernel/runtime/capsule.c. */
#include "tests/host/capsule_host.h"

static void every_end(void **state)
{
    static const struct {
        enum nos_capsule_state how;
        enum nos_audit_kind kind;
        uint64_t code;
        const char *word;
    } rows[] = {
        { NOS_CAPSULE_EXITED, NOS_AUDIT_EXIT, 0, NULL },
        { NOS_CAPSULE_EXITED, NOS_AUDIT_EXIT, 5, "amodule: exited with code 5" },
        { NOS_CAPSULE_CRASHED, NOS_AUDIT_CRASH, 7, NULL },
        { NOS_CAPSULE_KILLED, NOS_AUDIT_KILL, 0, "amodule: killed" },
    };
    static struct capsule by;
    (void)state;
    by_thread = (struct thread){ .capsule = &by };
    for (unsigned i = 0; i < 2 * ARRAY_LEN(rows); i++) {
        bool somebody = i % 2 != 0;
        struct capsule *c = started(0);
        cpus[0].current = somebody ? &by_thread : NULL;
        lines = killed = sessions_ended = deaths = payers_forgotten = 0;
        cpus[0].resched = false;
        background_news = 0;
        host_now++;
        told.ref = NULL;
        capsule_end(c, rows[i / 2].how, rows[i / 2].code);
        assert_int_equal(told.kind, rows[i / 2].kind);
        assert_int_equal(told.actor, 0);
        assert_int_equal(told.status, NOS_OK);
        assert_memory_equal(told.subject, a_module.id, 32);
        assert_int_equal(told.a, c->id);
        assert_int_equal(told.b, rows[i / 2].code);
        assert_ptr_equal(told.text, a_module.name);
        bool asked = somebody && rows[i / 2].how == NOS_CAPSULE_KILLED;
        assert_int_equal(told.causes, asked ? 2 : 1);
        assert_ptr_equal(told.cause[0], &c->record);
        if (asked) {
            assert_ptr_equal(told.cause[1], &by.record);
        }
        assert_ptr_equal(told.ref, &c->record);
        assert_int_equal(lines, rows[i / 2].word != NULL);
        if (rows[i / 2].word != NULL) {
            assert_non_null(strstr(said, rows[i / 2].word));
        }
        assert_int_equal(c->state, rows[i / 2].how);
        assert_int_equal(c->exit_code, rows[i / 2].code);
        assert_int_equal(c->ended_ns, host_now);
        assert_int_equal(killed, 1);
        assert_int_equal(sessions_ended, 1);
        assert_int_equal(deaths, 1);
        assert_int_equal(payers_forgotten, 1);
        assert_int_equal(later, 0);
        assert_int_equal(a_module.running, 0);
        assert_true(c->reclaiming);
        assert_true(cpus[0].resched);
        assert_int_equal(background_news, 1);
        assert_true(capsule_reclaim_pending());
        capsule_end(c, NOS_CAPSULE_CRASHED, 9);  // it has ended
        assert_int_equal(c->state, rows[i / 2].how);
        assert_int_equal(deaths, 1);
        all_back();
    }
    cpus[0].current = NULL;
}

static void what_it_held(void **state)
{
    static struct endpoint pager;
    static struct region r[2];
    static struct obj thing;
    via_t via[2];
    uint32_t h;
    (void)state;
    memset(&pager, 0, sizeof pager);
    obj_init(&pager.obj, NOS_TYPE_ENDPOINT);
    obj_init(&thing, NOS_TYPE_ENDPOINT);
    struct capsule *keeps = started_without_thread(0), *c = started(0);
    keeps->handles.cells.limit = 10;
    assert_int_equal(cell_new(&keeps->handles.cells, 0, &via[0]), NOS_OK);
    assert_int_equal(cell_new(&keeps->handles.cells, 0, &via[1]), NOS_OK);
    c->handles.classes = NOS_CLASS_ALL;
    assert_int_equal(handle_add(&c->handles, &thing, NOS_RIGHT_CALL, 0, NOS_ORIGIN_MADE, &h),
                     NOS_OK);
    c->faults = &pager;
    c->fault_via = via[0];
    obj_get(&pager.obj);
    c->on_end = &a_note;
    c->end_via = via[1];
    c->end_bits = 2;
    obj_get(&a_note.obj);
    r[0] = (struct region){ .owner = c, .next = &r[1] };
    r[1] = (struct region){ .owner = c };
    c->regions = &r[0];
    issuer = true;
    cell_revoke(via[1]);  // whoever started it is not to hear of it any more
    uint64_t epoch = cell_epoch;
    capsule_end(c, NOS_CAPSULE_CRASHED, 0);
    assert_int_equal(cell_epoch, epoch + 1);
    assert_int_equal(later, 1);
    assert_null(c->faults);
    assert_null(c->on_end);
    assert_int_equal(pager.obj.refs, 1);
    assert_int_equal(a_note.obj.refs, 1);
    assert_int_equal(thing.refs, 1);
    assert_int_equal(signals, 0);
    assert_int_equal(cell_count(), 0);

    space_steps_left = 2;
    assert_true(capsule_reclaim_step());
    assert_ptr_equal(c->regions, &r[1]);  // its regions first, one a step
    assert_true(capsule_reclaim_step());
    assert_null(c->regions);
    assert_int_equal(left_spaces, 0);
    last_borrowed.owner = &thing;
    assert_true(capsule_reclaim_step());
    assert_int_equal(unmaps, 1);
    assert_int_equal(left_spaces, 1);
    last_borrowed.owner = NULL;
    assert_true(capsule_reclaim_step());
    assert_int_equal(unmaps, 1);
    assert_int_equal(ended_forgotten, 0);
    assert_int_equal(capsule_count(), 2);
    obj_get(&c->obj);  // a handle somewhere names it
    assert_true(capsule_reclaim_step());
    assert_int_equal(ended_forgotten, 1);
    assert_false(c->reclaiming);
    assert_int_equal(c->space.pages, 0);
    assert_false(capsule_reclaim_step());
    assert_int_equal(capsule_count(), 2);
    assert_int_equal(a_module.obj.refs, 3);
    obj_put(&c->obj);
    assert_int_equal(capsule_count(), 1);
    assert_int_equal(a_module.obj.refs, 2);
    assert_int_equal(told.forgotten, 1);

    issuer = false;
    epoch = cell_epoch;
    capsule_end(keeps, NOS_CAPSULE_EXITED, 0);
    assert_int_equal(cell_epoch, epoch);  // it had no regions
    assert_int_equal(later, 1);
    all_back();
}

static void one_after_the_other(void **state)
{
    struct capsule *a = started_without_thread(0), *b = started_without_thread(0);
    uint32_t first_id = a->id, second_id = b->id;
    (void)state;
    capsule_end(a, NOS_CAPSULE_KILLED, 0);
    capsule_end(b, NOS_CAPSULE_KILLED, 0);
    assert_true(capsule_reclaim_step());
    assert_null(capsule_find(second_id));  // who ended last goes first
    assert_true(capsule_reclaim_pending());
    assert_true(capsule_reclaim_step());
    assert_null(capsule_find(first_id));
    assert_false(capsule_reclaim_step());
}

static void described(void **state)
{
    struct capsule *c = started_without_thread(0);
    struct nos_capsule_info i;
    (void)state;
    c->n_threads = 1;
    c->handles.used = 2;
    c->space.pages = 3;
    c->space.limit = 4;
    c->classes = 5;
    c->restarts = 6;
    c->started_ns = 7;
    c->ended_ns = 8;
    c->cpu_tsc = 1ull << 63;
    c->exit_code = 9;
    c->fault_addr = 10;
    c->fault_ip = 11;
    c->parent = 13;
    memcpy(c->fault_symbol, "f+0x1", 6);
    memset(&i, 0xff, sizeof i);
    capsule_describe(c, &i);
    assert_int_equal(charged, 1);
    assert_int_equal(i.id, c->id);
    assert_int_equal(i.state, NOS_CAPSULE_RUNNING);
    assert_int_equal(i.threads, 1);
    assert_int_equal(i.handles, 2);
    assert_int_equal(i.mem_pages, 3);
    assert_int_equal(i.mem_limit, 4);
    assert_int_equal(i.classes, 5);
    assert_int_equal(i.restarts, 6);
    assert_int_equal(i.started_ns, 7);
    assert_int_equal(i.ended_ns, 8);
    assert_int_equal(i.cpu_ns, 1ull << 62);  // no bit is lost on the way
    assert_int_equal(i.exit_code, 9);
    assert_int_equal(i.fault_addr, 10);
    assert_int_equal(i.fault_ip, 11);
    assert_int_equal(i.parent, 13);
    assert_int_equal(i.priority, PRIORITY);
    assert_int_equal(i.restart.when, 1);
    assert_memory_equal(i.name, a_module.name, NOS_NAME_MAX);
    assert_memory_equal(i.module_id, a_module.id, 32);
    assert_string_equal(i.fault_symbol, "f+0x1");
    c->handles.used = 0;
    capsule_end(c, NOS_CAPSULE_EXITED, 0);
    all_back();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, none_left)
    const struct CMUnitTest tests[] = {
        TEST(every_end),
        TEST(what_it_held),
        TEST(one_after_the_other),
        TEST(described),
    };
    return cmocka_run_group_tests_name("capsule_end", tests, NULL, NULL);
}
