/* Numbers out of range, reserved bits, impossible lengths, states that do not allow it, deadlines
 * that are over. */
#include "abi/caps.h"
#include "abi/info.h"
#include "modules/probe/probe.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { POLL = NOS_DEADLINE_POLL, PAST = 2, TOO_HIGH = 31, MADE_MAX = 512 };

static void regions(void)
{
    const uint64_t prots[] = { 0, 2, 4, 5, 6, 7, 8, UINT64_MAX };
    nos_handle_t h;
    void *at;

    expect("region_create/zero", NOS_INVALID, nos_sys_region_create(0, &h));
    expect("region_create/above-limit", NOS_INVALID, nos_sys_region_create(1ull << 20, &h));
    expect("region_create/endless", NOS_INVALID, nos_sys_region_create(UINT64_MAX, &h));
    expect("region_create/above-quota", NOS_QUOTA, nos_sys_region_create(4096, &h));
    for (size_t i = 0; i < ARRAY_LEN(prots); i++) {
        expect("region_map/prot", NOS_INVALID, nos_sys_region_map(target.region, prots[i], &at));
    }
    if (nos_sys_handle_dup(target.region, NOS_RIGHT_MAP | NOS_RIGHT_READ, 0, &h) == NOS_OK) {
        expect("region_map/no-write-right", NOS_DENIED, nos_sys_region_map(h, 3, &at));
        expect("handle_close/narrow-region", NOS_OK, nos_sys_handle_close(h));
    }
}

/* Only user addresses: a pointer into the kernel would be a fault of its own at the next switch.
 * And it is a thread's own. */
static void thread_pointers(void)
{
    const uint64_t bad[] = {
        1, 4095, 0x0000800000000000, 0x7ffffffffff9, 0xffff800000000000, UINT64_MAX
    };
    uint64_t first;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        expect("thread_pointer/not-ours", NOS_BAD_ADDRESS, nos_sys_thread_pointer(bad[i]));
    }
    *(uint64_t *)target.page = 0x5eed;
    expect("thread_pointer/page", NOS_OK, nos_sys_thread_pointer((uint64_t)target.page));
    nos_ignore(nos_sys_sleep(nos_now_ns() + 1000000));  // others run between
    __asm__ volatile("movq %%fs:0, %0" : "=r"(first));
    expect("thread_pointer/kept", NOS_OK, first == 0x5eed ? NOS_OK : NOS_BAD_STATE);
    expect("thread_pointer/refused-keeps", NOS_BAD_ADDRESS, nos_sys_thread_pointer(UINT64_MAX));
    __asm__ volatile("movq %%fs:0, %0" : "=r"(first));
    expect("thread_pointer/still", NOS_OK, first == 0x5eed ? NOS_OK : NOS_BAD_STATE);
    expect("thread_pointer/none", NOS_OK, nos_sys_thread_pointer(0));
}

static void lengths(void)
{
    struct nos_capsule_info info;

    expect("self_info/short", NOS_TOO_BIG, nos_sys_self_info(&info, sizeof(info) - 1));
    expect("self_info/long", NOS_TOO_BIG, nos_sys_self_info(&info, sizeof(info) + 1));
    expect("self_info/endless", NOS_TOO_BIG, nos_sys_self_info(&info, UINT64_MAX));
    expect("handle_info/zero", NOS_TOO_BIG, nos_sys_handle_info(target.region, &info, 0));
    expect("handle_info/endless", NOS_TOO_BIG,
           nos_sys_handle_info(target.region, &info, UINT64_MAX));
    expect("log_write/long", NOS_TOO_BIG, nos_sys_log_write(target.page, 4096));
    expect("log_write/endless", NOS_TOO_BIG, nos_sys_log_write(target.page, UINT64_MAX));
}

static void notifications(void)
{
    uint64_t bits = 0;

    expect("notify_signal/no-bits", NOS_INVALID, nos_sys_notify_signal(target.notify, 0));
    expect("notify_wait/poll", NOS_TIMED_OUT, nos_sys_notify_wait(target.notify, POLL, &bits));
    expect("notify_wait/past", NOS_TIMED_OUT, nos_sys_notify_wait(target.notify, PAST, &bits));
    expect("notify_signal/all", NOS_OK, nos_sys_notify_signal(target.notify, UINT64_MAX));
    expect("notify_wait/ready", NOS_OK, nos_sys_notify_wait(target.notify, POLL, &bits));
    expect("notify_wait/bits", NOS_OK, bits == UINT64_MAX ? NOS_OK : NOS_INVALID);
    expect("notify_bind/first", NOS_OK, nos_sys_notify_bind(target.notify, target.endpoint));
    expect("notify_bind/again", NOS_BUSY, nos_sys_notify_bind(target.notify, target.endpoint));
}

