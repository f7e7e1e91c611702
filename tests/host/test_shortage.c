/* A machine with N frames left, for every N from none to enough: a start, regions, mappings,
 * objects, threads, a child and handles in a message are each done or refused with a status; no
 * invariant breaks on the way, and when all have ended the N frames are back. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#define HOST_HAS_CAPSULES
#define sched_yield kernel_sched_yield  // the C library has one too, and the leak checker calls it
#include "tests/host/kernel_host_impl.h"

#include "kernel/ipc/cancel.c"
#include "kernel/ipc/endpoint.c"
#include "kernel/ipc/loan.c"
#include "kernel/ipc/notify.c"
#define place pass_place
#include "kernel/ipc/pass.c"
#undef place
#define capsule_from revoke_capsule_from
#include "kernel/ipc/revoke.c"
#undef capsule_from
#include "kernel/memory/cache.c"
#include "kernel/memory/frame.c"
#undef fits
#define grow handle_grow
#define charge cell_charge
#include "kernel/object/cell.c"
#undef grow
#undef charge
#define grow table_grow
#include "kernel/object/handle.c"
#undef grow
#include "kernel/object/object.c"
#include "kernel/memory/space.c"
#include "kernel/core/lock.c"
#include "kernel/sched/budget.c"
#include "kernel/sched/queue.c"
#include "kernel/sched/sched.c"
#include "kernel/sched/timer.c"
#include "kernel/sched/thread.c"
#define uncharge region_uncharge
#include "kernel/object/region.c"
#undef uncharge
#undef place
#define place load_place
#include "kernel/modules/stage6_load.c"
#undef place
#include "kernel/modules/stage7_execute.c"
#define pay spawn_pay
#define first first_capsule
#include "kernel/runtime/capsule.c"
#undef first
#undef pay
#include "kernel/runtime/jobs.c"
#define give ipc_give
#include "kernel/syscall/ipc.c"
#undef give
#define give handle_give
#include "kernel/syscall/handle.c"
#undef give
#include "kernel/syscall/memory.c"
#include "kernel/syscall/module.c"
#include "kernel/syscall/thread.c"
#include "tests/host/kernel_paging.h"
#include "tests/host/exhaust.h"

/* ---- the rest of the machine ---- */

void death_note(struct capsule *c)
{
    (void)c;  // it takes no memory: tests/host/test_death.c
}

bool up_reclaim(void)
{
    return capsule_reclaim_step();
}

bool background_step(void)
{
    return revoke_background_step() || capsule_reclaim_step() || frame_reclaim_step(4);
}

void arch_root_load(uint64_t root)
{
    (void)root;
}

uint64_t background_due(void)
{
    return 0;
}

void arch_timer_arm(uint64_t deadline_ns)
{
    (void)deadline_ns;
}

void arch_space_leave(const struct arch_space *space)
{
    if (cpus[0].root == space->root.v) {
        arch_space_switch(NULL);
    }
}

void arch_kick(unsigned cpu)
{
    (void)cpu;
}

void arch_catch(unsigned cpu)
{
    (void)cpu;
}

void arch_fpu_set_tls(struct arch_fpu *f, uint64_t base)
{
    (void)f, (void)base;
}

void arch_fpu_switch(struct arch_fpu *old, const struct arch_fpu *next)
{
    (void)old, (void)next;
}

void arch_fpu_init_state(struct arch_fpu *f)
{
    (void)f;
}

void arch_irq_window(void)
{
}

void arch_irq_open(void)
{
}

void arch_irq_close(void)
{
}

/* On the host the stack stays, and its caller gives back the lock. */
struct arch_context *arch_rest(void)
{
    struct arch_context *next = up_idle();
    (void)kernel_lock();
    return next;
}

void arch_stack_clean(void)
{
}

static unsigned forgotten;

void arch_forget_ended(void)
{
    forgotten++;
}

void arch_idle(void)
{
}

void arch_clock_params(uint64_t *hz, uint64_t *mult, uint64_t *base)
{
    *hz = *mult = *base = 1;
}

