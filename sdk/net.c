/* The client's side of "loopback". For the first thread of a capsule: it uses that one's buffer. */
#include "sdk/net.h"

#include <string.h>

#include "abi/caps.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

static nos_status_t ask(struct nos_msg *m, uint64_t deadline_ns)
{
    nos_status_t st = nos_call(nos_find_handle(NOS_CAP_NETWORK, "loopback"), m, deadline_ns);
    return st == NOS_OK ? nos_msg_status(m) : st;
}

nos_status_t nos_net_bind(uint16_t number, struct nos_port *out)
{
    struct nos_port p = { 0 };
    struct nos_msg m = { .label = NOS_NET_BIND, .n_words = 1, .word = { number } };

    nos_status_t st = nos_sys_endpoint_create(&p.lifeline);
    if (st != NOS_OK) {
        return st;
    }
    uint32_t rights = NOS_RIGHT_CALL | NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER;
    st = nos_msg_copy(&m, p.lifeline, rights) ? ask(&m, NOS_DEADLINE_NEVER) : NOS_TOO_BIG;
    if (st != NOS_OK) {
        nos_ignore(nos_sys_handle_close(p.lifeline));
        return st;
    }
    p.number = (uint16_t)m.word[0];
    *out = p;
    return NOS_OK;
}

nos_status_t nos_net_send(const struct nos_port *p, uint16_t to, span_t data)
{
    struct nos_msg m = { .label = NOS_NET_SEND | (uint64_t)data.len << 8 };

    if (data.len > NOS_NET_DATA_MAX || !nos_msg_put(&m, 1, data.data, data.len)) {
        return NOS_TOO_BIG;
    }
    m.word[0] = to | (uint64_t)p->number << 16;
    nos_status_t st = ask(&m, NOS_DEADLINE_NEVER);
    nos_msg_wipe(&m);  // who sends a secret knows of its own copy alone
    return st;
}

nos_status_t nos_net_take(struct nos_msg *m, struct nos_datagram *out)
{
    uint64_t len = m->word[0] >> 32;
    span_t data;

    if (m->n_words < 2 || len > sizeof(out->data) || !nos_msg_get(m, 2, len, &data)) {
        return NOS_BAD_MESSAGE;
    }
    out->from = (uint16_t)m->word[0];
    out->len = (uint16_t)len;
    out->sender = (uint32_t)m->word[1];
    if (len > 0) {
        memcpy(out->data, data.data, len);
    }
    nos_msg_wipe(m);
    return NOS_OK;
}

nos_status_t nos_net_recv(const struct nos_port *p, struct nos_datagram *out, uint64_t deadline_ns)
{
    struct nos_msg m = { .label = NOS_NET_RECV, .n_words = 1, .word = { p->number } };

    nos_status_t st = ask(&m, deadline_ns);
    return st == NOS_OK ? nos_net_take(&m, out) : st;
}

void nos_net_feed(const struct nos_port *p, nos_handle_t to, struct nos_feed *f)
{
    *f = (struct nos_feed){ .from = nos_find_handle(NOS_CAP_NETWORK, "loopback"),
                            .to = to,
                            .label = NOS_NET_RECV,
                            .word = p->number,
                            .n_words = 1 };
}

void nos_net_close(struct nos_port *p)
{
    struct nos_msg m = { .label = NOS_NET_CLOSE, .n_words = 1, .word = { p->number } };

    nos_ignore(ask(&m, NOS_DEADLINE_NEVER));
    nos_ignore(nos_sys_handle_close(p->lifeline));
    *p = (struct nos_port){ 0 };
}
