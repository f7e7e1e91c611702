/*
 * A capsule that ended is looked at once: its record says how it ended and what its manifest asks
 * for, backoff.c decides, and the slot waits, starts it again or is freed. One that is asked and
 * does not answer is killed, and goes the same way.
 */
#include "modules/init/supervise.h"

#include <string.h>

#include "abi/policy.h"
#include "abi/services.h"
#include "lib/status.h"
#include "lib/text.h"
#include "modules/init/say.h"
#include "modules/init/slot.h"
#include "modules/init/stop.h"
#include "modules/init/upgrade.h"
#include "modules/init/watch.h"
#include "sdk/print.h"
#include "sdk/start.h"

#define NS_PER_MS 1000000ull

static nos_handle_t node;

void supervise_init(nos_handle_t node_handle, nos_handle_t notify_handle)
{
    node = node_handle;
    slots_init(node, notify_handle);
    watch_init(node, notify_handle, 1ull << WATCHER_BIT);
    upgrade_init(node, notify_handle, 1ull << WATCHER_BIT);
}

static void log_start(const struct slot *s, const char *what)
{
    nos_log("init: %s %.16s as capsule %u", what, s->about.name, s->id);
}

/* ---- starting ---- */

static span_t argument(const struct nos_pol_start *record)
{
    size_t len = 0;
    while (len < sizeof(record->arg) && record->arg[len] != '\0') {
        len++;
    }
    return span_of(record->arg, len);
}

/* What the policy's start list gives that module as argument. */
static span_t argument_of(const char name[NOS_NAME_MAX], struct nos_pol_start *record)
{
    uint64_t got;

    for (uint64_t i = 0;
         nos_sys_node_info(node, NOS_TOPIC_START, i, record, sizeof(*record), &got) == NOS_OK;
         i++) {
        if (memcmp(record->name, name, NOS_NAME_MAX) == 0) {
            return argument(record);
        }
    }
    return span_of(NULL, 0);
}

static struct plan {  // of one start: the module, and what it needs and does not run yet
    order_set there, wanted;
    struct nos_supervision room[ORDER_MAX];
    size_t n;
} plan;

static bool is_ending(const char name[NOS_NAME_MAX])
{
    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        if (slots[i].state != SLOT_FREE && slots[i].stopping &&
            memcmp(slots[i].about.name, name, NOS_NAME_MAX) == 0) {
            return true;
        }
    }
    return false;
}

static nos_status_t add_need(const struct nos_supervision *who, const char name[NOS_NAME_MAX])
{
    nos_status_t st = is_ending(name) ? NOS_BUSY : plan.n == ORDER_MAX ? NOS_NO_SLOT : NOS_OK;
    if (st == NOS_OK && !order_has(plan.there, name) && !order_has(plan.wanted, name)) {
        st = module_about(span_of(name, name16_len(name)), &plan.room[plan.n]);
        if (st == NOS_OK) {
            plan.wanted[plan.n] = &plan.room[plan.n];
            plan.n++;
        }
    }
    if (st != NOS_OK) {
        nos_log("init: %.16s needs %.16s: %s", who->name, name, status_text(st));
    }
    return st == NOS_NOT_FOUND ? NOS_NEED_MISSING : st;
}

static nos_status_t make_plan(const struct nos_supervision *first, uint8_t order[ORDER_MAX])
{
    nos_status_t st = NOS_OK;

    memset(&plan, 0, sizeof(plan));
    slots_set(plan.there);
    plan.room[0] = *first;
    plan.wanted[0] = &plan.room[0];
    plan.n = 1;
    for (size_t i = 0; i < plan.n; i++) {
        for (uint32_t k = 0; st == NOS_OK && k < plan.room[i].n_needs; k++) {
            st = add_need(&plan.room[i], plan.room[i].needs[k]);
        }
    }
    if (st == NOS_OK) {
        st = order_start(plan.wanted, order, &plan.n);
        if (st == NOS_NEED_CYCLE) {
            nos_log("init: %.16s waits for itself: %s", plan.room[order[0]].name, status_text(st));
        }
    }
    return st;
}

static nos_status_t start_one(const struct nos_supervision *about, span_t arg,
                              const struct starter *starter, struct slot **out)
{
    struct slot *s = NULL;
    nos_status_t st = slot_new(about, arg, &s);
    if (st == NOS_OK) {
        s->give = starter == NULL ? s->give : starter->give;
        st = slot_launch(s);
        s->give = (nos_handle_t){ 0 };
    }
    if (st == NOS_OK) {
        s->tell = starter == NULL ? s->tell : starter->tell;
        log_start(s, "started");
        *out = s;
    }
    return st;
}

