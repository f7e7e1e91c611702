/* Call and reply. The server answers each message with itself; words beyond the registers lie in
 * the IPC buffers. */
#include <string.h>

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
    in_one_capsule();
}
