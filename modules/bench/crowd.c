/*
 * Many capsules: one after the other, or all at once.
 *
 *   cycles N     start a capsule that ends, and again, N times
 *   crashes N    the same with one that crashes: it is started again as whoever supervises does
 *   crowd N      N capsules that stay; with 10, 100, ... of them, what an operation costs then
 *
 * Each looks at the kernel's books before it says how it went.
 */
#include "abi/info.h"
#include "lib/status.h"
#include "modules/bench/bench.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { CROWD_MAX = 1000, SETTLE_NS = 50000000, SMALLEST = 10, TIMES = 10 };

static nos_handle_t crowd[CROWD_MAX];

/* Whoever was still being given back is, before the books are looked at. */
static nos_status_t check_books(void)
{
    struct nos_check_info c;
    uint64_t got, i = 0;

    nos_status_t st = nos_sys_sleep(nos_now_ns() + SETTLE_NS);
    while (st == NOS_OK &&
           nos_sys_node_info(bench_node, NOS_TOPIC_CHECK, i++, &c, sizeof(c), &got) == NOS_OK) {
        if (c.broken[0] != '\0') {
            nos_print("CROWD broken: %.*s (capsule %u)\n", (int)sizeof(c.broken), c.broken,
                      c.capsule);
            st = NOS_BAD_STATE;
        }
    }
    return st;
}

static nos_status_t cycles(nos_handle_t nil, const char *how, uint64_t n)
{
    struct nos_capsule_info info;
    nos_status_t st = NOS_OK;

    for (uint64_t i = 0; i < n && st == NOS_OK; i++) {
        st = bench_run(nil, how, &info);
        if (st == NOS_OK &&
            info.state != (how[0] == '\0' ? NOS_CAPSULE_EXITED : NOS_CAPSULE_CRASHED)) {
            st = NOS_BAD_STATE;
        }
    }
    return st;
}

static void measure(nos_handle_t nil, uint64_t n)
{
    bench_at = n;
    bench_calls();
    bench_messages();
    bench_switches();
    bench_memory();
    bench_spawn(nil);
    bench_at = 0;
}

/* From `have` to `n`. Gives: what each of those took, when all that went before is given back. */
static nos_status_t grow(nos_handle_t nil, uint64_t *have, uint64_t n, uint64_t *each)
{
    uint64_t before, after, had = *have;

    nos_status_t st = nos_sys_sleep(nos_now_ns() + SETTLE_NS);
    st = st == NOS_OK ? bench_used(&before) : st;
    while (*have < n && st == NOS_OK) {
        st = nos_sys_capsule_spawn(nil, "stay", 4, (nos_handle_t){ 0 }, 0, (nos_handle_t){ 0 },
                                   &crowd[*have]);
        *have += st == NOS_OK ? 1 : 0;
    }
    st = st == NOS_OK ? bench_used(&after) : st;
    if (st == NOS_OK && n != had) {
        *each = (after - before) / (n - had);
    }
    return st;
}

static nos_status_t gather(nos_handle_t nil, uint64_t n)
{
    uint64_t have = 0, each = 0;
    nos_status_t st = NOS_OK;

    for (uint64_t size = SMALLEST; size <= n && st == NOS_OK; size *= TIMES) {
        st = grow(nil, &have, size, &each);
        if (st == NOS_OK) {
            measure(nil, size);
        }
    }
    st = st == NOS_OK ? grow(nil, &have, n, &each) : st;
    if (st == NOS_OK) {
        bench_at = n;
        bench_figure("mem_per_capsule", each, "bytes");
        bench_at = 0;
        st = check_books();
    }
    while (have != 0) {
        bench_peer_end(crowd[--have]);
    }
    return st;
}

static uint64_t number(const char *text)
{
    uint64_t n = 0;

    while (*text >= '0' && *text <= '9') {
        n = n * 10 + (uint64_t)(*text++ - '0');
    }
    return n;
}

int bench_crowd(const char *what, const char *count)
{
    nos_handle_t nil;
    uint64_t n = number(count);

    nos_status_t st = bench_nil(&nil);
    if (st == NOS_OK && bench_role_is(what, "crowd")) {
        st = n <= CROWD_MAX ? gather(nil, n) : NOS_INVALID;
    } else if (st == NOS_OK) {
        st = cycles(nil, bench_role_is(what, "crashes") ? "crash" : "", n);
    }
    st = st == NOS_OK ? check_books() : st;
    nos_print("CROWD %s %llu: %s\nCROWD done\n", what, (unsigned long long)n, status_text(st));
    return st == NOS_OK ? 0 : 1;
}
