/* Sessions of debuggers. A capsule with one stops as a whole, at the beginning and whenever one of
 * its threads traps or crashes: all its threads are held, and its debugger sees that when it next
 * asks. Others wait for its answers, as they would if it were slow.
 *
 * A breakpoint is a byte in the capsule's own copy of its code, written through the direct map: no
 * mapping changes, no other capsule has that frame. The session knows what stood there, so that it
 * comes back however the session ends. */
#include "kernel/runtime/debug.h"

#include <string.h>

#include "kernel/audit/audit.h"
#include "kernel/core/log.h"

enum { SESSIONS = 4 };

static struct debug {
    struct capsule *capsule; /* NULL = free; not referenced: the session ends before it does */
    uint64_t deadline_ns;
    struct breakpoint bp[NOS_DEBUG_BREAKS];
} sessions[SESSIONS];

static struct debug *free_session(void)
{
    for (unsigned i = 0; i < SESSIONS; i++) {
        if (sessions[i].capsule == NULL) {
            return &sessions[i];
        }
    }
    return NULL;
}

static void hold_all(struct capsule *c)
{
    for (struct thread *t = c->threads; t != NULL; t = t->sibling) {
        sched_hold(t);
    }
}

/* ---- begin and end ---- */

nos_status_t debug_may_begin(const struct capsule *c)
{
    if (c->state != NOS_CAPSULE_RUNNING || c->threads == NULL) {
        return NOS_BAD_STATE;
    }
    if (c->no_debug) {
        return NOS_DENIED;
    }
    return c->debug_handles != 0 || free_session() == NULL ? NOS_BUSY : NOS_OK;
}

void debug_begin(struct capsule *c, uint32_t actor, uint64_t ttl_ns)
{
    struct debug *d = free_session();
    audit_add(NOS_AUDIT_DEBUG, actor, NOS_OK, c->module->id, c->id, ttl_ns, c->module->name);
    audit_cause(&c->record);
    *d = (struct debug){ .capsule = c, .deadline_ns = arch_clock_ns() + ttl_ns };
    c->debug = d;
    c->had_debugger = true;
    hold_all(c);
    sched_arm_background();
}

/* One that still runs, on another CPU, may be in the middle of a step: it is met in debug_catches.
 */
static void let_go(struct thread *t)
{
    if (t->state != THREAD_RUNNING && t->single_step) {
        t->single_step = false;
        arch_context_step(&t->ctx, false);
    }
    t->crash_passes = false;
    t->stop_why = 0;
    sched_release(t);
}

static void end(struct debug *d, nos_status_t why)
{
    struct capsule *c = d->capsule;
    for (unsigned i = 0; i < NOS_DEBUG_BREAKS; i++) {
        if (d->bp[i].at != 0) {
            (void)debug_break(c, d->bp[i].at, false);
        }
    }
    audit_add(NOS_AUDIT_DEBUG, 0, why, c->module->id, c->id, 0, c->module->name);
    audit_cause(&c->record);
    c->debug = NULL;
    d->capsule = NULL;
    for (struct thread *t = c->threads; t != NULL; t = t->sibling) {
        let_go(t);
    }
}

void up_debugger_left(struct capsule *c)
{
    if (c->debug != NULL) {
        end(c->debug, NOS_OK);
    }
}

void debug_capsule_ends(struct capsule *c)
{
    if (c->debug != NULL) {
        end(c->debug, NOS_PEER_CLOSED);
    }
}

uint64_t debug_due(void)
{
    uint64_t due = 0;
    for (unsigned i = 0; i < SESSIONS; i++) {
        uint64_t at = sessions[i].capsule == NULL ? 0 : sessions[i].deadline_ns;
        due = at != 0 && (due == 0 || at < due) ? at : due;
    }
    return due;
}

bool debug_step(uint64_t now_ns)
{
    for (unsigned i = 0; i < SESSIONS; i++) {
        if (sessions[i].capsule != NULL && sessions[i].deadline_ns <= now_ns) {
            end(&sessions[i], NOS_EXPIRED);
            return true;
        }
    }
    return false;
}

/* ---- events ---- */