void arch_context_init(struct arch_context *ctx, uint64_t ip, uint64_t sp, uint64_t arg0,
                       uint64_t arg1)
{
    *ctx = (struct arch_context){ .ip = ip, .sp = sp, .arg0 = arg0, .arg1 = arg1 };
}

void audit_add(enum nos_audit_kind kind, uint32_t actor, int32_t status, const uint8_t subject[32],
               uint64_t a, uint64_t b, const char *text)
{
    (void)kind, (void)actor, (void)status, (void)subject, (void)a, (void)b, (void)text;
}

void audit_deny(uint32_t actor, uint32_t nr, nos_status_t st, const struct audit_ref *cause)
{
    (void)actor, (void)nr, (void)st, (void)cause;
}

void audit_cause(const struct audit_ref *cause)
{
    (void)cause;
}

void audit_remember(struct audit_ref *ref)
{
    (void)ref;
}

void audit_forget(struct audit_ref *ref)
{
    (void)ref;
}

void registry_refuse_start(const struct module *m, enum module_stage stage, nos_status_t st,
                           uint32_t actor)
{
    (void)m, (void)stage, (void)st, (void)actor;
}

bool token_issuer_ends(struct capsule *c)
{
    (void)c;
    return false;
}

void up_debugger_left(struct capsule *c)
{
    (void)c;
}

void debug_capsule_ends(struct capsule *c)
{
    (void)c;
}

void up_exports_prune(struct capsule *c)
{
    (void)c;
}

bool token_import_is_pure(const struct token_job *j)
{
    (void)j;
    return false;
}

void token_import_ahead(struct token_job *j)
{
    (void)j;
}

nos_status_t token_import_step(struct token_job *j, struct capsule *c, bool *done, uint32_t *h)
{
    (void)j, (void)c, (void)h;
    *done = true;
    return NOS_TOKEN_FORMAT;
}

void capsule_crash_unhandled(struct thread *t)
{
    (void)t;
}

void module_job_init(struct module_job *j, paddr_t base, uint32_t pages, uint64_t len,
                     uint32_t actor)
{
    (void)j, (void)base, (void)pages, (void)len, (void)actor;
}

bool module_job_is_pure(const struct module_job *j)
{
    (void)j;
    return false;
}

void module_job_ahead(struct module_job *j)
{
    (void)j;
}

nos_status_t module_job_step(struct module_job *j, bool *done)
{
    (void)j;
    *done = true;
    return NOS_BAD_SIGNATURE;
}

void module_job_drop(struct module_job *j)
{
    (void)j;
}

struct module *module_find(const char name[NOS_NAME_MAX])
{
    (void)name;
    return NULL;
}

struct module *module_find_id(const uint8_t id[32])
{
    (void)id;
    return NULL;
}

void handle_describe(uint32_t h, const struct handle_slot *slot, struct nos_handle_info *out)
{
    (void)h, (void)slot, (void)out;
}

nos_status_t copy_in(void *dst, uint64_t src, size_t len)
{
    (void)dst, (void)src, (void)len;
    return NOS_OK;
}

nos_status_t copy_out(uint64_t dst, const void *src, size_t len)
{
    (void)dst, (void)src, (void)len;
    return NOS_OK;
}

nos_status_t arg_handle(const struct thread *self, uint64_t h, enum nos_type type, uint32_t need,
                        struct handle_slot **out)
{
    return handle_get(&self->capsule->handles, (uint32_t)h, 1u << type, need, out);
}

static void never(struct obj *o)
{
    fail_msg("object of type %u went", o->type);
}

void (*const obj_destroy[NOS_TYPE_COUNT])(struct obj *) = {
    [NOS_TYPE_MODULE] = never,
    [NOS_TYPE_CAPSULE] = capsule_destroy,
    [NOS_TYPE_THREAD] = thread_destroy,
    [NOS_TYPE_ENDPOINT] = endpoint_destroy,
    [NOS_TYPE_NOTIFICATION] = notify_destroy,
    [NOS_TYPE_REGION] = region_destroy,
};

/* ---- one play ---- */

static struct module module;
static uint8_t image[3 * PAGE_SIZE];
static unsigned refused, granted;

