/* kernel/runtime/capsule.c with every layer around it faked: what its tests share. Included once by
 * each. */
#pragma once

#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#define HOST_HAS_CAPSULES
#include "tests/host/kernel_host_impl.h"

#include "kernel/memory/cache.c"
#include "kernel/memory/frame.c"
#undef fits
#define grow cell_grow
#define charge cell_charge
#include "kernel/object/cell.c"
#undef grow
#undef charge
#define grow table_grow
#include "kernel/object/handle.c"
#undef grow
#include "kernel/object/object.c"

#include "tests/host/audit_told.h"

/* ---- memory that may be short, a log that is read ---- */

static bool no_frame, no_cache;
static char said[200];
static unsigned lines;

static paddr_t frame_or_none(unsigned order)
{
    return no_frame ? (paddr_t){ 0 } : frame_alloc(order);
}

static void *cache_or_none(struct cache *c)
{
    return no_cache ? NULL : cache_alloc(c);
}

static void say(const char *format, ...)
{
    va_list more;
    va_start(more, format);
    vsnprintf(said, sizeof said, format, more);
    va_end(more);
    lines++;
}

#define frame_alloc frame_or_none
#define cache_alloc cache_or_none
#define klog say
#define first first_capsule
#include "kernel/runtime/capsule.c"
#undef first
#undef klog
#undef cache_alloc
#undef frame_alloc

/* ---- the layers around it ---- */

static nos_status_t space_answer, grant_answer, load_answer, execute_answer, thread_answer;
static bool loaded, issuer;
static struct thread main_thread, by_thread;
static struct area last_borrowed;
static unsigned space_steps_left, ready, killed, payers_forgotten, sessions_ended, deaths, later,
    signals, ended_forgotten, unmaps, left_spaces, charged;
static uint64_t signalled;
static uint32_t grants_children;

nos_status_t space_create(struct space *s, uint32_t limit)
{
    *s = (struct space){ .limit = limit, .pages = 1 };
    return space_answer;
}

nos_status_t module_grant(const struct module *m, struct capsule *c, struct nos_start *start)
{
    assert_ptr_equal(m, c->module);
    assert_non_null(start);
    c->limits.mem_pages = m->man.limits.mem_pages - 1;  // a policy may lower it
    c->children = (struct nos_children){ grants_children, grants_children / 100 };
    return grant_answer;
}

void module_load_init(struct load_job *j, const struct module *m, struct capsule *c)
{
    *j = (struct load_job){ .module = m, .capsule = c };
}

nos_status_t module_load_step(struct load_job *j, bool *done)
{
    assert_non_null(j->capsule);
    *done = loaded;
    return load_answer;
}

nos_status_t module_execute(const struct module *m, struct capsule *c, struct nos_start *start,
                            span_t arg)
{
    assert_ptr_equal(m, c->module);
    assert_non_null(start);
    assert_int_equal(arg.len, 2);
    assert_memory_equal(arg.data, "hi", 2);
    c->entry = 0x11;
    c->stack_top = 0x22;
    c->start_va = 0x33;
    return execute_answer;
}

nos_status_t thread_create(struct capsule *c, uint64_t ip, uint64_t sp, uint64_t arg0,
                           uint64_t arg1, uint32_t priority, struct thread **out)
{
    assert_int_equal(ip, 0x11);
    assert_int_equal(sp, 0x22);
    assert_int_equal(arg0, 0x33);
    assert_int_equal(arg1, 0);
    assert_int_equal(priority, c->limits.priority);
    if (thread_answer == NOS_OK) {
        memset(&main_thread, 0, sizeof main_thread);
        obj_init(&main_thread.obj, NOS_TYPE_THREAD);
        obj_get(&main_thread.obj);
        main_thread.capsule = c;
        c->threads = &main_thread;
        *out = &main_thread;
    }
    return thread_answer;
}

void thread_kill(struct thread *t)
{
    killed++;
    t->capsule->threads = t->sibling;
    obj_put(&t->obj);
}

void sched_ready(struct thread *t)
{
    assert_ptr_equal(t, &main_thread);
    ready++;
}

void sched_forget_payer(struct capsule *c)
{
    assert_null(c->threads);
    payers_forgotten++;
}

void sched_forget_space(const struct arch_space *s)
{
    (void)s;
    left_spaces++;
}

void sched_charge_all(void)
{
    charged++;
}

void debug_capsule_ends(struct capsule *c)
{
    assert_int_equal(c->state, NOS_CAPSULE_RUNNING);
    sessions_ended++;
}

void death_note(struct capsule *c)
{
    assert_int_not_equal(c->state, NOS_CAPSULE_RUNNING);  // how it ended is known,
    assert_true(c->handles.used != 0 || c->handles.limit != 0);
    deaths++;
}

bool token_issuer_ends(struct capsule *c)
{
    (void)c;
    return issuer;
}

void revoke_finish_later(void)
{
    later++;
}

void notify_signal(struct notification *n, uint64_t bits)
{
    (void)n;
    signals++;
    signalled |= bits;
}

void region_end_step(struct region *r)
{
    r->owner->regions = r->next;
}

