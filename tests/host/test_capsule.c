/* A capsule's birth step by step, and what its parent pays: kernel/runtime/capsule.c. */
#include "tests/host/capsule_host.h"

/* ---- birth ---- */

static void as_its_manifest_says(void **state)
{
    struct spawn_job j;
    (void)state;
    a_module.starts = 4;
    last_id = 16;
    assert_int_equal(begin(&j, 3), NOS_OK);
    const struct capsule *c = j.capsule;
    assert_int_equal(c->id, 17);
    assert_int_equal(c->parent, 3);
    assert_int_equal(c->state, NOS_CAPSULE_RUNNING);
    assert_ptr_equal(c->module, &a_module);
    assert_int_equal(c->obj.type, NOS_TYPE_CAPSULE);
    assert_int_equal(c->obj.refs, 2);  // its own and the job's
    assert_int_equal(c->space.limit, PAGES - 1);
    assert_int_equal(c->limits.objects, 3);
    assert_int_equal(c->handles.limit, 20);
    assert_int_equal(c->handles.classes, 0);
    assert_int_equal(c->restart.when, 1);
    assert_int_equal(c->sched.cpus, 5);
    assert_int_equal(c->restarts, 4);
    assert_int_equal(a_module.starts, 5);
    assert_int_equal(a_module.running, 1);
    assert_int_equal(a_module.obj.refs, 2);
    assert_int_equal(c->filter[0], 0xf0);
    assert_int_equal(c->filter[1], 0x0f);
    assert_int_equal(c->started_ns, 5000);
    assert_int_equal(j.parent, 3);
    assert_int_equal(j.arg_len, 2);
    assert_ptr_equal(j.load.capsule, c);
    assert_ptr_equal(j.load.module, &a_module);
    assert_false(j.paid);
    uint64_t free_before = frame_stats().free;
    spawn_drop(&j);  // nothing ran: it ends
    assert_null(j.capsule);
    assert_null(j.start);
    assert_int_equal(frame_stats().free, free_before + 1);
    assert_int_equal(capsule_count(), 1);
    assert_int_equal(first_capsule->state, NOS_CAPSULE_KILLED);
    spawn_drop(&j);  // twice is once
    all_back();
}

static void not_begun(void **state)
{
    struct spawn_job j;
    uint64_t free_before = frame_stats().free;
    (void)state;
    no_frame = true;
    assert_int_equal(begin(&j, 0), NOS_NO_MEMORY);
    assert_null(j.start);
    no_frame = false;
    no_cache = true;
    assert_int_equal(begin(&j, 0), NOS_NO_MEMORY);
    assert_null(j.start);
    no_cache = false;
    space_answer = NOS_QUOTA;
    assert_int_equal(begin(&j, 0), NOS_QUOTA);
    assert_null(j.start);
    assert_null(j.capsule);
    assert_int_equal(capsule_count(), 0);
    assert_int_equal(last_id, 0);
    space_answer = NOS_OK;
    grant_answer = NOS_GRANT_NO_RULE;
    assert_int_equal(begin(&j, 0), NOS_GRANT_NO_RULE);
    assert_null(j.start);
    assert_null(j.capsule);
    assert_int_equal(first_capsule->state, NOS_CAPSULE_KILLED);
    all_back();
    assert_int_equal(frame_stats().free, free_before);
}

