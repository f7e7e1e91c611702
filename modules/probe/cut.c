/*
 * A cut while somebody waits through the handle, in this capsule and in another: `probe giver`
 * hands derived handles out and cuts them, `probe holder` has them cut and looks what is left.
 */
#include <stdbool.h>

#include "abi/caps.h"
#include "abi/info.h"
#include "modules/probe/probe.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { STACK = 4096, PRIORITY = 5, SOON_NS = 5000000, READ = 1, POLL = NOS_DEADLINE_POLL };

struct worker {
    _Alignas(16) uint8_t stack[STACK];
    nos_handle_t h; /* what it waits through */
    struct nos_msg m;
    volatile nos_status_t outcome;
    volatile bool started;
};
static struct worker one, two;

__attribute__((noreturn)) static void finish(struct worker *w, nos_status_t st)
{
    w->outcome = st;
    for (;;) {
        nos_sys_thread_exit();
    }
}

__attribute__((force_align_arg_pointer)) static void await_bits(struct worker *w)
{
    uint64_t bits = 0;
    w->started = true;
    finish(w, nos_sys_notify_wait(w->h, NOS_DEADLINE_NEVER, &bits));
}

__attribute__((force_align_arg_pointer)) static void await_answer(struct worker *w)
{
    w->started = true;
    finish(w, nos_call(w->h, &w->m, NOS_DEADLINE_NEVER));
}

__attribute__((force_align_arg_pointer)) static void await_taker(struct worker *w)
{
    w->started = true;
    finish(w, nos_send(w->h, &w->m, NOS_DEADLINE_NEVER));
}

__attribute__((force_align_arg_pointer)) static void await_call(struct worker *w)
{
    w->started = true;
    finish(w, nos_recv(w->h, &w->m, NOS_DEADLINE_NEVER));
}

static void soon(void)
{
    nos_ignore(nos_sys_sleep(nos_now_ns() + SOON_NS));
}

static nos_status_t start(struct worker *w, void (*entry)(struct worker *), nos_handle_t through)
{
    nos_handle_t h;
    w->h = through;
    w->outcome = NOT_YET;
    w->started = false;
    w->m.n_words = 0;
    nos_status_t st = nos_sys_thread_create((uint64_t)entry, (uint64_t)w,
                                            (uint64_t)(w->stack + STACK), PRIORITY, &h);
    if (st == NOS_OK) {
        nos_ignore(nos_sys_handle_close(h));
        while (!w->started) {
            nos_ignore(nos_sys_yield());
        }
        soon();
    }
    return st;
}

/* The waiter's handle is below the one that is cut. */
static nos_status_t two_below(nos_handle_t of, uint32_t rights, nos_handle_t *top,
                              nos_handle_t *low)
{
    nos_status_t st =
        nos_sys_cap_derive(of, rights | NOS_RIGHT_DUP | NOS_RIGHT_REVOKE, 0, 0, 1, top);
    return st == NOS_OK ? nos_sys_cap_derive(*top, rights, 0, 0, 0, low) : st;
}

static void cut_a_wait(const char *name, nos_handle_t of, uint32_t rights,
                       void (*entry)(struct worker *))
{
    nos_handle_t top, low;
    nos_status_t st = two_below(of, rights, &top, &low);
    st = st == NOS_OK ? start(&one, entry, low) : st;
    if (st != NOS_OK) {
        expect(name, NOS_REVOKED, st);
        return;
    }
    expect(name, NOT_YET, one.outcome);
    expect(name, NOS_OK, nos_sys_cap_revoke(top));
    soon();
    expect(name, NOS_REVOKED, one.outcome);
    nos_ignore(nos_sys_handle_close(top));
    nos_ignore(nos_sys_handle_close(low));
}

static void waits(void)
{
    nos_handle_t note, ep;
    if (nos_sys_notify_create(&note) != NOS_OK || nos_sys_endpoint_create(&ep) != NOS_OK) {
        return;
    }
    cut_a_wait("notify_wait/cut", note, NOS_RIGHT_WAIT, await_bits);
    cut_a_wait("ipc_call/cut", ep, NOS_RIGHT_CALL, await_answer);
    cut_a_wait("ipc_send/cut", ep, NOS_RIGHT_CALL, await_taker);
    cut_a_wait("ipc_recv/cut", ep, NOS_RIGHT_RECV, await_call);
    nos_ignore(nos_sys_handle_close(note));
    nos_ignore(nos_sys_handle_close(ep));
}

