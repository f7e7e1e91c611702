/* One system call at a time. */
#include "modules/bench/bench.h"
#include "sdk/start.h"

enum { TRIES = 1000 };

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
    nos_ignore(nos_sys_handle_close(n));
}
