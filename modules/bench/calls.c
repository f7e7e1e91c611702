/* One system call at a time. */
#include "abi/caps.h"
#include "modules/bench/bench.h"
#include "sdk/start.h"

enum { TRIES = 1000 };
#define NO_SUCH_RIGHT (1ull << 31)

static uint64_t least_null(void)
{
    struct minimum m = MINIMUM_NONE;
    for (int i = 0; i < TRIES; i++) {
        minimum_add(&m, bench_null());
    }
    return m.value;
}

static uint64_t least_signal(nos_handle_t n)
{
    struct minimum m = MINIMUM_NONE;
    for (int i = 0; i < TRIES; i++) {
        uint64_t from = nos_tsc();
        nos_status_t st = nos_sys_notify_signal(n, 1);
        minimum_add(&m, nos_tsc() - from);
        (void)st;
    }
    return m.value;
}

/* Two calls that are refused by their first own check with the same status: one looked up a handle
 * before. */
static uint64_t least_refused(uint64_t nr, uint64_t a, uint64_t b)
{
    struct minimum m = MINIMUM_NONE;
    for (int i = 0; i < TRIES; i++) {
        uint64_t from = nos_tsc();
        nos_status_t st = nos_syscall3(nr, a, b, 0, NULL);
        minimum_add(&m, nos_tsc() - from);
        (void)st;
    }
    return m.value;
}

void bench_calls(void)
{
    uint64_t overhead = bench_overhead();
    nos_handle_t n;

    bench_figure("syscall_null", least_null() - overhead, "insn");
    if (nos_sys_notify_create(&n) != NOS_OK) {
        bench_missing("notify_signal", "no notification");
        return;
    }
    bench_figure("notify_signal", least_signal(n) - overhead, "insn");
    uint64_t with = least_refused(NOS_SYS_HANDLE_DUP, n.v, NO_SUCH_RIGHT);
    uint64_t without = least_refused(NOS_SYS_REGION_CREATE, 0, 0);
    bench_figure("handle_check", with > without ? with - without : 0, "insn");
    nos_ignore(nos_sys_handle_close(n));
}