/* The message was taken, the answer comes too late. */
static void cut_after_taking(void)
{
    static struct nos_msg m;
    nos_handle_t ep, top, low;
    if (nos_sys_endpoint_create(&ep) != NOS_OK ||
        two_below(ep, NOS_RIGHT_CALL, &top, &low) != NOS_OK ||
        start(&one, await_answer, low) != NOS_OK) {
        return;
    }
    expect("ipc_recv/before-cut", NOS_OK, nos_recv(ep, &m, POLL));
    expect("cap_revoke/taken", NOS_OK, nos_sys_cap_revoke(top));
    m.n_words = 0;
    expect("ipc_reply/after-cut", NOS_NOT_FOUND, nos_reply(&m));
    soon();
    expect("ipc_call/cut-taken", NOS_REVOKED, one.outcome);
    nos_ignore(nos_sys_handle_close(top));
    nos_ignore(nos_sys_handle_close(low));
    nos_ignore(nos_sys_handle_close(ep));
}

/* The only handle to serve with is cut: the callers' peer is gone. */
static void cut_the_server(void)
{
    static struct nos_msg m;
    nos_handle_t ep = { 0 }, server = { 0 }, caller = { 0 };
    nos_status_t st = nos_sys_endpoint_create(&ep);
    st = st == NOS_OK ? nos_sys_cap_derive(ep, NOS_RIGHT_RECV | NOS_RIGHT_REVOKE, 0, 0, 0, &server)
                      : st;
    st = st == NOS_OK ? nos_sys_handle_dup(ep, NOS_RIGHT_CALL, 0, &caller) : st;
    st = st == NOS_OK ? nos_sys_handle_close(ep) : st;
    st = st == NOS_OK ? start(&one, await_answer, caller) : st;
    expect("ipc_call/server-to-be-cut", NOS_OK, st);
    expect("cap_revoke/server", NOS_OK, nos_sys_cap_revoke(server));
    soon();
    expect("ipc_call/server-cut", NOS_PEER_CLOSED, one.outcome);
    m.n_words = 0;
    expect("ipc_call/server-was-cut", NOS_PEER_CLOSED, nos_call(caller, &m, POLL));
    expect("ipc_recv/server-cut", NOS_REVOKED, nos_recv(server, &m, POLL));
    nos_ignore(nos_sys_handle_close(server));
    nos_ignore(nos_sys_handle_close(caller));
}

/* No wait outlives its grant: the last handle with the cell is closed by another thread. */
static void close_the_last(void)
{
    nos_handle_t note, child;
    if (nos_sys_notify_create(&note) != NOS_OK ||
        nos_sys_cap_derive(note, NOS_RIGHT_WAIT, 0, 0, 0, &child) != NOS_OK ||
        start(&one, await_bits, child) != NOS_OK) {
        return;
    }
    expect("handle_close/waited-through", NOS_OK, nos_sys_handle_close(child));
    soon();
    expect("notify_wait/grant-gone", NOS_CANCELLED, one.outcome);
    expect("notify_signal/after-grant", NOS_OK, nos_sys_notify_signal(note, 1));
    nos_ignore(nos_sys_handle_close(note));
}

/* What was bound through a handle is not bound any more. */
static void cut_a_binding(void)
{
    static struct nos_msg m;
    nos_handle_t note = { 0 }, ep = { 0 }, child = { 0 };
    nos_status_t st = nos_sys_notify_create(&note);
    st = st == NOS_OK ? nos_sys_endpoint_create(&ep) : st;
    st = st == NOS_OK ? nos_sys_cap_derive(note, NOS_RIGHT_WAIT | NOS_RIGHT_REVOKE, 0, 0, 0, &child)
                      : st;
    st = st == NOS_OK ? nos_sys_notify_bind(child, ep) : st;
    expect("notify_bind/derived", NOS_OK, st);
    expect("notify_signal/bound", NOS_OK, nos_sys_notify_signal(note, 1));
    expect("ipc_recv/bound", NOS_OK, nos_recv(ep, &m, POLL));
    expect("cap_revoke/bound", NOS_OK, nos_sys_cap_revoke(child));
    expect("notify_signal/unbound", NOS_OK, nos_sys_notify_signal(note, 1));
    expect("ipc_recv/unbound", NOS_TIMED_OUT, nos_recv(ep, &m, POLL));
    expect("notify_bind/anew", NOS_OK, nos_sys_notify_bind(note, ep));
    nos_ignore(nos_sys_handle_close(child));
    nos_ignore(nos_sys_handle_close(ep));
    nos_ignore(nos_sys_handle_close(note));
}

