/* Endpoints, notifications and the scheduler with a faked port under them: what the tests of the
 * IPC path share. Included once by each. */
#pragma once

#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include "kernel/ipc/cancel.c"
#include "kernel/ipc/endpoint.c"
#include "kernel/ipc/fast.h"
#include "kernel/ipc/loan.c"
#include "kernel/ipc/notify.c"
#include "kernel/ipc/pass.c"
#include "kernel/ipc/revoke.c"
#include "kernel/memory/cache.c"
#include "kernel/memory/frame.c"
#undef fits
#define grow handle_grow
#include "kernel/object/cell.c"
#undef grow
#define grow table_grow
#include "kernel/object/handle.c"
#undef grow
#include "kernel/object/object.c"
#include "kernel/core/lock.c"
#include "kernel/sched/budget.c"
#include "kernel/sched/queue.c"
#include "kernel/sched/sched.c"
#include "kernel/sched/timer.c"
#include "kernel/sched/thread.c"

bool up_reclaim(void)
{
    return false;
}

static struct capsule *pruned;

static unsigned debuggers_left;

void up_debugger_left(struct capsule *c)
{
    (void)c;
    debuggers_left++;
}

void up_exports_prune(struct capsule *c)
{
    pruned = c;
}

bool background_step(void)
{
    return false;
}

static uint64_t host_background_due;

uint64_t background_due(void)
{
    return host_background_due;
}

nos_status_t continuation_step(struct thread *t, bool *done)
{
    (void)t;
    *done = true;
    return NOS_OK;
}

static unsigned jobs_dropped;

void continuation_drop(struct thread *t)
{
    assert_int_not_equal(t->cont, CONT_NONE);
    jobs_dropped++;
}

void arch_timer_arm(uint64_t deadline_ns)
{
    (void)deadline_ns;
}

void arch_root_load(uint64_t root)
{
    (void)root;
}

void arch_space_switch(const struct arch_space *s)
{
    (void)s;
}

void arch_space_leave(const struct arch_space *s)
{
    (void)s;
}

void arch_clock_params(uint64_t *hz, uint64_t *mult, uint64_t *base)
{
    *hz = 1000000000;
    *mult = 1ull << 32;
    *base = 0;
}

void arch_irq_open(void)
{
}

void arch_irq_close(void)
{
}

void arch_kick(unsigned cpu)
{
    (void)cpu;
    fail_msg("one CPU has nobody to kick");
}

void arch_catch(unsigned cpu)
{
    (void)cpu;
    fail_msg("one CPU has nobody to catch");
}

void arch_fpu_switch(struct arch_fpu *old, const struct arch_fpu *next)
{
    (void)old, (void)next;
}

void arch_fpu_set_tls(struct arch_fpu *f, uint64_t base)
{
    (void)f, (void)base;
}

void arch_fpu_init_state(struct arch_fpu *f)
{
    (void)f;
}

void arch_irq_window(void)
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

void arch_idle(void) /* nothing is ready: time passes until a deadline */
{
    assert_non_null(cpus[0].deadlines);
    host_now = cpus[0].deadlines->deadline_ns;
    sched_tick();
}

void arch_context_init(struct arch_context *ctx, uint64_t ip, uint64_t sp, uint64_t arg0,
                       uint64_t arg1)
{
    memset(ctx, 0, sizeof *ctx);
    ctx->ip = ip;
    ctx->sp = sp;
    ctx->arg0 = arg0;
    ctx->arg1 = arg1;
}

nos_status_t space_place(struct space *s, uint32_t pages, uint64_t *va)
{
    (void)s, (void)pages;
    *va = 0x10000;
    return NOS_OK;
}

nos_status_t space_map_private(struct space *s, uint64_t va, uint32_t pages, unsigned prot,
                               enum area_kind kind, bool zero)
{
    (void)s, (void)va, (void)pages, (void)prot, (void)kind, (void)zero;
    return NOS_OK;
}

/* Who was given which region: the charge itself is kernel/object/region.c's. */
static struct region *given;
static nos_status_t may_give = NOS_OK;
static uint64_t may_give_pages; /* what was asked for last */
static uint32_t may_give_regions;

bool obj_ended(const struct obj *o)
{
    (void)o;
    return false;
}

uint32_t region_cost(const struct region *r)
{
    return r->pages;
}

nos_status_t region_may_give(const struct capsule *to, uint64_t pages, uint32_t regions)
{
    (void)to;
    may_give_pages = pages;
    may_give_regions = regions;
    return may_give;
}

void region_given(struct region *r, struct capsule *from, struct capsule *to)
{
    assert_ptr_equal(r->owner, from);
    r->owner = to;
    given = r;
}

