/* The other side: it keeps to what it is asked, and never takes a number for a handle. */
#include <string.h>

#include "abi/caps.h"
#include "abi/info.h"
#include "modules/duel/duel.h"
#include "sdk/start.h"

enum { TAKES = 4, HELD_MAX = 64 };

static nos_handle_t handed[HELD_MAX], kept;
static unsigned n_handed;
static uint64_t held;          /* reply token of who waits */
static nos_status_t last_give; /* how the answer with a handle went */

static void remember(const struct nos_msg *m)
{
    for (unsigned i = 0; i < m->n_handles && n_handed < HELD_MAX; i++) {
        handed[n_handed++] = (nos_handle_t){ m->pass[i].handle };
    }
}

static void look(struct nos_msg *m)
{
    uint32_t n = m->n_handles;
    struct nos_pass got[NOS_MSG_HANDLES];

    memcpy(got, m->pass, sizeof(got));
    nos_msg_answer(m, NOS_OK);
    m->n_words = n + 1;
    m->word[0] = n;
    for (uint32_t i = 0; i < n; i++) {
        struct nos_handle_info info = { 0 };
        nos_ignore(nos_sys_handle_info((nos_handle_t){ got[i].handle }, &info, sizeof(info)));
        m->word[i + 1] = info.rights;
    }
}

static nos_status_t reply_with(uint64_t token)
{
    struct nos_msg m = { .token = token };
    return nos_reply(&m);
}

static void release(struct nos_msg *m)
{
    nos_status_t first = reply_with(held), second = reply_with(held);
    nos_msg_answer(m, NOS_OK);
    m->n_words = 2;
    m->word[0] = (uint32_t)first;
    m->word[1] = (uint32_t)second;
}

static nos_status_t create(void)
{
    nos_handle_t n;
    nos_status_t st = nos_sys_notify_create(&n);
    if (st == NOS_OK) {
        st = nos_sys_handle_close(n);
    }
    return st;
}

static nos_status_t hammer(void)
{
    nos_status_t st = NOS_OK;
    while (st == NOS_OK) {
        st = nos_sys_notify_signal(kept, 1);
    }
    return st;
}

static void ping(struct nos_msg *m)
{
    uint64_t sender = m->sender, badge = m->badge;
    nos_msg_answer(m, NOS_OK);
    m->n_words = 3;
    m->word[0] = sender;
    m->word[1] = badge;
    m->word[2] = (uint32_t)last_give;
}

static void sweep(void)
{
    while (n_handed > 0) {
        nos_ignore(nos_sys_handle_close(handed[--n_handed]));
    }
}

static void give(struct nos_msg *m)
{
    nos_handle_t n = { 0 };
    uint64_t token = m->token;

    nos_ignore(nos_sys_notify_create(&n));
    nos_msg_answer(m, NOS_OK);
    m->token = token;
    last_give = nos_msg_copy(m, n, NOS_RIGHT_ALL) ? nos_reply(m) : NOS_TOO_BIG;
    nos_ignore(nos_sys_handle_close(n));
    if (last_give != NOS_OK) {  // it takes none: an answer without
        nos_msg_answer(m, NOS_OK);
        nos_ignore(nos_reply(m));
    }
}

static uint64_t touch(void)
{
    uint64_t v;
    __asm__ volatile("movq (%1), %0" : "=r"(v) : "r"(TOUCHED) : "memory");
    return v;
}

/* False: no answer now. */
static bool carry_out(struct nos_msg *m)
{
    bool one = m->n_handles == 1;
    nos_handle_t first = { one ? m->pass[0].handle : 0 };

    remember(m);
    switch ((enum order)m->label) {
    case ORDER_PING:
        ping(m);
        return true;
    case ORDER_USE:  // word 0 may be any number: a handle is what came as one
        nos_msg_answer(m, one ? nos_sys_notify_signal(first, m->word[0]) : NOS_BAD_MESSAGE);
        return true;
    case ORDER_LOOK:
        look(m);
        return true;
    case ORDER_HOLD:
        held = nos_hold(m);
        return false;
    case ORDER_DROP:
        held = m->token;
        return false;
    case ORDER_RELEASE:
        release(m);
        return true;
    case ORDER_CREATE:
        nos_msg_answer(m, create());
        return true;
    case ORDER_SWEEP:
        sweep();
        nos_msg_answer(m, NOS_OK);
        return true;
    case ORDER_KEEP:
        kept = first;
        nos_msg_answer(m, NOS_OK);
        return true;
    case ORDER_HAMMER:
        nos_msg_answer(m, hammer());
        return true;
    case ORDER_ACCEPT:
        nos_msg_accept(m, (uint32_t)m->word[0]);
        nos_msg_answer(m, NOS_OK);
        return true;
    case ORDER_REPLY_WITH:
        nos_msg_answer(m, reply_with(m->word[0]));
        return true;
    case ORDER_TOUCH:
        nos_msg_answer(m, touch() == 0 ? NOS_OK : NOS_BAD_STATE);
        return true;
    case ORDER_GIVE:
        give(m);
        return false;
    }
    nos_msg_answer(m, NOS_BAD_MESSAGE);
    return true;
}

int dueler(void)
{
    static struct nos_msg m;
    nos_handle_t ep = nos_find_handle(NOS_CAP_ENDPOINT, "duel-serve");
    nos_status_t st = NOS_OK;

    nos_msg_accept(&m, TAKES);
    while (st == NOS_OK) {
        st = nos_recv(ep, &m, NOS_DEADLINE_NEVER);
        if (st == NOS_OK && carry_out(&m)) {
            nos_ignore(nos_reply(&m));
        }
        st = st == NOS_CANCELLED ? NOS_OK : st;
    }
    return 1;
}