nos_status_t module_grant(const struct module *m, struct capsule *c, struct nos_start *start)
{
    uint32_t h;
    start->n_handles = 0;
    c->limits = m->man.limits;
    c->children = m->man.children;
    c->classes = c->handles.classes = NOS_CLASS_ALL;
    nos_status_t st =
        handle_add(&c->handles, &module.obj, NOS_RIGHT_SPAWN, 0, NOS_ORIGIN_POLICY, &h);
    c->exit_code = h;
    return st;
}

static void prepare(uint32_t frames_left)
{
    memset(head, 0, sizeof head);
    cpus[0] = (struct cpu){ .self = &cpus[0], .bit = 1 };
    memset(thread_table, 0, sizeof thread_table);
    stats = (struct frame_stats){ 0 };
    n_tables = 0;
    frame_init(&host_bi);
    host_paging();
    memset(&module, 0, sizeof module);
    obj_init(&module.obj, NOS_TYPE_MODULE);
    module.man.limits = (struct nos_limits){ .mem_pages = 400,
                                             .stack_pages = 2,
                                             .handles = 200,
                                             .threads = 4,
                                             .priority = 5,
                                             .objects = 64 };
    module.man.filter[0] = module.man.filter[1] = UINT64_MAX;
    module.man.children = (struct nos_children){ 500, 3 };
    module.elf = (struct elf_view){ .mem_len = 4 * PAGE_SIZE, .n_seg = 2 };
    module.elf.seg[0] = (struct elf_segment){ .memsz = PAGE_SIZE,
                                              .flags = ELF_X,
                                              .file = span_of(image, PAGE_SIZE) };
    module.elf.seg[1] = (struct elf_segment){
        .off = PAGE_SIZE, .memsz = 3 * PAGE_SIZE, .flags = ELF_W, .file = span_of(image, 100)
    };
    bool dirty;
    paddr_t run = frame_alloc_run(1024, &dirty);
    exhaust(0);
    for (uint32_t i = 0; i < frames_left; i++) {
        frame_free((paddr_t){ run.v + i * (uint64_t)PAGE_SIZE }, 0);
    }
}

static void note(nos_status_t st)
{
    if (st == NOS_OK) {
        granted++;
    } else {
        assert_int_equal(st, NOS_NO_MEMORY);
        refused++;
    }
}

/* A call of `self`, to its end; its value is in w[0]. */
#define CALL(self, call, slot) to_end(self, sys_##call(self, &(self)->ctx, slot))

static bool to_end(struct thread *t, nos_status_t st)
{
    bool done = t->cont == CONT_NONE;
    for (unsigned steps = 0; st == NOS_OK && !done; steps++) {
        st = continuation_step(t, &done);
        assert_true(steps < 1000);
    }
    t->cont = CONT_NONE;
    note(st);
    return st == NOS_OK;
}

static struct handle_slot *slot_of(struct thread *t, uint64_t h)
{
    struct handle_slot *s = NULL;
    assert_int_equal(handle_get(&t->capsule->handles, (uint32_t)h, HANDLE_TYPE_ANY, 0, &s), NOS_OK);
    return s;
}

static struct thread *start_first(void)
{
    struct spawn_job *j = job_alloc();
    bool done = false;
    nos_status_t st = j == NULL ? NOS_NO_MEMORY : spawn_begin(j, &module, span_of("", 0), 0);
    while (st == NOS_OK && !done) {
        st = spawn_step(j, &done);
    }
    struct thread *t = st == NOS_OK && j != NULL ? j->capsule->threads : NULL;
    if (j != NULL) {
        spawn_drop(j);
        job_free(j);
    }
    note(st);
    return t;
}

static struct thread *child_of(struct thread *self)
{
    self->ctx.arg0 = self->capsule->exit_code;
    memset(self->ctx.w, 0, sizeof self->ctx.w);
    return CALL(self, capsule_spawn, slot_of(self, self->ctx.arg0))
               ? CONTAINER_OF(slot_of(self, self->ctx.w[0])->obj, struct capsule, obj)->threads
               : NULL;
}