static void found_by_number(void **state)
{
    struct capsule *c[4];
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        last_id = i == 3 ? HASH : i;  // the last has the hash of the first
        c[i] = started_without_thread(0);
    }
    assert_int_equal(c[3]->id, c[0]->id + HASH);
    for (unsigned i = 0; i < 4; i++) {
        assert_ptr_equal(capsule_find(c[i]->id), c[i]);
        assert_ptr_equal(capsule_nth(i), c[i]);
    }
    assert_null(capsule_nth(4));
    assert_null(capsule_nth(UINT32_MAX));
    assert_null(capsule_find(4));
    assert_null(capsule_find(c[0]->id + 2 * HASH));
    assert_int_equal(capsule_count(), 4);
    static const unsigned order[] = { 0, 2, 3, 1 };  // deep in a hash, between, last, only
    for (unsigned i = 0; i < 4; i++) {
        uint32_t id = c[order[i]]->id;
        capsule_end(c[order[i]], NOS_CAPSULE_KILLED, 0);
        assert_non_null(capsule_find(id));  // until all is back
        all_back();
        assert_null(capsule_find(id));
        assert_int_equal(capsule_count(), 3 - i);
        unsigned n = 0;
        for (const struct capsule *at = first_capsule, *before = NULL; at != NULL; at = at->next) {
            assert_ptr_equal(at->prev, before);
            assert_ptr_equal(capsule_find(at->id), at);
            before = at;
            n++;
        }
        assert_int_equal(n, 3 - i);
    }
}

/* ---- its steps ---- */

static void a_start(void **state)
{
    struct spawn_job j;
    bool done = true;
    (void)state;
    assert_int_equal(begin(&j, 0), NOS_OK);
    struct capsule *c = j.capsule;
    j.note = &a_note;
    j.bits = 0x30;
    obj_get(&a_note.obj);
    assert_int_equal(cell_new(&c->handles.cells, 0, &j.via), NOS_OK);
    assert_int_equal(spawn_step(&j, &done), NOS_OK);  // it is paid for: nobody is above it
    assert_true(j.paid);
    assert_false(done);
    loaded = false;
    assert_int_equal(spawn_step(&j, &done), NOS_OK);
    assert_false(done);
    assert_int_equal(told.records, 0);
    loaded = true;
    c->restarts = 2;
    j.parent = 12;
    assert_int_equal(spawn_step(&j, &done), NOS_OK);
    assert_true(done);
    assert_int_equal(ready, 1);
    assert_int_equal(main_thread.obj.refs, 1);
    assert_int_equal(told.records, 1);
    assert_int_equal(told.kind, NOS_AUDIT_SPAWN);
    assert_int_equal(told.actor, 12);
    assert_int_equal(told.status, NOS_OK);
    assert_memory_equal(told.subject, a_module.id, 32);
    assert_int_equal(told.a, c->id);
    assert_int_equal(told.b, 2);
    assert_ptr_equal(told.text, a_module.name);
    assert_int_equal(told.causes, 2);
    assert_ptr_equal(told.cause[0], &a_module.record);  // nothing was granted to it
    assert_ptr_equal(told.cause[1], &j.asked);
    assert_ptr_equal(told.ref, &c->record);
    assert_ptr_equal(c->on_end, &a_note);
    assert_int_equal(c->end_bits, 0x30);
    assert_int_equal(c->end_via, j.via);  // who takes back that handle is not to hear of the end
    assert_null(j.note);
    spawn_drop(&j);
    assert_int_equal(c->state, NOS_CAPSULE_RUNNING);
    assert_int_equal(c->obj.refs, 1);
    assert_int_equal(lines, 0);
    capsule_end(c, NOS_CAPSULE_EXITED, 0);
    assert_int_equal(lines, 0);  // nothing worth a word
    assert_int_equal(signals, 1);
    assert_int_equal(signalled, 0x30);
    assert_int_equal(a_note.obj.refs, 1);
    all_back();
}

