/*
 * Random system calls from a seed: the same seed makes the same calls. Left out is only what would
 * end this capsule or make it wait for ever; addresses are bad ones, or inside a page that no
 * neighbour shares, so that an answer can overwrite nothing that this program needs. Handles are
 * made anew from time to time, or the table would only be full.
 */
#include "abi/caps.h"
#include "abi/info.h"
#include "lib/splitmix.h"
#include "lib/status.h"
#include "modules/probe/probe.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { ARGS = 6, ROUND = 256 /* calls between two clean-ups */, PAGE = 4096, REPORTS = 10 };

static uint64_t state;
static uint64_t mapped[ROUND];  // what the calls mapped since the last clean-up
static unsigned n_mapped;

static uint64_t next(void)
{
    return splitmix64(&state);
}

static uint64_t below(uint64_t n)
{
    return next() % n;
}

/* A thread's whole life; it must not touch its stack, which may be any address. */
__asm__(".text\n"
        "fuzz_thread:\n"
        "    movl $6, %eax\n"
        "    syscall\n"
        "    ud2\n");
extern const char fuzz_thread[] __asm__("fuzz_thread");
_Static_assert(NOS_SYS_THREAD_EXIT == 6, "fuzz_thread");

static uint64_t a_handle(void)
{
    const nos_handle_t known[] = { target.console,  target.node,   target.region,
                                   target.endpoint, target.notify, target.stale };
    switch (below(4)) {
    case 0:
        return next();
    case 1:
        return below(64) | below(4) << 16;
    default:
        return known[below(ARRAY_LEN(known))].v;
    }
}

static uint64_t an_address(void)
{
    struct address bad[ADDRESSES];

    if (below(3) == 0) {
        unsigned n = bad_addresses(bad, 1 + below(512));
        return bad[below(n)].at;
    }
    return (uint64_t)target.page + below(PAGE);
}

static uint64_t a_number(void)
{
    const uint64_t edges[] = { 0,    1,          2,          3,          7,         8,
                               16,   64,         192,        240,        255,       256,
                               4096, UINT32_MAX, 1ull << 32, 1ull << 63, UINT64_MAX };
    return below(4) == 0 ? next() >> below(64) : edges[below(ARRAY_LEN(edges))];
}

static uint64_t an_argument(void)
{
    switch (below(3)) {
    case 0:
        return a_handle();
    case 1:
        return an_address();
    default:
        return a_number();
    }
}

static uint64_t soon(void)
{
    return below(4) == 0 ? nos_now_ns() + below(20000) : 1 + below(1000);
}

static bool ends_us(uint64_t nr)
{
    return nr == NOS_SYS_EXIT || nr == NOS_SYS_THREAD_EXIT;
}

/* Would the call take away what this program prints with, or print nonsense? */
static bool touches_console(uint64_t nr, uint64_t h)
{
    return (uint32_t)h == target.console.v &&
           (nr == NOS_SYS_HANDLE_CLOSE || nr == NOS_SYS_IPC_CALL || nr == NOS_SYS_IPC_SEND);
}

static nos_status_t message(uint64_t nr)
{
    struct nos_ipc_regs r = { .rax = nr,
                              .rdi = nr == NOS_SYS_IPC_REPLY ? below(2) : a_handle(),
                              .rsi = below(2) == 0 ? below(65) : next(),
                              .rbx = nr == NOS_SYS_IPC_REPLY ? next() >> below(64) : soon() };

    for (unsigned i = 0; i < NOS_MSG_REG_WORDS; i++) {
        r.word[i] = next();
    }
    if (touches_console(nr, r.rdi)) {
        return NOS_OK;
    }
    nos_ipc_raw(&r);
    return (nos_status_t)(int32_t)(uint32_t)r.rax;
}

