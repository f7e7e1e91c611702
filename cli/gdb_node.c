#include "cli/gdb_node.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { BUSY_TRIES = 50, BUSY_NS = 10000000 };

static void forget(struct gdb_target *t)
{
    for (size_t i = 0; i < GDB_PAGES; i++) {
        t->page[i].at = 0;
    }
    t->threads_known = false;
}

static nos_status_t ask(struct gdb_target *t, uint16_t verb, span_t args, struct buf *answer)
{
    nos_status_t st = NOS_IO_ERROR;
    if (t->rc != DONE) {
        return NOS_IO_ERROR;
    }
    t->rc = node_try(t->node, t->args, verb, args, &st, answer);
    return t->rc == DONE ? st : NOS_IO_ERROR;
}

/* A request of words, four bytes each, with no answer. */
static nos_status_t tell(struct gdb_target *t, uint16_t verb, uint32_t first, uint32_t second)
{
    uint8_t args[8];
    store_le32(args, first);
    store_le32(args + 4, second);
    return ask(t, verb, SPAN_OF(args), NULL);
}

int gdb_open(struct gdb_target *t, struct node *n, const struct node_args *a,
             const struct nos_capsule_info *c, uint32_t seconds)
{
    uint8_t args[8];
    *t = (struct gdb_target){ .node = n, .args = a, .capsule = *c };
    store_le32(args, c->id);
    store_le32(args + 4, seconds);
    int rc = node_signed(n, a, NOS_MG_DEBUG, SPAN_OF(args), NULL);
    t->open = rc == DONE;
    return rc;
}

void gdb_close(struct gdb_target *t)
{
    if (t->open) {
        nos_status_t st = ask(t, NOS_MG_DEBUG_END, span_of(NULL, 0), NULL);
        (void)st;  // the deadline does it otherwise
        t->open = false;
    }
}

nos_status_t target_state(struct gdb_target *t, enum nos_mg_debugged *out)
{
    struct buf answer = { NULL, 0 };
    nos_status_t st = NOS_IO_ERROR;
    uint32_t state = 0;
    t->threads_known = false;  // asked after it ran
    if (t->rc == DONE) {
        t->rc = node_call(t->node, NOS_MG_DEBUGGED, span_of(NULL, 0), &st, &answer);
    }
    st = t->rc != DONE ? NOS_IO_ERROR : st;
    if (st == NOS_OK && !span_le32(buf_span(&answer), 0, &state)) {
        st = NOS_BAD_MESSAGE;
    }
    buf_free(&answer);
    *out = (enum nos_mg_debugged)state;
    return st;
}

/* ---- threads ---- */

/* Some more of them, behind those that are there; `*n` how many. */
static nos_status_t fetch_some(struct gdb_target *t, uint32_t from, size_t *n)
{
    struct buf answer = { NULL, 0 };
    uint8_t args[4];
    store_le32(args, from);
    nos_status_t st = ask(t, NOS_MG_DEBUG_THREADS, SPAN_OF(args), &answer);
    span_t rest = buf_span(&answer), one;
    for (*n = 0; st == NOS_OK && rest.len > 0 && t->n_threads < GDB_THREADS; ++*n) {
        struct nos_debug_thread *out = &t->thread[t->n_threads];
        if (!span_take(&rest, sizeof(*out), &one)) {
            st = NOS_BAD_MESSAGE;
            break;
        }
        memcpy(out, one.data, sizeof(*out));
        st = out->id >= from && out->id <= INT32_MAX ? NOS_OK : NOS_BAD_MESSAGE;
        from = out->id + 1;
        t->n_threads++;
    }
    buf_free(&answer);
    return st;
}

static nos_status_t fetch_threads(struct gdb_target *t)
{
    nos_status_t st = NOS_OK;
    size_t n = NOS_MG_DEBUG_AT_ONCE;
    uint32_t from = 0;
    t->n_threads = 0;
    while (st == NOS_OK && n == NOS_MG_DEBUG_AT_ONCE && t->n_threads < GDB_THREADS) {
        st = fetch_some(t, from, &n);
        from = t->n_threads == 0 ? 0 : t->thread[t->n_threads - 1].id + 1;
    }
    t->threads_known = st == NOS_OK;
    return st;
}

nos_status_t target_thread(struct gdb_target *t, uint32_t from, struct nos_debug_thread *out)
{
    nos_status_t st = t->threads_known ? NOS_OK : fetch_threads(t);
    if (st != NOS_OK) {
        return st;
    }
    for (size_t i = 0; i < t->n_threads; i++) {
        if (t->thread[i].id >= from) {
            *out = t->thread[i];
            return NOS_OK;
        }
    }
    return NOS_NOT_FOUND;
}

