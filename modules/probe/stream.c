/*
 * The console's streams under attack: by the protocol of abi/services.h, past the SDK's client.
 * What `probe stream` does to its ring must trouble nobody; `stream-hold`, `stream-full`,
 * `stream-die` are clients that end badly, `stream-bulk` a good one with much to say.
 */
#include <string.h>

#include "abi/caps.h"
#include "abi/info.h"
#include "modules/probe/probe.h"
#include "sdk/guard.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/ring.h"
#include "sdk/start.h"
#include "sdk/stream.h"

enum { LEAST_NS = 1200000000 /* for 1 MiB: 8 KiB in 10 ms are shown on the console's account */ };
enum { READ_WRITE = 3, LINE = 64, LINES = 16384 /* 1 MiB */, TRIES = 50, SOON_NS = 20000000 };

static struct {
    struct nos_msg m;
    nos_handle_t handle[NOS_CONSOLE_PASSES];
    uint8_t *mem;
    size_t len;
    struct nos_ring_head *head;
    struct nos_ring ring;
} my;

static nos_status_t ask(uint64_t label, uint32_t accept)
{
    my.m.label = label;
    my.m.n_words = 0;
    my.m.n_handles = 0;
    nos_msg_accept(&my.m, accept);
    nos_status_t st = nos_call(target.console, &my.m, NOS_DEADLINE_NEVER);
    nos_msg_accept(&my.m, 0);
    return st == NOS_OK ? nos_msg_status(&my.m) : st;
}

static nos_status_t open(void)
{
    void *at = NULL;
    nos_status_t st = ask(NOS_CONSOLE_STREAM, NOS_CONSOLE_PASSES);
    for (uint32_t i = 0; st == NOS_OK && i < NOS_CONSOLE_PASSES; i++) {
        my.handle[i] = (nos_handle_t){ my.m.pass[i].handle };
    }
    if (st == NOS_OK) {
        st = my.m.n_handles == NOS_CONSOLE_PASSES ? NOS_OK : NOS_BAD_MESSAGE;
    }
    if (st == NOS_OK) {
        st = nos_sys_region_map(my.handle[NOS_CONSOLE_PASS_REGION], READ_WRITE, &at);
    }
    if (st == NOS_OK && !nos_ring_open(&my.ring, at, my.m.word[0], true)) {
        st = NOS_BAD_MESSAGE;
    }
    my.mem = at;
    my.len = my.m.word[0];
    my.head = at;
    return st;
}

static void give_back(void)
{
    for (int i = 0; i < NOS_CONSOLE_PASSES; i++) {
        expect("stream/close", NOS_OK, nos_sys_handle_close(my.handle[i]));
    }
}

static nos_status_t flush(void)
{
    return nos_console_send(span_of(NULL, 0));
}

static nos_status_t is(bool condition)
{
    return condition ? NOS_OK : NOS_BAD_STATE;
}

static size_t put(const char *text)
{
    return nos_ring_write(&my.ring, span_of(text, strlen(text)));
}

/* ---- to get one ---- */

static void asking(void)
{
    expect("stream/takes-none", NOS_HANDLES_REFUSED, ask(NOS_CONSOLE_STREAM, 0));
    expect("stream/takes-three", NOS_HANDLES_REFUSED,
           ask(NOS_CONSOLE_STREAM, NOS_CONSOLE_PASSES - 1));
    expect("stream/length", NOS_BAD_MESSAGE, ask(NOS_CONSOLE_STREAM | 1 << 8, 4));
    expect("stream/open", NOS_OK, open());
    expect("stream/second", NOS_BUSY, ask(NOS_CONSOLE_STREAM, NOS_CONSOLE_PASSES));
}

static nos_status_t zero_but_for_its_word(void)
{
    for (size_t i = 0; i < my.len; i++) {
        bool word = i >= offsetof(struct nos_ring_head, reader_waits) &&
                    i < offsetof(struct nos_ring_head, rsv2);
        if (!word && my.mem[i] != 0) {
            return NOS_BAD_STATE;
        }
    }
    return NOS_OK;
}

/* Each handle does what it is for. None can be copied, derived or passed on: no other capsule ever
 * has this ring. */