static uint64_t made_region(struct thread *self, uint64_t pages)
{
    self->ctx.arg0 = pages;
    return CALL(self, region_create, NULL) ? self->ctx.w[0] : 0;
}

static void use_region(struct thread *self, uint64_t h, struct thread *child)
{
    self->ctx.arg0 = h;
    self->ctx.arg1 = PROT_R | PROT_W;
    (void)CALL(self, region_map, slot_of(self, h));
    if (child != NULL) {
        struct nos_ipc_buffer *from = (void *)self->ipc_buf, *to = (void *)child->ipc_buf;
        from->pass[0] = (struct nos_pass){ (uint32_t)h, NOS_RIGHT_ALL | NOS_PASS_MOVE };
        to->accept = 1;
        uint32_t before = self->capsule->handles.used;
        nos_status_t st = pass_handles(self, child, 1u << NOS_MSG_HANDLES_SHIFT);
        assert_int_equal(self->capsule->handles.used, before - (st == NOS_OK));
        note(st);
    }
}

static void fill_table(struct thread *self)
{
    for (unsigned i = 0; i < 70; i++) {  // into a second page of handles
        self->ctx.arg0 = self->capsule->exit_code;
        struct handle_slot like = *slot_of(self, self->ctx.arg0);
        uint32_t h;
        note(i % 4 != 0 ? handle_insert(&self->capsule->handles, &like, &h)
                        : handle_derive(&self->capsule->handles, &like, &h));
    }
}

static void play(void)
{
    struct thread *self = start_first();
    if (self == NULL) {
        return;
    }
    sched_unqueue(self);
    self->state = THREAD_RUNNING;
    cpus[0].current = self;
    uint64_t small = made_region(self, 3), large = made_region(self, 100);
    (void)CALL(self, endpoint_create, NULL);
    (void)CALL(self, notify_create, NULL);
    self->ctx.arg0 = 0x400000;
    self->ctx.w[0] = 0x500000;
    self->ctx.w[1] = 1;
    (void)CALL(self, thread_create, NULL);
    struct thread *child = child_of(self);
    if (small != 0) {
        use_region(self, small, child);
    }
    if (large != 0) {
        use_region(self, large, child);
    }
    fill_table(self);
    for (unsigned i = 0; i < 20; i++) {  // areas beyond the first few
        uint64_t h = made_region(self, 1);
        if (h != 0) {
            use_region(self, h, NULL);
        }
    }
    cpus[0].current = NULL;
}

static struct capsule *running(void)
{
    struct capsule *c = first_capsule;
    while (c != NULL && c->state != NOS_CAPSULE_RUNNING) {
        c = c->next;
    }
    return c;
}

static void every_shortage(void **state)
{
    uint32_t left = 0;
    (void)state;
    do {
        refused = granted = 0;
        prepare(left);
        uint64_t before = obj_live();
        play();
        for (struct capsule *c; (c = running()) != NULL;) {
            capsule_end(c, NOS_CAPSULE_KILLED, 0);
        }
        while (background_step()) {
        }
        assert_null(first_capsule);
        assert_int_equal(frame_stats().free, left);
        assert_int_equal(frame_stats().tables, 1);  // the kernel's
        assert_int_equal(obj_live(), before);
        assert_int_equal(cell_count(), 0);
        assert_int_equal(thread_count(), 0);
        assert_int_equal(cache_frames(), 0);
        assert_int_equal(module.running, 0);
        assert_int_equal(module.obj.refs, 1);
        left++;
    } while (refused != 0);
    assert_true(left > 100 && granted > 90);
}