nos_status_t target_set(struct gdb_target *t, uint32_t id, const uint64_t regs[NOS_REG_COUNT])
{
    uint8_t args[4 + 8 * NOS_REG_COUNT];
    store_le32(args, id);
    for (size_t i = 0; i < NOS_REG_COUNT; i++) {
        store_le64(args + 4 + 8 * i, regs[i]);
    }
    t->threads_known = false;
    return ask(t, NOS_MG_DEBUG_SET, SPAN_OF(args), NULL);
}

nos_status_t target_run(struct gdb_target *t, uint32_t id, enum nos_debug_how how)
{
    const struct timespec pause = { 0, BUSY_NS };
    nos_status_t st = NOS_BUSY;
    bool known = t->threads_known;
    forget(t);
    t->threads_known = known && id != 0;  // of several, one after another
    for (unsigned i = 0; st == NOS_BUSY && i < BUSY_TRIES; i++) {
        st = tell(t, NOS_MG_DEBUG_RUN, id, how);
        if (st == NOS_BUSY) {  // it is on its way to a stop, on another processor
            nanosleep(&pause, NULL);
        }
    }
    return st;
}

nos_status_t target_kill(struct gdb_target *t)
{
    uint8_t args[4];
    store_le32(args, t->capsule.id);
    return ask(t, NOS_MG_KILL, SPAN_OF(args), NULL);
}

/* ---- memory ---- */

static nos_status_t fetch_page(struct gdb_target *t, uint64_t at, const uint8_t **out)
{
    struct buf answer = { NULL, 0 };
    uint8_t args[12];
    for (size_t i = 0; i < GDB_PAGES; i++) {
        if (t->page[i].at == at) {
            *out = t->page[i].bytes;
            return NOS_OK;
        }
    }
    store_le64(args, at);
    store_le32(args + 8, GDB_PAGE);
    nos_status_t st = ask(t, NOS_MG_DEBUG_READ, SPAN_OF(args), &answer);
    if (st == NOS_OK && answer.len != GDB_PAGE) {
        st = NOS_BAD_MESSAGE;
    }
    if (st == NOS_OK) {
        size_t i = t->next_page++ % GDB_PAGES;
        t->page[i].at = at;
        memcpy(t->page[i].bytes, answer.data, GDB_PAGE);
        *out = t->page[i].bytes;
    }
    buf_free(&answer);
    return st;
}

nos_status_t target_read(struct gdb_target *t, uint64_t at, uint8_t *out, size_t len)
{
    nos_status_t st = NOS_OK;
    while (st == NOS_OK && len > 0) {
        const uint8_t *page;
        size_t off = at % GDB_PAGE, n = GDB_PAGE - off < len ? GDB_PAGE - off : len;
        st = at < GDB_PAGE ? NOS_BAD_ADDRESS : fetch_page(t, at - off, &page);
        if (st == NOS_OK) {
            memcpy(out, page + off, n);
            out += n;
            at += n;
            len -= n;
        }
    }
    return st;
}

nos_status_t target_write(struct gdb_target *t, uint64_t at, span_t bytes)
{
    uint8_t args[8 + NOS_DEBUG_WRITE_MAX];
    nos_status_t st = NOS_OK;
    span_t piece;
    while (st == NOS_OK && bytes.len > 0) {
        size_t n = bytes.len < NOS_DEBUG_WRITE_MAX ? bytes.len : NOS_DEBUG_WRITE_MAX;
        if (!span_take(&bytes, n, &piece)) {
            break;
        }
        store_le64(args, at);
        memcpy(args + 8, piece.data, n);
        st = ask(t, NOS_MG_DEBUG_WRITE, span_of(args, 8 + n), NULL);
        at += n;
    }
    forget(t);
    return st;
}

nos_status_t target_break(struct gdb_target *t, uint64_t at, bool on)
{
    uint8_t args[12];
    store_le64(args, at);
    store_le32(args + 8, on ? 1 : 0);
    nos_status_t st = ask(t, NOS_MG_DEBUG_BREAK, SPAN_OF(args), NULL);
    return st == NOS_NOT_FOUND && !on ? NOS_OK : st;  // taken away twice is away
}

/* ---- its end ---- */

void target_end(struct gdb_target *t, char out[8])
{
    struct nos_capsule_info c = { 0 };
    nos_status_t st = NOS_OK;
    if (t->rc == DONE) {
        t->rc = node_capsule(t->node, t->capsule.id, &c, &st);
    }
    bool found = t->rc == DONE && st == NOS_OK;
    if (found && c.state == NOS_CAPSULE_EXITED) {
        snprintf(out, 8, "W%02x", (unsigned)(c.exit_code & 0xff));
    } else {
        snprintf(out, 8, found && c.state == NOS_CAPSULE_CRASHED ? "X0b" : "X09");
    }
}