/* What needs nothing is started without further ado: also when all slots but one are taken. */
static nos_status_t start_all(const struct nos_supervision *first, span_t arg,
                              const struct starter *starter, struct slot **out)
{
    struct slot *begun[ORDER_MAX] = { NULL };
    uint8_t order[ORDER_MAX];
    nos_status_t st = make_plan(first, order);
    size_t done = 0;

    while (st == NOS_OK && done < plan.n) {
        struct nos_pol_start record;
        bool is_first = order[done] == 0;
        const struct nos_supervision *about = &plan.room[order[done]];
        st = start_one(about, is_first ? arg : argument_of(about->name, &record),
                       is_first ? starter : NULL, &begun[done]);
        if (st == NOS_OK) {
            begun[done]->as_need = !is_first;
            done++;
        }
    }
    for (size_t i = 0; st != NOS_OK && i < done; i++) {
        begun[i]->stopping = true;  // nobody is left who needs it
    }
    if (st == NOS_OK) {
        *out = begun[done - 1];
    }
    return st;
}

nos_status_t supervise_start(span_t module, span_t arg, const struct starter *starter, uint32_t *id)
{
    struct nos_supervision about;
    struct slot *s = NULL;

    if (stop_is_final()) {
        return NOS_BAD_STATE;
    }
    nos_status_t st = module_about(module, &about);
    if (st == NOS_OK) {
        st = start_all(&about, arg, starter, &s);
    }
    if (st == NOS_OK && s != NULL) {
        *id = s->id;
    }
    return st;
}

static const struct slot *slot_named(span_t name)
{
    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        const struct slot *s = &slots[i];
        if (s->state != SLOT_FREE && s->state != SLOT_RETIRED &&
            span_equal(name16_span(s->about.name), name)) {
            return s;
        }
    }
    return NULL;
}

nos_status_t supervise_need(span_t name, uint32_t *id)
{
    struct nos_pol_start record;
    char padded[NOS_NAME_MAX];
    const struct slot *s = slot_named(name);

    if (s != NULL) {
        *id = s->id;
        return s->stopping ? NOS_BUSY : NOS_OK;
    }
    if (!name16_set(padded, name)) {
        return NOS_INVALID;
    }
    return supervise_start(name, argument_of(padded, &record), NULL, id);
}

/* It was started because another one needs it, with this argument: that was this entry's start. */
static bool is_started(const char name[NOS_NAME_MAX])
{
    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        struct slot *s = &slots[i];
        if (s->state != SLOT_FREE && s->as_need && memcmp(s->about.name, name, NOS_NAME_MAX) == 0) {
            s->as_need = false;
            return true;
        }
    }
    return false;
}

void supervise_boot(void)
{
    struct nos_pol_start record;
    uint64_t got;
    uint32_t id;

    for (uint64_t i = 0;
         nos_sys_node_info(node, NOS_TOPIC_START, i, &record, sizeof(record), &got) == NOS_OK;
         i++) {
        nos_status_t st = is_started(record.name) ? NOS_OK
                                                  : supervise_start(name16_span(record.name),
                                                                    argument(&record), NULL, &id);
        if (st != NOS_OK) {
            nos_log("init: cannot start %.16s: %s", record.name, status_text(st));
        }
    }
}

/* ---- ends ---- */

nos_status_t supervise_kill(uint32_t id)
{
    struct slot *s = slot_of(id);
    nos_handle_t capsule;

    if (s != NULL && s->state == SLOT_WAITING) {
        slot_free(s);
        return NOS_OK;
    }
    if (s != NULL) {
        s->killed = true;
        return nos_sys_capsule_kill(s->capsule, NOS_KILL_ASKED);
    }
    if (id == nos_self()->capsule) {
        return NOS_BAD_STATE;  // without its first capsule the machine has no supervisor
    }
    nos_status_t st = nos_sys_capsule_open(node, id, &capsule);
    if (st == NOS_OK) {
        st = nos_sys_capsule_kill(capsule, NOS_KILL_ASKED);
        nos_ignore(nos_sys_handle_close(capsule));
    }
    return st;
}

nos_status_t supervise_restarts(uint32_t id, uint64_t *restarts)
{
    const struct slot *s = slot_of(id);
    if (s == NULL) {
        return NOS_NOT_FOUND;
    }
    *restarts = s->backoff.total;
    return NOS_OK;
}

/* Gives: it waits for its restart. */
static bool decide(struct slot *s)
{
    uint64_t now = nos_now_ns();
    // killed by others than us, or for not answering: as little the capsule's wish as a crash
    bool crashed = s->last.state == NOS_CAPSULE_CRASHED || s->last.state == NOS_CAPSULE_KILLED;
    enum backoff_verdict v = s->killed || s->tell.v != 0
                                 ? BACKOFF_DONE
                                 : backoff_ended(&s->backoff, crashed, now, &s->due_ns);

    if (v == BACKOFF_RESTART) {
        uint64_t ms = (s->due_ns - now) / NS_PER_MS;
        note(NOS_DECISION_RESTART_AT, s, ms);
        say_end(&s->last, "restart %u in %llu ms", s->backoff.total, (unsigned long long)ms);
        return true;
    }
    if (v == BACKOFF_GIVE_UP) {
        note(NOS_DECISION_GIVEN_UP, s, s->backoff.in_window);
        say_end(&s->last, "given up after %u restarts in %u s", s->backoff.in_window,
                s->backoff.rule.window_s);
        stop_escalate(s);
    } else if (crashed && !s->killed) {
        say_end(&s->last,
                s->tell.v != 0 ? "its starter is told" : "its manifest asks for no restart");
    } else {
        log_end(&s->last);
    }
    return false;
}

