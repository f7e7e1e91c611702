/*
 * Two capsules that talk through the loopback service:
 *   load echo serve        answers on port 7 whatever comes
 *   load echo WORDS ...    sends the words there and prints the answer
 *   load echo abuse        tries what the service must refuse, a line each
 */
#include <string.h>

#include "lib/status.h"
#include "sdk/control.h"
#include "sdk/feed.h"
#include "sdk/net.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { ECHO_PORT = 7, ANSWER_NS = 2000000000, OTHER_PORT = 4711, NOBODY = 9, MOST_PORTS = 4 };

static int fail(const char *what, nos_status_t st)
{
    nos_print("echo: %s: %s\n", what, status_text(st));
    return 1;
}

/* Back to whoever sent it. */
static nos_status_t answer(const struct nos_port *p, struct nos_msg *m)
{
    static struct nos_datagram d;

    nos_status_t st = nos_msg_status(m) == NOS_OK ? nos_net_take(m, &d) : nos_msg_status(m);
    if (st == NOS_OK && d.from != 0) {
        nos_ignore(nos_net_send(p, d.from, span_of(d.data, d.len)));  // a full queue drops it
    }
    nos_msg_answer(m, NOS_OK);
    nos_ignore(nos_reply(m));
    return st;
}

/* Datagrams come through a feed, so that the supervisor is answered too. */
static int serve(void)
{
    static struct nos_feed datagrams;
    static struct nos_msg m;
    struct nos_port p;

    nos_status_t st = nos_net_bind(ECHO_PORT, &p);
    if (st != NOS_OK) {
        return fail("cannot have port 7", st);
    }
    nos_net_feed(&p, nos_find_handle(NOS_CAP_ENDPOINT, "echo"), &datagrams);
    st = nos_feed_start(&datagrams);
    nos_print("echo: answering on port %u\n", p.number);
    while (st == NOS_OK) {
        st = nos_recv(datagrams.to, &m, NOS_DEADLINE_NEVER);
        if (st == NOS_OK && !nos_control(&m) && nos_is_fed(&m)) {
            st = answer(&p, &m);
        }
    }
    return fail("cannot receive", st);
}

static int ask(const char *text)
{
    static struct nos_datagram d;
    struct nos_port p;

    nos_status_t st = nos_net_bind(0, &p);
    if (st != NOS_OK) {
        return fail("cannot have a port", st);
    }
    st = nos_net_send(&p, ECHO_PORT, span_of(text, strlen(text)));
    if (st == NOS_OK) {
        st = nos_net_recv(&p, &d, nos_now_ns() + ANSWER_NS);
    }
    nos_net_close(&p);
    if (st != NOS_OK) {
        return fail("no answer from port 7", st);
    }
    nos_print("capsule %u says: %.*s\n", d.sender, (int)d.len, (const char *)d.data);
    return 0;
}

static void row(const char *what, nos_status_t want, nos_status_t got)
{
    nos_print("NET %s %s %s %s\n", what, status_name(want), status_name(got),
              want == got ? "ok" : "BAD");
}

static void queues(const struct nos_port *p, const struct nos_port *q)
{
    static struct nos_datagram d;
    static const uint8_t big[NOS_NET_DATA_MAX] = { 1 };
    span_t one = SPAN_LIT("x");

    row("longest", NOS_OK, nos_net_send(p, q->number, span_of(big, sizeof(big))));
    row("second", NOS_OK, nos_net_send(p, q->number, one));
    row("queue-quota", NOS_QUOTA, nos_net_send(p, q->number, one));
    row("receive", NOS_OK, nos_net_recv(q, &d, NOS_DEADLINE_NEVER));
    row("whole", NOS_OK,
        d.len == sizeof(big) && memcmp(d.data, big, sizeof(big)) == 0 ? NOS_OK : NOS_IO_ERROR);
    row("from", NOS_OK,
        d.from == p->number && d.sender == nos_self()->capsule ? NOS_OK : NOS_IO_ERROR);
    row("after-receive", NOS_OK, nos_net_send(p, q->number, one));
    row("empty", NOS_OK, nos_net_recv(q, &d, NOS_DEADLINE_NEVER));
    row("empty", NOS_OK, nos_net_recv(q, &d, NOS_DEADLINE_NEVER));
    row("nothing-there", NOS_TIMED_OUT, nos_net_recv(q, &d, nos_now_ns() + 1000000));
    row("after-timeout", NOS_OK, nos_net_send(p, q->number, one));
    row("not-lost", NOS_OK, nos_net_recv(q, &d, NOS_DEADLINE_NEVER));
}

/* A lifeline that the service could not hand on. */
static nos_status_t bind_with(uint32_t rights)
{
    struct nos_msg m = { .label = NOS_NET_BIND, .n_words = 1 };
    nos_handle_t lifeline;

    nos_status_t st = nos_sys_endpoint_create(&lifeline);
    if (st == NOS_OK && nos_msg_copy(&m, lifeline, rights)) {
        st = nos_call(nos_find_handle(NOS_CAP_NETWORK, "loopback"), &m, NOS_DEADLINE_NEVER);
    }
    return st == NOS_OK ? nos_msg_status(&m) : st;
}

static int abuse(void)
{
    static struct nos_datagram d;
    struct nos_port p[MOST_PORTS + 1], other = { .number = ECHO_PORT };
    nos_status_t st = NOS_OK;

    row("lifeline-held-back", NOS_DENIED, bind_with(NOS_RIGHT_CALL | NOS_RIGHT_DUP));
    row("bind", NOS_OK, nos_net_bind(OTHER_PORT, &p[0]));
    row("bind-taken", NOS_BUSY, nos_net_bind(OTHER_PORT, &p[1]));
    for (unsigned i = 1; i < MOST_PORTS && st == NOS_OK; i++) {
        st = nos_net_bind(0, &p[i]);
    }
    row("bind-more", NOS_OK, st);
    row("bind-quota", NOS_QUOTA, nos_net_bind(0, &p[MOST_PORTS]));
    row("nobody", NOS_NOT_FOUND, nos_net_send(&p[0], NOBODY, SPAN_LIT("x")));
    row("foreign-recv", NOS_DENIED, nos_net_recv(&other, &d, NOS_DEADLINE_NEVER));
    row("foreign-from", NOS_DENIED, nos_net_send(&other, OTHER_PORT, SPAN_LIT("x")));
    queues(&p[0], &p[1]);
    return 0;  // with all ports open: they must be free for the next
}

int nos_main(void)
{
    const char *arg = nos_arg();

    if (strlen(arg) == 5 && memcmp(arg, "serve", 5) == 0) {
        return serve();
    }
    if (strlen(arg) == 5 && memcmp(arg, "abuse", 5) == 0) {
        int rc = abuse();
        nos_print("NET done\n");
        return rc;
    }
    return ask(arg[0] == '\0' ? "hello" : arg);
}
