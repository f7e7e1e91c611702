#include "modules/shell/flow.h"

#include <string.h>

#include "abi/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { LOOK_NS = 100000000 /* who was killed signals nobody */ };
enum { FLOWS = 12, PIECE = 4096, PIECES = 16 /* of one flow in one step: the prompt goes on */ };

static struct flow {
    bool used;
    struct nos_pipe pipe;
    struct place_file file;
    span_t text;         // instead of a file
    void (*gone)(void);  // NULL: it is a file
    uint64_t at;         // of what is read
    char name[64];
} flows[FLOWS];

nos_status_t flow_begin(const struct nos_pipe_end *e, const struct place_file *f, const char *name)
{
    struct nos_pipe_end end = *e;
    struct place_file file = *f;
    struct flow *w = NULL;

    for (size_t i = 0; i < FLOWS && w == NULL; i++) {
        w = flows[i].used ? NULL : &flows[i];
    }
    if (w == NULL) {
        nos_pipe_drop(&end);
        place_close(&file);
        return NOS_NO_SLOT;
    }
    *w = (struct flow){ .used = true, .file = file };
    size_t len = strlen(name);
    memcpy(w->name, name, len < sizeof(w->name) ? len : sizeof(w->name) - 1);
    nos_status_t st = nos_pipe_open(&w->pipe, e, NULL);
    if (st != NOS_OK) {
        place_close(&file);
        w->used = false;
    }
    return st;
}

nos_status_t flow_begin_text(const struct nos_pipe_end *e, span_t text, void (*gone)(void))
{
    const struct place_file none = { .share = NULL };

    nos_status_t st = flow_begin(e, &none, "");
    for (size_t i = 0; st == NOS_OK && i < FLOWS; i++) {
        if (flows[i].used && flows[i].pipe.end.h[0].v == e->h[0].v) {
            flows[i].text = text;
            flows[i].gone = gone;
        }
    }
    return st;
}

static void end(struct flow *w, nos_status_t st)
{
    nos_pipe_close(&w->pipe);  // the program sees EPIPE, or the end of its input
    place_close(&w->file);
    if (w->gone != NULL) {
        w->gone();
    }
    w->used = false;
    if (st != NOS_OK) {
        place_complain("files", w->name, st);
    }
}

/* Gives: WOULD_BLOCK: not now; PEER_CLOSED: it is done. */
static nos_status_t to_file(struct flow *w, uint8_t *piece, nos_status_t *file)
{
    size_t n = 0, done = 0;

    nos_status_t st = nos_pipe_read(&w->pipe, mspan_of(piece, PIECE), &n, NULL);
    for (size_t at = 0; st == NOS_OK && *file == NOS_OK && at < n; at += done) {
        *file = place_write(&w->file, span_of(piece + at, n - at), &done);
    }
    return *file != NOS_OK ? NOS_PEER_CLOSED : st;
}

static nos_status_t from_file(struct flow *w, uint8_t *piece, nos_status_t *file)
{
    size_t n = 0, done = 0;

    nos_status_t st = nos_pipe_ready(&w->pipe, NULL);
    if (st != NOS_OK) {
        return st;
    }
    span_t from = span_of(piece, 0);
    if (w->gone != NULL) {
        from = span_of(w->text.data + w->at, w->text.len - w->at);
    } else {
        *file = place_read(&w->file, w->at, mspan_of(piece, PIECE), &n);
        from.len = n;
    }
    if (*file != NOS_OK || from.len == 0) {
        return NOS_PEER_CLOSED;
    }
    st = nos_pipe_write(&w->pipe, from, &done, NULL);
    w->at += done;
    return st;
}

/* Gives: there is more. */
static bool step(struct flow *w)
{
    static uint8_t piece[PIECE];
    nos_status_t st = NOS_OK, file = NOS_OK;

    for (int i = 0; i < PIECES && st == NOS_OK; i++) {
        st = w->pipe.end.writer ? from_file(w, piece, &file) : to_file(w, piece, &file);
        if (st == NOS_WOULD_BLOCK && !nos_pipe_sleeps(&w->pipe, NULL)) {
            st = NOS_OK;
        }
    }
    if (st != NOS_OK && st != NOS_WOULD_BLOCK) {
        end(w, file);
    }
    return st == NOS_OK;
}

uint64_t flows_step(void)
{
    bool any = false, more = false;

    for (size_t i = 0; i < FLOWS; i++) {
        more |= flows[i].used && step(&flows[i]);
        any |= flows[i].used;
    }
    return more ? NOS_DEADLINE_POLL : any ? nos_now_ns() + LOOK_NS : 0;
}
