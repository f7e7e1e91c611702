/* Call and reply. The server answers each message with itself; words beyond the registers lie in
 * the IPC buffers. */

#include "abi/caps.h"
#include "abi/ipc.h"
#include "lib/status.h"
#include "modules/bench/bench.h"
#include "sdk/format.h"
#include "sdk/start.h"

enum { TRIES = 1000, STACK = 8192, PRIORITY = 10 };

static bool measure(const char *name, uint64_t ep, uint64_t words)
{
    struct minimum m = MINIMUM_NONE;
    uint64_t info = nos_msg_info(1, words);

    for (int i = 0; i < TRIES; i++) {
        minimum_add(&m, bench_call(ep, info));
    }
    if (m.value == UINT64_MAX) {
        bench_missing(name, "the call failed");
        return false;
    }
    bench_figure(name, m.value - bench_overhead(), "insn");
    return true;
}

static void between_capsules(void)
{
    const unsigned sizes[] = { 0, 4, 8, 64 };
    uint64_t ep = nos_find_handle(NOS_CAP_ENDPOINT, "bench-peer").v;
    nos_handle_t peer;
    char name[32];

    nos_status_t st = bench_peer_start("serve", &peer);
    if (st != NOS_OK) {
        bench_missing("ipc_rt_cross_0w", status_text(st));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        nos_format(name, sizeof(name), "ipc_rt_cross_%uw", sizes[i]);
        if (!measure(name, ep, sizes[i])) {
            break;
        }
    }
    bench_peer_end(peer);
}

/* The handle goes with the call and comes back with the answer: each round moves it twice. */
static uint64_t least_pass(uint64_t ep, nos_handle_t h)
{
    struct nos_ipc_buffer *buffer = (struct nos_ipc_buffer *)nos_self()->ipc_buffer;
    uint64_t info = nos_msg_info(1, 0) | 1u << NOS_MSG_HANDLES_SHIFT;
    struct minimum m = MINIMUM_NONE;

    buffer->accept = 1;
    buffer->pass[0] = (struct nos_pass){ h.v, NOS_RIGHT_ALL };
    for (int i = 0; i < TRIES; i++) {
        buffer->pass[0].rights |= NOS_PASS_MOVE;
        uint64_t took = bench_call(ep, info);
        if (took == UINT64_MAX) {
            return took;
        }
        minimum_add(&m, took);
    }
    buffer->accept = 0;
    nos_ignore(nos_sys_handle_close((nos_handle_t){ buffer->pass[0].handle }));
    return m.value;
}

static void with_handle(void)
{
    nos_handle_t peer, h;

    nos_status_t st = nos_sys_notify_create(&h);
    st = st == NOS_OK ? bench_peer_start("pass", &peer) : st;
    if (st != NOS_OK) {
        bench_missing("ipc_rt_cross_1cap", status_text(st));
        return;
    }
    uint64_t took = least_pass(nos_find_handle(NOS_CAP_ENDPOINT, "bench-peer").v, h);
    if (took == UINT64_MAX) {
        bench_missing("ipc_rt_cross_1cap", "the call failed");
    } else {
        bench_figure("ipc_rt_cross_1cap", took - bench_overhead(), "insn");
    }
    bench_peer_end(peer);
}

static void serve(void *arg, uint64_t *ipc_buffer)
{
    (void)ipc_buffer;
    bench_serve(((const nos_handle_t *)arg)->v);
}

static void in_one_capsule(void)
{
    static uint8_t stack[STACK] ALIGNED(16);
    static nos_handle_t ep;
    static struct nos_thread thread = { serve, &ep };
    nos_handle_t handle;

    nos_status_t st = nos_sys_endpoint_create(&ep);
    if (st == NOS_OK) {
        st = nos_thread_start(&thread, stack, sizeof(stack), PRIORITY, &handle);
    }
    if (st != NOS_OK) {
        bench_missing("ipc_rt_same_0w", status_text(st));
        return;
    }
    measure("ipc_rt_same_0w", ep.v, 0);
}

void bench_messages(void)
{
    between_capsules();
    with_handle();
    in_one_capsule();
}

void bench_message_peer(const char *role)
{
    uint64_t ep = nos_find_handle(NOS_CAP_ENDPOINT, "bench-peer").v;

    if (bench_role_is(role, "serve")) {
        bench_serve(ep);
    } else if (bench_role_is(role, "pass")) {
        bench_serve_pass(ep, (void *)nos_self()->ipc_buffer);  // NOLINT: the kernel gives a number
    }
}
