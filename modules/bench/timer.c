/* From a timer interrupt to the first instruction of the thread that waits for it. A second thread
 * writes the counter to memory all the time: what it wrote last is when the interrupt came. */
#include "lib/status.h"
#include "modules/bench/bench.h"
#include "sdk/start.h"

enum { TRIES = 100, STACK = 4096, LOWER = 9, AHEAD_NS = 20000 };

static volatile uint64_t last;

static void watch(void *arg, uint64_t *ipc_buffer)
{
    (void)arg, (void)ipc_buffer;
    bench_watch(&last);
}

void bench_timer(void)
{
    static uint8_t stack[STACK] ALIGNED(16);
    static struct nos_thread thread = { watch, NULL };
    struct minimum m = MINIMUM_NONE;
    nos_handle_t handle;

    nos_status_t st = nos_thread_start(&thread, stack, sizeof(stack), LOWER, &handle);
    for (int i = 0; i < TRIES && st == NOS_OK; i++) {
        st = nos_sys_sleep(nos_now_ns() + AHEAD_NS);
        uint64_t now = nos_tsc();
        if (last != 0) {
            minimum_add(&m, now - last);
        }
    }
    if (st != NOS_OK || m.value == UINT64_MAX) {
        bench_missing("irq_to_user",
                      st != NOS_OK ? status_text(st) : "the other thread did not run");
        return;
    }
    bench_figure("irq_to_user", m.value - bench_overhead(), "insn");
    nos_ignore(nos_sys_thread_set(handle, 0, 1));  // it stays until bench ends, out of the way
}
