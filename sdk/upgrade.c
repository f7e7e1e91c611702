/*
 * Two capsules and a rule. The old version, asked to make room, calls the new one, and this call is
 * the whole safety of it: only the new version can answer it, and only once (docs/ipc.md,
 * "tokens"). Answered well, the old one ends. If the new one refuses, crashes, or is killed because
 * it hangs, the kernel itself wakes the old one, which still has all it had and goes on; nobody has
 * to be alive for that. And a new version whose answer finds nobody ends, so there are never two.
 */
#include "sdk/upgrade.h"

#include "abi/info.h"
#include "lib/compiler.h"
#include "sdk/control.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { PAGE = 4096, PROT_READ = 1, PROT_READ_WRITE = 3, BATCH = NOS_MSG_HANDLES - 1 };
/* Nobody decides by these: they only end a wait that a supervisor's death has left. */
#define MEET_NS 5000000000ull
#define DECIDE_NS 60000000000ull

static const struct nos_upgrade *service;

/* ---- the old version ---- */

static struct {
    nos_handle_t region;
    void *at;
    size_t len;
    struct nos_state_out out;
} saved;

static void forget_state(void)
{
    if (saved.at != NULL) {
        nos_ignore(nos_sys_region_unmap(saved.at));
    }
    if (saved.region.v != 0) {
        nos_ignore(nos_sys_handle_close(saved.region));
    }
    saved.at = NULL;
    saved.region = (nos_handle_t){ 0 };
}

static nos_status_t save(void)
{
    size_t pages = ((size_t)service->room + PAGE - 1) / PAGE;

    nos_status_t st = service->room > NOS_UPGRADE_ROOM_MAX
                          ? NOS_TOO_BIG
                          : nos_sys_region_create(pages, &saved.region);
    if (st == NOS_OK) {
        st = nos_sys_region_map(saved.region, PROT_READ_WRITE, &saved.at);
    }
    if (st == NOS_OK) {
        nos_state_open(&saved.out, mspan_of(saved.at, pages * PAGE));
        st = service->save(&saved.out);
    }
    if (st == NOS_OK) {
        st = nos_state_close(&saved.out, service->form, &saved.len);
    }
    if (st != NOS_OK) {
        forget_state();
    }
    return st;
}

/* One call to the new version, with handles [from, to). */
static nos_status_t hand(nos_handle_t to_new, enum nos_upgrade_op op, uint32_t from, uint32_t to)
{
    static struct nos_msg m;

    m.label = op;
    m.n_handles = 0;
    m.word[0] = saved.len;
    m.n_words = 1;
    if (op == NOS_UPGRADE_STATE &&
        !nos_msg_copy(&m, saved.region, NOS_RIGHT_READ | NOS_RIGHT_MAP)) {
        return NOS_BAD_STATE;
    }
    for (uint32_t i = from; i < to; i++) {
        if (!nos_msg_copy(&m, saved.out.handle[i].h, saved.out.handle[i].rights)) {
            return NOS_BAD_STATE;
        }
    }
    nos_status_t st = nos_call(to_new, &m, nos_now_ns() + DECIDE_NS);
    return st == NOS_OK ? nos_msg_status(&m) : st;
}

/* Gives: OK = the new version has everything, and this one is to end. */
static nos_status_t hand_over(nos_handle_t to_new)
{
    uint32_t n = saved.out.n_handles, at = 0;
    nos_status_t st = NOS_OK;

    while (st == NOS_OK && n - at > BATCH) {
        st = hand(to_new, NOS_UPGRADE_GIVE, at, at + BATCH);
        at += BATCH;
    }
    return st == NOS_OK ? hand(to_new, NOS_UPGRADE_STATE, at, n) : st;
}

/* Where to meet: an endpoint that only who gets this answer can call. */
static nos_status_t answer_with_endpoint(struct nos_msg *m, nos_handle_t *meeting)
{
    nos_handle_t to_call = { 0 };

    nos_status_t st = nos_sys_endpoint_create(meeting);
    if (st == NOS_OK) {
        st = nos_sys_handle_dup(*meeting, NOS_RIGHT_CALL | NOS_RIGHT_GRANT | NOS_RIGHT_TRANSFER, 0,
                                &to_call);
    }
    nos_msg_answer(m, st);
    if (st == NOS_OK && nos_msg_move(m, to_call, NOS_RIGHT_ALL)) {
        st = nos_reply(m);
    } else {
        nos_ignore(nos_reply(m));
    }
    if (st != NOS_OK && to_call.v != 0) {
        nos_ignore(nos_sys_handle_close(to_call));
    }
    return st;
}

/* The handle by which the new version can be called. */
static nos_status_t meet(nos_handle_t meeting, nos_handle_t *to_new)
{
    static struct nos_msg m;

    uint32_t taken = nos_msg_accept(&m, 1);
    nos_status_t st = nos_recv(meeting, &m, nos_now_ns() + MEET_NS);
    nos_msg_accept(&m, taken);  // it may go on, as it was
    if (st == NOS_OK && m.n_handles != 1) {
        st = NOS_BAD_MESSAGE;
    }
    if (st == NOS_OK) {
        *to_new = (nos_handle_t){ m.pass[0].handle };
    }
    return st;
}

/* The supervisor asks for room. Returns if this version goes on. */
static void leave(struct nos_msg *m)
{
    nos_handle_t meeting = { 0 }, to_new = { 0 };

    nos_status_t st = save();
    if (st != NOS_OK) {
        nos_msg_answer(m, st);
        nos_ignore(nos_reply(m));
        return;
    }
    st = answer_with_endpoint(m, &meeting);
    if (st == NOS_OK) {
        st = meet(meeting, &to_new);
    }
    if (st == NOS_OK) {
        st = hand_over(to_new);
    }
    if (st == NOS_OK) {
        nos_exit(0);
    }
    if (to_new.v != 0) {
        nos_ignore(nos_sys_handle_close(to_new));
    }
    if (meeting.v != 0) {
        nos_ignore(nos_sys_handle_close(meeting));
    }
    forget_state();
}