static void rights(void)
{
    static const uint32_t want[NOS_CONSOLE_PASSES] = { NOS_RIGHT_READ | NOS_RIGHT_WRITE |
                                                           NOS_RIGHT_MAP,
                                                       NOS_RIGHT_SIGNAL, NOS_RIGHT_WAIT,
                                                       NOS_RIGHT_RECV };
    struct nos_handle_info info;
    nos_handle_t h;

    for (int i = 0; i < NOS_CONSOLE_PASSES; i++) {
        nos_status_t st = nos_sys_handle_info(my.handle[i], &info, sizeof(info));
        expect("stream/rights", NOS_OK, st == NOS_OK ? is(info.rights == want[i]) : st);
        expect("stream/dup", NOS_DENIED, nos_sys_handle_dup(my.handle[i], want[i], 0, &h));
        expect("stream/derive", NOS_DENIED, nos_sys_cap_derive(my.handle[i], want[i], 0, 0, 0, &h));
        my.m.n_words = my.m.n_handles = 0;
        bool fits = nos_msg_move(&my.m, my.handle[i], want[i]);
        expect("stream/pass-on", NOS_DENIED,
               fits ? nos_send(target.endpoint, &my.m, nos_now_ns() + SOON_NS) : NOS_TOO_BIG);
    }
}

/* ---- to use it ---- */

static void order(void)
{
    size_t n = put("PROBE-ORDER one ");
    nos_print("two ");
    n += put("three ");
    nos_status_t st = flush();
    n += put("four\n");
    expect("stream/flush", NOS_OK, st == NOS_OK ? flush() : st);
    expect("stream/all-taken", NOS_OK, is(n == my.head->taken && n == my.head->written));
}

/* Nothing is printed before it is taken: a message would have it shown too. */
static void bell(void)
{
    nos_handle_t h = my.handle[NOS_CONSOLE_PASS_BELL];
    size_t n = put("PROBE-BELL rang\n");
    uint32_t until = my.head->taken + (uint32_t)n;

    bool slept = nos_ring_wakes(&my.ring);
    nos_status_t st = nos_sys_notify_signal(h, NOS_CONSOLE_RING);
    for (int i = 0; i < TRIES && my.head->taken != until; i++) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + SOON_NS));
    }
    bool taken = my.head->taken == until;
    expect("stream/console-sleeps", NOS_OK, is(slept));
    expect("stream/ring", NOS_OK, st);
    expect("stream/bell-taken", NOS_OK, is(taken));
    expect("stream/all-bits", NOS_OK, nos_sys_notify_signal(h, UINT64_MAX));
    expect("stream/answers", NOS_OK, flush());
}

/* A full ring, its writer asleep: room is told. Nothing is printed in between, or that would empty
 * it. */
static void room(void)
{
    static uint8_t text[LINE];
    uint64_t bits = 0;

    memset(text, '.', sizeof(text));
    text[0] = '#';
    text[LINE - 1] = '\n';
    while (nos_ring_write(&my.ring, SPAN_OF(text)) == sizeof(text)) {
    }
    bool full = nos_ring_used(&my.ring) == my.ring.size, sleeps = nos_ring_sleeps(&my.ring);
    nos_status_t flushed = flush();
    nos_status_t told =
        nos_sys_notify_wait(my.handle[NOS_CONSOLE_PASS_ROOM], nos_now_ns() + SOON_NS, &bits);
    expect("stream/full", NOS_OK, is(full));
    expect("stream/sleeps", NOS_OK, is(sleeps));
    expect("stream/flush-full", NOS_OK, flushed);
    expect("stream/room", NOS_OK, told);
    expect("stream/empty", NOS_OK, is(nos_ring_used(&my.ring) == 0));
}

/* Messages that wait for no answer are nobody's to pay for: not shown, and no reader is sent away
 * by one. */
static void one_way(void)
{
    static const char text[] = "PROBE-ONE-WAY must not be shown\n";

    my.m.n_handles = 0;
    my.m.label = NOS_CONSOLE_WRITE | (uint64_t)(sizeof(text) - 1) << 8;
    bool fits = nos_msg_put(&my.m, 0, text, sizeof(text) - 1);
    expect("stream/one-way-write", NOS_OK,
           fits ? nos_send(target.console, &my.m, NOS_DEADLINE_NEVER) : NOS_TOO_BIG);
    my.m.n_words = 0;
    my.m.label = NOS_CONSOLE_READ | 16 << 8;
    expect("stream/one-way-read", NOS_OK, nos_send(target.console, &my.m, NOS_DEADLINE_NEVER));
    my.m.label = NOS_CONSOLE_STREAM;
    expect("stream/one-way-open", NOS_OK, nos_send(target.console, &my.m, NOS_DEADLINE_NEVER));
    expect("stream/after-one-way", NOS_OK, flush());
}

/* ---- to spoil it ---- */

static void touch(void *at)
{
    *(volatile uint8_t *)at = 1;  // NOLINT: NULL is meant to crash
}

