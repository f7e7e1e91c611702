/*
 * Datagrams between capsules. Its endpoint is of class Network: who lacks the class can hold no
 * handle to it, however it comes. One thread; a receiver's reply token is kept until something
 * arrives. A client that dies is found out within a second, or when its port is next wanted: nobody
 * serves its lifeline. What was sent is kept in queues alone, and wiped when it leaves them.
 */
#include <string.h>

#include "abi/caps.h"
#include "lib/status.h"
#include "modules/loopback/ports.h"
#include "sdk/control.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"
#include "sdk/upgrade.h"

enum {
    BURY_NS = 1000000000,
    LIFELINE = NOS_RIGHT_CALL | NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER,
};

static void close_number(uint32_t h)
{
    if (h != 0) {  // to close what it never had would be audited
        nos_ignore(nos_sys_handle_close((nos_handle_t){ h }));
    }
}

/* A message that waits for nobody: PEER_CLOSED says that no handle with RECV is left. */
static bool is_gone(const struct port *p)
{
    static const struct nos_msg nothing = { 0 };
    nos_status_t st = nos_send((nos_handle_t){ p->lifeline }, &nothing, NOS_DEADLINE_POLL);
    return st != NOS_OK && st != NOS_TIMED_OUT;
}

static void answer(uint64_t token, nos_status_t st)
{
    struct nos_msg m = { .token = token };
    nos_msg_answer(&m, st);
    nos_ignore(nos_reply(&m));  // NOT_FOUND: it does not wait any more
}

static void end_port(struct port *p)
{
    if (p->waiter != 0) {
        answer(p->waiter, NOS_CANCELLED);
    }
    close_number(p->lifeline);
    port_free(p);
}

/* What the dead had in queues goes with them. False: there are no ports. */
static bool bury(void)
{
    bool any = false;
    for (unsigned i = 0; i < PORTS; i++) {
        if (port_table[i].number != 0 && is_gone(&port_table[i])) {
            end_port(&port_table[i]);
        }
        any = any || port_table[i].number != 0;
    }
    return any;
}

static bool deliver(struct port *p, uint64_t token)
{
    static struct nos_msg m;
    const struct datagram *d = port_first(p);

    nos_msg_answer(&m, NOS_OK);
    m.token = token;
    m.word[0] = d->from | (uint64_t)d->len << 32;
    m.word[1] = d->sender;
    if (!nos_msg_put(&m, 2, d->data, d->len) || nos_reply(&m) != NOS_OK) {
        return false;  // it stays for the next receiver
    }
    port_drop(p);
    nos_msg_wipe(&m);
    return true;
}

static void serve_bind(struct nos_msg *m, uint32_t lifeline)
{
    struct port *p = NULL;
    nos_status_t st = lifeline == 0 || m->n_words != 1 ? NOS_BAD_MESSAGE : NOS_OK;

    if (st == NOS_OK && (m->pass[0].rights & LIFELINE) != LIFELINE) {
        st = NOS_DENIED;  // it could not be handed to the next version of this service
    }
    if (st == NOS_OK) {
        st = port_bind(m->word[0], m->sender, &p);
    }
    if (st == NOS_BUSY || st == NOS_NO_SLOT) {
        (void)bury();
        st = port_bind(m->word[0], m->sender, &p);
    }
    nos_msg_answer(m, st);
    if (st != NOS_OK) {
        close_number(lifeline);
        return;
    }
    p->lifeline = lifeline;
    m->word[0] = p->number;
    m->n_words = 1;
}

static nos_status_t send_to(const struct nos_msg *m, uint64_t len)
{
    uint64_t to = m->word[0] & 0xffff, from = m->word[0] >> 16;
    struct port *p = port_find(to), *own;
    span_t data;

    if (m->n_words == 0 || from > UINT16_MAX || !nos_msg_get(m, 1, len, &data)) {
        return NOS_BAD_MESSAGE;
    }
    nos_status_t st = from == 0 ? NOS_OK : port_of(from, m->sender, &own);
    if (st != NOS_OK) {
        return NOS_DENIED;  // not to be told whether another has it
    }
    if (p != NULL && is_gone(p)) {
        end_port(p);
        p = NULL;
    }
    return p == NULL ? NOS_NOT_FOUND : port_put(p, m->sender, (uint16_t)from, data);
}

static void serve_send(struct nos_msg *m, uint64_t len)
{
    nos_status_t st = send_to(m, len);
    struct port *p = st == NOS_OK ? port_find(m->word[0] & 0xffff) : NULL;

    if (p != NULL && p->waiter != 0) {
        uint64_t waiter = p->waiter;
        p->waiter = 0;
        (void)deliver(p, waiter);  // who timed out gets nothing, and nothing is lost
    }
    nos_msg_answer(m, st);
}

