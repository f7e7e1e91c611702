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
#include "modules/shell/capture.h"
#include "modules/shell/complete.h"
#include "modules/shell/edit.h"
#include "modules/shell/handover.h"
#include "modules/shell/info.h"
#include "modules/shell/job.h"
#include "modules/shell/place.h"
#include "modules/shell/vars.h"
#include "sdk/control.h"
#include "sdk/feed.h"
#include "sdk/format.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"
#include "sdk/stream.h"

enum { RETRY_NS = 20000000, READ_MOST = 256 };

struct shell shell;

const struct command commands[] = {
    { "help", "[COMMAND]", "what there is, and how it is used", 0, 1, false, cmd_help },
    { "ps", "", "capsules: module, id, state, threads, memory, restarts", 0, 0, false, cmd_ps },
    { "caps", "[CAPSULE] | --export CAPSULE HANDLE",
      "handles of a capsule or of all; or a signed token for one", 0, 3, true, cmd_caps },
    { "modules", "", "what was verified, or refused and why", 0, 0, true, cmd_modules },
    { "mem", "", "where memory went", 0, 0, false, cmd_mem },
    { "run", "NAME | FILE.mod | FILE.wad[:MODULE] [ARG...]",
      "run a program, also out of a file, and wait for its end, as its name alone does; A | B, "
      "A && B, A || B, < > >> 2>, & as in shells",
      1, LINE_WORDS, false, cmd_run },
    { "jobs", "", "programs in the background", 0, 0, false, cmd_jobs },
    { "fg", "[NUMBER]", "bring one to the front: Ctrl-C ends it", 0, 1, false, cmd_fg },
    { "wait", "", "until there is none in the background", 0, 0, false, cmd_wait },
    { "env", "", "variables, which programs are given", 0, 0, false, cmd_env },
    { "export", "NAME=VALUE...", "set variables; $NAME is the value, $? the last exit code", 1,
      LINE_WORDS, false, cmd_export },
    { "unset", "NAME...", "forget variables", 1, LINE_WORDS, false, cmd_unset },
    { "echo", "[-n] [WORD...]", "say them", 0, LINE_WORDS, false, cmd_echo },
    { "cd", "[DIRECTORY]", "where paths begin", 0, 1, false, cmd_cd },
    { "pwd", "", "where that is", 0, 0, false, cmd_pwd },
    { "load", "NAME | MODULE_ID [ARG...]", "start a verified module, and do not wait", 1,
      LINE_WORDS, false, cmd_load },
    { "stop", "ID | NAME [--with-dependants]",
      "ask a capsule to end, after all that need it if you say so; then make it", 1, 2, false,
      cmd_stop },
    { "upgrade", "ID | NAME [NAME | MODULE_ID]",
      "put the newest module of its name, or that one, in a capsule's place: state, callers and "
      "all",
      1, 2, false, cmd_upgrade },
    { "kill", "ID | NAME", "end a capsule at once", 1, 1, false, cmd_kill },
    { "log", "", "the kernel's log", 0, 0, true, cmd_log },
    { "audit", "", "the audit records, and whether their chain holds", 0, 0, true, cmd_audit },
    { "crash", "[NUMBER]", "what each capsule that ended left behind; or one record in full", 0, 1,
      true, cmd_crash },
    { "about", "", "release, keys, processor, how long the boot took", 0, 0, false, cmd_about },
    { "uptime", "", "time since boot", 0, 0, false, cmd_uptime },
    { "clear", "", "clear the screen", 0, 0, false, cmd_clear },
    { "poweroff", "[now]",
      "stop what runs, wipe memory and turn the machine off; now: without stopping first", 0, 1,
      false, cmd_poweroff },
    { "reboot", "[now]", "the same, and start again", 0, 1, false, cmd_reboot },
};
const size_t n_commands = ARRAY_LEN(commands);

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < n_commands; i++) {
        if (words_same(commands[i].name, name)) {
            return &commands[i];
        }
    }
    return NULL;
}

void show(const struct fmt *f)
{
    nos_ignore(nos_console_write(fmt_text(f)));  // there is nobody else to tell
}

void fail(const char *fmt, ...)
{
    static char text[512];
    va_list args;

    va_start(args, fmt);
    nos_vformat(text, sizeof(text), fmt, args);
    va_end(args);
    nos_print("%s\n", text);
    job_set_code(1);
}

void complain(const char *what, nos_status_t st)
{
    fail("%s: %s (%s)", what, status_text(st), status_name(st));
}

void cmd_help(const struct words *w)
{
    if (w->n == 2) {
        const struct command *c = command_find(w->word[1]);
        if (c == NULL) {
            fail("help: no command '%s'; `help` lists them", w->word[1]);
        } else {
            nos_print("%s %s\n    %s\n", c->name, c->args, c->help);
        }
        return;
    }
    for (size_t i = 0; i < n_commands; i++) {
        nos_print("  %-9s %s\n", commands[i].name, commands[i].help);
    }
    nos_print("Tab completes, up and down walk the history, Ctrl-C forgets the line.\n");
}