static void a_start_that_fails(void **state)
{
    nos_status_t *at[] = { &load_answer, &execute_answer, &thread_answer };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        for (unsigned half = 0; half < (i == 0 ? 2 : 1); half++) {
            struct spawn_job j;
            bool done = false;
            lines = 0;
            assert_int_equal(begin(&j, 0), NOS_OK);
            struct capsule *c = j.capsule;
            c->record.at = 44;
            assert_int_equal(spawn_step(&j, &done), NOS_OK);
            *at[i] = NOS_NO_MEMORY;
            loaded = half == 0;
            assert_int_equal(spawn_step(&j, &done), NOS_NO_MEMORY);
            assert_true(done);
            assert_int_equal(lines, 1);
            assert_non_null(strstr(said, "amodule: could not start: -12"));
            assert_int_equal(ready, 0);
            *at[i] = NOS_OK;
            loaded = true;
            told.records = 0;
            spawn_drop(&j);
            assert_int_equal(c->state, NOS_CAPSULE_KILLED);
            assert_int_equal(told.records, 1);
            assert_int_equal(told.kind, NOS_AUDIT_KILL);
            assert_ptr_equal(told.cause[0], &c->record);
            all_back();
        }
    }
}

static void ended_in_between(void **state)
{
    struct spawn_job j;
    bool done = false;
    (void)state;
    assert_int_equal(begin(&j, 0), NOS_OK);
    capsule_end(j.capsule, NOS_CAPSULE_KILLED, 0);
    assert_int_equal(spawn_step(&j, &done), NOS_CANCELLED);
    assert_true(done);
    spawn_drop(&j);
    all_back();
}

/* The last step was done, and then its handle found no place. */
static void undone(void **state)
{
    struct spawn_job j;
    bool done = false;
    (void)state;
    assert_int_equal(begin(&j, 0), NOS_OK);
    j.note = &a_note;
    j.bits = 1;
    obj_get(&a_note.obj);
    assert_int_equal(cell_new(&first_capsule->handles.cells, 0, &j.via), NOS_OK);
    while (!done) {
        assert_int_equal(spawn_step(&j, &done), NOS_OK);
    }
    main_thread.sibling = NULL;
    spawn_undo(&j);
    assert_ptr_equal(j.note, &a_note);
    assert_int_equal(first_capsule->state, NOS_CAPSULE_KILLED);
    assert_int_equal(killed, 1);
    assert_int_equal(signals, 0);
    assert_int_equal(a_note.obj.refs, 2);
    spawn_drop(&j);
    assert_int_equal(a_note.obj.refs, 1);
    assert_null(j.note);
    all_back();
}

/* ---- who pays ---- */

static nos_status_t child(struct capsule *p, struct spawn_job *j, bool *done)
{
    assert_int_equal(begin(j, p->id), NOS_OK);
    *done = false;
    return spawn_step(j, done);
}

static void what_a_parent_has_left(void **state)
{
    struct capsule *p = started_without_thread(0);
    struct spawn_job j;
    bool done;
    static const struct {
        uint32_t pages, capsules, objects;
    } short_of[] = { { 99, 5, 0 }, { 1000, 0, 0 }, { 1000, 5, 3 } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(short_of); i++) {
        p->children = (struct nos_children){ short_of[i].pages, short_of[i].capsules };
        p->n_objects = short_of[i].objects;
        assert_int_equal(child(p, &j, &done), NOS_QUOTA);
        assert_true(done);
        assert_false(j.paid);
        assert_int_equal(p->children.mem_pages, short_of[i].pages);
        assert_int_equal(p->children.capsules, short_of[i].capsules);
        assert_int_equal(p->n_objects, short_of[i].objects);
        assert_int_equal(p->sponsors, 0);
        assert_int_equal(j.capsule->sponsor, 0);
        spawn_drop(&j);
        all_back();
    }
    p->n_objects = 0;
    p->children = (struct nos_children){ 100, 1 };
    assert_int_equal(child(p, &j, &done), NOS_OK);  // just enough
    assert_false(done);
    assert_int_equal(p->children.mem_pages, 0);
    assert_int_equal(p->children.capsules, 0);
    assert_int_equal(p->n_objects, 1);
    assert_int_equal(p->sponsors, 1);
    assert_int_equal(j.capsule->sponsor, p->id);
    assert_int_equal(j.capsule->obj.payer, p->id);
    spawn_drop(&j);
    struct spawn_job next;
    assert_int_equal(child(p, &next, &done), NOS_OK);  // the one before it is given back first
    assert_false(done);
    assert_false(next.paid);
    assert_int_equal(p->children.mem_pages, 100);
    assert_int_equal(spawn_step(&next, &done), NOS_OK);
    assert_true(next.paid);
    capsule_end(p, NOS_CAPSULE_KILLED, 0);
    spawn_drop(&next);
    all_back();
}

