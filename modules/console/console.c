/*
 * The console: COM1 and the framebuffer behind one endpoint. One thread: it waits on the endpoint,
 * and the serial line's interrupt wakes it through a bound notification. A read that finds nothing
 * keeps its reply token and is answered when somebody types; a newer reader takes the place of an
 * older one, which may have died waiting. While there is text in a ring (stream.h) it does not
 * wait, or only until it may show more of it.
 */
#include <string.h>

#include "lib/status.h"
#include "modules/console/screen.h"
#include "modules/console/stream.h"
#include "sdk/control.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"
#include "sdk/uart.h"
#include "sdk/upgrade.h"

enum { COM1 = 0x3f8, COM1_IRQ = 4, INPUT = 1024 /* a power of two */, BIT_SERIAL = 1 };

static struct console {
    nos_handle_t endpoint, notify;
    struct nos_uart uart;
    bool serial;
    struct screen screen;
    uint8_t input[INPUT];
    uint32_t head, tail;  // bytes [tail, head), both modulo 2^32
    bool full;            // the device has more
    uint64_t reader;      // reply token of the read that waits; 0 = none
    uint32_t reader_most;
} con;

static void put_bytes(span_t bytes)
{
    if (con.serial) {
        nos_uart_write(&con.uart, bytes);
    }
    screen_write(&con.screen, bytes);
}

/* Both devices want a carriage return before each line feed. */
static void write_text(span_t text)
{
    uint8_t out[256];
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n') {
            out[n++] = '\r';
        }
        out[n++] = text.data[i];
        if (n + 2 > sizeof(out)) {
            put_bytes(span_of(out, n));
            n = 0;
        }
    }
    put_bytes(span_of(out, n));
}

/*
 * As much as the ring has room for. The rest stays in the device, unacknowledged, so that a sender
 * with flow control waits; it is fetched when somebody has read.
 */
static void take_input(void)
{
    uint8_t bytes[64];
    size_t room, n = 1;

    while (n > 0 && (room = INPUT - (con.head - con.tail)) > 0) {
        n = nos_uart_read(&con.uart, mspan_of(bytes, room < sizeof(bytes) ? room : sizeof(bytes)));
        for (size_t i = 0; i < n; i++) {
            con.input[con.head++ % INPUT] = bytes[i];
        }
    }
    con.full = n > 0;
    if (!con.full) {
        nos_uart_ack(&con.uart);
    }
}

/** Answer the waiting read. What was typed stays when the reader is gone. */
static void serve_reader(void)
{
    static struct nos_msg m;  // one thread; two of them would not fit a small stack
    static uint8_t bytes[NOS_TEXT_MAX];
    uint32_t n = 0;

    if (con.reader == 0 || con.head == con.tail) {
        return;
    }
    while (n < con.reader_most && con.tail + n != con.head) {
        bytes[n] = con.input[(con.tail + n) % INPUT];
        n++;
    }
    m.token = con.reader;
    con.reader = 0;
    nos_msg_answer(&m, NOS_OK);
    m.word[0] = n;
    if (nos_msg_put(&m, 1, bytes, n) && nos_reply(&m) == NOS_OK) {
        con.tail += n;
        if (con.full) {
            take_input();
        }
    }
}

static void refuse_reader(void)
{
    struct nos_msg m;

    if (con.reader != 0) {
        m.buffer = NULL;
        m.token = con.reader;
        nos_msg_answer(&m, NOS_CANCELLED);
        nos_ignore(nos_reply(&m));  // NOT_FOUND: it died waiting
    }
}

/** Gives: true when `m` holds an answer to send now. A message whose sender waits for no answer
 * would be served on the console's account, and not on its sender's: it is not served. */
static bool serve(struct nos_msg *m)
{
    uint64_t op = m->label & 0xff, n = m->label >> 8;
    span_t text;

    if (m->token == 0) {
        return false;
    }
    streams_settle(m->sender);
    if (op == NOS_CONSOLE_STREAM && n == 0) {
        return streams_open(m);
    }
    if (op == NOS_CONSOLE_WRITE && n <= NOS_TEXT_MAX && nos_msg_get(m, 0, n, &text)) {
        write_text(text);
        nos_msg_answer(m, NOS_OK);
        return true;
    }
    if (op == NOS_CONSOLE_READ && n >= 1 && n <= NOS_TEXT_MAX) {
        refuse_reader();
        con.reader = nos_hold(m);
        // word 0 of the answer is the count
        con.reader_most = n < NOS_TEXT_MAX - 8 ? (uint32_t)n : NOS_TEXT_MAX - 8;
        serve_reader();
        return false;
    }
    nos_msg_answer(m, NOS_BAD_MESSAGE);
    return true;
}

static void notified(uint64_t bits)
{
    if ((bits & BIT_SERIAL) != 0) {
        take_input();
        serve_reader();
    }
    if ((bits & NOS_CONSOLE_RING) != 0) {
        streams_rang();
    }
}