static const char *lookup(const char *name, size_t len)
{
    return len == 1 && *name == '?' ? job_code() : vars_get(name, len);
}

static const struct line_world world = { lookup, place_list };

static void run_command(const struct command *c, const struct words *w)
{
    bool streams =
        c->much && nos_console_sink == NULL && nos_stream_begin() == NOS_OK;  // else by message

    c->run(w);
    if (streams && nos_stream_end() != NOS_OK) {
        nos_print("%s: the console was restarted; some of this is lost\n", c->name);
    }
}

/* The command that does itself what is said; NULL: a program. */
static const struct command *own_command(const struct words *w)
{
    static const struct command assignment = { "NAME=VALUE", "",    "",        0,
                                               LINE_WORDS,   false, cmd_export };

    return vars_is_assignment(w->word[0]) ? &assignment : command_find(w->word[0]);
}

static void run_own(const struct command *c, const struct words *w)
{
    if (w->n - 1 < c->min || w->n - 1 > c->max) {
        nos_print("usage: %s %s\n", c->name, c->args);
        job_set_code(2);
    } else {
        run_command(c, w);
    }
}

/* What it says goes into a file, or to the program behind it. */
static void run_captured(const struct command *c, const struct line *l)
{
    const struct line_stage *s = &l->stage[0];
    const char *name = s->words.word[0];

    if (s->in.path != NULL || s->err.path != NULL || (l->n > 1 && s->out.path != NULL)) {
        nos_print("%s: a command of the prompt's own reads nothing, and says all to one place\n",
                  name);
        job_set_code(2);
        return;
    }
    nos_status_t st = capture_begin();
    if (st != NOS_OK) {
        complain(name, st);
        job_set_code(1);
        return;
    }
    run_own(c, &s->words);
    const span_t text = capture_end(name);
    if (l->n > 1) {
        job_run(l, 1, &text, capture_drop);
        return;
    }
    place_save(s->out.path, s->out.append, text);
    capture_drop();
}

/* `run NAME` is NAME, but never a command of the prompt's own. Gives: the first one is so. */
static bool strip_run(struct line *l)
{
    bool first = false;

    for (size_t i = 0; i < l->n; i++) {
        struct words *w = &l->stage[i].words;
        if (words_same(w->word[0], "run") && w->n > 1) {
            w->word++;
            w->n--;
            first |= i == 0;
        }
    }
    return first;
}

void cmd_run(const struct words *w)
{
    fail("usage: %s NAME | FILE.mod | FILE.wad[:MODULE] [ARG...]",
         w->word[0]);  // with a name it does not come here
}

static void run_line(const struct line *l)
{
    const struct line_stage *s = &l->stage[0];
    const struct command *c = own_command(&s->words);
    bool plain = l->n == 1 && s->in.path == NULL && s->out.path == NULL && s->err.path == NULL;

    job_set_code(0);
    if (plain) {
        run_own(c, &s->words);
    } else {
        run_captured(c, l);
    }
}

static struct {
    char text[EDIT_LINE];   // what is behind a joint, while a program runs
    enum line_joint joint;  // how it hangs on what has just run
} queue;

static void run_one(struct line *l)
{
    bool program = strip_run(l) || own_command(&l->stage[0].words) == NULL;

    if (program) {
        job_run(l, 0, NULL, NULL);
    } else {
        run_line(l);
    }
}

/* As its joint says: what is passed over leaves the code of what ran before it. */
static bool has_its_turn(void)
{
    bool well = words_same(job_code(), "0");
    return queue.joint == LINE_THEN || well == (queue.joint == LINE_AND);
}

static void queue_drop(void)
{
    queue.text[0] = '\0';
    queue.joint = LINE_THEN;
}

static void say_wrong(const char *what)
{
    nos_print("%s\n", what);
    job_set_code(2);
    queue_drop();  // what hangs on it is not run either
}

/* Until one is in front. Variables are those of when a line's turn comes. */
static void run_queue(void)
{
    static struct line l;

    while ((queue.text[0] != '\0' || queue.joint != LINE_THEN) && !job_in_front()) {
        nos_status_t st = line_parse(&l, queue.text, &world);
        size_t rest = l.rest != NULL ? strlen(l.rest) : 0;
        bool turn = has_its_turn(), hangs = queue.joint != LINE_THEN;
        memmove(queue.text, queue.text + strlen(queue.text) - rest, rest + 1);
        queue.joint = l.joint;
        if (st != NOS_OK) {
            say_wrong(l.wrong);
        } else if (l.n == 0 && hangs) {
            say_wrong("a command is missing behind && or ||");
        } else if (l.n != 0 && turn) {
            run_one(&l);
        }
    }
}

static void run(const char *text)
{
    memcpy(queue.text, text, strlen(text) + 1);
    queue.joint = LINE_THEN;
    run_queue();
}

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

/* What was in front is so no more; Ctrl-C ends all of its line. */
static void go_on(struct edit *e)
{
    if (words_same(job_code(), "130")) {
        queue_drop();
    }
    run_queue();
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
