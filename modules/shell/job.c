/* See job.h. A program asks for its kit when it begins; by then the prompt knows its id, because it
 * serves nobody while it starts one. */
#include "modules/shell/job.h"

#include <string.h>

#include "abi/info.h"
#include "lib/fmt.h"
#include "lib/secret.h"
#include "lib/status.h"
#include "modules/shell/act.h"
#include "modules/shell/flow.h"
#include "modules/shell/info.h"
#include "modules/shell/place.h"
#include "modules/shell/tty.h"
#include "modules/shell/vars.h"
#include "sdk/kit.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum {
    TEXT = LINE_TEXT + VARS_TEXT + PLACE_PATH,
    LENT = 3 * LINE_STAGES,
    NAME = 80,
    KEYS_KEPT = JOB_UNREAD - TTY_LINE,
    CODE_NOT_FOUND = 127, /* as POSIX shells have them */
    CODE_CANNOT = 126,
    CODE_INTERRUPTED = 130,
    CODE_KILLED = 137,
    CODE_CRASHED = 139,
};
enum { STDIN, STDOUT, STDERR };

struct program {
    bool used, ended;
    uint32_t capsule;  // 0: not started
    uint32_t code;
    struct nos_kit kit;
    char text[TEXT];
};

static struct job {
    bool used, interrupted;
    bool memory;  // its first program has class Memory
    size_t n;
    struct program *program[LINE_STAGES];
    nos_handle_t lent[LENT];  // memory of its pipes: taken back when it has ended
    size_t n_lent;
    struct nos_pipe keys;  // to its first program
    bool has_keys;
    char name[NAME];
} jobs[JOBS];

static struct {
    const span_t *text;  // of the job that is being started; NULL: it has none
    void (*gone)(void);
} input;
static struct program programs[PROGRAMS];
static struct job *front;
static bool waiting;  // for all jobs: `wait`
static bool told;     // one has ended
static bool said;     // at the prompt
static struct tty tty;
static struct {
    char text[JOB_UNREAD];
    size_t len;
} sent, unread;  // the last of what the one in front was sent; and what it had not read
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

bool job_in_front(void)
{
    return front != NULL || waiting;
}

size_t jobs_running(void)
{
    size_t n = 0;

    for (size_t i = 0; i < JOBS; i++) {
        n += jobs[i].used;
    }
    return n;
}

/* ---- what a program is given ---- */

static void put_text(struct program *p, const char *text, size_t len)
{
    memcpy(p->text + p->kit.text.len, text, len);  // TEXT is the most of all three
    p->kit.text.len += len;
}

static void set_text(struct program *p, const struct words *w, const char *here)
{
    size_t len, n;
    const char *vars = vars_all(&len, &n);

    p->kit.text = span_of(p->text, 0);
    p->kit.n_args = (uint32_t)w->n;
    p->kit.n_env = (uint32_t)n;
    for (size_t i = 0; i < w->n; i++) {
        put_text(p, w->word[i], strlen(w->word[i]) + 1);
    }
    put_text(p, vars, len);
    put_text(p, here, strlen(here) + 1);
}

enum side { NEITHER = -1, READS = NOS_PIPE_READER, WRITES = NOS_PIPE_WRITER };

/* `ours`: the end that the prompt keeps. */
static nos_status_t make_pipe(struct job *j, size_t pages, enum side ours,
                              struct nos_pipe_end ends[2])
{
    if (j->n_lent == LENT) {
        return NOS_NO_SLOT;
    }
    const struct nos_pipe_terms terms = { .wake = { ours == NEITHER ? 0 : shell.note.v },
                                          .writes = ours == WRITES,
                                          .lent = &j->lent[j->n_lent] };
    nos_status_t st = nos_pipe_make(pages, ends, &terms);
    j->n_lent += st == NOS_OK;
    return st;
}

static void give_pipe(struct program *p, int fd, const struct nos_pipe_end *e, uint32_t more)
{
    p->kit.stream[fd] = (struct nos_kit_given){ .kind = NOS_KIT_PIPE,
                                                .detail = (e->writer ? NOS_KIT_WRITER : 0u) | more,
                                                .end = *e };
}

static void give_plain(struct program *p, int fd, enum nos_kit_stream kind, uint32_t detail)
{
    p->kit.stream[fd] = (struct nos_kit_given){ .kind = kind, .detail = detail };
}

