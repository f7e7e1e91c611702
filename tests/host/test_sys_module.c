/* kernel/syscall/module.c: loading, opening and starting modules; power over capsules. */
#include "tests/host/syscall_host.h"

#include "tests/host/audit_told.h"

#include "kernel/syscall/module.c"

static struct obj node;
static struct module a_module;
static struct region a_region;
static struct capsule other;
static struct endpoint an_ep;
static struct notification a_note;

/* ---- layers below ---- */

static nos_status_t answer;

#include "tests/host/jobs_host.h"

nos_status_t region_take(struct region *r, paddr_t *base, uint32_t *pages)
{
    assert_ptr_equal(r, &a_region);
    if (answer == NOS_OK) {
        *base = (paddr_t){ 0x700000 };
        *pages = r->pages;
    }
    return answer;
}

void module_job_init(struct module_job *j, paddr_t base, uint32_t pages, uint64_t len,
                     uint32_t actor)
{
    *j = (struct module_job){ .base = base, .pages = pages, .file.len = len, .actor = actor };
}

static uint8_t id_asked[32];
static char name_asked[NOS_NAME_MAX];
static struct module *found;

struct module *module_find(const char name[NOS_NAME_MAX])
{
    memcpy(name_asked, name, NOS_NAME_MAX);
    return found;
}

struct module *module_find_id(const uint8_t id[32])
{
    memcpy(id_asked, id, 32);
    return found;
}

static char arg_asked[NOS_ARG_MAX];
static size_t arg_len;
static unsigned spawns, drops;

nos_status_t spawn_begin(struct spawn_job *j, struct module *m, span_t arg, uint32_t parent)
{
    assert_ptr_equal(m, &a_module);
    assert_int_equal(parent, CALLER);
    spawns++;
    arg_len = arg.len;
    memcpy(arg_asked, arg.data, arg.len);
    if (answer == NOS_OK) {
        j->capsule = &other;
        j->start = calloc(1, sizeof *j->start);
    }
    return answer;
}

void spawn_drop(struct spawn_job *j)
{
    free(j->start);
    drops++;
}

static unsigned ends;
static uint64_t end_code;

void capsule_end(struct capsule *c, enum nos_capsule_state how, uint64_t code)
{
    assert_ptr_equal(c, &other);
    assert_int_equal(how, NOS_CAPSULE_KILLED);
    ends++;
    end_code = code;
}

static const struct capsule *move_from, *move_to;

nos_status_t capsule_clients_move(const struct capsule *old, struct capsule *new)
{
    move_from = old;
    move_to = new;
    return answer;
}

void capsule_describe(const struct capsule *c, struct nos_capsule_info *out)
{
    memset(out, 0x5a, sizeof *out);
    out->id = c->id;
}

static int fresh(void **state)
{
    fresh_caller(state);
    memset(&a_module, 0, sizeof a_module);
    memset(&a_region, 0, sizeof a_region);
    memset(&other, 0, sizeof other);
    memset(&an_ep, 0, sizeof an_ep);
    memset(&a_note, 0, sizeof a_note);
    memset(&told, 0, sizeof told);
    obj_init(&node, NOS_TYPE_NODE);
    obj_init(&a_module.obj, NOS_TYPE_MODULE);
    obj_init(&a_region.obj, NOS_TYPE_REGION);
    obj_init(&other.obj, NOS_TYPE_CAPSULE);
    obj_init(&an_ep.obj, NOS_TYPE_ENDPOINT);
    obj_init(&a_note.obj, NOS_TYPE_NOTIFICATION);
    memset(a_module.id, 0x1d, 32);
    memcpy(a_module.name, "amodule", 8);
    a_region.pages = 2;
    other.id = 9;
    other.module = &a_module;
    other.state = NOS_CAPSULE_RUNNING;
    handle_table_init(&other.handles, 8, NOS_CLASS_ALL);
    host_capsule[1] = &other;
    mine.record.at = 77;
    answer = NOS_OK;
    no_jobs = false;
    jobs = spawns = drops = ends = 0;
    found = NULL;
    return 0;
}

static int drop(void **state)
{
    handle_close_all(&other.handles);
    return drop_caller(state);
}

/* ---- module_load ---- */

static nos_status_t load(uint64_t h, uint64_t len)
{
    args(0, h, len);
    return sys_module_load(&me, saved, NULL);
}

