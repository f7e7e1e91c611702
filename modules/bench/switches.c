/* From one thread to another: by yield, and by signal and wait. A round is two switches. */

#include "lib/status.h"
#include "modules/bench/bench.h"
#include "sdk/start.h"

enum { TRIES = 1000, STACK = 8192, PRIORITY = 10, WARM_UP_NS = 2000000 };

static uint64_t least_yield(void)
{
    struct minimum m = MINIMUM_NONE;
    for (int i = 0; i < TRIES; i++) {
        uint64_t from = nos_tsc();
        nos_sys_yield();
        minimum_add(&m, nos_tsc() - from);
    }
    return m.value;
}

/* A yield with nobody else to run comes straight back: such rounds must not be taken for switches.
 */
static void report_yield(const char *name, const volatile uint64_t *others, uint64_t before)
{
    uint64_t round = least_yield();
    if (others != NULL && *others - before < TRIES / 2) {
        bench_missing(name, "the other thread did not run");
        return;
    }
    bench_figure(name, (round - bench_overhead()) / 2, "insn");
}

static volatile uint64_t yields;
static volatile bool stop;

static void yielder(void *arg, uint64_t *ipc_buffer)
{
    (void)arg, (void)ipc_buffer;
    while (!stop) {
        yields++;
        nos_sys_yield();
    }
}

static void same_capsule(void)
{
    static uint8_t stack[STACK] ALIGNED(16);
    static struct nos_thread thread = { yielder, NULL };
    nos_handle_t handle;

    stop = false;  // measured again in a crowd

    nos_status_t st = nos_thread_start(&thread, stack, sizeof(stack), PRIORITY, &handle);
    if (st != NOS_OK) {
        bench_missing("switch_same", status_text(st));
        return;
    }
    nos_sys_yield();
    report_yield("switch_same", &yields, yields);
    stop = true;
    nos_sys_yield();
}

static nos_status_t warm_up(void)
{
    return nos_sys_sleep(nos_now_ns() + WARM_UP_NS);  // the peer reaches its loop
}

static void other_capsule(void)
{
    nos_handle_t peer;

    nos_status_t st = bench_peer_start("yield", &peer);
    st = st == NOS_OK ? warm_up() : st;
    if (st != NOS_OK) {
        bench_missing("switch_cross", status_text(st));
        return;
    }
    report_yield("switch_cross", NULL, 0);
    bench_peer_end(peer);
}

static void ping_pong(void)
{
    nos_handle_t ping = nos_find_handle(NOS_CAP_NOTIFY, "bench-ping");
    nos_handle_t pong = nos_find_handle(NOS_CAP_NOTIFY, "bench-pong"), peer;
    struct minimum m = MINIMUM_NONE;
    uint64_t bits;

    nos_status_t st = bench_peer_start("pong", &peer);
    st = st == NOS_OK ? warm_up() : st;
    for (int i = 0; i < TRIES && st == NOS_OK; i++) {
        uint64_t from = nos_tsc();
        st = nos_sys_notify_signal(ping, 1);
        st = st == NOS_OK ? nos_sys_notify_wait(pong, 0, &bits) : st;
        minimum_add(&m, nos_tsc() - from);
    }
    if (st != NOS_OK) {
        bench_missing("notify_pingpong", status_text(st));
        return;
    }
    bench_figure("notify_pingpong", m.value - bench_overhead(), "insn");
    bench_peer_end(peer);
}

void bench_switches(void)
{
    same_capsule();
    other_capsule();
    ping_pong();
}

static _Noreturn void pong_for_ever(void)
{
    nos_handle_t ping = nos_find_handle(NOS_CAP_NOTIFY, "bench-ping");
    nos_handle_t pong = nos_find_handle(NOS_CAP_NOTIFY, "bench-pong");
    uint64_t bits;

    while (nos_sys_notify_wait(ping, 0, &bits) == NOS_OK &&
           nos_sys_notify_signal(pong, bits) == NOS_OK) {
    }
    nos_exit(1);
}

void bench_peer_run(const char *role)
{
    bench_message_peer(role);
    bench_memory_peer(role);
    bench_ring_peer(role);
    if (bench_role_is(role, "yield")) {
        for (;;) {
            nos_sys_yield();
        }
    } else if (bench_role_is(role, "pong")) {
        pong_for_ever();
    }
}