/* True: it is answered, now or later. */
static bool serve_recv(struct nos_msg *m)
{
    struct port *p = NULL;
    nos_status_t st = m->n_words == 1 ? port_of(m->word[0], m->sender, &p) : NOS_BAD_MESSAGE;

    nos_msg_answer(m, st);
    if (st != NOS_OK) {
        return false;
    }
    if (port_first(p) != NULL) {
        return deliver(p, m->token);
    }
    if (p->waiter != 0) {
        answer(p->waiter, NOS_CANCELLED);  // its thread may have died: the newer one counts
    }
    p->waiter = nos_hold(m);
    return true;
}

static void serve_close(struct nos_msg *m)
{
    struct port *p = NULL;
    nos_status_t st = m->n_words == 1 ? port_of(m->word[0], m->sender, &p) : NOS_BAD_MESSAGE;

    if (st == NOS_OK) {
        end_port(p);
    }
    nos_msg_answer(m, st);
}

static void serve(struct nos_msg *m, uint32_t handle)
{
    uint64_t op = m->label & 0xff, len = m->label >> 8;
    bool binds = op == NOS_NET_BIND && len == 0;

    if (!binds) {
        close_number(handle);  // nobody else takes one
    }
    if (binds) {
        serve_bind(m, handle);
    } else if (op == NOS_NET_SEND) {
        serve_send(m, len);
    } else if (op == NOS_NET_RECV && len == 0) {
        if (serve_recv(m)) {
            return;
        }
    } else if (op == NOS_NET_CLOSE && len == 0) {
        serve_close(m);
    } else {
        nos_msg_answer(m, NOS_BAD_MESSAGE);
    }
    nos_ignore(nos_reply(m));
}

/* Whoever receives is told, and what is queued is wiped. */
static void end_all(void)
{
    for (unsigned i = 0; i < PORTS; i++) {
        if (port_table[i].number != 0) {
            end_port(&port_table[i]);
        }
    }
}

/* ---- from one version to the next: a record for each port, tag = its place ---- */

enum { FORM = 1, ROOM = NOS_STATE_HEAD + PORTS * (8 + PORT_BYTES) };
_Static_assert((int)PORTS <= (int)NOS_STATE_HANDLES, "each port hands its lifeline over");

static nos_status_t save(struct nos_state_out *out)
{
    static uint8_t bytes[PORT_BYTES];

    (void)bury();
    for (unsigned i = 0; i < PORTS; i++) {
        const struct port *p = &port_table[i];
        if (p->number != 0) {
            uint32_t n = nos_state_pass(out, (nos_handle_t){ p->lifeline }, LIFELINE);
            nos_state_put(out, (uint16_t)i, port_save(p, n, bytes));
        }
    }
    memset(bytes, 0, sizeof(bytes));
    return NOS_OK;
}

static nos_status_t load(const struct nos_state_in *in)
{
    span_t bytes;

    if (in->form != FORM) {
        return NOS_NOT_SUPPORTED;
    }
    for (unsigned i = 0; i < PORTS; i++) {
        struct port *p = &port_table[i];
        if (!nos_state_get(in, (uint16_t)i, &bytes)) {
            continue;
        }
        if (!port_load(bytes, p)) {
            return NOS_BAD_MESSAGE;
        }
        p->lifeline = nos_state_handle(in, p->lifeline).v;
    }
    return NOS_OK;
}

int nos_main(void)
{
    static const struct nos_upgrade u = { .form = FORM, .room = ROOM, .save = save, .load = load };
    static struct nos_msg m;
    nos_handle_t endpoint = nos_find_handle(NOS_CAP_NETWORK, "loopback");
    nos_status_t st = NOS_OK;
    uint64_t due = NOS_DEADLINE_NEVER; /* of the next look for the dead */

    nos_msg_accept(&m, 1);
    nos_before_stop = end_all;
    nos_upgradable(&u);
    while (st == NOS_OK) {
        st = nos_recv(endpoint, &m, due);
        if (st == NOS_OK && !nos_control(&m)) {
            serve(&m, m.n_handles == 0 ? 0 : m.pass[0].handle);
            nos_msg_wipe(&m);
        }
        st = st == NOS_TIMED_OUT ? NOS_OK : st;
        if (due == NOS_DEADLINE_NEVER || nos_now_ns() >= due) {
            due = bury() ? nos_now_ns() + BURY_NS : NOS_DEADLINE_NEVER;
        }
    }
    nos_log("loopback: cannot serve: %s", status_text(st));
    return 1;
}