/* A file: bytes go between it and a pipe. */
static nos_status_t give_file(struct job *j, struct program *p, int fd, const struct line_file *f)
{
    struct nos_pipe_end ends[2];
    struct place_file file;
    bool in = fd == STDIN;
    uint64_t flags = in ? (uint64_t)NOS_FS_READABLE : place_flags(f->append);

    nos_status_t st = place_open(f->path, flags, &file);
    if (st != NOS_OK) {
        place_complain(p->text, f->path, st);
        return NOS_NO_ANSWER;  // it was said
    }
    st = make_pipe(j, NOS_PIPE_PAGES, in ? WRITES : READS, ends);
    if (st != NOS_OK) {
        place_close(&file);
        return st;
    }
    give_pipe(p, fd, &ends[in ? NOS_PIPE_READER : NOS_PIPE_WRITER], 0);
    return flow_begin(&ends[in ? NOS_PIPE_WRITER : NOS_PIPE_READER], &file, f->path);
}

static nos_status_t give_keys(struct job *j, struct program *p)
{
    struct nos_pipe_end ends[2];

    nos_status_t st = make_pipe(j, NOS_PIPE_SMALL, WRITES, ends);
    if (st == NOS_OK) {
        give_pipe(p, STDIN, &ends[NOS_PIPE_READER], NOS_KIT_TERMINAL);
        st = nos_pipe_open(&j->keys, &ends[NOS_PIPE_WRITER], NULL);
        j->has_keys = st == NOS_OK;
    }
    return st;
}

static nos_status_t give_input(struct job *j, struct program *p)
{
    struct nos_pipe_end ends[2];

    nos_status_t st = make_pipe(j, NOS_PIPE_PAGES, WRITES, ends);
    if (st == NOS_OK) {
        give_pipe(p, STDIN, &ends[NOS_PIPE_READER], 0);
        st = flow_begin_text(&ends[NOS_PIPE_WRITER], *input.text, input.gone);
        input.text = st == NOS_OK ? NULL : input.text;
    }
    return st;
}

/* What stage `i` reads and writes; `*from`: the end that the one before it left. */
static nos_status_t set_streams(struct job *j, const struct line *l, size_t i,
                                struct nos_pipe_end *from)
{
    const struct line_stage *s = &l->stage[i];
    struct program *p = j->program[i];
    struct nos_pipe_end ends[2];
    nos_status_t st = NOS_OK;

    if (i > 0) {
        give_pipe(p, STDIN, from, 0);
        *from = (struct nos_pipe_end){ .writer = false };
    } else if (input.text != NULL) {
        st = give_input(j, p);
    } else if (s->in.path == NULL && (l->background || !j->memory)) {
        give_plain(p, STDIN, NOS_KIT_NULL, 0);  // without class Memory there are no keys to have
    } else if (s->in.path == NULL) {
        st = give_keys(j, p);
    }
    give_plain(p, STDOUT, NOS_KIT_CONSOLE, 0);
    if (st == NOS_OK && i + 1 < l->n) {
        st = make_pipe(j, NOS_PIPE_PAGES, NEITHER, ends);
        if (st == NOS_OK) {
            give_pipe(p, STDOUT, &ends[NOS_PIPE_WRITER], 0);
            *from = ends[NOS_PIPE_READER];
        }
    }
    give_plain(p, STDERR, s->err_to_out ? NOS_KIT_SAME : NOS_KIT_CONSOLE, STDOUT);
    const struct line_file *file[] = { &s->in, &s->out, &s->err };
    for (int fd = STDIN; st == NOS_OK && fd <= STDERR; fd++) {
        if (file[fd]->path != NULL) {
            nos_pipe_drop(&p->kit.stream[fd].end);
            st = give_file(j, p, fd, file[fd]);
        }
    }
    return st;
}

/* ---- to start ---- */

bool is_service(const struct nos_module_info *m)
{
    struct nos_supervision s;

    for (uint64_t i = 0; INFO(NOS_TOPIC_SUPERVISION, i, &s) == NOS_OK; i++) {
        if (memcmp(s.module_id, m->module_id, sizeof(s.module_id)) == 0) {
            return s.control.every_ms != 0;
        }
    }
    return false;
}

/* The module that a command's name means: its own, or the one of many tools that the policy names
 * (`tools=MODULE` in the prompt's argument). */
