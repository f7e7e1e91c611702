/*
 * Measures the kernel from ring 3 with the time-stamp counter; under QEMU's -icount a tick is an
 * instruction. Each figure is the least of many tries, so that a timer interrupt in one of them
 * does not count, less what the two readings cost by themselves. docs/measuring.md says what the
 * names mean.
 */
#include "modules/bench/bench.h"

#include <string.h>

#include "abi/info.h"
#include "lib/status.h"
#include "sdk/format.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { TRIES = 64 };

nos_handle_t bench_node;
uint64_t bench_at;

uint64_t bench_overhead(void)
{
    struct minimum m = MINIMUM_NONE;
    for (int i = 0; i < TRIES; i++) {
        minimum_add(&m, bench_empty());
    }
    return m.value;
}

void bench_figure(const char *name, uint64_t value, const char *unit)
{
    char at[24] = "";

    if (bench_at != 0) {
        nos_format(at, sizeof(at), "_at_%llu", (unsigned long long)bench_at);
    }
    nos_print("n0n.%s%s %llu %s\n", name, at, (unsigned long long)value, unit);
}

void bench_missing(const char *name, const char *why)
{
    nos_print("# n0n.%s: %s\n", name, why);
}

nos_status_t bench_peer_start(const char *arg, nos_handle_t *capsule)
{
    nos_handle_t module;

    nos_status_t st = nos_sys_module_open(bench_node, "bench", 5, &module);
    if (st == NOS_OK) {
        st = nos_sys_capsule_spawn(module, arg, strlen(arg), (nos_handle_t){ 0 }, 0,
                                   (nos_handle_t){ 0 }, capsule);
        nos_ignore(nos_sys_handle_close(module));
    }
    return st;
}

void bench_peer_end(nos_handle_t capsule)
{
    nos_ignore(nos_sys_capsule_kill(capsule, NOS_KILL_ASKED));  // it may have ended by itself
    nos_ignore(nos_sys_handle_close(capsule));
}

int nos_main(void)
{
    char copy[NOS_ARG_MAX + 1], *word[2];

    bench_node = nos_find_handle(NOS_CAP_NODE, NULL);
    if (nos_arg_words(copy, word, 2) == 2) {
        return bench_crowd(word[0], word[1]);
    }
    if (nos_arg()[0] != '\0') {
        bench_peer_run(nos_arg());
        return 2;
    }
    bench_calls();
    bench_messages();
    bench_switches();
    bench_grants();
    bench_memory();
    bench_timer();
    bench_modules();
    bench_ring();
    bench_text();
    bench_crypto();
    nos_print("bench: done\n");
    return 0;
}
