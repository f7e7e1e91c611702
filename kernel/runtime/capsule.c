/* Capsules: the list, the end, and giving everything back.
 *
 * An ended capsule is already harmless: no thread, no waiter, no handle. Its memory goes in bounded
 * steps from the idle loop and between other work: first the address space, then the object itself.
 */
#include "kernel/runtime/capsule.h"

#include <string.h>

#include "kernel/audit/audit.h"
#include "kernel/core/panic.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/revoke.h"
#include "kernel/memory/cache.h"
#include "kernel/memory/frame.h"
#include "kernel/modules/token.h"
#include "kernel/object/region.h"
#include "kernel/runtime/death.h"
#include "kernel/runtime/debug.h"

enum { STEP_FRAMES = 4 /* 16 KiB to zero in one step */, HASH = 1024 };

static struct cache capsule_cache = CACHE(capsule);
static struct capsule *first, *last, *reclaim;
static struct capsule *by_hash[HASH]; /* by the last bits of the id: a crowd costs nobody a walk */
static uint32_t last_id;
static uint64_t n_capsules;

struct capsule *capsule_find(uint32_t id)
{
    struct capsule *c = by_hash[id % HASH];
    while (c != NULL && c->id != id) {
        c = c->same_hash;
    }
    return c;
}

struct capsule *capsule_nth(uint32_t n)
{
    struct capsule *c = first;
    while (c != NULL && n-- != 0) {
        c = c->next;
    }
    return c;
}

uint64_t capsule_count(void)
{
    return n_capsules;
}

static void list_join(struct capsule *c)
{
    c->prev = last;
    *(last != NULL ? &last->next : &first) = c;
    last = c;
    c->same_hash = by_hash[c->id % HASH];
    by_hash[c->id % HASH] = c;
    n_capsules++;
}

static void list_leave(struct capsule *c)
{
    struct capsule **at = &by_hash[c->id % HASH];
    while (*at != c) {
        at = &(*at)->same_hash;
    }
    *at = c->same_hash;
    *(c->prev != NULL ? &c->prev->next : &first) = c->next;
    *(c->next != NULL ? &c->next->prev : &last) = c->prev;
    n_capsules--;
}

/* ---- birth ---- */

static nos_status_t capsule_create(struct module *m, uint32_t parent, struct capsule **out)
{
    struct capsule *c = cache_alloc(&capsule_cache);
    if (c == NULL) {
        return NOS_NO_MEMORY;
    }
    nos_status_t st = space_create(&c->space, m->man.limits.mem_pages);
    if (st != NOS_OK) {
        cache_free(&capsule_cache, c);
        return st;
    }
    obj_init(&c->obj, NOS_TYPE_CAPSULE);
    obj_get(&m->obj);
    c->module = m;
    c->id = ++last_id;
    c->state = NOS_CAPSULE_RUNNING;
    c->parent = parent;
    c->limits = m->man.limits;
    handle_table_init(&c->handles, c->limits.handles, 0);
    c->restart = m->man.restart;
    c->sched = m->man.sched;
    c->restarts = m->starts++;
    c->filter[0] = m->man.filter[0];
    c->filter[1] = m->man.filter[1];
    c->started_ns = arch_clock_ns();
    m->running++;
    list_join(c);
    obj_get(&c->obj);  // the running capsule holds itself, until all is given back
    *out = c;
    return NOS_OK;
}

/* ---- what a capsule hands on ---- */

static bool covers(const struct nos_children *budget, uint32_t pages, uint32_t capsules)
{
    return pages <= budget->mem_pages && capsules <= budget->capsules;
}

/* The child's limits come out of its parent's budget, and so does what it may hand on itself; if
 * that does not fit, it gets nothing to hand on. So the sum below a capsule never exceeds what it
 * was given. The first capsule has no parent. */
static nos_status_t take_from_parent(struct capsule *c)
{
    struct capsule *p = capsule_find(c->parent);
    if (p == NULL) {
        return c->parent == 0 ? NOS_OK : NOS_CANCELLED;
    }
    if (!covers(&p->children, c->limits.mem_pages, 1)) {
        return NOS_QUOTA;
    }
    nos_status_t st = obj_charge(&c->obj, p);
    if (st != NOS_OK) {
        return st;
    }
    if (!covers(&p->children, c->limits.mem_pages + c->children.mem_pages,
                1 + c->children.capsules)) {
        c->children = (struct nos_children){ 0 };
    }
    p->children.mem_pages -= c->limits.mem_pages + c->children.mem_pages;
    p->children.capsules -= 1 + c->children.capsules;
    c->sponsor = p->id;
    p->sponsors++;
    return NOS_OK;
}

