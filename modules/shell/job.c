/* See job.h. A program asks for its kit when it begins; by then the prompt knows its id, because it
 * serves nobody while it starts one. */
#include "modules/shell/job.h"

#include <string.h>

#include "abi/info.h"
#include "lib/fmt.h"
#include "modules/shell/act.h"
#include "modules/shell/flow.h"
#include "modules/shell/job_impl.h"
#include "sdk/print.h"

struct job jobs[JOBS];
static struct program programs[PROGRAMS];
static bool told;  // one has ended
static bool said;  // at the prompt
static uint32_t last_code;

nos_status_t jobs_init(void)
{
    nos_status_t st = shell.note.v != 0 ? NOS_OK : nos_sys_notify_create(&shell.note);

    if (st == NOS_OK) {
        st = nos_sys_notify_bind(shell.note, shell.own);
    }
    return st == NOS_BUSY ? NOS_OK : st;  // the version before this one did
}

void job_set_code(uint32_t code)
{
    last_code = code;
}

const char *job_code(void)
{
    static char text[12];
    struct fmt f;

    FMT_INIT(&f, text);
    fmt_u64(&f, last_code);
    return text;
}

size_t jobs_running(void)
{
    size_t n = 0;

    for (size_t i = 0; i < JOBS; i++) {
        n += jobs[i].used;
    }
    return n;
}

/* ---- to end ---- */

void job_kill(struct job *j)
{
    static struct nos_msg m;

    for (size_t i = 0; i < j->n; i++) {
        if (j->program[i]->capsule != 0 && !j->program[i]->ended) {
            m.label = NOS_INIT_KILL;
            m.word[0] = j->program[i]->capsule;
            m.n_words = 1;
            nos_ignore(ask_init(&m));  // it has just ended by itself
        }
    }
}

static void drop_job(struct job *j)
{
    if (j->has_keys) {
        nos_pipe_close(&j->keys);
    }
    for (size_t i = 0; i < j->n; i++) {
        nos_kit_drop(&j->program[i]->kit);
        j->program[i]->used = false;
    }
    (void)flows_step();  // their last words
    for (size_t i = 0; i < j->n_lent; i++) {
        nos_ignore(nos_sys_cap_revoke(j->lent[i]));
        nos_ignore(nos_sys_handle_close(j->lent[i]));
    }
    (void)flows_step();
    front.job = front.job == j ? NULL : front.job;
    *j = (struct job){ .used = false };
}

static uint32_t code_of(const struct job *j, uint64_t state, uint64_t code)
{
    return state == NOS_CAPSULE_EXITED    ? (uint32_t)(code & 0xff)
           : state == NOS_CAPSULE_CRASHED ? CODE_CRASHED
           : j->interrupted               ? CODE_INTERRUPTED
                                          : CODE_KILLED;
}

/* Gives: it has ended. */
static bool look_at(struct job *j, struct program *p)
{
    static struct nos_msg m;

    if (p->ended) {
        return true;
    }
    m.label = NOS_INIT_ENDED;
    m.word[0] = p->capsule;
    m.n_words = 1;
    nos_status_t st = ask_init(&m);
    p->ended = st != NOS_BUSY && st != NOS_TIMED_OUT;
    if (p->ended) {
        p->code = st == NOS_OK && m.n_words == 2 ? code_of(j, m.word[0], m.word[1]) : CODE_KILLED;
        nos_kit_drop(&p->kit);
    }
    return p->ended;
}

static size_t number_of(const struct job *j)
{
    return (size_t)(j - jobs) + 1;
}

static void job_ended(struct job *j)
{
    // also if the last one had ended by then: what is behind it in the line is not run
    uint32_t code = j->interrupted ? CODE_INTERRUPTED : j->program[j->n - 1]->code;
    bool was_front = front.job == j;
    size_t number = number_of(j);
    char name[JOB_NAME];

    memcpy(name, j->name, sizeof(name));
    if (was_front) {
        front_leave(j);
    }
    drop_job(j);
    if (was_front || front.waiting) {
        job_set_code(code);
    }
    if (was_front && code != 0) {
        nos_print("exit code %u\n", code);
    } else if (!was_front) {
        nos_print("%s[%u] %s: exit code %u\n", front.waiting ? "" : "\n", (unsigned)number, name,
                  code);
        said = !front.waiting;
    }
    front.waiting = front.waiting && jobs_running() != 0;
}

static void look(struct job *j)
{
    bool ended = true;

    for (size_t i = 0; i < j->n; i++) {
        ended = look_at(j, j->program[i]) && ended;
    }
    if (ended) {
        job_ended(j);
    }
}

bool jobs_said(void)
{
    bool was = said;

    said = false;
    return was && !job_in_front();
}

void jobs_notified(uint64_t bits)
{
    told |= (bits & NOS_INIT_TOLD) != 0;
}

