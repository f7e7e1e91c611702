/*
 * The ring is the console's memory: when the console ends, the ring goes, in the middle of a copy
 * if need be. So it is touched under a guard alone (sdk/guard.h). Whatever is wrong with it, this
 * side forgets it, and the text goes by message to whoever serves the console then.
 */
#include "sdk/stream.h"

#include "abi/info.h"
#include "sdk/guard.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/ring.h"
#include "sdk/start.h"

enum {
    READ_WRITE = 3,
    PATIENCE_NS = 100000000 /* the console is asked by message if a full ring stays so: it may be
                               another one */
};

static struct {
    bool open;
    struct nos_ring ring;
    void *mem;  // NULL: not mapped
    struct nos_guard_range range;
    nos_handle_t handle[NOS_CONSOLE_PASSES];
} stream;

/* ---- what touches the ring ---- */

struct step {
    span_t text;  // still to be written
    bool ring_bell, full, empty;
};

static void put(void *arg)
{
    struct step *s = arg;
    size_t n = nos_ring_write(&stream.ring, s->text);
    bool much = n < s->text.len || nos_ring_used(&stream.ring) >= stream.ring.size / 2;

    s->ring_bell = much && nos_ring_wakes(&stream.ring);
    s->text = span_of(s->text.data + n, s->text.len - n);
}

static void say_full(void *arg)
{
    struct step *s = arg;
    s->full = nos_ring_sleeps(&stream.ring);
}

static void look_empty(void *arg)
{
    struct step *s = arg;
    s->empty = nos_ring_used(&stream.ring) == 0 && !stream.ring.broken;
}

/* ---- to have it and to lose it ---- */

static void forget(void)
{
    struct nos_handle_info info;
    nos_handle_t region = stream.handle[NOS_CONSOLE_PASS_REGION];

    // a region that has ended is unmapped already, and its place may be another mapping's
    if (stream.mem != NULL && nos_sys_handle_info(region, &info, sizeof(info)) == NOS_OK) {
        nos_ignore(nos_sys_region_unmap(stream.mem));
    }
    for (int i = 0; i < NOS_CONSOLE_PASSES; i++) {
        if (stream.handle[i].v != 0) {  // to close what it never had would be audited
            nos_ignore(nos_sys_handle_close(stream.handle[i]));
        }
        stream.handle[i] = (nos_handle_t){ 0 };
    }
    stream.mem = NULL;
    stream.open = false;
}

static bool touch(void (*run)(void *), struct step *s)
{
    bool there = nos_guarded(&stream.range, run, s) && !stream.ring.broken;
    if (!there) {
        forget();
    }
    return there;
}

static nos_status_t ask(uint64_t *bytes)
{
    nos_handle_t console = nos_find_handle(NOS_CAP_ENDPOINT, "console");
    struct nos_msg m;

    m.buffer = NULL;
    m.n_words = 0;
    m.n_handles = 0;
    m.label = NOS_CONSOLE_STREAM;
    nos_msg_accept(&m, NOS_CONSOLE_PASSES);
    nos_status_t st = nos_call(console, &m, nos_now_ns() + NOS_CONSOLE_PATIENCE_NS);
    nos_msg_accept(&m, 0);
    if (st != NOS_OK) {
        return st;
    }
    for (uint32_t i = 0; i < m.n_handles && i < NOS_CONSOLE_PASSES; i++) {
        stream.handle[i] = (nos_handle_t){ m.pass[i].handle };
    }
    *bytes = m.word[0];
    st = nos_msg_status(&m);
    return st == NOS_OK && m.n_handles != NOS_CONSOLE_PASSES ? NOS_BAD_MESSAGE : st;
}

static nos_status_t open(void)
{
    uint64_t bytes = 0;

    nos_status_t st = ask(&bytes);
    if (st == NOS_OK) {
        st = nos_sys_region_map(stream.handle[NOS_CONSOLE_PASS_REGION], READ_WRITE, &stream.mem);
    }
    stream.range = (struct nos_guard_range){ .from = stream.mem, .len = bytes };
    if (st == NOS_OK && !nos_ring_open(&stream.ring, stream.mem, bytes, true)) {
        st = NOS_BAD_MESSAGE;
    }
    stream.open = st == NOS_OK;
    if (st != NOS_OK) {
        forget();
    }
    return st;
}

/* ---- writing ---- */

static nos_status_t flush(void)
{
    struct step s = { .empty = false };

    // an empty message: the console shows first what its sender has in the ring
    nos_status_t st = nos_console_send(span_of(NULL, 0));
    if (st == NOS_OK && touch(look_empty, &s) && !s.empty) {
        forget();  // it was shown nothing: another console, that knows of no ring
    }
    return st == NOS_OK && !stream.open ? NOS_PEER_CLOSED : st;
}

static void wait_for_room(void)
{
    struct step s = { .full = false };
    uint64_t bits;

    if (touch(say_full, &s) && s.full &&
        nos_sys_notify_wait(stream.handle[NOS_CONSOLE_PASS_ROOM], nos_now_ns() + PATIENCE_NS,
                            &bits) != NOS_OK) {
        nos_ignore(flush());  // PEER_CLOSED: the rest goes by message
    }
}

static nos_status_t write_text(span_t text)
{
    struct step s = { .text = text };

    while (stream.open && s.text.len > 0) {
        s.ring_bell = false;
        if (touch(put, &s) && s.ring_bell) {
            nos_ignore(
                nos_sys_notify_signal(stream.handle[NOS_CONSOLE_PASS_BELL], NOS_CONSOLE_RING));
        }
        if (stream.open && s.text.len > 0) {
            wait_for_room();
        }
    }
    return s.text.len > 0 ? nos_console_send(s.text) : NOS_OK;
}

/* ---- the interface ---- */

static void leave(void)
{
    nos_ignore(nos_stream_end());  // the capsule ends: there is nobody to tell
}

nos_status_t nos_stream_begin(void)
{
    nos_status_t st = stream.open ? NOS_OK : open();
    if (st == NOS_OK) {
        nos_console_sink = write_text;
        nos_before_exit = leave;
    }
    return st;
}

nos_status_t nos_stream_end(void)
{
    bool used = nos_console_sink != NULL;
    nos_console_sink = NULL;
    if (!used) {
        return NOS_OK;
    }
    return stream.open ? flush() : NOS_PEER_CLOSED;
}

nos_status_t nos_stream_close(void)
{
    nos_status_t st = nos_stream_end();
    if (stream.open) {
        forget();
    }
    return st;
}