/* Its place; that of an empty one with 0. NOS_DEBUG_BREAKS: there is none. */
static unsigned find(const struct capsule *c, uint64_t at)
{
    unsigned i = 0;
    while (i < NOS_DEBUG_BREAKS && c->debug->bp[i].at != at) {
        i++;
    }
    return i;
}

bool debug_catches(struct thread *t, enum nos_crash why, uint64_t addr)
{
    struct capsule *c = t->capsule;
    bool stepped = t->single_step && why == NOS_CRASH_DEBUG;
    if (t->single_step) {
        t->single_step = false;
        arch_context_step(&t->ctx, false);
    }
    if (c->debug == NULL) {
        return stepped;  // let go in the middle of a step
    }
    if (t->crash_passes || why == NOS_CRASH_FILTER) {  // the policy's own kill waits for nobody
        return false;
    }
    t->stop_why = (uint16_t)why;
    t->stop_addr = addr;
    hold_all(c);
    return true;
}

bool debug_trap_is_gone(struct thread *t)
{
    const struct capsule *c = t->capsule;
    uint64_t at = t->ctx.ip - ARCH_BREAK_LEN;
    const uint8_t *now = c->had_debugger ? debug_byte(c, at, PROT_X) : NULL;
    bool gone = now != NULL && *now != ARCH_BREAK;
    if (gone || (c->debug != NULL && find(c, at) < NOS_DEBUG_BREAKS)) {
        t->ctx.ip = at;
    }
    return gone;
}

/* ---- memory ---- */

uint8_t *debug_byte(const struct capsule *c, uint64_t va, unsigned need)
{
    unsigned prot;
    bool guard = false;
    const struct area *a = user_range(va, 1) ? space_find(&c->space, va, &guard) : NULL;
    const struct obj *owner = a == NULL || guard ? NULL : a->owner;
    if (a == NULL || guard || (owner != NULL && owner->type != NOS_TYPE_REGION)) {
        return NULL;
    }
    paddr_t page = arch_query(&c->space.arch, va & ~(uint64_t)(PAGE_SIZE - 1), &prot);
    return page.v == 0 || (prot & need) != need ? NULL : (uint8_t *)phys_ptr(page) + va % PAGE_SIZE;
}

struct breakpoint debug_break_nth(const struct capsule *c, unsigned i)
{
    return c->debug->bp[i];
}

static nos_status_t take_away(struct capsule *c, uint64_t at)
{
    unsigned i = find(c, at);
    uint8_t *byte = debug_byte(c, at, PROT_X);
    if (i == NOS_DEBUG_BREAKS || at == 0) {
        return NOS_NOT_FOUND;
    }
    if (byte != NULL) {
        *byte = c->debug->bp[i].was;
    }
    c->debug->bp[i].at = 0;
    return NOS_OK;
}

nos_status_t debug_break(struct capsule *c, uint64_t at, bool on)
{
    uint8_t *byte = debug_byte(c, at, PROT_X);
    bool guard;
    if (!on) {
        return take_away(c, at);
    }
    if (byte == NULL || space_find(&c->space, at, &guard)->owner != NULL) {
        return NOS_BAD_ADDRESS;
    }
    if (find(c, at) < NOS_DEBUG_BREAKS) {
        return NOS_OK;
    }
    unsigned i = find(c, 0);
    if (i == NOS_DEBUG_BREAKS) {
        return NOS_QUOTA;
    }
    c->debug->bp[i] = (struct breakpoint){ .at = at, .was = *byte };
    *byte = ARCH_BREAK;
    return NOS_OK;
}

/* ---- running ---- */

nos_status_t debug_run(struct thread *t, enum nos_debug_how how)
{
    if (how == NOS_DEBUG_STOP) {
        sched_hold(t);
        return NOS_OK;
    }
    if (t->held == 0) {
        return NOS_OK;  // it does
    }
    if (t->state == THREAD_RUNNING) {
        return NOS_BUSY;
    }
    t->crash_passes = how == NOS_DEBUG_PASS;
    t->stop_why = 0;
    if (how == NOS_DEBUG_STEP || t->single_step) {
        t->single_step = how == NOS_DEBUG_STEP;
        arch_context_step(&t->ctx, t->single_step);
    }
    sched_release(t);
    return NOS_OK;
}
