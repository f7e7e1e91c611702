/*
 * What one thread takes away from another: the notification and the endpoint it waits for. What
 * threads leave behind when they end. And the priority and CPUs that a thread cannot be given.
 */
#include <stdbool.h>

#include "abi/caps.h"
#include "modules/probe/probe.h"
#include "sdk/format.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { STACK = 4096, ROUNDS = 100, PRIORITY = 5, SOON_NS = 10000000 };

static _Alignas(16) uint8_t stack[STACK];
static volatile nos_status_t outcome;
static volatile bool started;
static nos_handle_t victim, thread; /* what it waits for; the thread itself */

__attribute__((noreturn)) static void finish(nos_status_t st)
{
    outcome = st;
    started = true;
    for (;;) {
        nos_sys_thread_exit();
    }
}

__attribute__((force_align_arg_pointer)) static void await_notification(void)
{
    uint64_t bits = 0;
    started = true;
    finish(nos_sys_notify_wait(victim, NOS_DEADLINE_NEVER, &bits));
}

__attribute__((force_align_arg_pointer)) static void await_message(void)
{
    static struct nos_msg m;
    started = true;
    finish(nos_recv(victim, &m, NOS_DEADLINE_NEVER));
}

__attribute__((force_align_arg_pointer)) static void end_at_once(void)
{
    finish(NOS_OK);
}

static void soon(void)
{
    nos_ignore(nos_sys_sleep(nos_now_ns() + SOON_NS));
}

static nos_status_t begin(void (*entry)(void))
{
    outcome = NOT_YET;
    started = false;
    nos_status_t st =
        nos_sys_thread_create((uint64_t)entry, 0, (uint64_t)(stack + STACK), PRIORITY, &thread);
    if (st == NOS_OK) {
        while (!started) {
            nos_ignore(nos_sys_yield());
        }
        soon();  // on a loaded machine it may have come no further
    }
    return st;
}

static nos_status_t start(void (*entry)(void))
{
    nos_status_t st = begin(entry);
    if (st == NOS_OK) {
        nos_ignore(nos_sys_handle_close(thread));
    }
    return st;
}

static void taken_away(void)
{
    if (nos_sys_notify_create(&victim) == NOS_OK && start(await_notification) == NOS_OK) {
        expect("notify_wait/handle-closed", NOS_OK, nos_sys_handle_close(victim));
        soon();
        expect("notify_wait/cancelled", NOS_CANCELLED, outcome);
    }
    if (nos_sys_endpoint_create(&victim) == NOS_OK && start(await_message) == NOS_OK) {
        expect("ipc_recv/handle-closed", NOS_OK, nos_sys_handle_close(victim));
        soon();
        expect("ipc_recv/cancelled", NOS_CANCELLED, outcome);
    }
}

/* Each has an IPC buffer, which is an area of the space. */
static void many(void)
{
    nos_status_t st = NOS_OK;
    for (unsigned i = 0; i < ROUNDS && st == NOS_OK; i++) {
        st = start(end_at_once);
        st = st == NOS_OK ? outcome : st;
    }
    expect("thread_create/many", NOS_OK, st);
}

/* No machine of the tests has all eight CPUs: the last one does not run. */
static void impossible(void)
{
    static const struct {
        const char *name;
        uint64_t priority, cpus;
    } rows[] = {
        { "above-own-maximum", PRIORITY + 1, 1 },
        { "no-such-priority", 32, 1 },
        { "priority-endless", UINT64_MAX, 1 },
        { "priority-above-32", 1ull << 32, 1 },
        { "no-cpu", 1, 0 },
        { "cpu-not-running", 1, 1u << 7 },
        { "cpu-beyond-all", 1, 1u << 8 | 1 },
        { "cpus-endless", 1, UINT64_MAX },
        { "cpu-above-32", 1, 1ull << 32 | 1 },
    };
    char name[48];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        nos_format(name, sizeof(name), "thread_set/%s", rows[i].name);
        expect(name, NOS_INVALID, nos_sys_thread_set(thread, rows[i].priority, rows[i].cpus));
    }
}

/* A thread cannot be handed on, so nobody else's can be held: a number that names one elsewhere
 * names nothing here (attack_handles, and the gate module's `foreign`). */
static void set(void)
{
    struct nos_msg m = { .label = 1 };
    nos_handle_t bare;

    if (nos_sys_notify_create(&victim) != NOS_OK || begin(await_notification) != NOS_OK) {
        expect("thread_set/start", NOS_OK, NOS_BAD_STATE);
        return;
    }
    impossible();
    expect("thread_set/wrong-type", NOS_WRONG_TYPE, nos_sys_thread_set(victim, 1, 1));
    expect("handle_dup/thread-bare", NOS_OK,
           nos_sys_handle_dup(thread, NOS_RIGHT_INSPECT | NOS_RIGHT_DUP, 0, &bare));
    expect("thread_set/no-right", NOS_DENIED, nos_sys_thread_set(bare, 1, 1));
    expect("handle_close/thread-bare", NOS_OK, nos_sys_handle_close(bare));
    nos_ignore(nos_msg_copy(&m, thread, NOS_RIGHT_CONTROL));
    expect("ipc_send/thread", NOS_DENIED, nos_send(target.endpoint, &m, NOS_DEADLINE_POLL));
    expect("thread_set/waiting", NOS_OK, nos_sys_thread_set(thread, 1, 1));
    expect("notify_signal/set-thread", NOS_OK, nos_sys_notify_signal(victim, 1));
    soon();
    expect("thread_set/runs-on", NOS_OK, outcome);
    expect("thread_set/ended", NOS_BAD_STATE, nos_sys_thread_set(thread, 1, 1));
    expect("handle_close/thread", NOS_OK, nos_sys_handle_close(thread));
    expect("thread_set/closed", NOS_BAD_HANDLE, nos_sys_thread_set(thread, 1, 1));
    nos_ignore(nos_sys_handle_close(victim));
}

void attack_threads(void)
{
    taken_away();
    many();
    set();
}
