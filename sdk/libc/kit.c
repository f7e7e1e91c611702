/* What a program's starter gives it (abi/services.h, "A kit"). There is nothing to fall back on: a
 * program that was meant for a pipe must not write to the console. */
#include <string.h>

#include "abi/info.h"
#include "sdk/ipc.h"
#include "sdk/libc/pipes.h"

enum { NO_KIT = 126 /* exit code, as of a shell's command that cannot be run */, SMALL = 1024 };
#define PATIENCE_NS 10000000000ull

static char small[SMALL];

static nos_handle_t starter(void)
{
    return (nos_handle_t){ nos_self()->given };
}

/* With RECV it is an upgrade's (sdk/upgrade.h). */
bool libc_has_kit(void)
{
    struct nos_handle_info info;

    return starter().v != 0 && nos_sys_handle_info(starter(), &info, sizeof info) == NOS_OK &&
           (info.rights & NOS_RIGHT_RECV) == 0;
}

static _Noreturn void give_up(const char *what, nos_status_t st)
{
    const char code[] = { '0' + (char)(-st / 10 % 10), '0' + (char)(-st % 10), '\0' };
    const char *part[] = { nos_self()->name, " is not run: ", what, " (status -", code, ")\n" };

    for (size_t i = 0; i < sizeof part / sizeof part[0] && libc_console_granted(); i++) {
        (void)libc_console_write(part[i], strnlen(part[i], i == 0 ? NOS_NAME_MAX : NOS_TEXT_MAX));
    }
    nos_exit(NO_KIT);
}

static nos_status_t ask(enum nos_kit_op op, uint64_t word, struct nos_msg *m)
{
    m->buffer = NULL;  // the first thread, before main
    m->label = op;
    m->word[0] = word;
    m->n_words = 1;
    m->n_handles = 0;
    nos_status_t st = nos_call(starter(), m, nos_now_ns() + PATIENCE_NS);
    st = st == NOS_OK ? nos_msg_status(m) : st;
    return st != NOS_OK && m->n_handles != 0 ? NOS_BAD_MESSAGE : st;
}

/* ---- text ---- */

static nos_status_t take_piece(struct libc_kit *k, size_t at, struct nos_msg *m, size_t *n)
{
    enum { HEAD = 3 };
    span_t piece;

    nos_status_t st = ask(NOS_KIT_TEXT, at, m);
    if (st != NOS_OK) {
        return st;
    }
    if (m->n_words <= HEAD || m->word[0] == 0 || m->word[0] > NOS_KIT_TEXT_MAX) {
        return NOS_BAD_MESSAGE;
    }
    if (at == 0) {
        *k = (struct libc_kit){ .len = m->word[0], .n_args = m->word[1], .n_env = m->word[2] };
        long mem = k->len <= SMALL ? (long)small : nos_libc_map((k->len + 4095) & ~4095ul, false);
        k->text = mem > 0 ? (char *)mem : NULL;
    }
    if (k->text == NULL || m->word[0] != k->len) {
        return k->text == NULL ? NOS_NO_MEMORY : NOS_BAD_MESSAGE;
    }
    size_t room = (m->n_words - HEAD) * sizeof(uint64_t);
    *n = room < k->len - at ? room : k->len - at;
    if (!nos_msg_get(m, HEAD, *n, &piece)) {
        return NOS_BAD_MESSAGE;
    }
    memcpy(k->text + at, piece.data, *n);
    return NOS_OK;
}

/* As many strings as it says, no more, no less, and each is ended. */
static bool is_whole(const struct libc_kit *k)
{
    size_t zeros = 0;

    for (size_t i = 0; i < k->len; i++) {
        zeros += k->text[i] == '\0';
    }
    return k->n_args >= 1 && k->n_args <= NOS_KIT_WORDS_MAX && k->n_env <= NOS_KIT_WORDS_MAX &&
           zeros == k->n_args + k->n_env + 1 && k->text[k->len - 1] == '\0';
}

static nos_status_t take_text(struct libc_kit *k, struct nos_msg *m)
{
    size_t at = 0, n = 0;
    nos_status_t st;

    do {
        st = take_piece(k, at, m, &n);
        at += n;
    } while (st == NOS_OK && at < k->len);
    return st == NOS_OK && !is_whole(k) ? NOS_BAD_MESSAGE : st;
}

/* ---- descriptors ---- */