/* What its own children still have of it is given back when they end: to who is next above. */
static void give_back(struct capsule *c)
{
    struct capsule *s = c->sponsor == 0 ? NULL : capsule_find(c->sponsor);
    for (struct capsule *d = c->sponsors == 0 ? NULL : first; d != NULL; d = d->next) {
        d->sponsor = d->sponsor == c->id ? c->sponsor : d->sponsor;
    }
    if (s != NULL) {
        s->sponsors += c->sponsors - 1;
        s->children.mem_pages += c->limits.mem_pages + c->children.mem_pages;
        s->children.capsules += 1 + c->children.capsules;
    }
}

nos_status_t spawn_begin(struct spawn_job *j, struct module *m, span_t arg, uint32_t parent)
{
    paddr_t page = frame_alloc(0);
    if (page.v == 0) {
        return NOS_NO_MEMORY;
    }
    j->start = phys_ptr(page);
    j->parent = parent;
    j->arg_len = (uint32_t)arg.len;
    memcpy(j->arg, arg.data, arg.len);
    nos_status_t st = capsule_create(m, parent, &j->capsule);
    if (st == NOS_OK) {
        st = module_grant(m, j->capsule, j->start);
        j->capsule->space.limit = j->capsule->limits.mem_pages;
        module_load_init(&j->load, m, j->capsule);
    }
    if (st != NOS_OK) {
        spawn_drop(j);
    }
    return st;
}

/* Of what is behind it: how it started, or as far as it came. */
static const struct audit_ref *last_record(const struct capsule *c)
{
    return c->record.at != 0 ? &c->record : &c->module->record;
}

static nos_status_t start_first_thread(struct spawn_job *j)
{
    struct capsule *c = j->capsule;
    struct thread *t = NULL;
    nos_status_t st = module_execute(c->module, c, j->start, span_of(j->arg, j->arg_len));
    if (st == NOS_OK) {
        st = thread_create(c, c->entry, c->stack_top, c->start_va, 0, c->limits.priority, &t);
    }
    if (st == NOS_OK) {
        audit_add(NOS_AUDIT_SPAWN, j->parent, NOS_OK, c->module->id, c->id, c->restarts,
                  c->module->name);
        audit_cause(last_record(c));
        audit_cause(&j->asked);
        audit_remember(&c->record);
        c->on_end = j->note;
        c->end_bits = j->bits;
        c->end_via = j->via;
        j->note = NULL;
        sched_ready(t);
        obj_put(&t->obj);
    }
    return st;
}

/* The share of a child that has ended comes back when its memory has: that is waited for, a step at
 * a time. */
static nos_status_t pay(struct spawn_job *j, bool *done)
{
    nos_status_t st = take_from_parent(j->capsule);
    if (st == NOS_QUOTA && capsule_reclaim_step()) {
        return NOS_OK;
    }
    j->paid = st == NOS_OK;
    *done = !j->paid;
    return st;
}

nos_status_t spawn_step(struct spawn_job *j, bool *done)
{
    if (j->capsule->state != NOS_CAPSULE_RUNNING) {
        *done = true;
        return NOS_CANCELLED;
    }
    if (!j->paid) {
        return pay(j, done);
    }
    bool loaded = false;
    nos_status_t st = module_load_step(&j->load, &loaded);
    if (loaded && st == NOS_OK) {
        st = start_first_thread(j);
    }
    *done = loaded || st != NOS_OK;
    if (st != NOS_OK) {
        klog("capsule %u %.*s: could not start: %d", j->capsule->id, NOS_NAME_MAX,
             j->capsule->module->name, st);
    }
    return st;
}

void spawn_undo(struct spawn_job *j)
{
    j->note = j->capsule->on_end;  // spawn_drop gives it back
    j->capsule->on_end = NULL;
    capsule_end(j->capsule, NOS_CAPSULE_KILLED, 0);
}

void spawn_drop(struct spawn_job *j)
{
    if (j->capsule != NULL) {
        if (j->capsule->threads == NULL) {
            capsule_end(j->capsule, NOS_CAPSULE_KILLED, 0);
        }
        obj_put(&j->capsule->obj);
        j->capsule = NULL;
    }
    if (j->note != NULL) {
        cell_put(j->via);
        obj_put(&j->note->obj);
        j->note = NULL;
    }
    if (j->start != NULL) {
        frame_free(ptr_phys(j->start), 0);
        j->start = NULL;
    }
}

/* ---- death ---- */