static void loaded(void **state)
{
    uint32_t h = hold(&a_region.obj, NOS_RIGHT_READ | NOS_RIGHT_TRANSFER),
             no_read = hold(&a_region.obj, NOS_RIGHT_ALL & ~NOS_RIGHT_READ),
             no_transfer = hold(&a_region.obj, NOS_RIGHT_ALL & ~NOS_RIGHT_TRANSFER);
    (void)state;
    assert_int_equal(load(no_read, 1), NOS_DENIED);
    assert_int_equal(load(no_transfer, 1), NOS_DENIED);
    assert_int_equal(load(1ull << 32 | h, 1), NOS_BAD_HANDLE);
    assert_int_equal(load(h, 0), NOS_INVALID);
    assert_int_equal(load(h, 2 * PAGE_SIZE + 1), NOS_INVALID);
    assert_int_equal(load(h, UINT64_MAX), NOS_INVALID);
    no_jobs = true;
    assert_int_equal(load(h, 1), NOS_NO_MEMORY);
    no_jobs = false;
    answer = NOS_BUSY;
    assert_int_equal(load(h, 1), NOS_BUSY);
    assert_int_equal(jobs, 0);
    assert_int_equal(mine.handles.used, 3);
    assert_null(me.job);
    assert_int_equal(me.cont, CONT_NONE);
    answer = NOS_OK;
    assert_int_equal(load(h, 2 * PAGE_SIZE), NOS_OK);
    const struct module_job *j = &((struct verify_wait *)me.job)->job;
    assert_int_equal(me.cont, CONT_VERIFY);
    assert_int_equal(j->base.v, 0x700000);
    assert_int_equal(j->pages, 2);
    assert_int_equal(j->file.len, 2 * PAGE_SIZE);
    assert_int_equal(j->actor, CALLER);
    assert_int_equal(j->asked.at, 77);
    assert_int_equal(mine.handles.used, 2);  // the region's handle is gone with its frames
    assert_int_equal(a_region.obj.refs, 3);
    job_free(me.job);
}

/* ---- module_open ---- */

static nos_status_t open_it(uint64_t at, uint64_t len)
{
    args(0, at, len);
    return sys_module_open(&me, saved, NULL);
}

static void opened(void **state)
{
    static const uint64_t bad[] = { 0, NOS_NAME_MAX + 1, 31, 33, 64, 1ull << 32 };
    static const char padded[NOS_NAME_MAX] = "shell";
    (void)state;
    found = &a_module;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(open_it(USER_AT, bad[i]), NOS_TOO_BIG);
    }
    assert_int_equal(open_it(0, 5), NOS_BAD_ADDRESS);
    memcpy(user, "shell", 5);
    assert_int_equal(open_it(USER_AT, 5), NOS_OK);
    assert_memory_equal(name_asked, padded, NOS_NAME_MAX);
    struct handle_slot s = given(&a_module.obj);
    assert_int_equal(s.rights,
                     NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_INSPECT | NOS_RIGHT_SPAWN);
    assert_int_equal(s.origin, NOS_ORIGIN_MADE);
    assert_int_equal(s.deadline_ns, 0);
    assert_int_equal(open_it(USER_AT, NOS_NAME_MAX), NOS_OK);
    assert_memory_equal(name_asked, user, NOS_NAME_MAX);
    (void)given(&a_module.obj);
    memset(name_asked, 0, sizeof name_asked);
    assert_int_equal(open_it(USER_AT, 32), NOS_OK);  // an id
    assert_memory_equal(id_asked, user, 32);
    assert_int_equal(name_asked[0], 0);
    (void)given(&a_module.obj);
    uint32_t was = no_more_handles();
    assert_int_equal(open_it(USER_AT, 32), NOS_QUOTA);
    assert_int_equal(saved->w[0], 32);
    mine.handles.limit = was;
    found = NULL;
    assert_int_equal(open_it(USER_AT, 32), NOS_NOT_FOUND);
    assert_int_equal(open_it(USER_AT, 1), NOS_NOT_FOUND);
    assert_int_equal(mine.handles.used, 0);
}

/* ---- capsule_spawn ---- */

static uint32_t module_handle;

static nos_status_t spawn(uint64_t len, uint64_t note, uint64_t bits, uint64_t give)
{
    module_handle = module_handle != 0 ? module_handle : hold(&a_module.obj, NOS_RIGHT_SPAWN);
    args(module_handle, USER_AT, len);
    saved->w[1] = note;
    saved->w[2] = bits;
    saved->w[3] = give;
    spawns = 0;
    return sys_capsule_spawn(&me, saved, slot_of(module_handle));
}

static int fresh_spawn(void **state)
{
    module_handle = 0;
    return fresh(state);
}

