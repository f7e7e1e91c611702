/* Who looks after another's page faults says where it goes on: not in the kernel's half, not at an
 * address that is none, and not twice. */
#include "abi/caps.h"
#include "abi/info.h"
#include "modules/duel/duel.h"
#include "sdk/start.h"

enum { STACK = 8192, PRIORITY = 5, WAIT_NS = 1000000000 };
#define KERNEL_TEXT 0xffffffff80000000ull
#define NON_CANONICAL 0x0000800000000000ull

static _Alignas(16) uint8_t stack[STACK];
static struct nos_msg touching, fault;
static volatile nos_status_t outcome = NOT_YET;

static void have_it_touch(void *arg, uint64_t *buffer)
{
    (void)arg;
    touching = (struct nos_msg){ .label = ORDER_TOUCH, .buffer = buffer };
    outcome = nos_call(duel.serve, &touching, NOS_DEADLINE_NEVER);
}

static nos_status_t next_fault(nos_handle_t ep)
{
    nos_status_t st = nos_recv(ep, &fault, nos_now_ns() + WAIT_NS);
    return st == NOS_OK && fault.label != NOS_FAULT ? NOS_BAD_MESSAGE : st;
}

static nos_status_t send_to(uint64_t address)
{
    nos_msg_answer(&fault, NOS_OK);
    fault.label = NOS_FAULT_GO;
    fault.word[0] = address;
    fault.n_words = 1;
    return nos_reply(&fault);
}

static uint32_t state(void)
{
    struct nos_capsule_info c = { 0 };
    nos_ignore(nos_sys_capsule_info(duel.capsule, &c, sizeof(c)));
    return c.state;
}

void attack_faults(void)
{
    static struct nos_thread t = { .run = have_it_touch };
    nos_handle_t ep = { 0 }, n = { 0 }, thread = { 0 };

    nos_ignore(nos_sys_endpoint_create(&ep));
    nos_ignore(nos_sys_notify_create(&n));
    row("fault/mine", NOS_OK, nos_sys_capsule_faults(duel.capsule, ep));
    row("fault/second-keeper", NOS_BUSY, nos_sys_capsule_faults(duel.capsule, ep));
    row("fault/start", NOS_OK, nos_thread_start(&t, stack, sizeof(stack), PRIORITY, &thread));
    row("fault/comes", NOS_OK, next_fault(ep));
    row("fault/address", NOS_OK, fault.word[0] == TOUCHED ? NOS_OK : NOS_BAD_STATE);
    nos_msg_answer(&fault, NOS_OK);
    bool fits = nos_msg_copy(&fault, n, NOS_RIGHT_ALL);
    row("fault/answer-with-a-handle", NOS_HANDLES_REFUSED, fits ? nos_reply(&fault) : NOS_TOO_BIG);
    uint64_t token = fault.token;
    row("fault/into-the-kernel", NOS_OK, send_to(KERNEL_TEXT));
    fault.token = token;
    row("fault/twice", NOS_NOT_FOUND, send_to(KERNEL_TEXT));
    nos_status_t st =
        next_fault(ep);  // it did not get there: the jump is its next fault, or its end
    if (st == NOS_OK) {
        row("fault/off-the-map", NOS_OK, send_to(NON_CANONICAL));
    }
    for (unsigned i = 0; i < 100 && state() == NOS_CAPSULE_RUNNING; i++) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + WAIT_NS / 100));
    }
    row("fault/it-crashed", NOS_OK, state() == NOS_CAPSULE_CRASHED ? NOS_OK : NOS_BAD_STATE);
    row("fault/caller-is-told", NOS_PEER_CLOSED, outcome);
    row("fault/of-an-ended-capsule", NOS_BAD_STATE, nos_sys_capsule_faults(duel.capsule, ep));
}
