/* What it takes to carry 4 KiB of text to another capsule that does nothing with it but take it: in
 * eight messages of 64 words, and through a ring in shared memory with one call, as a stream of the
 * console's is flushed. */
#include "lib/status.h"
#include "modules/bench/bench.h"
#include "sdk/guard.h"
#include "sdk/ipc.h"
#include "sdk/ring.h"
#include "sdk/start.h"

enum { TRIES = 64, TEXT = 4096, PAGES = 2, PAGE = 4096, READ_WRITE = 3 };
enum { TAKE_WORDS = 1, TAKE_RING, GIVE_RING };

static struct nos_msg m;
static struct nos_ring ring;
static uint8_t text[TEXT];

static nos_handle_t endpoint(void)
{
    return nos_find_handle(NOS_CAP_ENDPOINT, "bench-peer");
}

/* ---- the peer ---- */

static void take(nos_handle_t region)
{
    span_t got;
    nos_status_t st = NOS_OK;
    uint64_t what = m.label;

    if (what == TAKE_WORDS && nos_msg_get(&m, 0, NOS_TEXT_MAX, &got)) {
        memcpy(text, got.data, got.len);
    } else if (what == TAKE_RING) {
        st = nos_ring_read(&ring, MSPAN_OF(text)) == TEXT ? NOS_OK : NOS_BAD_STATE;
    }
    nos_msg_answer(&m, st);
    if (what == GIVE_RING &&
        !nos_msg_copy(&m, region, NOS_RIGHT_READ | NOS_RIGHT_WRITE | NOS_RIGHT_MAP)) {
        nos_msg_answer(&m, NOS_NO_SLOT);
    }
}

void bench_ring_peer(const char *role)
{
    nos_handle_t region;
    void *at = NULL;

    if (!bench_role_is(role, "text")) {
        return;
    }
    nos_status_t st = nos_sys_region_create(PAGES, &region);
    st = st == NOS_OK ? nos_sys_region_map(region, READ_WRITE, &at) : st;
    if (st == NOS_OK && nos_ring_open(&ring, at, (size_t)PAGES * PAGE, false)) {
        st = nos_recv(endpoint(), &m, NOS_DEADLINE_NEVER);
    }
    while (st == NOS_OK) {
        take(region);
        st = nos_reply_recv(endpoint(), &m, NOS_DEADLINE_NEVER);
    }
    nos_exit(1);
}

/* ---- the measurement ---- */

static nos_status_t ask(uint64_t label)
{
    m.label = label;
    m.n_handles = 0;
    nos_status_t st = nos_call(endpoint(), &m, NOS_DEADLINE_NEVER);
    return st == NOS_OK ? nos_msg_status(&m) : st;
}

static nos_status_t by_message(void)
{
    nos_status_t st = NOS_OK;
    for (size_t at = 0; at < TEXT && st == NOS_OK; at += NOS_TEXT_MAX) {
        st = nos_msg_put(&m, 0, text + at, NOS_TEXT_MAX) ? ask(TAKE_WORDS) : NOS_TOO_BIG;
    }
    return st;
}

static struct nos_guard_range shared;

static void put(void *all)
{
    *(bool *)all = nos_ring_write(&ring, SPAN_OF(text)) == TEXT;
}

static nos_status_t by_ring(void)
{
    bool all = false;
    m.n_words = 0;
    return nos_guarded(&shared, put, &all) && all ? ask(TAKE_RING) : NOS_BAD_STATE;
}

static nos_status_t open(void)
{
    void *at = NULL;
    m.n_words = 0;
    nos_msg_accept(&m, 1);
    nos_status_t st = ask(GIVE_RING);
    nos_msg_accept(&m, 0);
    if (st == NOS_OK) {
        st = nos_sys_region_map((nos_handle_t){ m.pass[0].handle }, READ_WRITE, &at);
    }
    shared = (struct nos_guard_range){ .from = at, .len = (size_t)PAGES * PAGE };
    return st == NOS_OK && nos_ring_open(&ring, at, shared.len, true) ? NOS_OK : NOS_NO_MEMORY;
}

static void measure(const char *name, nos_status_t (*carry)(void))
{
    struct minimum least = MINIMUM_NONE;
    nos_status_t st = NOS_OK;

    for (int i = 0; i < TRIES && st == NOS_OK; i++) {
        uint64_t from = nos_tsc();
        st = carry();
        minimum_add(&least, nos_tsc() - from);
    }
    if (st == NOS_OK) {
        bench_figure(name, least.value - bench_overhead(), "insn");
    } else {
        bench_missing(name, status_text(st));
    }
}

void bench_ring(void)
{
    nos_handle_t peer;
    nos_status_t st = bench_peer_start("text", &peer);

    if (st != NOS_OK) {
        bench_missing("text_4k_ring", status_text(st));
        return;
    }
    measure("text_4k_message", by_message);
    st = open();
    if (st == NOS_OK) {
        measure("text_4k_ring", by_ring);
    } else {
        bench_missing("text_4k_ring", status_text(st));
    }
    bench_peer_end(peer);
}