static void not_spawned(nos_status_t got, nos_status_t want, unsigned begun)
{
    assert_int_equal(got, want);
    assert_int_equal(spawns, begun);
    assert_int_equal(jobs, 0);
    assert_null(me.job);
    assert_int_equal(me.cont, CONT_NONE);
}

static void spawned(void **state)
{
    (void)state;
    memcpy(user, "an argument", 11);
    assert_int_equal(spawn(11, 0, 0, 0), NOS_OK);
    struct spawn_job *j = &((struct spawn_wait *)me.job)->job;
    assert_int_equal(me.cont, CONT_SPAWN);
    assert_int_equal(arg_len, 11);
    assert_memory_equal(arg_asked, "an argument", 11);
    assert_int_equal(j->asked.at, 77);
    assert_null(j->note);
    assert_int_equal(j->start->given, 0);
    spawn_drop(j);
    job_free(j);
    me.job = NULL;
    saved->arg1 = 0;
    assert_int_equal(spawn(NOS_ARG_MAX, 0, 5, 0), NOS_OK);  // bits without a notification: nobody's
    assert_int_equal(arg_len, NOS_ARG_MAX);
    spawn_drop(&((struct spawn_wait *)me.job)->job);
    job_free(me.job);
    args(module_handle, 0, 0);  // no argument: its address is nobody's business
    saved->w[1] = saved->w[2] = saved->w[3] = 0;
    assert_int_equal(sys_capsule_spawn(&me, saved, slot_of(module_handle)), NOS_OK);
    assert_int_equal(arg_len, 0);
    spawn_drop(&((struct spawn_wait *)me.job)->job);
    job_free(me.job);
}

static void refused(void **state)
{
    uint32_t n = hold(&a_note.obj, NOS_RIGHT_SIGNAL),
             weak = hold(&a_note.obj, NOS_RIGHT_ALL & ~NOS_RIGHT_SIGNAL),
             no_dup = hold(&an_ep.obj, NOS_RIGHT_ALL & ~NOS_RIGHT_DUP),
             no_transfer = hold(&an_ep.obj, NOS_RIGHT_ALL & ~NOS_RIGHT_TRANSFER),
             e = hold(&an_ep.obj, NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER);
    (void)state;
    not_spawned(spawn(NOS_ARG_MAX + 1, 0, 0, 0), NOS_TOO_BIG, 0);
    not_spawned(spawn(0, n, 0, 0), NOS_INVALID, 0);
    not_spawned(spawn(0, weak, 1, 0), NOS_DENIED, 0);
    not_spawned(spawn(0, e, 1, 0), NOS_WRONG_TYPE, 0);
    not_spawned(spawn(0, 0, 0, no_dup), NOS_DENIED, 0);
    not_spawned(spawn(0, 0, 0, no_transfer), NOS_DENIED, 0);
    not_spawned(spawn(0, 0, 0, n), NOS_WRONG_TYPE, 0);
    not_spawned(spawn(0, weak, 1, n), NOS_DENIED, 0);  // the first that is wrong
    args(module_handle, 8, 1);
    not_spawned(sys_capsule_spawn(&me, saved, slot_of(module_handle)), NOS_BAD_ADDRESS, 0);
    saved->w[1] = n;
    saved->w[3] = n;
    not_spawned(sys_capsule_spawn(&me, saved, slot_of(module_handle)), NOS_BAD_ADDRESS, 0);
    no_jobs = true;
    not_spawned(spawn(0, n, 1, e), NOS_NO_MEMORY, 0);
    no_jobs = false;
    answer = NOS_QUOTA;
    not_spawned(spawn(0, n, 1, e), NOS_QUOTA, 1);
    assert_int_equal(drops, 0);  // spawn_begin left nothing
    answer = NOS_OK;
    other.handles.limit = 0;
    not_spawned(spawn(0, n, 1, e), NOS_QUOTA, 1);
    assert_int_equal(drops, 1);
    assert_int_equal(a_note.obj.refs, 1 + 2);
    assert_int_equal(an_ep.obj.refs, 1 + 3);
}

