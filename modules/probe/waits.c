/*
 * Waits that end before what they wait for has come: cancelled from outside, at their deadline. And
 * one-way messages, whose sender waits for no answer. A second thread waits in each way in turn.
 */
#include <stdbool.h>

#include "abi/caps.h"
#include "modules/probe/probe.h"
#include "sdk/format.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { STACK = 4096, PRIORITY = 5, SOON_NS = 10000000, WORD = 77 };

#define HOUR_NS 3600000000000ull

enum way { SLEEP, BITS, RECEIVE, CALL, SEND, ANSWER, WAYS };
static const char *const names[WAYS] = { "sleep",    "notify_wait", "ipc_recv",
                                         "ipc_call", "ipc_send",    "ipc_call-taken" };

static struct {
    _Alignas(16) uint8_t stack[STACK];
    nos_handle_t thread, endpoint, notify;
    enum way way;
    uint64_t deadline;
    struct nos_msg m;
    volatile nos_status_t outcome;
} other;

static nos_status_t wait_so(void)
{
    uint64_t bits;

    other.m.label = 1;
    other.m.n_words = 1;
    other.m.word[0] = WORD;
    switch (other.way) {
    case SLEEP:
        return nos_sys_sleep(other.deadline != 0 ? other.deadline : nos_now_ns() + HOUR_NS);
    case BITS:
        return nos_sys_notify_wait(other.notify, other.deadline, &bits);
    case RECEIVE:
        return nos_recv(other.endpoint, &other.m, other.deadline);
    case SEND:
        return nos_send(other.endpoint, &other.m, other.deadline);
    case CALL:
    case ANSWER:
    case WAYS:
        break;
    }
    return nos_call(other.endpoint, &other.m, other.deadline);
}

__attribute__((noreturn, force_align_arg_pointer)) static void run(void)
{
    other.outcome = wait_so();
    for (;;) {
        nos_sys_thread_exit();
    }
}

static void soon(void)
{
    nos_ignore(nos_sys_sleep(nos_now_ns() + SOON_NS));
}

static bool start(enum way way, uint64_t deadline)
{
    other.way = way;
    other.deadline = deadline;
    other.outcome = NOT_YET;
    nos_status_t st = nos_sys_thread_create((uint64_t)run, 0, (uint64_t)(other.stack + STACK),
                                            PRIORITY, &other.thread);
    expect("waits/start", NOS_OK, st);
    soon();
    return st == NOS_OK;
}

static void ended(const char *how, nos_status_t want)
{
    char name[48];

    soon();
    nos_format(name, sizeof(name), "%s/%s", names[other.way], how);
    expect(name, want, other.outcome);
    expect("thread_cancel/ended", NOS_BAD_STATE, nos_sys_thread_cancel(other.thread));
    nos_ignore(nos_sys_handle_close(other.thread));
}

static void cancelled(enum way way)
{
    struct nos_msg taken = { 0 };

    if (!start(way, NOS_DEADLINE_NEVER)) {
        return;
    }
    if (way == ANSWER) {
        expect("ipc_recv/takes", NOS_OK, nos_recv(other.endpoint, &taken, NOS_DEADLINE_POLL));
    }
    expect("thread_cancel/waits", NOS_OK, nos_sys_thread_cancel(other.thread));
    ended("cancelled", NOS_CANCELLED);
    if (way == ANSWER) {
        expect("ipc_reply/cancelled", NOS_NOT_FOUND, nos_reply(&taken));
    } else {
        expect("ipc_recv/nobody-left", NOS_TIMED_OUT,
               nos_recv(other.endpoint, &taken, NOS_DEADLINE_POLL));
    }
}

static void late(enum way way)
{
    if (start(way, nos_now_ns() + SOON_NS / 2)) {
        ended("late", way == SLEEP ? NOS_OK : NOS_TIMED_OUT);
    }
}

static void one_way(void)
{
    struct nos_msg got = { 0 };

    expect("ipc_send/poll-nobody", NOS_TIMED_OUT,
           nos_send(other.endpoint, &got, NOS_DEADLINE_POLL));
    if (start(SEND, NOS_DEADLINE_NEVER)) {
        expect("ipc_send/taken", NOS_OK, nos_recv(other.endpoint, &got, NOS_DEADLINE_POLL));
        expect("ipc_send/word", NOS_OK, got.word[0] == WORD ? NOS_OK : NOS_BAD_MESSAGE);
        expect("ipc_send/no-token", NOS_OK, got.token == 0 ? NOS_OK : NOS_BAD_MESSAGE);
        expect("ipc_reply/to-nobody", NOS_NOT_FOUND, nos_reply(&got));
        ended("taken", NOS_OK);
    }
    if (start(RECEIVE, NOS_DEADLINE_NEVER)) {
        got.n_words = 0;
        expect("ipc_send/poll-somebody", NOS_OK, nos_send(other.endpoint, &got, NOS_DEADLINE_POLL));
        ended("sent-to", NOS_OK);
    }
}

void attack_waits(void)
{
    nos_status_t st = nos_sys_endpoint_create(&other.endpoint);
    st = st == NOS_OK ? nos_sys_notify_create(&other.notify) : st;
    expect("waits/made", NOS_OK, st);
    for (unsigned way = 0; way < WAYS && st == NOS_OK; way++) {
        cancelled((enum way)way);
        late((enum way)way);
    }
    if (st == NOS_OK) {
        one_way();
    }
}