static nos_status_t module_of(const char *name, struct nos_module_info *m)
{
    static const char mark[] = "tools=";
    char copy[NOS_ARG_MAX + 1], *word[8];
    nos_status_t st = find_module(name, m) ? NOS_OK : NOS_NOT_FOUND;
    size_t n = nos_arg_words(copy, word, ARRAY_LEN(word));

    for (size_t i = 0; st != NOS_OK && i < n; i++) {
        bool tools =
            strlen(word[i]) > sizeof(mark) - 1 && memcmp(word[i], mark, sizeof(mark) - 1) == 0;
        st = tools && find_module(word[i] + sizeof(mark) - 1, m) ? NOS_OK : st;
    }
    if (st != NOS_OK && command_find(name) != NULL) {
        nos_print("%s is a command of the prompt's own: it can only begin a line\n", name);
        job_set_code(CODE_CANNOT);
        return NOS_NO_ANSWER;
    }
    if (st != NOS_OK) {
        nos_print("no command '%s', and no verified module; `help` and `modules` list them\n",
                  name);
        job_set_code(CODE_NOT_FOUND);
        return NOS_NO_ANSWER;
    }
    if (is_service(m)) {
        nos_print("%s is a service: `load %s` starts it, `ps` shows it\n", name, name);
        job_set_code(CODE_CANNOT);
        return NOS_NO_ANSWER;
    }
    return NOS_OK;
}

static nos_status_t start(struct program *p, const struct nos_module_info *module,
                          const struct words *w)
{
    static struct nos_msg m;
    char arg[NOS_ARG_MAX + 1];
    size_t len = words_join(w, 1, arg, sizeof(arg));  // for who has no C library

    m.label = NOS_INIT_START_ID | (uint64_t)len << 8;
    m.n_handles = 0;
    bool fits = nos_msg_put(&m, 0, module->module_id, sizeof(module->module_id)) &&
                nos_msg_put(&m, 4, arg, len) &&
                nos_msg_copy(&m, shell.own, NOS_RIGHT_CALL | NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER) &&
                nos_msg_copy(&m, shell.note, NOS_RIGHT_SIGNAL);
    nos_status_t st = fits ? ask_init(&m) : NOS_TOO_BIG;
    m.n_handles = 0;
    if (st == NOS_OK) {
        p->capsule = (uint32_t)m.word[0];
    }
    return st;
}

/* ---- to end ---- */

static void kill_all(struct job *j)
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
    front = front == j ? NULL : front;
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

/* As a terminal does it: what a program leaves is for the next one; Ctrl-C forgets it. */
static void keep_unread(struct job *j)
{
    size_t n = j->has_keys && !j->interrupted ? nos_pipe_unread(&j->keys, NULL) : 0;
    span_t line = tty_line(&tty);

    n = n < sent.len ? n : sent.len;
    memcpy(unread.text, sent.text + sent.len - n, n);
    memcpy(unread.text + n, line.data, line.len);
    unread.len = n + line.len;
    sent.len = 0;
    secret_wipe(sent.text, sizeof(sent.text));  // what is typed for a program may be a secret
    secret_wipe(tty.line, sizeof(tty.line));
}

size_t job_unread(char out[JOB_UNREAD])
{
    size_t n = unread.len;

    memcpy(out, unread.text, n);
    unread.len = 0;
    secret_wipe(unread.text, sizeof(unread.text));
    return n;
}