static void spawned_with_handles(void **state)
{
    uint32_t n = hold_cell(&a_note.obj, NOS_RIGHT_SIGNAL),
             e = hold_cell(&an_ep.obj, NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_CALL);
    struct handle_slot *s = NULL;
    (void)state;
    slot_of(e)->badge = 6;
    assert_int_equal(spawn(0, n, 0x30, e), NOS_OK);
    struct spawn_job *j = &((struct spawn_wait *)me.job)->job;
    assert_ptr_equal(j->note, &a_note);
    assert_int_equal(j->bits, 0x30);
    assert_int_equal(j->via, slot_of(n)->via);
    assert_int_equal(a_note.obj.refs, 3);
    assert_int_equal(handle_get(&other.handles, j->start->given, HANDLE_TYPE_ANY, 0, &s), NOS_OK);
    assert_ptr_equal(s->obj, &an_ep);
    assert_int_equal(s->rights, slot_of(e)->rights);
    assert_int_equal(s->badge, 6);
    assert_int_equal(s->via, slot_of(e)->via);
    assert_int_equal(s->origin, NOS_ORIGIN_SPAWN);
    assert_int_equal(slot_of(e)->origin, NOS_ORIGIN_POLICY);  // the giver's is as it was
    assert_int_equal(handle_close(&mine.handles, n), NOS_OK);
    assert_int_equal(cell_count(), 2);
    cell_put(j->via);
    assert_int_equal(cell_count(), 1);
    spawn_drop(j);
    job_free(j);
}

/* ---- power over a capsule ---- */

static void capsule_opened(void **state)
{
    (void)state;
    args(0, 1ull << 32 | 9, KEEP);
    assert_int_equal(sys_capsule_open(&me, saved, NULL), NOS_NOT_FOUND);
    args(0, 10, KEEP);
    assert_int_equal(sys_capsule_open(&me, saved, NULL), NOS_NOT_FOUND);
    other.id = UINT32_MAX;  // the last there is
    args(0, UINT32_MAX, KEEP);
    assert_int_equal(sys_capsule_open(&me, saved, NULL), NOS_OK);
    (void)given(&other.obj);
    other.id = 9;
    args(0, 9, KEEP);
    uint32_t was = no_more_handles();
    assert_int_equal(sys_capsule_open(&me, saved, NULL), NOS_QUOTA);
    assert_int_equal(saved->w[0], KEEP);
    mine.handles.limit = was;
    assert_int_equal(sys_capsule_open(&me, saved, NULL), NOS_OK);
    struct handle_slot s = given(&other.obj);
    assert_int_equal(s.rights, NOS_RIGHT_DUP | NOS_RIGHT_INSPECT | NOS_RIGHT_KILL);
    assert_int_equal(s.origin, NOS_ORIGIN_MADE);
    assert_int_equal(s.deadline_ns, 0);
}

static void killed(void **state)
{
    struct handle_slot slot = { .obj = &other.obj };
    struct debug *session = (struct debug *)user;
    (void)state;
    for (uint64_t why = 0; why < NOS_KILL_COUNT; why++) {
        args(0, why, 0);
        ends = 0;
        assert_int_equal(sys_capsule_kill(&me, saved, &slot), NOS_OK);
        assert_int_equal(ends, 1);
        assert_int_equal(end_code, why);
        other.debug = session;  // not for its silence, while a debugger holds it
        bool holds = why == NOS_KILL_WATCHDOG;
        assert_int_equal(sys_capsule_kill(&me, saved, &slot), holds ? NOS_BUSY : NOS_OK);
        assert_int_equal(ends, holds ? 1 : 2);
        other.debug = NULL;
    }
    ends = 0;
    args(0, NOS_KILL_COUNT, 0);
    assert_int_equal(sys_capsule_kill(&me, saved, &slot), NOS_INVALID);
    args(0, 1ull << 32, 0);
    assert_int_equal(sys_capsule_kill(&me, saved, &slot), NOS_INVALID);
    args(0, 0, 0);
    other.state = NOS_CAPSULE_CRASHED;
    assert_int_equal(sys_capsule_kill(&me, saved, &slot), NOS_BAD_STATE);
    assert_int_equal(ends, 0);
}

static void controlled(void **state)
{
    uint32_t c = hold_cell(&other.obj, NOS_RIGHT_ALL);
    struct handle_slot *power = slot_of(c);
    (void)state;
    power->deadline_ns = 5000;
    power->badge = 8;
    args(c, 0, KEEP);
    assert_int_equal(sys_capsule_control(&me, saved, power), NOS_NOT_FOUND);
    other.control = &an_ep;
    uint32_t was = no_more_handles();
    assert_int_equal(sys_capsule_control(&me, saved, power), NOS_QUOTA);
    assert_int_equal(saved->w[0], KEEP);
    mine.handles.limit = was;
    assert_int_equal(sys_capsule_control(&me, saved, power), NOS_OK);
    via_t via = power->via;
    struct handle_slot s = given(&an_ep.obj);
    assert_int_equal(s.rights, NOS_RIGHT_CALL | NOS_RIGHT_GRANT);
    assert_int_equal(s.via, via);  // cut with the power that it comes from
    assert_int_equal(s.deadline_ns, 5000);
    assert_int_equal(s.badge, 0);
    assert_int_equal(s.origin, NOS_ORIGIN_MADE);
}