static struct capsule client_capsule, server_capsule;
static unsigned mapped_through_dead;

struct capsule *capsule_nth(uint32_t n)
{
    assert_int_equal(n, 0);
    return &client_capsule;
}

bool region_revoke_step(struct space *s)
{
    if (s != &server_capsule.space || mapped_through_dead == 0) {
        return false;
    }
    mapped_through_dead--;
    return true;
}

static const via_t no_cell[2];
static unsigned dropped;

void space_drop(struct space *s, uint64_t va)
{
    (void)s;
    assert_int_equal(va, 0x10000);
    dropped++;
}

static uint64_t buffers[64][512];
static unsigned next_buffer;

void *space_ptr(const struct space *s, uint64_t va)
{
    (void)s, (void)va;
    return buffers[next_buffer++ % 64];
}

static void destroy_nothing(struct obj *o)
{
    (void)o;
}

void (*const obj_destroy[NOS_TYPE_COUNT])(struct obj *) = {
    [NOS_TYPE_CAPSULE] = destroy_nothing,
    [NOS_TYPE_THREAD] = thread_destroy,
    [NOS_TYPE_ENDPOINT] = endpoint_destroy,
    [NOS_TYPE_NOTIFICATION] = notify_destroy,
};

enum { CLIENTS = 6, SERVERS = 2 };
static struct thread *client[CLIENTS], *server[SERVERS];
static struct endpoint *ep;

static struct thread *make(struct capsule *c, uint32_t priority)
{
    struct thread *t = NULL;
    c->limits.threads = c->limits.objects = 64;
    assert_int_equal(thread_create(c, 0x1000, 0x2000, 0, 0, priority, &t), NOS_OK);
    obj_put(&t->obj);
    return t;
}

static int setup(void **state)
{
    (void)state;
    memset(head, 0, sizeof head);
    memset(thread_table, 0, sizeof thread_table);
    search_from = thread_top = 1;
    thread_cache = (struct cache)CACHE(thread);
    endpoint_cache = (struct cache)CACHE(endpoint);
    notification_cache = (struct cache)CACHE(notification);
    frames_held = 0;
    host_start();
    frame_init(&host_bi);
    host_now = 1000;
    memset(&client_capsule, 0, sizeof client_capsule);
    memset(&server_capsule, 0, sizeof server_capsule);
    obj_init(&client_capsule.obj, NOS_TYPE_CAPSULE);
    obj_init(&server_capsule.obj, NOS_TYPE_CAPSULE);
    client_capsule.state = server_capsule.state = NOS_CAPSULE_RUNNING;
    client_capsule.ipc_va = server_capsule.ipc_va = 0x10000;
    client_capsule.id = 7;
    server_capsule.id = 9;
    for (int i = 0; i < CLIENTS; i++) {
        client[i] = make(&client_capsule, 5);
    }
    for (int i = 0; i < SERVERS; i++) {
        server[i] = make(&server_capsule, 5);
    }
    assert_int_equal(endpoint_create(&ep), NOS_OK);
    obj_handle_opened(&ep->obj, NOS_RIGHT_RECV);
    return 0;
}

/* Make `t` the running thread, whatever the scheduler would have chosen: all others stay as they
 * are. */
static void become(struct thread *t)
{
    if (cpus[0].current != NULL && cpus[0].current != t &&
        cpus[0].current->state == THREAD_RUNNING) {
        sched_enqueue(&cpus[0], cpus[0].current);
    }
    if (t->state == THREAD_READY) {
        sched_unqueue(t);
    }
    t->state = THREAD_RUNNING;
    cpus[0].current = t;
    cpus[0].resched = false;
}

static bool call(struct thread *t, uint64_t word, uint64_t deadline, nos_status_t *st)
{
    become(t);
    t->ctx.arg1 = nos_msg_info(1, 1);
    t->ctx.w[0] = word;
    t->ctx.dl = deadline;
    t->ctx.nr = 0x7777;
    *st = endpoint_call(ep, t, NOS_RIGHT_CALL, THREAD_CALL);
    return t->state != THREAD_RUNNING;
}

static bool recv(struct thread *t, uint64_t deadline, nos_status_t *st)
{
    become(t);
    t->ctx.dl = deadline;
    t->ctx.nr = 0x7777;
    *st = endpoint_recv(ep, t);
    return t->state != THREAD_RUNNING;
}

static nos_status_t reply(struct thread *t, uint64_t token, uint64_t word)
{
    become(t);
    t->ctx.arg1 = nos_msg_info(0, 1);
    t->ctx.w[0] = word;
    struct thread *caller = NULL;
    nos_status_t st = endpoint_reply(t, token, &caller);
    if (st == NOS_OK) {
        sched_ready(caller);
    }
    return st;
}
