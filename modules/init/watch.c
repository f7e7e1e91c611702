/* See watch.h. A watcher and the main thread share one word, `state`: who may touch the rest of the
 * watcher follows from it. */
#include "modules/init/watch.h"

#include "abi/info.h"
#include "lib/status.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { STACK = 8192 };
enum state { ABSENT, IDLE, ASKED /* the watcher's */, DONE };

static struct watcher {
    enum state state;
    bool forgotten;  // set by the main thread, at any time
    nos_handle_t thread, bell;
    struct watch_job job;
    nos_status_t result;
    struct nos_thread start;
    uint8_t stack[STACK] __attribute__((aligned(16)));
} watchers[WATCHERS];

static nos_handle_t notify;
static uint64_t notify_bits, cpus;

static enum state state_of(const struct watcher *w)
{
    return __atomic_load_n(&w->state, __ATOMIC_ACQUIRE);
}

static void set_state(struct watcher *w, enum state s)
{
    __atomic_store_n(&w->state, s, __ATOMIC_RELEASE);
}

static nos_status_t ask(const struct watch_job *job, uint64_t *ipc_buffer)
{
    struct nos_msg m;

    m.buffer = ipc_buffer;
    m.label = NOS_CTL_FIRST + job->op;
    m.word[0] = job->capsule;
    m.n_words = 1;
    m.n_handles = 0;
    nos_status_t st = nos_call(job->endpoint, &m, job->deadline_ns);
    return st == NOS_OK ? nos_msg_status(&m) : st;
}

static void run(void *arg, uint64_t *ipc_buffer)
{
    struct watcher *w = arg;
    uint64_t bits;

    for (;;) {
        nos_ignore(nos_sys_notify_wait(w->bell, NOS_DEADLINE_NEVER, &bits));  // or CANCELLED: look
        if (state_of(w) == ASKED) {
            bool forgotten = __atomic_load_n(&w->forgotten, __ATOMIC_ACQUIRE);
            w->result = forgotten ? NOS_CANCELLED : ask(&w->job, ipc_buffer);
            set_state(w, DONE);
            nos_ignore(nos_sys_notify_signal(notify, notify_bits));
        }
    }
}

static nos_status_t make(struct watcher *w)
{
    nos_status_t st = nos_sys_notify_create(&w->bell);
    if (st != NOS_OK) {
        return st;
    }
    w->start = (struct nos_thread){ .run = run, .arg = w };
    st = nos_thread_start(&w->start, w->stack, sizeof(w->stack), 0, &w->thread);
    if (st != NOS_OK) {
        nos_ignore(nos_sys_handle_close(w->bell));
        return st;
    }
    set_state(w, IDLE);
    return NOS_OK;
}

/* Those that run, as thread_set wants them: a bit each. */
static uint64_t all_cpus(nos_handle_t node)
{
    struct nos_about about;
    uint64_t got;

    nos_status_t st = nos_sys_node_info(node, NOS_TOPIC_ABOUT, 0, &about, sizeof(about), &got);
    return st == NOS_OK ? (1ull << about.cpus) - 1 : 1;
}

/* All at once: what init holds does not change later, while somebody counts it. */
void watch_init(nos_handle_t node, nos_handle_t notify_handle, uint64_t bits)
{
    cpus = all_cpus(node);
    notify = notify_handle;
    notify_bits = bits;
    for (size_t i = 0; i < WATCHERS; i++) {
        nos_status_t st = make(&watchers[i]);
        if (st != NOS_OK) {
            nos_log("init: watcher %zu: %s", i, status_text(st));
        }
    }
}

static struct watcher *idle_one(void)
{
    for (size_t i = 0; i < WATCHERS; i++) {
        struct watcher *w = &watchers[i];
        if (state_of(w) == IDLE) {
            return w;
        }
    }
    return NULL;
}

bool watch_ask(const struct watch_job *job)
{
    struct watcher *w = idle_one();

    if (w == NULL) {
        return false;
    }
    w->job = *job;
    w->forgotten = false;
    nos_status_t st = nos_sys_thread_set(w->thread, job->priority, cpus);
    if (st != NOS_OK) {  // it would ask on the priority of the last one
        nos_log("init: watcher: priority %u: %s", job->priority, status_text(st));
    }
    set_state(w, ASKED);
    nos_ignore(nos_sys_notify_signal(w->bell, 1));
    return true;
}

void watch_forget(uint32_t capsule)
{
    for (size_t i = 0; i < WATCHERS; i++) {
        struct watcher *w = &watchers[i];
        if (state_of(w) >= ASKED && w->job.capsule == capsule) {
            __atomic_store_n(&w->forgotten, true, __ATOMIC_RELEASE);
            nos_ignore(nos_sys_thread_cancel(w->thread));  // it may not have begun to wait: then
                                                           // the deadline ends it
        }
    }
}

bool watch_answer(struct watch_job *job, nos_status_t *st)
{
    for (size_t i = 0; i < WATCHERS; i++) {
        struct watcher *w = &watchers[i];
        if (state_of(w) != DONE) {
            continue;
        }
        bool wanted = !w->forgotten;
        *job = w->job;
        *st = w->result;
        set_state(w, IDLE);
        if (wanted) {
            return true;
        }
    }
    return false;
}