static void job_ended(struct job *j)
{
    uint32_t code = j->program[j->n - 1]->code;
    bool was_front = front == j;
    size_t number = number_of(j);
    char name[NAME];

    memcpy(name, j->name, sizeof(name));
    if (was_front) {
        keep_unread(j);
    }
    drop_job(j);
    if (was_front || waiting) {
        job_set_code(code);
    }
    if (was_front && code != 0) {
        nos_print("exit code %u\n", code);
    } else if (!was_front) {
        nos_print("%s[%u] %s: exit code %u\n", waiting ? "" : "\n", (unsigned)number, name, code);
        said = !waiting;
    }
    waiting = waiting && jobs_running() != 0;
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
static nos_status_t start_all(struct job *j, const struct line *l,
                              const struct nos_module_info *module)
{
    struct nos_pipe_end from = { .writer = false };
    nos_status_t st = NOS_OK;

    j->memory = (module[0].classes & NOS_CLASS_MEMORY) != 0;
    for (size_t i = 0; st == NOS_OK && i < l->n; i++) {
        // without class Memory it has no files, and need not wait for them
        bool files = (module[i].classes & NOS_CLASS_MEMORY) != 0 && place_ready();
        set_text(j->program[i], &l->stage[i].words, files ? place_here() : "");
        st = set_streams(j, l, i, &from);
    }
    nos_pipe_drop(&from);
    for (size_t i = 0; st == NOS_OK && i < l->n; i++) {
        st = start(j->program[i], &module[i], &l->stage[i].words);
        if (st != NOS_OK) {
            complain(l->stage[i].words.word[0], st);
            st = NOS_NO_ANSWER;
        }
    }
    return st;
}

static struct job *run_stages(const struct line *l)
{
    static struct nos_module_info module[LINE_STAGES];

    for (size_t i = 0; i < l->n; i++) {
        if (module_of(l->stage[i].words.word[0], &module[i]) != NOS_OK) {
            return NULL;  // it was said
        }
    }
    struct job *j = job_new(l);
    nos_status_t st = j == NULL ? NOS_NO_SLOT : start_all(j, l, module);
    if (st == NOS_OK) {
        return j;
    }
    if (j != NULL) {
        kill_all(j);
        drop_job(j);
    }
    if (st != NOS_NO_ANSWER) {
        complain(l->stage[0].words.word[0], st);
    }
    job_set_code(CODE_CANNOT);
    return NULL;
}

void job_run(const struct line *all, size_t first, const span_t *text, void (*gone)(void))
{
    static struct line l;

    l = *all;
    l.n -= first;
    memmove(l.stage, l.stage + first, l.n * sizeof(l.stage[0]));
    input.text = text;
    input.gone = gone;
    struct job *j = run_stages(&l);
    if (input.text != NULL) {
        gone();  // it came to nothing, or somebody else's words are read
        input.text = NULL;
    }
    if (j != NULL && l.background) {
        nos_print("[%u] %s\n", (unsigned)number_of(j), j->name);
        job_set_code(0);
    } else if (j != NULL) {
        front = j;
        tty = (struct tty){ .len = 0 };
        sent.len = 0;
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

/* ---- the one in front ---- */

static void send_keys(span_t text)
{
    size_t done;

    // one that does not read what is typed has 4 KiB of it, and no more
    if (front != NULL && front->has_keys && text.len != 0) {
        nos_ignore(nos_pipe_write(&front->keys, text, &done, NULL));
        size_t old = sent.len + done > KEYS_KEPT ? sent.len + done - KEYS_KEPT : 0;
        old = old < sent.len ? old : sent.len;
        memmove(sent.text, sent.text + old, sent.len - old);
        sent.len -= old;
        memcpy(sent.text + sent.len, text.data, done);  // at most a line
        sent.len += done;
    }
}

void job_key(uint8_t byte)
{
    enum tty_event e = tty_feed(&tty, byte);

    if (e == TTY_INTERRUPT) {
        waiting = false;
        job_set_code(CODE_INTERRUPTED);  // of `wait`: another's end says its own
        if (front != NULL) {
            front->interrupted = true;
            kill_all(front);
        }
    } else if (e == TTY_ENTER) {
        send_keys(tty_line(&tty));
    } else if (e == TTY_EOF) {
        span_t rest = tty_line(&tty);
        send_keys(rest);
        if (rest.len == 0 && front != NULL && front->has_keys) {
            nos_pipe_close(&front->keys);
            front->has_keys = false;
        }
    }
}

void jobs_echo(void)
{
    nos_ignore(nos_console_write(tty_take(&tty)));
}

/* ---- commands ---- */

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

void cmd_fg(const struct words *w)
{
    uint64_t number = 0;

    for (size_t i = 0; w->n == 1 && i < JOBS; i++) {
        number = jobs[i].used ? i + 1 : number;
    }
    if (w->n == 2 && !parse_u64(span_of(w->word[1], strlen(w->word[1])), &number)) {
        number = 0;
    }
    if (number == 0 || number > JOBS || !jobs[number - 1].used) {
        nos_print("fg: no such job; `jobs` lists them\n");
        job_set_code(1);
        return;
    }
    front = &jobs[number - 1];
    tty = (struct tty){ .len = 0 };
    nos_print("%s\n", front->name);
}

void cmd_wait(const struct words *w)
{
    (void)w;
    waiting = jobs_running() != 0;
    tty = (struct tty){ .len = 0 };
}