/* The console believes no such index: it takes the ring away, and gives no other while the lifeline
 * is held. */
static void spoil(const char *name, uint32_t written)
{
    struct nos_guard_range range = { .from = my.mem, .len = my.len };
    struct nos_handle_info info;
    uint64_t bits;

    __atomic_store_n(&my.head->written, written, __ATOMIC_SEQ_CST);
    expect(name, NOS_OK, flush());
    nos_status_t st = nos_sys_handle_info(my.handle[NOS_CONSOLE_PASS_REGION], &info, sizeof(info));
    expect("stream/cut", NOS_REVOKED, st);
    expect("stream/unmapped", NOS_OK, is(!nos_guarded(&range, touch, my.mem)));
    expect("stream/room-cut", NOS_REVOKED,
           nos_sys_notify_wait(my.handle[NOS_CONSOLE_PASS_ROOM], NOS_DEADLINE_POLL, &bits));
    expect("stream/again", NOS_BUSY, ask(NOS_CONSOLE_STREAM, NOS_CONSOLE_PASSES));
    give_back();
    expect("stream/anew", NOS_OK, open());
    expect("stream/clean", NOS_OK, zero_but_for_its_word());
}

static void spoils(void)
{
    expect("stream/clean", NOS_OK, zero_but_for_its_word());
    spoil("stream/too-much", my.ring.size + 1);
    spoil("stream/far", 1u << 31);
    spoil("stream/backwards", UINT32_MAX);
    // what is the reader's own: its words may say anything
    my.head->taken = 12345;
    my.head->reader_waits = UINT32_MAX;
    my.head->writer_waits = UINT32_MAX;
    my.ring.at = 0;
    my.head->written = 0;
    expect("stream/readers-words", NOS_OK, flush());
    expect("stream/still-mine", NOS_BUSY, ask(NOS_CONSOLE_STREAM, NOS_CONSOLE_PASSES));
}

void attack_stream(void)
{
    asking();
    rights();
    spoils();
    give_back();
    expect("stream/open", NOS_OK, open());
    order();
    bell();
    room();
    one_way();
    give_back();
}

/* ---- other clients ---- */

static _Noreturn void wait_for_the_end(void)
{
    for (;;) {
        nos_ignore(nos_sys_sleep(UINT64_MAX));
    }
}

static void hold(void)
{
    expect("stream/hold", NOS_OK, open());
    wait_for_the_end();
}

static void one_more(void)
{
    expect("stream/none-left", NOS_NO_SLOT, ask(NOS_CONSOLE_STREAM, NOS_CONSOLE_PASSES));
    expect("stream/none-left-sdk", NOS_NO_SLOT, nos_stream_begin());
    nos_print("PROBE one-more done\n");  // by message, as ever
}

static void full(void)
{
    nos_status_t st = open();
    while (put("FULL.") == 5) {
    }
    expect("stream/full-and-waits", NOS_OK,
           st == NOS_OK ? is(nos_ring_used(&my.ring) == my.ring.size) : st);
    wait_for_the_end();
}

static void die(void)
{
    nos_status_t st = nos_stream_begin();
    nos_print("PROBE last words%s", st == NOS_OK ? ", streamed" : "");
    touch(NULL);
}

static void bulk(void)
{
    uint64_t from = nos_now_ns();
    nos_status_t st = nos_stream_begin();
    for (unsigned i = 0; i < LINES; i++) {
        nos_print("S%06u %.55s\n", i, "the quick brown fox jumps over the lazy dog, 0123456789");
    }
    nos_status_t end = nos_stream_end();
    bool slow = nos_now_ns() - from >= LEAST_NS;
    expect("bulk/begin", NOS_OK, st);
    if (end == NOS_OK) {
        expect("bulk/bounded", NOS_OK, is(slow));
    }
    nos_print("PROBE bulk %s\n", end == NOS_OK ? "whole" : "broken");
    st = nos_stream_begin();
    nos_print("PROBE bulk again\n");
    expect("bulk/again", NOS_OK, st);
    expect("bulk/end", NOS_OK, nos_stream_end());
    nos_print("PROBE bulk done\n");
}

bool stream_role(const char *word)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } roles[] = { { "stream-hold", hold },
                  { "stream-more", one_more },
                  { "stream-full", full },
                  { "stream-die", die },
                  { "stream-bulk", bulk } };

    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        if (strlen(word) == strlen(roles[i].name) &&
            memcmp(word, roles[i].name, strlen(word)) == 0) {
            roles[i].run();
            return true;
        }
    }
    return false;
}
