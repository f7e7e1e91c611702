/* Mapping a page, handing a mebibyte to another capsule and back, and a page fault that another
 * capsule answers. */
#include <string.h>

#include "abi/caps.h"
#include "lib/status.h"
#include "modules/bench/bench.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { TRIES = 200, READ_WRITE = 3, BULK_PAGES = 256, BULK_TRIES = 20 };

static nos_handle_t peer_endpoint(void)
{
    return nos_find_handle(NOS_CAP_ENDPOINT, "bench-peer");
}

static struct nos_ipc_buffer *buffer(void)
{
    return (struct nos_ipc_buffer *)nos_self()->ipc_buffer;  // NOLINT: the kernel gives a number
}

static nos_status_t map_once(nos_handle_t region, uint64_t *ticks)
{
    void *at;
    uint64_t from = nos_tsc();
    nos_status_t st = nos_sys_region_map(region, READ_WRITE, &at);
    st = st == NOS_OK ? nos_sys_region_unmap(at) : st;
    *ticks = nos_tsc() - from;
    return st;
}

static void map_unmap(void)
{
    struct minimum m = MINIMUM_NONE;
    uint64_t took = 0;
    nos_handle_t region;

    nos_status_t st = nos_sys_region_create(1, &region);
    for (int i = 0; i < TRIES && st == NOS_OK; i++) {
        st = map_once(region, &took);
        minimum_add(&m, took);
    }
    if (st != NOS_OK) {
        bench_missing("map_unmap", status_text(st));
        return;
    }
    bench_figure("map_unmap", m.value - bench_overhead(), "insn");
    nos_ignore(nos_sys_handle_close(region));
}

/* ---- a mebibyte there and back ---- */

static nos_status_t pass(uint64_t nr, uint64_t first, uint64_t info)
{
    struct nos_ipc_regs r = { .rax = nr, .rdi = first, .rsi = info };

    nos_ipc_raw(&r);
    return (nos_status_t)(int32_t)(uint32_t)r.rax;
}

#define ONE_HANDLE (1ull << NOS_MSG_HANDLES_SHIFT | 1ull << NOS_MSG_LABEL_SHIFT)

/* The region is mapped here when it is handed over, so that the giver's unmapping counts too. */
static nos_status_t bulk_once(uint64_t *ticks)
{
    void *at;

    nos_status_t st =
        nos_sys_region_map((nos_handle_t){ buffer()->pass[0].handle }, READ_WRITE, &at);
    if (st != NOS_OK) {
        return st;
    }
    buffer()->pass[0].rights |= NOS_PASS_MOVE;
    uint64_t from = nos_tsc();
    st = pass(NOS_SYS_IPC_CALL, peer_endpoint().v, ONE_HANDLE);
    *ticks = nos_tsc() - from;
    return st;
}

static void bulk(void)
{
    struct minimum m = MINIMUM_NONE;
    nos_handle_t region, peer;
    uint64_t took = 0;

    nos_status_t st = bench_peer_start("bulk", &peer);
    st = st == NOS_OK ? nos_sys_region_create(BULK_PAGES, &region) : st;
    if (st == NOS_OK) {
        buffer()->accept = 1;
        buffer()->pass[0] = (struct nos_pass){ region.v, NOS_RIGHT_ALL };
    }
    for (int i = 0; i < BULK_TRIES && st == NOS_OK; i++) {
        st = bulk_once(&took);
        minimum_add(&m, took);
    }
    buffer()->accept = 0;
    if (st != NOS_OK) {
        bench_missing("ipc_bulk_1m", status_text(st));
        return;
    }
    bench_figure("ipc_bulk_1m", m.value - bench_overhead(), "insn");
    nos_ignore(nos_sys_handle_close((nos_handle_t){ buffer()->pass[0].handle }));
    bench_peer_end(peer);
}

static _Noreturn void bulk_serve(void)
{
    nos_status_t st;
    void *at;

    buffer()->accept = 1;
    st = pass(NOS_SYS_IPC_RECV, peer_endpoint().v, 0);
    while (st == NOS_OK) {
        st = nos_sys_region_map((nos_handle_t){ buffer()->pass[0].handle }, READ_WRITE, &at);
        if (st == NOS_OK) {
            *(volatile uint64_t *)at += 1;
            st = nos_sys_region_unmap(at);
        }
        buffer()->pass[0].rights |= NOS_PASS_MOVE;
        st = st == NOS_OK ? pass(NOS_SYS_IPC_REPLY_RECV, peer_endpoint().v, ONE_HANDLE) : st;
    }
    nos_exit(1);
}

/* ---- faults ---- */

enum { FAULT_TRIES = 200 };
extern const uint8_t bench_fault_load[], bench_fault_on[];

/* The peer's last message is its figure. */
static uint64_t answer_faults(void)
{
    return bench_serve_faults(peer_endpoint().v, (uint64_t)(bench_fault_on - bench_fault_load));
}

static nos_status_t fault_round(nos_handle_t peer, uint64_t *least)
{
    struct nos_msg m = { 0 };

    nos_status_t st = nos_recv(peer_endpoint(), &m, 0);  // it is there
    st = st == NOS_OK ? nos_sys_capsule_faults(peer, peer_endpoint()) : st;
    nos_msg_answer(&m, st);
    if (st == NOS_OK) {
        st = nos_reply(&m);
    }
    *least = st == NOS_OK ? answer_faults() : 0;
    return st;
}

static void faults(void)
{
    uint64_t least = 0;
    nos_handle_t peer;

    nos_status_t st = bench_peer_start("fault", &peer);
    st = st == NOS_OK ? fault_round(peer, &least) : st;
    if (st == NOS_OK) {
        bench_figure("fault_rt", least - bench_overhead(), "insn");
        bench_peer_end(peer);
    } else {
        bench_missing("fault_rt", status_text(st));
    }
}

static NOINLINE _Noreturn void fault_for_ever(void)
{
    struct nos_msg m = { 0 };
    struct minimum least = MINIMUM_NONE;

    nos_ignore(nos_call(peer_endpoint(), &m, 0));
    for (int i = 0; i < FAULT_TRIES; i++) {
        minimum_add(&least, bench_fault(0));
    }
    m = (struct nos_msg){ .word[0] = least.value, .n_words = 1 };
    nos_ignore(nos_call(peer_endpoint(), &m, 0));
    nos_exit(0);
}

void bench_memory(void)
{
    map_unmap();
    bulk();
    faults();
}

void bench_memory_peer(const char *role)
{
    if (bench_role_is(role, "bulk")) {
        bulk_serve();
    } else if (bench_role_is(role, "fault")) {
        fault_for_ever();
    }
}