bool space_destroy_step(struct space *s, unsigned budget, struct area *out)
{
    (void)s;
    assert_int_equal(budget, 4);
    *out = last_borrowed;
    bool all = space_steps_left == 0;
    space_steps_left -= !all;
    return all;
}

void region_unmapped(const struct area *a)
{
    assert_ptr_equal(a->owner, last_borrowed.owner);
    unmaps++;
}

void arch_forget_ended(void)
{
    ended_forgotten++;
}

void audit_remember(struct audit_ref *ref)
{
    told.remembered++;
    told.ref = ref;
    ref->at = 500 + told.remembered;
}

void audit_forget(struct audit_ref *ref)
{
    told.forgotten++;
    told.ref = ref;
}

void arch_clock_params(uint64_t *hz, uint64_t *mult, uint64_t *base)
{
    *hz = 2000000000;
    *mult = 1ull << 31;  // half a nanosecond a tick
    *base = 99;
}

bool up_reclaim(void)
{
    return false;
}

void cell_gone(void)
{
}

#include "tests/host/objects_host.h"

static unsigned gone[NOS_TYPE_COUNT];

static void count_gone(struct obj *o)
{
    gone[o->type]++;
}

void (*const obj_destroy[NOS_TYPE_COUNT])(struct obj *) = {
    [NOS_TYPE_MODULE] = count_gone,       [NOS_TYPE_CAPSULE] = capsule_destroy,
    [NOS_TYPE_THREAD] = count_gone,       [NOS_TYPE_ENDPOINT] = count_gone,
    [NOS_TYPE_NOTIFICATION] = count_gone,
};

/* ---- one module, started again and again ---- */

enum { PAGES = 101 /* of the manifest: one less is granted */, PRIORITY = 6 };
static struct module a_module;
static struct notification a_note;

static int fresh(void **state)
{
    (void)state;
    host_start();
    memset(head, 0, sizeof head);
    frame_init(&host_bi);
    capsule_cache = (struct cache)CACHE(capsule);
    frames_held = 0;
    first_capsule = last = reclaim = NULL;
    memset(by_hash, 0, sizeof by_hash);
    last_id = 0;
    n_capsules = 0;
    memset(&told, 0, sizeof told);
    memset(gone, 0, sizeof gone);
    memset(&a_module, 0, sizeof a_module);
    memset(&a_note, 0, sizeof a_note);
    memset(&last_borrowed, 0, sizeof last_borrowed);
    obj_init(&a_module.obj, NOS_TYPE_MODULE);
    obj_init(&a_note.obj, NOS_TYPE_NOTIFICATION);
    memset(a_module.id, 0x1d, sizeof a_module.id);
    memcpy(a_module.name, "amodule", 8);
    a_module.record.at = 40;
    a_module.man.limits = (struct nos_limits){
        .mem_pages = PAGES, .handles = 20, .objects = 3, .priority = PRIORITY
    };
    a_module.man.restart.when = 1;
    a_module.man.sched.cpus = 5;
    a_module.man.filter[0] = 0xf0;
    a_module.man.filter[1] = 0x0f;
    space_answer = grant_answer = load_answer = execute_answer = thread_answer = NOS_OK;
    loaded = true;
    issuer = no_frame = no_cache = false;
    space_steps_left = ready = killed = payers_forgotten = sessions_ended = deaths = later = 0;
    signals = ended_forgotten = unmaps = left_spaces = charged = lines = 0;
    signalled = 0;
    grants_children = 0;
    host_now = 5000;
    cpus[0].current = NULL;
    return 0;
}

static nos_status_t begin(struct spawn_job *j, uint32_t parent)
{
    *j = (struct spawn_job){ .asked.at = 41 };
    return spawn_begin(j, &a_module, span_of("hi", 2), parent);
}

/* To the end; the job is done with. */
static struct capsule *started(uint32_t parent)
{
    struct spawn_job j;
    bool done = false;
    assert_int_equal(begin(&j, parent), NOS_OK);
    struct capsule *c = j.capsule;
    while (!done) {
        assert_int_equal(spawn_step(&j, &done), NOS_OK);
    }
    c->threads->sibling = NULL;
    spawn_drop(&j);
    assert_int_equal(c->state, NOS_CAPSULE_RUNNING);
    return c;
}

/* Each has one thread, which is the same: it ends before the next starts, or is taken off here. */
static struct capsule *started_without_thread(uint32_t parent)
{
    struct capsule *c = started(parent);
    c->threads = NULL;
    return c;
}

static void all_back(void)
{
    while (capsule_reclaim_step()) {
    }
    assert_false(capsule_reclaim_pending());
}

static int none_left(void **state)
{
    (void)state;
    assert_null(first_capsule);
    assert_null(last);
    assert_int_equal(capsule_count(), 0);
    assert_int_equal(cell_count(), 0);
    assert_int_equal(a_module.obj.refs, 1);
    assert_int_equal(a_module.running, 0);
    assert_int_equal(cache_frames(), 0);
    for (unsigned i = 0; i < HASH; i++) {
        assert_null(by_hash[i]);
    }
    return 0;
}
