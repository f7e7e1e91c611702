/*
 * The first capsule. It starts what the policy lists, in that order, keeps it running as each
 * manifest asks, and starts or ends capsules for those whom the policy lets call it. One thread
 * decides: requests come by message, ends of capsules and what watchers (watch.c) were answered by
 * a bound notification, all that is due by the deadline of the wait.
 */
#include <string.h>

#include "abi/info.h"
#include "lib/status.h"
#include "lib/text.h"
#include "modules/init/stop.h"
#include "modules/init/supervise.h"
#include "modules/init/upgrade.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"

static nos_handle_t notify, endpoint;

static void serve_start(struct nos_msg *m, uint64_t arg_len, size_t name_words)
{
    span_t name, arg;
    uint32_t id = 0;
    nos_status_t st = NOS_BAD_MESSAGE;

    if (nos_msg_get(m, 0, name_words * 8, &name) && nos_msg_get(m, name_words, arg_len, &arg)) {
        char padded[NOS_NAME_MAX];
        if (name_words == 2) {
            memcpy(padded, name.data, sizeof(padded));
            name = name16_ok(padded) ? name16_span(padded) : SPAN_LIT("");
        }
        st = name.len == 0 ? NOS_INVALID : supervise_start(name, arg, &id);
    }
    nos_msg_answer(m, st);
    if (st == NOS_OK) {
        m->word[0] = id;
        m->n_words = 1;
    }
}

static void serve_restarts(struct nos_msg *m)
{
    uint64_t restarts = 0;
    nos_status_t st = supervise_restarts((uint32_t)m->word[0], &restarts);

    nos_msg_answer(m, st);
    if (st == NOS_OK) {
        m->word[0] = restarts;
        m->n_words = 1;
    }
}

static void serve(struct nos_msg *m)
{
    uint64_t op = m->label & 0xff, arg_len = m->label >> 8;
    bool one_id = m->n_words == 1 && m->word[0] <= UINT32_MAX && arg_len == 0;

    if (op == NOS_INIT_START) {
        serve_start(m, arg_len, 2);
    } else if (op == NOS_INIT_START_ID) {
        serve_start(m, arg_len, 4);
    } else if (op == NOS_INIT_KILL && one_id) {
        nos_msg_answer(m, supervise_kill((uint32_t)m->word[0]));
    } else if (op == NOS_INIT_RESTARTS && one_id) {
        serve_restarts(m);
    } else if (op == NOS_INIT_STOP && m->n_words == 2 && m->word[0] <= UINT32_MAX &&
               m->word[1] <= 1 && arg_len == 0) {
        stop_serve(m);
        return;
    } else if (op == NOS_INIT_UPGRADE && m->n_words == 5 && m->word[0] <= UINT32_MAX &&
               arg_len == 0) {
        upgrade_serve(m);
        return;
    } else if (op == NOS_INIT_SHUTDOWN && m->n_words == 0 && arg_len == 0) {
        stop_serve_shutdown(m);
        return;
    } else {
        nos_msg_answer(m, NOS_BAD_MESSAGE);
    }
    nos_ignore(nos_reply(m));  // NOT_FOUND: the caller died; what it asked for was done
}

int nos_main(void)
{
    static struct nos_msg m;

    endpoint = nos_find_handle(NOS_CAP_ENDPOINT, "init");
    nos_status_t st = nos_sys_notify_create(&notify);
    if (st == NOS_OK) {
        st = nos_sys_notify_bind(notify, endpoint);
    }
    if (st != NOS_OK) {
        nos_log("init: cannot start: %s", status_text(st));
        return 1;
    }
    supervise_init(nos_find_handle(NOS_CAP_NODE, NULL), notify);
    supervise_boot();
    for (;;) {
        st = nos_recv(endpoint, &m, supervise_due());
        if (st == NOS_OK && m.notified) {
            supervise_notified(m.word[0]);
        } else if (st == NOS_OK) {
            serve(&m);
        } else if (st != NOS_TIMED_OUT) {
            nos_log("init: cannot receive: %s", status_text(st));
            return 1;
        }
    }
}