/* ---- the new version ---- */

static struct {
    nos_handle_t endpoint;  // given at the start
    uint32_t old;           // capsule
    uint64_t old_waits;     // token of its call
    struct nos_state_in state;
    nos_handle_t handle[NOS_STATE_HANDLES];
    uint32_t n;
} heir;

static _Noreturn void give_up(struct nos_msg *m, nos_status_t why)
{
    nos_msg_answer(m, why);
    nos_ignore(nos_reply(m));
    nos_exit(NOS_UPGRADE_REFUSED);
}

static bool take_handles(const struct nos_msg *m, uint32_t first)
{
    for (uint32_t i = first; i < m->n_handles && i < NOS_MSG_HANDLES; i++) {
        if (heir.n == NOS_STATE_HANDLES) {
            return false;
        }
        heir.handle[heir.n++] = (nos_handle_t){ m->pass[i].handle };
    }
    return true;
}

static nos_status_t load(const struct nos_msg *m)
{
    nos_handle_t region = { m->n_handles == 0 ? 0 : m->pass[0].handle };
    struct nos_handle_info info;
    void *at;

    if (service == NULL) {
        return NOS_NOT_SUPPORTED;
    }
    if (m->n_handles == 0 || m->n_words != 1 || !take_handles(m, 1)) {
        return NOS_BAD_MESSAGE;
    }
    nos_status_t st = nos_sys_handle_info(region, &info, sizeof(info));
    if (st == NOS_OK && (info.type != NOS_TYPE_REGION || m->word[0] > info.a * PAGE)) {
        st = NOS_BAD_MESSAGE;
    }
    if (st == NOS_OK) {
        st = nos_sys_region_map(region, PROT_READ, &at);
    }
    if (st != NOS_OK) {
        return st;
    }
    st = nos_state_parse(span_of(at, m->word[0]), &heir.state);
    if (st == NOS_OK && heir.state.n_handles != heir.n) {
        st = NOS_BAD_MESSAGE;
    }
    for (uint32_t i = 0; i < heir.n; i++) {
        heir.state.handle[i] = heir.handle[i];
    }
    if (st == NOS_OK) {
        st = service->load(&heir.state);
    }
    nos_ignore(nos_sys_region_unmap(at));
    nos_ignore(nos_sys_handle_close(region));
    return st;
}

/* Until it has the state. First the supervisor asks whether it is there at all, and says who is to
 * be followed: then the old one serves no longer than it must. */
static void await_state(struct nos_msg *m)
{
    for (;;) {
        if (nos_recv(heir.endpoint, m, nos_now_ns() + DECIDE_NS) != NOS_OK) {
            nos_exit(NOS_UPGRADE_REFUSED);
        }
        bool from_old = heir.old != 0 && m->sender == heir.old && m->token != 0;
        nos_status_t st = NOS_DENIED;
        if (m->sender == nos_self()->supervisor && m->label == NOS_UPGRADE_HELLO &&
            m->n_words == 1) {
            heir.old = (uint32_t)m->word[0];
            st = NOS_OK;
        } else if (from_old && m->label == NOS_UPGRADE_GIVE) {
            st = take_handles(m, 0) ? NOS_OK : NOS_TOO_BIG;
        } else if (from_old && m->label == NOS_UPGRADE_STATE) {
            st = load(m);
            if (st == NOS_OK) {
                heir.old_waits = nos_hold(m);
                return;
            }
        }
        if (st != NOS_OK) {
            give_up(m, st);
        }
        nos_msg_answer(m, NOS_OK);
        nos_ignore(nos_reply(m));
    }
}

static nos_status_t retire_old(void)
{
    static struct nos_msg m;

    m.token = heir.old_waits;
    nos_msg_answer(&m, NOS_OK);
    return nos_reply(&m);
}

/* The loop goes round: the supervisor's question came through it. It is answered, and its last word
 * awaited; until then no other message is taken. */
static void settle(struct nos_msg *m)
{
    nos_ignore(nos_reply(m));
    nos_on_health = NULL;
    do {
        if (nos_recv(heir.endpoint, m, nos_now_ns() + DECIDE_NS) != NOS_OK) {
            nos_exit(NOS_UPGRADE_REFUSED);
        }
    } while (m->sender != nos_self()->supervisor || m->label != NOS_UPGRADE_COMMIT);
    nos_status_t st = retire_old();
    if (st != NOS_OK) {
        give_up(m, st);  // it goes on already
    }
    nos_msg_answer(m, NOS_OK);
    nos_ignore(nos_reply(m));
    nos_ignore(nos_sys_handle_close(heir.endpoint));
}

void nos_upgradable(const struct nos_upgrade *u)
{
    static struct nos_msg m;

    service = u;
    nos_on_upgrade = u != NULL ? leave : NULL;
    heir.endpoint = (nos_handle_t){ nos_self()->given };
    struct nos_handle_info info;
    if (heir.endpoint.v == 0 || nos_sys_handle_info(heir.endpoint, &info, sizeof(info)) != NOS_OK ||
        (info.rights & NOS_RIGHT_RECV) == 0) {
        return;  // nothing, or where it could ask for a kit (sdk/kit.h)
    }
    nos_on_health = settle;
    uint32_t taken = nos_msg_accept(&m, NOS_MSG_HANDLES);
    await_state(&m);
    nos_msg_accept(&m, taken);
}