/* Arguments that would otherwise stop the fuzzer get tame values. */
static void tame(uint64_t nr, uint64_t a[ARGS])
{
    if (nr == NOS_SYS_SLEEP) {
        a[0] = soon();
    } else if (nr == NOS_SYS_FILTER_NARROW) {
        a[0] = a[1] = UINT64_MAX;  // what it takes away stays away
    } else if (nr == NOS_SYS_NOTIFY_WAIT) {
        a[1] = soon();
    } else if (nr == NOS_SYS_THREAD_CREATE) {
        const uint64_t entries[] = { (uint64_t)fuzz_thread, (uint64_t)fuzz_thread, 0,
                                     0xffffffff80000000,    0x0000800000000000,    UINT64_MAX };
        a[0] = entries[below(ARRAY_LEN(entries))];
    } else if (nr == NOS_SYS_LOG_WRITE && below(64) != 0) {
        a[1] = 4096;  // too long: a log full of random lines helps nobody
    } else if (nr == NOS_SYS_HANDLE_DUP && below(256) != 0) {
        a[2] = below(2) == 0
                   ? 0
                   : UINT64_MAX >> 8;  // an expired handle keeps its slot until the capsule ends
    } else if (nr == NOS_SYS_HANDLE_CLOSE && (uint32_t)a[0] == target.node.v) {
        a[0] = target.stale.v;
    }
}

static nos_status_t one_call(void)
{
    uint64_t nr = below(32) == 0 ? next() : below(NOS_SYS_COUNT), a[ARGS], value;

    if (ends_us(nr)) {
        return NOS_OK;
    }
    if ((nr >= NOS_SYS_IPC_CALL && nr <= NOS_SYS_IPC_REPLY_RECV) || nr == NOS_SYS_IPC_SEND) {
        return message(nr);
    }
    for (unsigned i = 0; i < ARGS; i++) {
        a[i] = an_argument();
    }
    if (below(4) != 0) {
        a[0] = a_handle();  // most calls name a handle first: get past that check more often
    }
    tame(nr, a);
    if (touches_console(nr, a[0])) {
        return NOS_OK;
    }
    nos_status_t st = nos_syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5], &value);
    if (st == NOS_OK && nr == NOS_SYS_REGION_MAP && n_mapped < ROUND) {
        mapped[n_mapped++] = value;
    }
    return st;
}

/* Close whatever the calls have made, and make the targets anew. */
static nos_status_t clean_up(void)
{
    struct nos_handle_info h;
    uint64_t index = (uint64_t)nos_self()->capsule << 32, got;

    while (nos_sys_node_info(target.node, NOS_TOPIC_HANDLES, index, &h, sizeof(h), &got) ==
           NOS_OK) {
        bool keep = h.handle == target.console.v || h.handle == target.node.v;
        if (keep || nos_sys_handle_close((nos_handle_t){ h.handle }) != NOS_OK) {
            index++;  // an expired handle stays in its slot
        }
    }
    nos_ignore(nos_sys_region_unmap(target.page));  // a random call may have been first
    nos_ignore(nos_sys_region_unmap(target.read_only));
    while (n_mapped > 0) {
        nos_ignore(nos_syscall1(NOS_SYS_REGION_UNMAP, mapped[--n_mapped], NULL));
    }
    return target_open();
}

void fuzz(uint64_t seed, uint64_t count)
{
    nos_status_t st = NOS_OK;
    uint64_t ok = 0, report = count / REPORTS == 0 ? 1 : count / REPORTS;

    state = seed;
    for (uint64_t i = 0; i < count; i++) {
        if (i % ROUND == 0 && (st = clean_up()) != NOS_OK) {
            nos_print("FUZZ stuck after %llu calls: %s\n", (unsigned long long)i, status_text(st));
            return;
        }
        ok += one_call() == NOS_OK ? 1 : 0;
        if ((i + 1) % report == 0) {
            nos_print("FUZZ %llu of %llu\n", (unsigned long long)i + 1, (unsigned long long)count);
        }
    }
    nos_print("FUZZ done: seed %llu, %llu calls, %llu succeeded\n", (unsigned long long)seed,
              (unsigned long long)count, (unsigned long long)ok);
}