static void say_end(struct capsule *c, enum nos_capsule_state how, uint64_t code)
{
    static const enum nos_audit_kind kinds[] = { [NOS_CAPSULE_EXITED] = NOS_AUDIT_EXIT,
                                                 [NOS_CAPSULE_CRASHED] = NOS_AUDIT_CRASH,
                                                 [NOS_CAPSULE_KILLED] = NOS_AUDIT_KILL };
    const struct thread *running = this_cpu()->current;
    audit_add(kinds[how], 0, NOS_OK, c->module->id, c->id, code, c->module->name);
    audit_cause(last_record(c));
    if (how == NOS_CAPSULE_KILLED && running != NULL) {
        audit_cause(thread_cause(running));
    }
    audit_remember(&c->record);
    if (how == NOS_CAPSULE_EXITED && code != 0) {
        klog("capsule %u %.*s: exited with code %lu", c->id, NOS_NAME_MAX, c->module->name, code);
    } else if (how == NOS_CAPSULE_KILLED) {
        klog("capsule %u %.*s: killed", c->id, NOS_NAME_MAX, c->module->name);
    }
}

void capsule_end(struct capsule *c, enum nos_capsule_state how, uint64_t code)
{
    if (c->state != NOS_CAPSULE_RUNNING) {
        return;
    }
    debug_capsule_ends(c);
    say_end(c, how, code);
    c->state = how;
    c->exit_code = code;
    c->ended_ns = arch_clock_ns();
    death_note(c);
    while (c->threads != NULL) {
        thread_kill(c->threads);
    }
    sched_forget_payer(c);
    if (token_issuer_ends(c)) {
        revoke_finish_later();
    }
    handle_close_all(&c->handles);  // now: a successor takes over its endpoints and interrupts,
                                    // however busy the CPU is
    if (c->faults != NULL) {
        obj_put(&c->faults->obj);
        cell_put(c->fault_via);
        c->faults = NULL;
    }
    if (c->regions != NULL) {
        cell_epoch++;  // no handle to them works any more; they go with the rest of its memory
    }
    c->module->running--;
    if (c->on_end != NULL) {
        if (cell_look(c->end_via) == CELL_ALIVE) {
            notify_signal(c->on_end, c->end_bits);
        }
        cell_put(c->end_via);
        obj_put(&c->on_end->obj);
        c->on_end = NULL;
    }
    c->reclaim_next = reclaim;
    reclaim = c;
    background_begins();
    c->reclaiming = true;
}

bool capsule_reclaim_pending(void)
{
    return reclaim != NULL;
}

bool capsule_reclaim_step(void)
{
    struct capsule *c = reclaim;
    struct area gone;
    if (c == NULL) {
        return false;
    }
    if (c->regions != NULL) {
        region_end_step(c->regions);
        return true;
    }
    sched_forget_space(&c->space.arch);
    if (!space_destroy_step(&c->space, STEP_FRAMES, &gone)) {
        if (gone.owner != NULL) {
            region_unmapped(&gone);
        }
        return true;
    }
    arch_forget_ended();
    give_back(c);
    reclaim = c->reclaim_next;
    c->reclaiming = false;
    c->space.pages = 0;
    obj_put(&c->obj);
    return true;
}

void capsule_destroy(struct obj *o)
{
    struct capsule *c = CONTAINER_OF(o, struct capsule, obj);
    KASSERT(c->threads == NULL && c->handles.used == 0 && !c->reclaiming);
    list_leave(c);
    audit_forget(&c->record);
    obj_put(&c->module->obj);
    cache_free(&capsule_cache, c);
}

/* ---- to be looked at ---- */

void capsule_describe(const struct capsule *c, struct nos_capsule_info *out)
{
    uint64_t hz, mult, base;
    arch_clock_params(&hz, &mult, &base);
    sched_charge_all();
    *out = (struct nos_capsule_info){
        .id = c->id,
        .state = c->state,
        .threads = c->n_threads,
        .handles = c->handles.used,
        .mem_pages = c->space.pages,
        .mem_limit = c->space.limit,
        .classes = c->classes,
        .restarts = c->restarts,
        .started_ns = c->started_ns,
        .ended_ns = c->ended_ns,
        .cpu_ns = (uint64_t)((unsigned __int128)c->cpu_tsc * mult >> 32),
        .exit_code = c->exit_code,
        .fault_addr = c->fault_addr,
        .fault_ip = c->fault_ip,
        .restart = c->restart,
        .priority = c->limits.priority,
        .parent = c->parent,
    };
    memcpy(out->name, c->module->name, NOS_NAME_MAX);
    memcpy(out->module_id, c->module->id, sizeof out->module_id);
    memcpy(out->fault_symbol, c->fault_symbol, sizeof out->fault_symbol);
}