/* A child's limits come out of its parent's budget and come back; an object counts while it is. */
static void budgets(void **state)
{
    (void)state;
    prepare(1000);
    struct thread *self = start_first();
    assert_non_null(self);
    struct capsule *c = self->capsule;
    uint32_t objects = c->n_objects;
    assert_int_equal(c->children.mem_pages, 500);
    for (unsigned round = 0; round < 3; round++) {
        struct thread *child = child_of(self);
        assert_non_null(child);
        assert_int_equal(c->children.mem_pages, 100);
        assert_int_equal(c->children.capsules, 2);
        assert_int_equal(child->capsule->children.capsules, 0);  // did not fit
        assert_int_equal(c->n_objects, objects + 1);
        uint32_t handle = (uint32_t)self->ctx.w[0];
        self->ctx.arg0 = c->exit_code;
        memset(self->ctx.w, 0, sizeof self->ctx.w);
        bool done = false;
        nos_status_t st = sys_capsule_spawn(self, &self->ctx, slot_of(self, self->ctx.arg0));
        while (st == NOS_OK && !done) {
            st = continuation_step(self, &done);
        }
        self->cont = CONT_NONE;
        assert_int_equal(st, NOS_QUOTA);
        capsule_end(child->capsule, NOS_CAPSULE_KILLED, 0);
        while (background_step()) {
        }
        assert_int_equal(c->children.mem_pages, 500);
        assert_int_equal(c->children.capsules, 3);
        assert_int_equal(c->n_objects, objects + 1);  // its name is still held
        assert_int_equal(handle_close(&c->handles, handle), NOS_OK);
        assert_int_equal(c->n_objects, objects);
        assert_true(CALL(self, endpoint_create, NULL));
        assert_int_equal(c->n_objects, objects + 1);
        assert_int_equal(handle_close(&c->handles, (uint32_t)self->ctx.w[0]), NOS_OK);
        assert_int_equal(c->n_objects, objects);
    }
    c->n_objects = c->limits.objects;
    assert_int_equal(sys_notify_create(self, &self->ctx, NULL), NOS_QUOTA);
    c->n_objects = objects;
    forgotten = 0;
    capsule_end(c, NOS_CAPSULE_KILLED, 0);
    assert_int_equal(forgotten, 0);
    while (background_step()) {
    }
    assert_int_equal(forgotten, 1);  // once, when all else is given back
    assert_null(first_capsule);
}

static struct thread *child_with(struct thread *self, uint32_t pages, uint32_t capsules)
{
    module.man.children = (struct nos_children){ pages, capsules };
    struct thread *t = child_of(self);
    assert_non_null(t);
    assert_int_equal(t->capsule->children.mem_pages, pages);
    return t;
}

static void end_one(struct thread *t)
{
    capsule_end(t->capsule, NOS_CAPSULE_KILLED, 0);
    while (background_step()) {
    }
}

/* What those in the middle were given goes up when they end, and what is still in use below goes on
 * to who is next above, however many are between. */
static void a_share_goes_up_past_those_that_ended(void **state)
{
    (void)state;
    prepare(1000);
    struct thread *top = start_first();
    assert_non_null(top);
    struct capsule *c = top->capsule;
    c->children = (struct nos_children){ 5000, 20 };
    struct thread *root = child_with(top, 3000, 10);
    struct thread *middle = child_with(root, 1000, 4);
    struct thread *low = child_with(middle, 0, 0), *beside = child_with(root, 0, 0);
    assert_int_equal(c->children.mem_pages, 5000 - 3400);
    assert_int_equal(root->capsule->sponsors, 2);
    end_one(middle);  // two above `low`, one beside it
    assert_int_equal(root->capsule->children.mem_pages, 3000 - 400 - 400);
    assert_int_equal(root->capsule->children.capsules, 10 - 2);
    assert_int_equal(low->capsule->sponsor, root->capsule->id);
    assert_int_equal(root->capsule->sponsors, 2);
    end_one(root);
    assert_int_equal(c->children.mem_pages, 5000 - 800);
    assert_int_equal(c->sponsors, 2);
    end_one(low);
    assert_int_equal(c->children.mem_pages, 5000 - 400);
    end_one(beside);
    assert_int_equal(c->children.mem_pages, 5000);
    assert_int_equal(c->children.capsules, 20);
    assert_int_equal(c->sponsors, 0);
    end_one(top);
    assert_null(first_capsule);
}

int main(void)
{
    host_start();  // before anything reads gs
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_shortage), cmocka_unit_test(budgets),
                                        cmocka_unit_test(a_share_goes_up_past_those_that_ended) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
