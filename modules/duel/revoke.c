/*
 * Revocation against use: a thread signals through a derived handle as fast as it can, on another
 * processor where there is one. It reads the flag before each call; the flag is raised when
 * cap_revoke has returned. A call that was begun after that and succeeds is one too many.
 */
#include "abi/caps.h"
#include "modules/duel/duel.h"
#include "sdk/start.h"

enum { ROUNDS = 200, STACK = 4096, PRIORITY = 5, HEAD_START_NS = 100000, SOON_NS = 1000000 };

static _Alignas(16) uint8_t stack[STACK];
static nos_handle_t victim;
static volatile bool cut, over;
static volatile uint64_t calls, too_many;
static volatile nos_status_t last;

static void hammer(void *arg, uint64_t *buffer)
{
    nos_status_t st = NOS_OK;
    (void)arg, (void)buffer;

    while (st == NOS_OK) {
        bool after = __atomic_load_n(&cut, __ATOMIC_ACQUIRE);
        st = nos_sys_notify_signal(victim, 1);
        calls = calls + 1;
        too_many = too_many + (after && st == NOS_OK ? 1 : 0);
    }
    last = st;
    over = true;
}

/* The handle that is cut is the parent of the one in use. */
static nos_status_t one_round(nos_handle_t root)
{
    static struct nos_thread t = { .run = hammer };
    uint32_t rights = NOS_RIGHT_DUP | NOS_RIGHT_SIGNAL | NOS_RIGHT_REVOKE;
    nos_handle_t parent = { 0 }, thread = { 0 };

    nos_status_t st = nos_sys_cap_derive(root, rights, 0, 0, 1, &parent);
    st = st == NOS_OK ? nos_sys_cap_derive(parent, rights, 0, 0, 0, &victim) : st;
    cut = over = false;
    st = st == NOS_OK ? nos_thread_start(&t, stack, sizeof(stack), PRIORITY, &thread) : st;
    if (st == NOS_OK) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + HEAD_START_NS));
        st = nos_sys_cap_revoke(parent);
        __atomic_store_n(&cut, true, __ATOMIC_RELEASE);
        while (!over) {
            nos_ignore(nos_sys_sleep(nos_now_ns() + SOON_NS / 10));
        }
    }
    nos_ignore(nos_sys_handle_close(thread));
    nos_ignore(nos_sys_handle_close(victim));
    nos_ignore(nos_sys_handle_close(parent));
    return st;
}

static void own_thread(void)
{
    nos_handle_t root = { 0 };
    nos_status_t st = nos_sys_notify_create(&root), seen = NOS_REVOKED;

    for (unsigned i = 0; i < ROUNDS && st == NOS_OK; i++) {
        st = one_round(root);
        seen = last == NOS_REVOKED ? seen : last;
        nos_ignore(
            nos_sys_sleep(nos_now_ns() + SOON_NS));  // the thread has ended, and its stack is free
    }
    row("race/rounds", NOS_OK, st);
    row("race/each-saw", NOS_REVOKED, seen);
    row("race/calls-were-made", NOS_OK, calls > ROUNDS ? NOS_OK : NOS_BAD_STATE);
    row("race/none-after-revoke", NOS_OK, too_many == 0 ? NOS_OK : NOS_BAD_STATE);
    nos_ignore(nos_sys_handle_close(root));
}

/* The same against another capsule, which holds a copy. */
static struct nos_msg other;
static volatile nos_status_t outcome;

static void have_it_hammer(void *arg, uint64_t *buffer)
{
    (void)arg;
    other = (struct nos_msg){ .label = ORDER_HAMMER, .buffer = buffer };
    nos_status_t st = nos_call(duel.serve, &other, nos_now_ns() + 5000000000);
    outcome = st == NOS_OK ? nos_msg_status(&other) : st;
    over = true;
}

static void other_capsule(void)
{
    static struct nos_thread t = { .run = have_it_hammer };
    nos_handle_t root = { 0 }, derived = { 0 }, thread = { 0 };
    uint32_t rights = NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_SIGNAL | NOS_RIGHT_REVOKE;

    nos_ignore(nos_sys_notify_create(&root));
    row("remote/derive", NOS_OK, nos_sys_cap_derive(root, rights, 0, 0, 0, &derived));
    fresh_message();
    bool fits = nos_msg_copy(&duel.m, derived, NOS_RIGHT_SIGNAL);
    row("remote/keep", NOS_OK, fits ? ask(ORDER_KEEP) : NOS_TOO_BIG);
    over = false;
    row("remote/start", NOS_OK, nos_thread_start(&t, stack, sizeof(stack), PRIORITY, &thread));
    nos_ignore(nos_sys_sleep(nos_now_ns() + 20 * SOON_NS));
    row("remote/still-hammers", NOS_OK, over ? NOS_BAD_STATE : NOS_OK);
    row("remote/revoke", NOS_OK, nos_sys_cap_revoke(derived));
    for (unsigned i = 0; i < 1000 && !over; i++) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + SOON_NS));
    }
    row("remote/ends-with", NOS_REVOKED, outcome);
    row("remote/root-is-alive", NOS_OK, nos_sys_notify_signal(root, 1));
    nos_ignore(nos_sys_handle_close(thread));
    nos_ignore(nos_sys_handle_close(derived));
    nos_ignore(nos_sys_handle_close(root));
}

void attack_revoke(void)
{
    own_thread();
    other_capsule();
}
