/* See stop.h. `stopping` in a slot is the whole plan: each step looks who of these can go now. */
#include "modules/init/stop.h"

#include <string.h>

#include "abi/services.h"
#include "lib/status.h"
#include "modules/init/say.h"
#include "modules/init/watch.h"
#include "sdk/print.h"
#include "sdk/start.h"

#define NS_PER_MS 1000000ull
enum { REQUESTS = 8, TRIES = 8 };

static struct request {
    uint64_t token;  // 0: free
    uint64_t begun_ns;
    uint32_t sender;
    uint32_t target;  // 0: everybody
    uint32_t others;  // dependants that went before it
    enum nos_stop_way way;
} requests[REQUESTS];

static bool final, power_off;

static void answer(struct request *r, nos_status_t st)
{
    static struct nos_msg m;

    m.token = r->token;
    nos_msg_answer(&m, st);
    m.word[0] = r->way;
    m.word[1] = r->others;
    m.word[2] = (nos_now_ns() - r->begun_ns) / NS_PER_MS;
    m.n_words = st == NOS_OK ? 3 : 0;
    r->token = 0;
    nos_ignore(nos_reply(&m));  // NOT_FOUND: it no longer waits; what it asked for was done
}

static struct request *request_new(const struct nos_msg *m, uint32_t target)
{
    for (size_t i = 0; i < REQUESTS; i++) {
        struct request *r = &requests[i];
        if (r->token == 0) {
            *r = (struct request){ .token = nos_hold(m),
                                   .sender = m->sender,
                                   .target = target,
                                   .begun_ns = nos_now_ns() };
            return r;
        }
    }
    return NULL;
}

static void refuse(struct nos_msg *m, nos_status_t st)
{
    nos_msg_answer(m, st);
    nos_ignore(nos_reply(m));  // NOT_FOUND: it no longer waits
}

static uint32_t stop_all_of(const bool marked[ORDER_MAX])
{
    uint32_t n = 0;

    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        if (marked[i] && slots[i].state != SLOT_FREE) {
            slots[i].stopping = true;
            n++;
        }
    }
    return n;
}

/** Mark `s` and all that cannot do without it. */
static void mark(const struct slot *s, bool marked[ORDER_MAX])
{
    order_set set;

    memset(marked, 0, ORDER_MAX * sizeof(bool));
    slots_set(set);
    set[s - slots] = &s->about;  // it may be free by now
    marked[s - slots] = true;
    order_dependants(set, marked);
}

/* Who goes with `s` is told instead, unless nobody does, or it goes already. */
static bool is_needed(struct nos_msg *m, const struct slot *s, const bool marked[ORDER_MAX])
{
    uint32_t n = 0;

    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        if (marked[i] && &slots[i] != s && !slots[i].stopping) {
            m->word[n++] = slots[i].id;
        }
    }
    if (n == 0) {
        return false;
    }
    nos_msg_answer(m, NOS_NEEDED);
    m->n_words = n;
    nos_ignore(nos_reply(m));  // NOT_FOUND: it no longer waits
    return true;
}

void stop_serve(struct nos_msg *m)
{
    bool marked[ORDER_MAX], with_all = m->word[1] == 1;
    struct slot *s = slot_of((uint32_t)m->word[0]), *sender = slot_of(m->sender);

    if (s == NULL) {
        refuse(m, m->word[0] == nos_self()->capsule ? NOS_BAD_STATE : NOS_NOT_FOUND);
        return;
    }
    mark(s, marked);
    if (!with_all && is_needed(m, s, marked)) {
        return;
    }
    struct request *r = request_new(m, s->id);
    if (r == NULL) {
        refuse(m, NOS_BUSY);
        return;
    }
    r->others = stop_all_of(marked) - 1;
    if (sender != NULL && sender->stopping) {
        answer(r, NOS_OK);  // it cannot end while it waits for this: NOS_STOP_UNDER_WAY
    }
}

void stop_serve_shutdown(struct nos_msg *m)
{
    bool marked[ORDER_MAX];
    const struct slot *sender = slot_of(m->sender);
    struct request *r = request_new(m, 0);

    if (r == NULL) {
        refuse(m, NOS_BUSY);
        return;
    }
    for (size_t i = 0; i < ORDER_MAX; i++) {
        marked[i] = i >= SUPERVISED_MAX || &slots[i] != sender;
    }
    final = true;
    r->others = stop_all_of(marked);
    note(NOS_DECISION_SYSTEM, NULL, r->others);
    nos_log("init: the system is stopped: %u capsules", r->others);
}

void stop_escalate(const struct slot *s)
{
    bool marked[ORDER_MAX];
    uint32_t how = s->about.control.escalate;

    if (how == NOS_ESCALATE_DEPENDANTS) {
        mark(s, marked);
        marked[s - slots] = false;  // it is gone
        uint32_t n = stop_all_of(marked);
        note(NOS_DECISION_DEPENDANTS, s, n);
        say("%.16s is gone: %u capsules that need it are stopped", s->about.name, n);
    } else if (how == NOS_ESCALATE_SYSTEM && !final) {
        memset(marked, true, sizeof(marked));
        marked[s - slots] = false;
        final = power_off = true;
        uint32_t n = stop_all_of(marked);
        note(NOS_DECISION_SYSTEM, s, n);
        say("%.16s is gone, and the system is not to run without it: it is stopped", s->about.name);
    }
}