static nos_status_t open_all(void)
{
    nos_status_t st = nos_sys_notify_create(&con.notify);
    if (st == NOS_OK) {
        st = nos_sys_notify_bind(con.notify, con.endpoint);
    }
    if (st != NOS_OK) {
        return st;
    }
    streams_init(con.notify, write_text);
    nos_status_t serial = nos_uart_open(&con.uart, COM1, COM1_IRQ, con.notify, BIT_SERIAL);
    con.serial = serial == NOS_OK;
    nos_status_t screen = screen_open(&con.screen);
    screen_clear(&con.screen);
    if (!con.serial) {
        nos_log("console: no serial line: %s", status_text(serial));
    }
    if (screen != NOS_OK) {
        nos_log("console: no screen: %s", status_text(screen));
    }
    return con.serial || con.screen.on ? NOS_OK : NOS_NOT_SUPPORTED;
}

/* ---- from one version to the next: docs/upgrade.md ---- */

enum { FORM = 1, ROOM_BESIDES_SCREEN = 4096 };
enum tag {
    TAG_NOTIFY = 1, /* handle: bound to the endpoint and to the interrupt, and the streams' bell */
    TAG_INPUT = 2,
    TAG_READER = 3, /* token */
    TAG_READER_MOST = 4,
    TAG_PLACE = 5, /* TERM_PLACE words; only with a screen */
    TAG_CELLS = 6,
};

static nos_status_t save(struct nos_state_out *out)
{
    static uint8_t typed[INPUT];
    uint32_t n = 0, place[TERM_PLACE];

    streams_end();
    for (; con.tail + n != con.head; n++) {
        typed[n] = con.input[(con.tail + n) % INPUT];
    }
    nos_state_put_u64(out, TAG_NOTIFY, nos_state_pass(out, con.notify, NOS_RIGHT_ALL));
    nos_state_put(out, TAG_INPUT, span_of(typed, n));
    nos_state_put_u64(out, TAG_READER, con.reader);
    nos_state_put_u64(out, TAG_READER_MOST, con.reader_most);
    if (con.screen.on) {
        term_place(&con.screen.term, place);
        nos_state_put(out, TAG_PLACE, SPAN_OF(place));
        nos_state_put(out, TAG_CELLS, term_cells(&con.screen.term));
    }
    return NOS_OK;
}

static bool load_input(const struct nos_state_in *in)
{
    uint64_t notify, most;
    span_t typed;

    bool ok = nos_state_get_u64(in, TAG_NOTIFY, &notify) && nos_state_get(in, TAG_INPUT, &typed) &&
              typed.len <= INPUT && nos_state_get_u64(in, TAG_READER, &con.reader) &&
              nos_state_get_u64(in, TAG_READER_MOST, &most) && most < NOS_TEXT_MAX;
    if (ok) {
        con.notify = nos_state_handle(in, notify);
        con.reader_most = (uint32_t)most;
        con.head = (uint32_t)typed.len;
        memcpy(con.input, typed.data, typed.len);
    }
    return ok;
}

/* What the old one shows stays on the screen; the first text draws on from there. */
static bool load_screen(const struct nos_state_in *in)
{
    uint32_t place[TERM_PLACE];
    span_t at, cells;

    if (!nos_state_get(in, TAG_PLACE, &at)) {
        return true;
    }
    if (at.len != sizeof(place) || !nos_state_get(in, TAG_CELLS, &cells)) {
        return false;
    }
    memcpy(place, at.data, sizeof(place));
    return screen_open(&con.screen) == NOS_OK && term_resume(&con.screen.term, place, cells);
}

static nos_status_t load(const struct nos_state_in *in)
{
    if (in->form != FORM || !load_input(in) || !load_screen(in)) {
        return NOS_BAD_MESSAGE;
    }
    streams_init(con.notify, write_text);
    con.serial = nos_uart_adopt(&con.uart, COM1, COM1_IRQ, con.notify, BIT_SERIAL) == NOS_OK;
    return con.serial || con.screen.on ? NOS_OK : NOS_NOT_SUPPORTED;
}

/* Anew, or where another version was. */
static nos_status_t begin(void)
{
    static struct nos_upgrade u = { .form = FORM, .save = save, .load = load };

    nos_status_t st = nos_self()->given == 0 ? open_all() : NOS_OK;
    if (st == NOS_OK) {
        nos_upgradable(&u);
        u.room = ROOM_BESIDES_SCREEN;
        u.room += con.screen.on ? (uint32_t)term_cells(&con.screen.term).len : 0;
    }
    return st;
}

int nos_main(void)
{
    static struct nos_msg m;
    bool answer = false;

    con.endpoint = nos_find_handle(NOS_CAP_ENDPOINT, "console");
    nos_status_t st = begin();
    if (st != NOS_OK) {
        nos_log("console: cannot start: %s", status_text(st));
        return 1;
    }
    for (;;) {
        uint64_t until = streams_due();
        st = answer ? nos_reply_recv(con.endpoint, &m, until) : nos_recv(con.endpoint, &m, until);
        if (st == NOS_TIMED_OUT) {
            answer = false;
            streams_step();
            continue;
        }
        if (st != NOS_OK && !answer) {
            nos_log("console: cannot receive: %s", status_text(st));
            return 1;
        }
        answer = false;
        if (st != NOS_OK) {
            continue;  // the caller died before its answer: nothing to undo
        }
        if (m.notified) {
            notified(m.word[0]);
        } else {
            answer = !nos_control(&m) && serve(&m);
        }
    }
}