void attack_cuts(void)
{
    waits();
    cut_after_taking();
    cut_the_server();
    close_the_last();
    cut_a_binding();
}

/* ---- between capsules ---- */

enum { GIVE = 1, CUT = 2 };

/* First caller: gets a region and a notification, both derived. Next call: both are cut. */
void giver(void)
{
    nos_handle_t ep = nos_find_handle(NOS_CAP_ENDPOINT, "probe"), region, note;
    static struct nos_msg m;
    nos_status_t st = nos_sys_cap_derive(target.region,
                                         NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_READ |
                                             NOS_RIGHT_MAP | NOS_RIGHT_REVOKE,
                                         0, 0, 1, &region);
    st = st == NOS_OK ? nos_sys_cap_derive(target.notify,
                                           NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_WAIT |
                                               NOS_RIGHT_REVOKE,
                                           0, 0, 1, &note)
                      : st;
    target.page[0] = 'g';
    nos_print("PROBE giver waits\n");
    st = st == NOS_OK ? nos_recv(ep, &m, NOS_DEADLINE_NEVER) : st;
    for (bool cut = false; st == NOS_OK && !cut;) {
        cut = m.label == CUT;
        m.n_words = m.n_handles = 0;
        if (cut) {
            st = nos_sys_cap_revoke(region);
            st = st == NOS_OK ? nos_sys_cap_revoke(note) : st;
        } else if (!nos_msg_copy(&m, region, NOS_RIGHT_READ | NOS_RIGHT_MAP) ||
                   !nos_msg_copy(&m, note, NOS_RIGHT_DUP | NOS_RIGHT_WAIT)) {
            st = NOS_INVALID;
        }
        m.label = 0;
        st = st != NOS_OK ? st : cut ? nos_reply(&m) : nos_reply_recv(ep, &m, NOS_DEADLINE_NEVER);
    }
    expect("giver", NOS_OK, st);
}

void holder(void)
{
    nos_handle_t ep = nos_find_handle(NOS_CAP_ENDPOINT, "probe"), h;
    static struct nos_msg m;
    struct nos_handle_info info;
    void *at = NULL;

    nos_msg_accept(&m, 2);
    m.label = GIVE;
    expect("ipc_call/give", NOS_OK, nos_call(ep, &m, NOS_DEADLINE_NEVER));
    nos_handle_t region = { m.pass[0].handle }, note = { m.pass[1].handle };
    expect("ipc_call/two-handles", NOS_OK, m.n_handles == 2 ? NOS_OK : NOS_INVALID);
    expect("cap_derive/passed-no-dup", NOS_DENIED, nos_sys_cap_derive(region, 0, 0, 0, 0, &h));
    expect("cap_derive/passed", NOS_OK, nos_sys_cap_derive(note, NOS_RIGHT_WAIT, 0, 0, 0, &h));
    expect("cap_revoke/passed", NOS_DENIED, nos_sys_cap_revoke(note));
    expect("region_map/passed", NOS_OK, nos_sys_region_map(region, READ, &at));
    volatile const char *bytes = at;
    expect("region/shared", NOS_OK, bytes != NULL && bytes[0] == 'g' ? NOS_OK : NOS_INVALID);
    expect("notify_wait/two-capsules", NOS_OK, start(&two, await_bits, h));
    m.label = CUT;
    m.n_words = m.n_handles = 0;
    expect("ipc_call/cut-them", NOS_OK, nos_call(ep, &m, NOS_DEADLINE_NEVER));
    soon();
    expect("notify_wait/cut-from-outside", NOS_REVOKED, two.outcome);
    expect("handle_info/cut-from-outside", NOS_REVOKED,
           nos_sys_handle_info(region, &info, sizeof(info)));
    expect("region_map/cut-from-outside", NOS_REVOKED, nos_sys_region_map(region, READ, &at));
    expect("log_write/cut-from-outside", NOS_BAD_ADDRESS, nos_sys_log_write((const char *)at, 1));
    nos_print("PROBE holder touches what was mapped\n");
    expect("region/touched", NOS_REVOKED,
           bytes != NULL && bytes[0] == 'g' ? NOS_OK : NOS_INVALID);  // not reached
}