/* What does fit is paid at once and once, and who cannot pay at all hears so at once, however much
 * of others is still to be given back. */
static void no_wait_without_need(void **state)
{
    struct capsule *p = started_without_thread(0);
    struct spawn_job j;
    bool done;
    (void)state;
    p->children = (struct nos_children){ 250, 5 };
    capsule_end(started_without_thread(0), NOS_CAPSULE_KILLED, 0);
    assert_int_equal(child(p, &j, &done), NOS_OK);
    assert_true(j.paid);
    assert_false(done);
    assert_int_equal(p->children.mem_pages, 150);
    assert_int_equal(p->children.capsules, 4);
    assert_int_equal(p->sponsors, 1);
    assert_true(capsule_reclaim_pending());
    spawn_drop(&j);
    capsule_end(p, NOS_CAPSULE_KILLED, 0);
    all_back();

    capsule_end(started_without_thread(0), NOS_CAPSULE_KILLED, 0);
    done = false;
    assert_int_equal(begin(&j, 77), NOS_OK);
    assert_int_equal(spawn_step(&j, &done), NOS_CANCELLED);
    assert_true(done);
    assert_true(capsule_reclaim_pending());
    spawn_drop(&j);
    all_back();
}

static void what_a_child_may_hand_on(void **state)
{
    struct capsule *p = started_without_thread(0);
    struct spawn_job j;
    bool done;
    static const struct {
        uint32_t pages, capsules;
        bool fits;
    } rows[] = { { 300, 3, true }, { 299, 3, false }, { 300, 2, false } };
    (void)state;
    grants_children = 200;  // pages, and two capsules
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        p->children = (struct nos_children){ rows[i].pages, rows[i].capsules };
        assert_int_equal(child(p, &j, &done), NOS_OK);
        assert_int_equal(j.capsule->children.mem_pages, rows[i].fits ? 200 : 0);
        assert_int_equal(j.capsule->children.capsules, rows[i].fits ? 2 : 0);
        assert_int_equal(p->children.mem_pages, rows[i].pages - (rows[i].fits ? 300 : 100));
        assert_int_equal(p->children.capsules, rows[i].capsules - (rows[i].fits ? 3 : 1));
        spawn_drop(&j);
        all_back();
        assert_int_equal(p->children.mem_pages, rows[i].pages);
        assert_int_equal(p->children.capsules, rows[i].capsules);
        assert_int_equal(p->sponsors, 0);
        assert_int_equal(p->n_objects, 0);
    }
    capsule_end(p, NOS_CAPSULE_KILLED, 0);
    all_back();
    grants_children = 0;
}

static void a_parent_that_is_gone(void **state)
{
    struct spawn_job j;
    bool done = false;
    (void)state;
    assert_int_equal(begin(&j, 77), NOS_OK);
    assert_int_equal(spawn_step(&j, &done), NOS_CANCELLED);
    assert_true(done);
    assert_false(j.paid);
    spawn_drop(&j);
    all_back();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, none_left)
    const struct CMUnitTest tests[] = {
        TEST(as_its_manifest_says),
        TEST(not_begun),
        TEST(found_by_number),
        TEST(a_start),
        TEST(a_start_that_fails),
        TEST(ended_in_between),
        TEST(undone),
        TEST(what_a_parent_has_left),
        TEST(no_wait_without_need),
        TEST(what_a_child_may_hand_on),
        TEST(a_parent_that_is_gone),
    };
    return cmocka_run_group_tests_name("capsule", tests, NULL, NULL);
}