static nos_status_t raw(uint64_t nr, uint64_t rdi, uint64_t info, uint64_t rbx)
{
    struct nos_ipc_regs r = { .rax = nr, .rdi = rdi, .rsi = info, .rbx = rbx };
    nos_ipc_raw(&r);
    return (nos_status_t)(int32_t)(uint32_t)r.rax;
}

static void messages(void)
{
    const uint64_t infos[] = { 65, 127, NOS_MSG_NOTIFICATION, 5u << 8, 1u << 11, 1u << 15, 0xffff };
    const uint64_t tokens[] = { 0, 1, UINT32_MAX, 1ull << 32, UINT64_MAX, 0x100000001 };
    uint64_t ep = target.endpoint.v;

    for (size_t i = 0; i < ARRAY_LEN(infos); i++) {
        expect("ipc_call/info", NOS_BAD_MESSAGE, raw(NOS_SYS_IPC_CALL, ep, infos[i], POLL));
        expect("ipc_reply/info", NOS_BAD_MESSAGE, raw(NOS_SYS_IPC_REPLY, 0, infos[i], 1));
    }
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        expect("ipc_reply/forged", NOS_NOT_FOUND, raw(NOS_SYS_IPC_REPLY, 0, 0, tokens[i]));
    }
    expect("ipc_reply/handle", NOS_INVALID, raw(NOS_SYS_IPC_REPLY, ep, 0, 1));
    expect("ipc_recv/poll", NOS_TIMED_OUT, raw(NOS_SYS_IPC_RECV, ep, 0, POLL));
    expect("ipc_recv/past", NOS_TIMED_OUT, raw(NOS_SYS_IPC_RECV, ep, 0, PAST));
    expect("ipc_call/poll", NOS_TIMED_OUT, raw(NOS_SYS_IPC_CALL, ep, 0, POLL));
    expect("ipc_call/past", NOS_TIMED_OUT, raw(NOS_SYS_IPC_CALL, ep, 0, PAST));
    expect("ipc_reply_recv/nobody", NOS_TIMED_OUT, raw(NOS_SYS_IPC_REPLY_RECV, ep, 0, POLL));
}

static void threads(void)
{
    uint64_t stack = (uint64_t)target.page + 4096, entry = (uint64_t)&attack_values;
    nos_handle_t h;

    expect("thread_create/priority", NOS_INVALID,
           nos_sys_thread_create(entry, 0, stack, TOO_HIGH, &h));
    expect("thread_create/priority-endless", NOS_INVALID,
           nos_sys_thread_create(entry, 0, stack, UINT64_MAX, &h));
    expect("thread_create/stack-unaligned", NOS_INVALID,
           nos_sys_thread_create(entry, 0, stack - 8, 1, &h));
}

static void deadlines(void)
{
    nos_handle_t brief;

    if (nos_sys_handle_dup(target.notify, NOS_RIGHT_SIGNAL, 1, &brief) == NOS_OK) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + 1000));
        expect("notify_signal/expired", NOS_EXPIRED, nos_sys_notify_signal(brief, 1));
    }
    expect("sleep/past", NOS_OK, nos_sys_sleep(PAST));
}

/* A full handle table refuses, and gives everything back. */
static void exhaustion(void)
{
    static nos_handle_t made[MADE_MAX];
    nos_status_t st = NOS_OK;
    unsigned n = 0;

    while (n < MADE_MAX && (st = nos_sys_notify_create(&made[n])) == NOS_OK) {
        n++;
    }
    expect("notify_create/full", NOS_QUOTA, st);  // the manifest's limit of handles
    for (unsigned i = 0; i < n; i++) {
        nos_ignore(nos_sys_handle_close(made[i]));
    }
    expect("notify_create/after", NOS_OK, nos_sys_notify_create(&made[0]));
    expect("handle_close/after", NOS_OK, nos_sys_handle_close(made[0]));
}

void attack_values(void)
{
    regions();
    thread_pointers();
    lengths();
    messages();
    notifications();
    threads();
    deadlines();
    exhaustion();
}
