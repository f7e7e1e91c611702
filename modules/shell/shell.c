/*
 * The prompt. It owns nothing but its handles: listings come from node_info, starting and ending
 * capsules goes through init, the terminal is the console's endpoint. What is typed comes through a
 * feed, so that one thread waits for it and for the supervisor. When the console is restarted, the
 * read simply begins again.
 */
#include "modules/shell/shell.h"

#include <string.h>

#include "lib/secret.h"
#include "lib/status.h"
#include "modules/shell/complete.h"
#include "modules/shell/edit.h"
#include "modules/shell/handover.h"
#include "modules/shell/info.h"
#include "modules/shell/job.h"
#include "modules/shell/run.h"
#include "sdk/control.h"
#include "sdk/feed.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { RETRY_NS = 20000000, READ_MOST = 256 };

struct shell shell;

static void flush(struct edit *e)
{
    nos_ignore(nos_console_write(edit_take(e)));
}

/* Unless what is typed is for a program now. */
static void next_prompt(struct edit *e)
{
    if (!job_in_front()) {
        edit_start(e);
    }
}

static void handle(struct edit *e, enum edit_event event)
{
    char line[EDIT_LINE];

    if (event == EDIT_COMPLETE) {
        flush(e);
        complete(e);
    } else if (event == EDIT_CLEAR) {
        nos_print("\x1b[H\x1b[2J");
    } else if (event == EDIT_ENTER) {
        flush(e);
        memcpy(line, e->line, sizeof(line));
        edit_remember(e, line);
        run(line);
        next_prompt(e);
    } else if (event == EDIT_INTERRUPT) {
        edit_start(e);
    } else if (event == EDIT_EOF) {
        edit_start(e);  // there is no outer program to go back to
    }
}

static struct nos_feed keys;

static void pause_keys(void)
{
    nos_feed_pause(&keys);
}

/* What was in front is so no more. */
static void go_on(struct edit *e)
{
    run_on();
    next_prompt(e);
    flush(e);
}

static void type(struct edit *e, span_t typed)
{
    for (size_t i = 0; i < typed.len; i++) {
        bool busy = job_in_front();
        if (busy) {
            job_key(typed.data[i]);
        } else {
            handle(e, edit_feed(e, typed.data[i]));
        }
        if (busy && !job_in_front()) {  // a `wait` was interrupted
            jobs_echo();
            go_on(e);
        }
    }
    jobs_echo();
    flush(e);  // once for all that was typed: only the last state of the line matters
}

/* By its end. */
static void front_ended(struct edit *e)
{
    static char left[JOB_UNREAD];
    size_t n = job_unread(left);  // before the next one begins, which may leave something too

    go_on(e);
    type(e, span_of(left, n));
    secret_wipe(left, sizeof(left));
}

/* What was typed; or the console is being restarted. */
static void take_keys(struct edit *e, const struct nos_msg *m)
{
    span_t typed;

    if (nos_msg_status(m) != NOS_OK || m->n_words == 0 || !nos_msg_get(m, 1, m->word[0], &typed)) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + RETRY_NS));
        return;
    }
    type(e, typed);
}

static nos_status_t open_all(void)
{
    shell.node = nos_find_handle(NOS_CAP_NODE, NULL);
    shell.console = nos_find_handle(NOS_CAP_ENDPOINT, "console");
    shell.init = nos_find_handle(NOS_CAP_ENDPOINT, "init");
    shell.power = nos_find_handle(NOS_CAP_POWER, NULL);
    keys.from = shell.console;
    shell.own = nos_find_handle(NOS_CAP_ENDPOINT, "shell");
    keys.label = NOS_CONSOLE_READ | (uint64_t)READ_MOST << 8;
    if (shell.console.v == 0) {
        return NOS_NOT_FOUND;
    }
    nos_status_t st = shell.own.v == 0 ? nos_sys_endpoint_create(&shell.own) : NOS_OK;
    keys.to = shell.own;  // one of its own: then its supervisor does not ask it
    return st;
}

static void greet(void)
{
    struct nos_capsule_info me;

    if (nos_sys_self_info(&me, sizeof(me)) == NOS_OK && me.restarts > 0) {
        nos_print("the shell was restarted\n");
        return;
    }
    nos_print("N0N-OS ready\n");
}

static void first_prompt(struct edit *e)
{
    struct nos_about about;

    greet();
    edit_start(e);
    flush(e);
    shell.tsc_ready = nos_tsc();
    if (INFO(NOS_TOPIC_ABOUT, 0, &about) == NOS_OK) {
        shell.idle_ready_ns = about.idle_ns;
    }
}

static void serve(struct edit *e, struct nos_msg *m)
{
    bool fed = nos_is_fed(m);

    if (m->notified) {
        jobs_notified(m->word[0]);
        return;
    }
    if (job_serve(m)) {
        return;
    }
    if (fed) {
        take_keys(e, m);
    }
    nos_msg_answer(m, fed ? NOS_OK : NOS_BAD_MESSAGE);  // it serves nobody else
    nos_ignore(nos_reply(m));
}

int nos_main(void)
{
    static struct edit e;
    static struct nos_msg m;

    nos_status_t st = open_all();
    edit_init(&e, "n0n> ");
    bool first = st == NOS_OK && !handover_begin(&e, pause_keys);
    if (st == NOS_OK) {
        st = jobs_init();
    }
    if (first && st == NOS_OK) {
        first_prompt(&e);
    }
    if (st == NOS_OK) {
        st = nos_feed_start(&keys);
    }
    while (st == NOS_OK) {
        bool busy = job_in_front();
        uint64_t due = jobs_step();
        if (busy && !job_in_front()) {
            front_ended(&e);
            continue;  // that may be over, or have begun
        } else if (jobs_said()) {
            edit_refresh(&e);
            flush(&e);
        }
        st = nos_recv(shell.own, &m, due);
        if (st == NOS_OK && !nos_control(&m)) {
            serve(&e, &m);
        }
        st = st == NOS_TIMED_OUT ? NOS_OK : st;
        nos_feed_resume(&keys);
    }
    nos_log("shell: cannot go on: %s", status_text(st));
    return 1;
}
