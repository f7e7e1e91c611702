/* From the text of a line to what it does: its parts one after another, each a command of the
 * prompt's own or a job. */
#include "modules/shell/run.h"

#include <string.h>

#include "modules/shell/capture.h"
#include "modules/shell/edit.h"
#include "modules/shell/job.h"
#include "modules/shell/place.h"
#include "modules/shell/shell.h"
#include "modules/shell/vars.h"
#include "sdk/print.h"
#include "sdk/stream.h"

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

void run(const char *text)
{
    memcpy(queue.text, text, strlen(text) + 1);
    queue.joint = LINE_THEN;
    run_queue();
}

void run_on(void)
{
    if (words_same(job_code(), "130")) {
        queue_drop();
    }
    run_queue();
}
