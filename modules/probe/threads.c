/*
 * What one thread takes away from another: the notification and the endpoint it waits for. And what
 * threads leave behind when they end.
 */
#include <stdbool.h>

#include "abi/caps.h"
#include "modules/probe/probe.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { STACK = 4096, ROUNDS = 100, PRIORITY = 5, SOON_NS = 10000000, NOT_YET = -1000 };

static _Alignas(16) uint8_t stack[STACK];
static volatile nos_status_t outcome;
static volatile bool started;
static nos_handle_t victim;

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

static nos_status_t start(void (*entry)(void))
{
    nos_handle_t h;
    outcome = NOT_YET;
    started = false;
    nos_status_t st =
        nos_sys_thread_create((uint64_t)entry, 0, (uint64_t)(stack + STACK), PRIORITY, &h);
    if (st == NOS_OK) {
        nos_ignore(nos_sys_handle_close(h));
        while (!started) {
            nos_ignore(nos_sys_yield());
        }
        soon();  // on a loaded machine it may have come no further
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

void attack_threads(void)
{
    taken_away();
    many();
}
