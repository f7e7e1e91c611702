/* See feed.h. The thread stands in one of three waits: for an answer, for this capsule to take it,
 * or, paused, at its bell. */
#include "sdk/feed.h"

#include "abi/info.h"

#define ASK_AGAIN_NS 60000000000ull /* whoever is asked may have forgotten it */

static bool is_paused(const struct nos_feed *f)
{
    return __atomic_load_n(&f->paused, __ATOMIC_ACQUIRE);
}

static void ask(const struct nos_feed *f, struct nos_msg *m)
{
    nos_status_t st;

    do {
        m->label = f->label;
        m->word[0] = f->word;
        m->n_words = f->n_words;
        m->n_handles = 0;
        st = nos_call(f->from, m, nos_now_ns() + ASK_AGAIN_NS);
    } while (st == NOS_TIMED_OUT && !is_paused(f));
    m->label = (uint32_t)(st == NOS_OK ? nos_msg_status(m) : st);
    m->n_words = st == NOS_OK ? m->n_words : 0;
    m->n_handles = 0;
}

static void run(void *arg, uint64_t *ipc_buffer)
{
    struct nos_feed *f = arg;
    nos_status_t st;
    struct nos_msg m;
    uint64_t bits;

    m.buffer = ipc_buffer;
    for (;;) {
        while (is_paused(f)) {
            nos_ignore(nos_sys_notify_wait(f->bell, NOS_DEADLINE_NEVER, &bits));  // then look
        }
        ask(f, &m);
        st = nos_msg_status(&m);
        if (is_paused(f) && (st == NOS_CANCELLED || st == NOS_TIMED_OUT)) {
            continue;
        }
        st = nos_call(f->to, &m, NOS_DEADLINE_NEVER);
        while (st == NOS_CANCELLED && is_paused(f)) {  // not taken: kept for when it goes on
            nos_ignore(nos_sys_notify_wait(f->bell, NOS_DEADLINE_NEVER, &bits));
            st = is_paused(f) ? NOS_CANCELLED : nos_call(f->to, &m, NOS_DEADLINE_NEVER);
        }
    }
}

nos_status_t nos_feed_start(struct nos_feed *f)
{
    struct nos_capsule_info self;

    f->start = (struct nos_thread){ .run = run, .arg = f };
    nos_status_t st = nos_sys_notify_create(&f->bell);
    if (st == NOS_OK) {
        st = nos_sys_self_info(&self, sizeof(self));
    }
    return st == NOS_OK
               ? nos_thread_start(&f->start, f->stack, sizeof(f->stack), self.priority, &f->thread)
               : st;
}

bool nos_is_fed(const struct nos_msg *m)
{
    return !m->notified && m->token != 0 && m->sender == nos_self()->capsule;
}

void nos_feed_pause(struct nos_feed *f)
{
    if (f->thread.v != 0) {
        __atomic_store_n(&f->paused, true, __ATOMIC_RELEASE);
        nos_ignore(nos_sys_thread_cancel(f->thread));  // not waiting just now: then it looks soon
    }
}

void nos_feed_resume(struct nos_feed *f)
{
    if (is_paused(f)) {
        __atomic_store_n(&f->paused, false, __ATOMIC_RELEASE);
        nos_ignore(nos_sys_notify_signal(f->bell, 1));
    }
}
