/* See upgrade.h. The carrying thread and the main thread share one word, `state`: who may touch the
 * rest follows from it. */
#include "modules/init/upgrade.h"

#include <string.h>

#include "lib/status.h"
#include "lib/text.h"
#include "modules/init/say.h"
#include "modules/init/stop.h"
#include "modules/init/watch.h"
#include "sdk/control.h"
#include "sdk/print.h"
#include "sdk/start.h"

#define NS_PER_MS 1000000ull
enum { STACK = 8192, USUAL_MS = 1000, RETIRE_MS = 1000 };
enum state { IDLE, CARRIED /* the thread's */, DONE };

static struct {
    enum state state;
    nos_handle_t node, notify, thread, bell;
    uint64_t bits;
    uint64_t token;   // of whoever asked for it; 0: it is answered
    uint32_t sender;  // that one, while it waits; 0
    struct slot *old, *new;
    nos_handle_t to_new;   // the endpoint that the new version was given
    uint64_t patience_ns;  // for each answer
    bool moved;            // callers that waited for the old one wait for the new one
    nos_status_t result;
    uint64_t pause_ns;
    struct nos_thread start;
    uint8_t stack[STACK] __attribute__((aligned(16)));
} up;

static enum state state_now(void)
{
    return __atomic_load_n(&up.state, __ATOMIC_ACQUIRE);
}

static void set_state(enum state s)
{
    __atomic_store_n(&up.state, s, __ATOMIC_RELEASE);
}

void upgrade_init(nos_handle_t node, nos_handle_t notify, uint64_t bits)
{
    up.node = node;
    up.notify = notify;
    up.bits = bits;
}

/* ---- carried through by the thread ---- */

static nos_status_t ask(nos_handle_t endpoint, uint64_t label, uint64_t word, struct nos_msg *m)
{
    m->label = label;
    m->word[0] = word;
    m->n_words = 1;
    m->n_handles = 0;
    nos_status_t st = nos_call(endpoint, m, nos_now_ns() + up.patience_ns);
    return st == NOS_OK ? nos_msg_status(m) : st;
}

/* The new version's silence or end: what is known of it here. */
static nos_status_t of_new(nos_status_t st)
{
    return st == NOS_OK ? NOS_OK : st == NOS_TIMED_OUT ? NOS_UPG_HUNG : NOS_UPG_ENDED;
}

/* From its answer on the old version serves nobody, until it has called the new one. */
static nos_status_t bring_together(struct nos_msg *m)
{
    nos_msg_accept(m, 1);
    nos_status_t st = ask(up.old->control, NOS_CTL_FIRST + NOS_CTL_UPGRADE, up.old->id, m);
    nos_msg_accept(m, 0);
    if (st != NOS_OK || m->n_handles != 1) {
        return st == NOS_OK || st == NOS_NOT_SUPPORTED || st == NOS_BAD_MESSAGE ? NOS_UPG_NONE : st;
    }
    nos_handle_t meeting = { m->pass[0].handle };
    m->n_handles = m->n_words = 0;
    st = nos_msg_copy(m, up.to_new, NOS_RIGHT_CALL | NOS_RIGHT_GRANT)
             ? nos_send(meeting, m, nos_now_ns() + up.patience_ns)
             : NOS_BAD_STATE;
    nos_ignore(nos_sys_handle_close(meeting));
    return st;
}

/* The question that goes through the new version's own loop waits there before all others': it is
 * asked on this thread's priority, which is above every client's. */
static nos_status_t carry(struct nos_msg *m)
{
    nos_status_t st = of_new(ask(up.to_new, NOS_UPGRADE_HELLO, up.old->id, m));
    uint64_t begun_ns = nos_now_ns();

    if (st == NOS_OK) {
        st = bring_together(m);
    }
    if (st == NOS_OK) {
        st = of_new(ask(up.new->control, NOS_CTL_FIRST + NOS_CTL_HEALTH, up.new->id, m));
    }
    if (st == NOS_OK) {
        st = nos_sys_capsule_succeed(up.old->capsule, up.new->capsule);
        up.moved = st == NOS_OK;
    }
    if (st == NOS_OK) {
        st = of_new(ask(up.to_new, NOS_UPGRADE_COMMIT, 0, m));
        up.pause_ns = nos_now_ns() - begun_ns;
    }
    return st;
}

