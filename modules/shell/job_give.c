/* What a program is given: words, and where its descriptors lead. All that is to be had is had
 * before the first one is started. */
#include <string.h>

#include "lib/text.h"
#include "modules/shell/flow.h"
#include "modules/shell/job_impl.h"

enum { STDIN, STDOUT, STDERR };

static void put_text(struct program *p, const char *text, size_t len)
{
    memcpy(p->text + p->kit.text.len, text, len);  // JOB_TEXT is the most of them all
    p->kit.text.len += len;
}

/* A file's name may be anything: who runs out of one is called as its manifest says. */
static void put_name(struct program *p, const struct found *f, const char *typed)
{
    span_t name = name16_span(f->module.name);

    if (f->held.v != 0) {
        put_text(p, (const char *)name.data, name.len);
        put_text(p, "", 1);
    } else {
        put_text(p, typed, strlen(typed) + 1);
    }
}

static void set_text(struct program *p, const struct found *f, const struct words *w,
                     const char *here)
{
    size_t len, n;
    const char *vars = vars_all(&len, &n);

    p->kit.text = span_of(p->text, 0);
    p->kit.n_args = (uint32_t)w->n;
    p->kit.n_env = (uint32_t)n;
    put_name(p, f, w->word[0]);
    for (size_t i = 1; i < w->n; i++) {
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
    if (j->n_lent == JOB_LENT) {
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

static nos_status_t give_input(struct job *j, struct program *p, struct job_input *input)
{
    struct nos_pipe_end ends[2];

    nos_status_t st = make_pipe(j, NOS_PIPE_PAGES, WRITES, ends);
    if (st == NOS_OK) {
        give_pipe(p, STDIN, &ends[NOS_PIPE_READER], 0);
        st = flow_begin_text(&ends[NOS_PIPE_WRITER], *input->text, input->gone);
        input->text = st == NOS_OK ? NULL : input->text;
    }
    return st;
}

/* What stage `i` reads and writes; `*from`: the end that the one before it left. */
static nos_status_t set_streams(struct job *j, const struct line *l, size_t i,
                                struct job_input *input, struct nos_pipe_end *from)
{
    const struct line_stage *s = &l->stage[i];
    struct program *p = j->program[i];
    struct nos_pipe_end ends[2];
    nos_status_t st = NOS_OK;

    if (i > 0) {
        give_pipe(p, STDIN, from, 0);
        *from = (struct nos_pipe_end){ .writer = false };
    } else if (input->text != NULL) {
        st = give_input(j, p, input);
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

nos_status_t job_give(struct job *j, const struct line *l, const struct found *found,
                      struct job_input *input)
{
    struct nos_pipe_end from = { .writer = false };
    nos_status_t st = NOS_OK;

    j->memory = (found[0].module.classes & NOS_CLASS_MEMORY) != 0;
    for (size_t i = 0; st == NOS_OK && i < l->n; i++) {
        // without class Memory it has no files, and need not wait for them
        bool files = (found[i].module.classes & NOS_CLASS_MEMORY) != 0 && place_ready();
        set_text(j->program[i], &found[i], &l->stage[i].words, files ? place_here() : "");
        st = set_streams(j, l, i, input, &from);
    }
    nos_pipe_drop(&from);
    return st;
}