bool stop_is_final(void)
{
    return final;
}

bool stop_waits(uint32_t capsule)
{
    for (size_t i = 0; i < REQUESTS; i++) {
        if (requests[i].token != 0 && requests[i].sender == capsule) {
            return true;
        }
    }
    return false;
}

void stop_follows(uint32_t old, uint32_t new)
{
    for (size_t i = 0; i < REQUESTS; i++) {
        if (requests[i].token != 0 && requests[i].target == old) {
            requests[i].target = new;
        }
    }
}

void stop_ended(struct slot *s)
{
    uint64_t ms = s->asked_ns == 0 ? 0 : (nos_now_ns() - s->asked_ns) / NS_PER_MS;
    bool asked = s->last.state != NOS_CAPSULE_KILLED;

    if (asked) {
        note(NOS_DECISION_STOPPED, s, ms);
    }
    for (size_t i = 0; i < REQUESTS; i++) {
        if (requests[i].token != 0 && requests[i].target == s->id) {
            requests[i].way = asked                                ? NOS_STOP_BY_ITSELF
                              : s->last.exit_code == NOS_KILL_STOP ? NOS_STOP_TOO_LATE
                                                                   : NOS_STOP_KILLED;
        }
    }
}

static void kill_slot(struct slot *s, enum nos_kill why, uint64_t waited_ms)
{
    note(NOS_DECISION_STOP_FORCED, s, waited_ms);
    nos_ignore(nos_sys_capsule_kill(s->capsule, why));  // BAD_STATE: it ended just now
}

static void ask(struct slot *s, uint64_t now_ns)
{
    const struct watch_job job = { .endpoint = s->control,
                                   .op = NOS_CTL_STOP,
                                   .capsule = s->id,
                                   .priority = s->last.priority,
                                   .deadline_ns =
                                       s->asked_ns + s->about.control.stop_ms * NS_PER_MS };
    s->asked = now_ns < job.deadline_ns && watch_ask(&job);
}

/* A capsule whose turn it is. Gives: when to look at it again; 0: its end tells. */
static uint64_t stop_one(struct slot *s, uint64_t now_ns)
{
    uint64_t most_ns = s->about.control.stop_ms * NS_PER_MS;

    if (s->upgrading || s->state == SLOT_RETIRED) {
        return 0;  // once that is settled; ends by itself
    }
    if (s->state == SLOT_WAITING) {
        slot_free(s);
        return now_ns;  // others may go now
    }
    if (s->control.v == 0 || most_ns == 0) {
        if (s->asked_ns == 0) {
            s->asked_ns = now_ns;
            kill_slot(s, NOS_KILL_ASKED, 0);
        }
        return 0;
    }
    if (s->asked_ns == 0) {
        s->asked_ns = now_ns;
        watch_forget(s->id);  // a question that is open: this one goes before it
        s->health.every_ns = 0;
        note(NOS_DECISION_STOP_ASKED, s, s->about.control.stop_ms);
    }
    if (!s->asked) {
        ask(s, now_ns);
    }
    if (now_ns - s->asked_ns < most_ns) {
        return s->asked_ns + most_ns;
    }
    if (s->tries <= TRIES) {
        s->tries = TRIES + 1;  // once
        kill_slot(s, NOS_KILL_STOP, (now_ns - s->asked_ns) / NS_PER_MS);
    }
    return 0;
}

void stop_answered(struct slot *s, nos_status_t st)
{
    if (st == NOS_NOT_FOUND && s->tries < TRIES) {
        s->tries++;
        s->asked = false;  // another capsule serves the same endpoint and read it: once more
    }
}

static bool is_done(const struct request *r)
{
    if (r->target != 0) {
        return slot_of(r->target) == NULL;
    }
    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        if (slots[i].state != SLOT_FREE && slots[i].stopping) {
            return false;
        }
    }
    return true;
}

static void finish(void)
{
    const struct request everybody = { .target = 0 };

    for (size_t i = 0; i < REQUESTS; i++) {
        if (requests[i].token != 0 && is_done(&requests[i])) {
            answer(&requests[i], NOS_OK);
        }
    }
    if (power_off && is_done(&everybody)) {
        power_off = false;
        nos_status_t st = nos_sys_power(nos_find_handle(NOS_CAP_POWER, NULL), NOS_POWER_OFF);
        nos_log("init: the machine stays on, with nothing running: power: %s", status_text(st));
    }
}

uint64_t stop_step(uint64_t now_ns)
{
    bool stopping[ORDER_MAX] = { false }, now[ORDER_MAX];
    uint64_t next = 0;
    order_set set;

    slots_set(set);
    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        stopping[i] = slots[i].stopping;
    }
    order_stop(set, stopping, now);
    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        uint64_t due = now[i] ? stop_one(&slots[i], now_ns) : 0;
        next = due != 0 && (next == 0 || due < next) ? due : next;
    }
    finish();
    return next;
}