static void run(void *arg, uint64_t *ipc_buffer)
{
    static struct nos_msg m;
    uint64_t bits;

    (void)arg;
    m.buffer = ipc_buffer;
    for (;;) {
        nos_ignore(nos_sys_notify_wait(up.bell, NOS_DEADLINE_NEVER, &bits));  // or CANCELLED: look
        if (state_now() == CARRIED) {
            up.result = carry(&m);
            set_state(DONE);
            nos_ignore(nos_sys_notify_signal(up.notify, up.bits));
        }
    }
}

/* Less urgent than the main thread, which must be able to end it; more than all others. */
static nos_status_t have_thread(void)
{
    struct nos_capsule_info self;

    if (up.thread.v != 0) {
        return NOS_OK;
    }
    nos_status_t st = nos_sys_self_info(&self, sizeof(self));
    if (st == NOS_OK && up.bell.v == 0) {
        st = nos_sys_notify_create(&up.bell);
    }
    up.start = (struct nos_thread){ .run = run };
    return st != NOS_OK ? st
                        : nos_thread_start(&up.start, up.stack, sizeof(up.stack), self.priority - 1,
                                           &up.thread);
}

void upgrade_lost(const struct slot *s)
{
    (void)s;
    if (state_now() == CARRIED) {
        nos_ignore(nos_sys_thread_cancel(up.thread));  // not waiting just now: the deadline ends it
    }
}

/* ---- before: may it be? ---- */

static nos_status_t record_of(const uint8_t id[32], struct nos_module_info *out)
{
    uint64_t got;
    nos_status_t st = NOS_OK;

    for (uint64_t i = 0; st == NOS_OK; i++) {
        st = nos_sys_node_info(up.node, NOS_TOPIC_MODULES, i, out, sizeof(*out), &got);
        if (st == NOS_OK && out->status == NOS_OK &&
            memcmp(out->module_id, id, sizeof(out->module_id)) == 0) {
            return NOS_OK;
        }
    }
    return st;
}

/* The kernel has verified it, and asks the policy when it is started; this is what is to be the
 * same for one to take the other's place. */
static nos_status_t judge(const struct slot *old, const struct nos_supervision *about)
{
    static struct nos_module_info is, was;
    static order_set set;

    nos_status_t st = record_of(old->about.module_id, &was);
    if (st == NOS_OK) {
        st = record_of(about->module_id, &is);
    }
    if (st != NOS_OK) {
        return st;
    }
    if (memcmp(is.name, was.name, sizeof(is.name)) != 0 ||
        memcmp(is.publisher_id, was.publisher_id, sizeof(is.publisher_id)) != 0) {
        return NOS_UPG_OTHER;
    }
    slots_set(set);
    for (uint32_t i = 0; i < about->n_needs; i++) {
        if (!order_has(set, about->needs[i])) {
            return NOS_NEED_MISSING;
        }
    }
    return is.sec_version < was.sec_version ? NOS_UPG_OLDER : NOS_OK;
}

/* ---- the new capsule, beside the old one ---- */

static void drop(nos_handle_t *h)
{
    if (h->v != 0) {
        nos_ignore(nos_sys_handle_close(*h));
    }
    *h = (nos_handle_t){ 0 };
}

/* An endpoint that the new capsule alone serves: its end is seen there by whoever calls it. */
static nos_status_t launch(struct slot *s)
{
    nos_status_t st = nos_sys_endpoint_create(&s->give);
    if (st == NOS_OK) {
        st = nos_sys_handle_dup(
            s->give, NOS_RIGHT_CALL | NOS_RIGHT_GRANT | NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER, 0,
            &up.to_new);
    }
    if (st == NOS_OK) {
        st = slot_launch(s);
    }
    drop(&s->give);
    return st == NOS_OK && s->control.v == 0 ? NOS_UPG_NONE : st;
}

static void undo(void)
{
    if (up.moved) {
        nos_ignore(nos_sys_capsule_succeed(up.new->capsule, up.old->capsule));
    }
    if (up.new != NULL && up.new->capsule.v != 0) {
        nos_ignore(nos_sys_capsule_kill(up.new->capsule, NOS_KILL_ASKED));  // it may have ended
    }
    if (up.new != NULL) {
        slot_free(up.new);
    }
    drop(&up.to_new);
    up.new = NULL;
}