uint64_t jobs_step(void)
{
    uint64_t due = flows_step();

    for (size_t i = 0; told && i < JOBS; i++) {
        if (jobs[i].used) {
            look(&jobs[i]);
        }
    }
    told = false;
    return due == 0 ? NOS_DEADLINE_NEVER : due;
}

/* ---- a line ---- */

static struct job *job_new(const struct line *l)
{
    struct job *j = NULL;
    size_t k = 0;

    for (size_t i = 0; i < JOBS && j == NULL; i++) {
        j = jobs[i].used ? NULL : &jobs[i];
    }
    if (j == NULL) {
        return NULL;
    }
    *j = (struct job){ .used = true };
    for (; j->n < l->n && k < PROGRAMS; k++) {
        if (!programs[k].used) {
            programs[k] = (struct program){ .used = true };
            j->program[j->n++] = &programs[k];
        }
    }
    for (size_t i = 0; i < l->n; i++) {
        size_t len = strlen(j->name);
        words_join(&l->stage[i].words, 0, j->name + len, sizeof(j->name) - len);
        len = strlen(j->name);
        if (i + 1 < l->n && len + 4 < sizeof(j->name)) {
            memcpy(j->name + len, " | ", 4);
        }
    }
    if (j->n < l->n) {
        drop_job(j);
        return NULL;
    }
    return j;
}

/* All that is to be had is had before the first one is started. */
static nos_status_t start_all(struct job *j, const struct line *l, const struct found *found,
                              struct job_input *input)
{
    nos_status_t st = job_give(j, l, found, input);

    for (size_t i = 0; st == NOS_OK && i < l->n; i++) {
        st = program_start(j->program[i], &found[i].module, &l->stage[i].words);
        if (st != NOS_OK) {
            complain(l->stage[i].words.word[0], st);
            st = NOS_NO_ANSWER;
        }
    }
    return st;
}

static struct job *run_found(const struct line *l, const struct found *found,
                             struct job_input *input)
{
    struct job *j = job_new(l);
    nos_status_t st = j == NULL ? NOS_NO_SLOT : start_all(j, l, found, input);

    if (st == NOS_OK) {
        return j;
    }
    if (j != NULL) {
        job_kill(j);
        drop_job(j);
    }
    if (st != NOS_NO_ANSWER) {
        complain(l->stage[0].words.word[0], st);
    }
    job_set_code(CODE_CANNOT);
    return NULL;
}

static struct job *run_stages(const struct line *l, struct job_input *input)
{
    static struct found found[LINE_STAGES];
    struct job *j = NULL;
    nos_status_t st = NOS_OK;
    size_t n = 0;

    for (; st == NOS_OK && n < l->n; n++) {
        found[n] = (struct found){ .held = { 0 } };
        st = program_find(l->stage[n].words.word[0], &found[n]);
    }
    if (st == NOS_OK) {
        j = run_found(l, found, input);
    }
    for (size_t i = 0; i < n; i++) {
        if (found[i].held.v != 0) {
            nos_ignore(nos_sys_handle_close(found[i].held));  // who runs it holds it
        }
    }
    return j;
}

void job_run(const struct line *all, size_t first, const span_t *text, void (*gone)(void))
{
    static struct line l;
    struct job_input input = { text, gone };

    l = *all;
    l.n -= first;
    memmove(l.stage, l.stage + first, l.n * sizeof(l.stage[0]));
    struct job *j = run_stages(&l, &input);
    if (input.text != NULL) {
        gone();  // it came to nothing, or somebody else's words are read
    }
    if (j != NULL && l.background) {
        nos_print("[%u] %s\n", (unsigned)number_of(j), j->name);
        job_set_code(0);
    } else if (j != NULL) {
        front_take(j);
    }
}

bool job_serve(struct nos_msg *m)
{
    for (size_t i = 0; i < PROGRAMS; i++) {
        struct program *p = &programs[i];
        if (p->used && p->capsule != 0 && p->capsule == m->sender && !p->ended) {
            nos_status_t st = nos_kit_answer(&p->kit, m);
            if (st == NOS_NO_CLASS) {
                nos_print("%s: cannot have a pipe: its manifest does not ask for class Memory\n",
                          p->text);
            }
            return true;
        }
    }
    return false;
}

void cmd_jobs(const struct words *w)
{
    (void)w;
    for (size_t i = 0; i < JOBS; i++) {
        if (jobs[i].used) {
            nos_print("[%u] %s, capsule", (unsigned)i + 1, jobs[i].name);
            for (size_t k = 0; k < jobs[i].n; k++) {
                nos_print(" %u%s", jobs[i].program[k]->capsule,
                          jobs[i].program[k]->ended ? " (ended)" : "");
            }
            nos_print("\n");
        }
    }
}