static void succeeded(void **state)
{
    static struct capsule next;
    memset(&next, 0, sizeof next);
    obj_init(&next.obj, NOS_TYPE_CAPSULE);
    uint32_t from = hold(&other.obj, NOS_RIGHT_CONTROL), to = hold(&next.obj, NOS_RIGHT_CONTROL),
             weak = hold(&next.obj, NOS_RIGHT_ALL & ~NOS_RIGHT_CONTROL);
    (void)state;
    move_from = move_to = NULL;
    args(from, weak, 0);
    assert_int_equal(sys_capsule_succeed(&me, saved, slot_of(from)), NOS_DENIED);
    assert_null(move_from);
    args(from, to, 0);
    assert_int_equal(sys_capsule_succeed(&me, saved, slot_of(from)), NOS_OK);
    assert_ptr_equal(move_from, &other);
    assert_ptr_equal(move_to, &next);
    answer = NOS_BAD_STATE;
    assert_int_equal(sys_capsule_succeed(&me, saved, slot_of(from)), NOS_BAD_STATE);
}

/* ---- what a supervisor decides ---- */

static nos_status_t decide(uint64_t decision, uint64_t id, uint64_t detail)
{
    args(0, decision, id);
    saved->w[1] = detail;
    return sys_audit_decision(&me, saved, NULL);
}

static void decided(void **state)
{
    (void)state;
    assert_int_equal(decide(0, 9, 1), NOS_INVALID);
    assert_int_equal(decide(NOS_DECISION_COUNT, 9, 1), NOS_INVALID);
    assert_int_equal(decide(1, 1ull << 32, 1), NOS_INVALID);
    assert_int_equal(decide(1, 9, 1ull << 32), NOS_INVALID);
    assert_int_equal(told.records, 0);
    assert_int_equal(decide(1, 9, 3), NOS_OK);
    assert_int_equal(told.records, 1);
    assert_int_equal(told.kind, NOS_AUDIT_SUPERVISE);
    assert_int_equal(told.actor, CALLER);
    assert_int_equal(told.status, NOS_OK);
    assert_memory_equal(told.subject, a_module.id, 32);
    assert_int_equal(told.a, 9);
    assert_int_equal(told.b, 1ull << 32 | 3);
    assert_ptr_equal(told.text, a_module.name);
    assert_int_equal(told.causes, 2);
    assert_ptr_equal(told.cause[0], &other.record);
    assert_ptr_equal(told.cause[1], &mine.record);
    assert_int_equal(decide(NOS_DECISION_COUNT - 1, UINT32_MAX, UINT32_MAX), NOS_OK);
    assert_false(told.has_subject);  // of no capsule that there is
    assert_null(told.text);
    assert_int_equal(told.a, UINT32_MAX);
    assert_int_equal(told.b, (uint64_t)(NOS_DECISION_COUNT - 1) << 32 | UINT32_MAX);
    assert_null(told.cause[0]);
    assert_ptr_equal(told.cause[1], &mine.record);
}

static void looked_at(void **state)
{
    struct handle_slot slot = { .obj = &other.obj };
    const struct nos_capsule_info *info = (const void *)user;
    (void)state;
    args(0, USER_AT, sizeof *info + 1);
    assert_int_equal(sys_capsule_info(&me, saved, &slot), NOS_TOO_BIG);
    args(0, USER_AT, sizeof *info - 1);
    assert_int_equal(sys_capsule_info(&me, saved, &slot), NOS_TOO_BIG);
    args(0, 0, sizeof *info);
    assert_int_equal(sys_capsule_info(&me, saved, &slot), NOS_BAD_ADDRESS);
    assert_int_equal(user[0], 0xee);
    args(0, USER_AT, sizeof *info);
    assert_int_equal(sys_capsule_info(&me, saved, &slot), NOS_OK);
    assert_int_equal(info->id, 9);
    assert_int_equal(user[sizeof *info - 1], 0x5a);
    assert_int_equal(user[sizeof *info], 0xee);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh_spawn, drop)
    const struct CMUnitTest tests[] = {
        TEST(loaded),
        TEST(opened),
        TEST(spawned),
        TEST(refused),
        TEST(spawned_with_handles),
        TEST(capsule_opened),
        TEST(killed),
        TEST(controlled),
        TEST(succeeded),
        TEST(decided),
        TEST(looked_at),
    };
    return cmocka_run_group_tests_name("sys_module", tests, NULL, NULL);
}