static nos_status_t begin(struct slot *old, const uint8_t id[32])
{
    struct nos_supervision about;

    nos_status_t st = module_about(span_of(id, sizeof(about.module_id)), &about);
    if (st == NOS_OK) {
        st = judge(old, &about);
    }
    if (st == NOS_OK) {
        st = have_thread();
    }
    if (st == NOS_OK) {
        st = slot_new(&about, span_of(old->arg, old->arg_len), &up.new);
    }
    if (st == NOS_OK) {
        st = launch(up.new);
    }
    if (st != NOS_OK) {
        undo();
        return st;
    }
    up.old = old;
    uint32_t ms = about.control.deadline_ms == 0 ? USUAL_MS : about.control.deadline_ms;
    up.patience_ns = ms * NS_PER_MS;
    watch_forget(old->id);  // a question that is open would wait for its answer in vain
    old->upgrading = up.new->upgrading = true;
    set_state(CARRIED);
    return nos_sys_notify_signal(up.bell, 1);
}

static void refused(const struct slot *old, nos_status_t st)
{
    note(NOS_DECISION_UPGRADE_REFUSED, old, (uint64_t)-st);
    nos_log("init: %.16s (capsule %u) is not upgraded: %s", old->about.name, old->id,
            status_text(st));
}

static void reply(nos_status_t st, uint64_t id, uint64_t pause_ns)
{
    static struct nos_msg m;

    m.token = up.token;
    nos_msg_answer(&m, st);
    m.word[0] = id;
    m.word[1] = pause_ns;
    m.n_words = st == NOS_OK ? 2 : 0;
    if (up.token != 0) {
        nos_ignore(nos_reply(&m));  // NOT_FOUND: it no longer waits; what it asked for was done
    }
    up.token = up.sender = 0;
}

bool upgrade_waits(uint32_t capsule)
{
    return state_now() != IDLE && up.sender == capsule;
}

void upgrade_serve(struct nos_msg *m)
{
    struct slot *old = slot_of((uint32_t)m->word[0]);
    nos_status_t st = NOS_OK;

    if (old == NULL) {
        st = NOS_NOT_FOUND;
    } else if (state_now() != IDLE) {
        st = NOS_BUSY;
    } else if (old->state != SLOT_RUNNING || old->stopping || old->tell.v != 0 || stop_is_final()) {
        st = NOS_BAD_STATE;
    } else {
        up.new = NULL;
        up.moved = false;
        up.token = m->token;
        up.sender = m->sender;
        st = old->control.v == 0 ? NOS_UPG_NONE : begin(old, (const uint8_t *)&m->word[1]);
        if (st != NOS_OK) {
            refused(old, st);
        } else if (old->id == m->sender) {
            reply(NOS_OK, 0, 0);  // it cannot make room while it waits for this
        } else {
            up.token = nos_hold(m);
        }
    }
    if (st != NOS_OK) {
        nos_msg_answer(m, st);
        nos_ignore(nos_reply(m));  // NOT_FOUND: it no longer waits
    }
}

/* ---- after ---- */

/* What was the old one's is the new one's; the old one has its last moments. */
static void replace(struct slot *old, struct slot *new)
{
    struct nos_restart rule = new->last.restart;

    new->backoff = old->backoff;
    new->backoff.rule = rule;
    new->as_need = old->as_need;
    new->killed = old->killed;
    new->stopping = old->stopping;
    stop_follows(old->id, new->id);
    old->stopping = false;
    old->state = SLOT_RETIRED;
    old->due_ns = nos_now_ns() + RETIRE_MS * NS_PER_MS;
    note(NOS_DECISION_UPGRADED, new, old->id);
    nos_log("init: %.16s: capsule %u took the place of %u in %llu us", new->about.name, new->id,
            old->id, (unsigned long long)(up.pause_ns / 1000));
}

/* Of a new version that ended before it was settled: why, as far as its end tells. */
static nos_status_t reason(void)
{
    if (up.result == NOS_UPG_ENDED && slot_ended(up.new) &&
        up.new->last.state == NOS_CAPSULE_EXITED &&up.new->last.exit_code == NOS_UPGRADE_REFUSED) {
        return NOS_UPG_STATE;
    }
    return up.result;
}

static void roll_back(struct slot *old)
{
    nos_status_t st = reason();

    undo();
    health_answered(&old->health, true, nos_now_ns());
    refused(old, st);
    say("%.16s (capsule %u) goes on: its upgrade was rolled back: %s", old->about.name, old->id,
        status_text(st));
    reply(st, 0, 0);
}

bool upgrade_settle(void)
{
    struct slot *old = up.old, *new = up.new;

    if (state_now() != DONE) {
        return false;
    }
    old->upgrading = new->upgrading = false;
    if (up.result == NOS_OK) {
        replace(old, new);
        reply(NOS_OK, new->id, up.pause_ns);
        drop(&up.to_new);
    } else {
        roll_back(old);
    }
    set_state(IDLE);
    return true;
}