static void take_handles(const struct nos_msg *m, struct nos_pipe_end *e, uint32_t from)
{
    for (uint32_t i = 0; i < m->n_handles && from + i < NOS_PIPE_HANDLES; i++) {
        e->h[from + i] = (nos_handle_t){ m->pass[i].handle };
    }
}

static nos_status_t take_pipe(uint64_t fd, uint64_t detail, struct nos_msg *m,
                              struct libc_stream *s)
{
    struct nos_pipe_end e = { .writer = (detail & NOS_KIT_WRITER) != 0 };

    take_handles(m, &e, NOS_PIPE_REGION);
    nos_status_t st = ask(NOS_KIT_LIFE, fd, m);
    if (st == NOS_OK && m->n_handles != NOS_PIPE_HANDLES - NOS_PIPE_LIFE) {
        st = NOS_BAD_MESSAGE;
    }
    if (st == NOS_OK) {
        take_handles(m, &e, NOS_PIPE_LIFE);
    }
    st = st == NOS_OK ? libc_pipe_open(&e, &s->pipe) : st;
    s->terminal = (detail & NOS_KIT_TERMINAL) != 0;
    s->writer = e.writer;
    return st;
}

static nos_status_t take_open(uint64_t fd, uint64_t detail, const struct nos_msg *m)
{
    enum { HEAD = 3 };
    const char *path = (const char *)&m->word[HEAD];
    size_t room = (m->n_words - HEAD) * sizeof(uint64_t);

    if (strnlen(path, room) == room) {
        return NOS_BAD_MESSAGE;
    }
    return libc_begin_open((long)fd, path, detail) < 0 ? NOS_DENIED : NOS_OK;
}

static nos_status_t take_file(uint64_t fd, uint64_t detail, const struct nos_msg *m)
{
    struct nos_pipe_end e = { .writer = false };

    take_handles(m, &e, NOS_PIPE_REGION);
    return libc_begin_file((long)fd, e.h, detail) < 0 ? NOS_DENIED : NOS_OK;
}

/* Those of a session are as many as a pipe's first ones. */
_Static_assert(NOS_FS_PASSES == NOS_PIPE_LIFE, "a stream comes with three handles, or none");

static uint32_t handles_of(enum nos_kit_stream kind)
{
    return kind == NOS_KIT_PIPE || kind == NOS_KIT_FILE ? NOS_PIPE_LIFE : 0;
}

static nos_status_t take_stream(uint64_t *fd, struct nos_msg *m)
{
    nos_status_t st = ask(NOS_KIT_STREAM, *fd, m);

    if (st != NOS_OK || m->n_words < 3 || m->word[0] < *fd || m->word[0] >= NOS_KIT_STREAMS) {
        return st != NOS_OK ? st : NOS_BAD_MESSAGE;
    }
    uint64_t detail = m->word[2];
    struct libc_stream s = { .kind = (enum nos_kit_stream)m->word[1], .same = (long)detail };
    *fd = m->word[0];
    if (m->n_handles != handles_of(s.kind)) {
        return NOS_BAD_MESSAGE;
    }
    if (s.kind == NOS_KIT_PIPE) {
        st = take_pipe(*fd, detail, m, &s);
    } else if (s.kind == NOS_KIT_OPEN) {
        return take_open(*fd, detail, m);
    } else if (s.kind == NOS_KIT_FILE) {
        return take_file(*fd, detail, m);
    } else if (s.kind < NOS_KIT_CONSOLE || s.kind > NOS_KIT_SAME ||
               (s.kind == NOS_KIT_SAME && detail >= *fd)) {
        st = NOS_BAD_MESSAGE;
    }
    if (st == NOS_OK) {
        libc_begin_with((long)*fd, &s);
    }
    // what there is but cannot be had is not the end of the list
    return st == NOS_NOT_FOUND ? NOS_BAD_MESSAGE : st;
}

void libc_take_kit(struct libc_kit *k)
{
    static struct nos_msg m;
    nos_status_t st = take_text(k, &m);

    if (st != NOS_OK) {
        give_up("its starter gives it no arguments", st);
    }
    libc_begin_without();
    uint32_t was = nos_msg_accept(&m, NOS_PIPE_LIFE);
    for (uint64_t fd = 0; st == NOS_OK; fd++) {
        st = take_stream(&fd, &m);
    }
    nos_msg_accept(&m, was);
    if (st != NOS_NOT_FOUND) {
        give_up("a descriptor of its starter's cannot be had", st);
    }
}
