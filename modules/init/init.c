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
#include "modules/init/slot.h"
#include "modules/init/stop.h"
#include "modules/init/supervise.h"
#include "modules/init/upgrade.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"

static nos_handle_t notify, endpoint;

/* What came along and is not wanted. */
static void close_passed(const struct nos_msg *m)
{
    for (uint32_t i = 0; i < m->n_handles && i < NOS_INIT_PASSES; i++) {
        if (m->pass[i].handle != 0) {
            nos_ignore(nos_sys_handle_close((nos_handle_t){ m->pass[i].handle }));
        }
    }
}

/* Of an endpoint that it could serve a capsule would think that it is to take another's place. */
static nos_status_t starter_of(const struct nos_msg *m, struct starter *s)
{
    struct nos_handle_info info;

    s->give = (nos_handle_t){ m->pass[NOS_INIT_PASS_KIT].handle };
    s->tell = (nos_handle_t){ m->pass[NOS_INIT_PASS_TELL].handle };
    nos_status_t st = nos_sys_handle_info(s->give, &info, sizeof(info));
    return st == NOS_OK && (info.rights & NOS_RIGHT_RECV) != 0 ? NOS_INVALID : st;
}

static void serve_start(struct nos_msg *m, uint64_t arg_len, size_t name_words)
{
    struct starter starter;
    span_t name, arg;
    uint32_t id = 0;
    nos_status_t st = NOS_BAD_MESSAGE;

    if (nos_msg_get(m, 0, name_words * 8, &name) && nos_msg_get(m, name_words, arg_len, &arg)) {
        char padded[NOS_NAME_MAX];
        if (name_words == 2) {
            memcpy(padded, name.data, sizeof(padded));
            name = name16_ok(padded) ? name16_span(padded) : SPAN_LIT("");
        }
        bool waits = m->n_handles == NOS_INIT_PASSES;
        st = name.len == 0 ? NOS_INVALID : waits ? starter_of(m, &starter) : NOS_OK;
        if (st == NOS_OK) {
            st = supervise_start(name, arg, waits ? &starter : NULL, &id);
        }
        if (st == NOS_OK && waits) {
            m->pass[NOS_INIT_PASS_TELL].handle = 0;  // kept
        }
    }
    close_passed(m);
    nos_msg_answer(m, st);
    if (st == NOS_OK) {
        m->word[0] = id;
        m->n_words = 1;
    }
}

static void serve_need(struct nos_msg *m)
{
    char padded[NOS_NAME_MAX];
    uint32_t id = 0;
    span_t name;
    nos_status_t st = NOS_BAD_MESSAGE;

    if (nos_msg_get(m, 0, sizeof(padded), &name)) {
        memcpy(padded, name.data, sizeof(padded));
        st = name16_ok(padded) ? supervise_need(name16_span(padded), &id) : NOS_INVALID;
    }
    nos_msg_answer(m, st);
    if (st == NOS_OK) {
        m->word[0] = id;
        m->n_words = 1;
    }
}

static void serve_ended(struct nos_msg *m)
{
    uint64_t state = 0, code = 0;
    nos_status_t st = slot_end_of((uint32_t)m->word[0], &state, &code);

    nos_msg_answer(m, st);
    if (st == NOS_OK) {
        m->word[0] = state;
        m->word[1] = code;
        m->n_words = 2;
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
    if (op != NOS_INIT_START && op != NOS_INIT_START_ID) {
        close_passed(m);
    }
    bool one_id = m->n_words == 1 && m->word[0] <= UINT32_MAX && arg_len == 0;

    if (op == NOS_INIT_START) {
        serve_start(m, arg_len, 2);
    } else if (op == NOS_INIT_START_ID) {
        serve_start(m, arg_len, 4);
    } else if (op == NOS_INIT_KILL && one_id) {
        nos_msg_answer(m, supervise_kill((uint32_t)m->word[0]));
    } else if (op == NOS_INIT_RESTARTS && one_id) {
        serve_restarts(m);
    } else if (op == NOS_INIT_NEED && m->n_words == 2 && arg_len == 0) {
        serve_need(m);
    } else if (op == NOS_INIT_ENDED && one_id) {
        serve_ended(m);
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
    nos_msg_accept(&m, NOS_INIT_PASSES);
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