static void ended(struct slot *s)
{
    if (!slot_ended(s)) {
        return;
    }
    if (s->upgrading) {
        upgrade_lost(s);  // decided when that is settled
        return;
    }
    bool again = false;
    if (s->state == SLOT_RETIRED) {
        log_end(&s->last);
    } else if (s->stopping) {
        stop_ended(s);
        log_end(&s->last);
    } else {
        again = decide(s);
    }
    slot_free(s);
    if (again) {
        s->state = SLOT_WAITING;
    }
}

static void answered(const struct watch_job *job, nos_status_t st)
{
    struct slot *s = slot_of(job->capsule);

    if (s == NULL || s->state != SLOT_RUNNING) {
        return;
    }
    if (job->op == NOS_CTL_STOP) {
        stop_answered(s, st);
    } else if (s->health.open && st != NOS_TIMED_OUT && st != NOS_CANCELLED) {
        // NOT_FOUND: another capsule that serves the same endpoint answered, so this one may be
        // well
        health_answered(&s->health, st == NOS_OK || st == NOS_NOT_FOUND, nos_now_ns());
    }
}

void supervise_notified(uint64_t bits)
{
    struct watch_job job;
    nos_status_t st;

    while (watch_answer(&job, &st)) {
        answered(&job, st);
    }
    if (upgrade_settle()) {
        bits = UINT64_MAX;  // who ended meanwhile
    }
    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        bool runs = slots[i].state == SLOT_RUNNING || slots[i].state == SLOT_RETIRED;
        if ((bits >> i & 1) != 0 && runs) {
            ended(&slots[i]);
        }
    }
}

/* ---- what is due ---- */

static void restart(struct slot *s)
{
    nos_status_t st = slot_launch(s);

    if (st == NOS_OK) {
        note(NOS_DECISION_RESTARTED, s, s->backoff.total);
        log_start(s, "restarted");
        return;
    }
    bool passing = st == NOS_NO_MEMORY || st == NOS_QUOTA || st == NOS_NO_SLOT;
    if (passing && backoff_ended(&s->backoff, true, nos_now_ns(), &s->due_ns) == BACKOFF_RESTART) {
        return;  // the machine is short of something: keep waiting
    }
    note(NOS_DECISION_CANNOT_START, s, (uint64_t)-st);
    nos_log("init: cannot restart %.16s: %s", s->about.name, status_text(st));
    stop_escalate(s);
    slot_free(s);
}

static void fail(struct slot *s, uint64_t now_ns)
{
    nos_status_t st = nos_sys_capsule_kill(s->capsule, NOS_KILL_WATCHDOG);

    if (st == NOS_BUSY) {  // a debugger holds it
        health_init(&s->health, &s->about.control, now_ns);
        return;
    }
    note(NOS_DECISION_UNHEALTHY, s, (now_ns - s->health.asked_ns) / NS_PER_MS);
    s->health.every_ns = 0;
}

static bool waits_for_us(const struct slot *s)
{
    return stop_waits(s->id) || upgrade_waits(s->id);
}

static void check(struct slot *s, uint64_t now_ns)
{
    const struct watch_job job = { .endpoint = s->control,
                                   .op = NOS_CTL_HEALTH,
                                   .capsule = s->id,
                                   .priority = s->last.priority,
                                   .deadline_ns = now_ns + s->health.deadline_ns };

    switch (waits_for_us(s) ? HEALTH_WAIT : health_look(&s->health, now_ns)) {
    case HEALTH_WAIT:
        break;
    case HEALTH_ASK:
        if (watch_ask(&job)) {
            health_asked(&s->health, now_ns);
        } else {
            health_later(&s->health, now_ns);
        }
        break;
    case HEALTH_DOUBT:
        watch_forget(s->id);
        break;
    case HEALTH_FAILED:
        watch_forget(s->id);
        fail(s, now_ns);
        break;
    }
}

/* When to look at it again; 0: something else tells. */
static uint64_t due_of(const struct slot *s)
{
    if (s->state == SLOT_WAITING || s->state == SLOT_RETIRED) {
        return s->due_ns;
    }
    bool asked =
        s->state == SLOT_RUNNING && !s->upgrading && s->health.every_ns != 0 && !waits_for_us(s);
    return asked ? s->health.due_ns : 0;
}

uint64_t supervise_due(void)
{
    uint64_t now = nos_now_ns(), next = stop_step(now);

    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        struct slot *s = &slots[i];
        if (s->state == SLOT_WAITING && s->due_ns <= now && !s->stopping) {
            restart(s);
        } else if (s->state == SLOT_RETIRED && s->due_ns <= now) {
            s->due_ns = UINT64_MAX;
            nos_ignore(nos_sys_capsule_kill(s->capsule, NOS_KILL_STOP));  // BAD_STATE: it ended
        } else if (s->state == SLOT_RUNNING && !s->stopping && !s->upgrading) {
            check(s, now);
        }
        uint64_t due = due_of(s);
        if (due != 0 && (next == 0 || due < next)) {
            next = due;
        }
    }
    return next;
}
