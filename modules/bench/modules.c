/* From bytes in memory to a capsule's first instruction, and what a capsule costs. */
#include <string.h>

#include "abi/info.h"
#include "lib/status.h"
#include "modules/bench/bench.h"
#include "sdk/start.h"

enum {
    PAGE = 4096,
    PROT_READ_WRITE = 3,
    TRIES = 64,
    SLEEPERS = 8,
    SETTLE_NS = 20000000,
    BIT_END = 1
};

extern const uint8_t embed_nil[], embed_nil_end[], embed_loadee[], embed_loadee_end[];

static nos_handle_t ended;

/* A region that holds the file and is mapped nowhere: what module_load takes. */
static nos_status_t stage(span_t file, nos_handle_t *region)
{
    void *at;

    nos_status_t st = nos_sys_region_create((file.len + PAGE - 1) / PAGE, region);
    if (st == NOS_OK) {
        st = nos_sys_region_map(*region, PROT_READ_WRITE, &at);
    }
    if (st == NOS_OK) {
        memcpy(at, file.data, file.len);
        st = nos_sys_region_unmap(at);
    }
    return st;
}

static void close_handle(nos_handle_t h)
{
    nos_ignore(nos_sys_handle_close(h));
}

nos_status_t bench_run(nos_handle_t module, const char *arg, struct nos_capsule_info *info)
{
    nos_handle_t capsule;
    uint64_t bits;

    nos_status_t st = nos_sys_capsule_spawn(module, arg, strlen(arg), ended, BIT_END,
                                            (nos_handle_t){ 0 }, &capsule);
    if (st != NOS_OK) {
        return st;
    }
    st = nos_sys_notify_wait(ended, 0, &bits);
    if (st == NOS_OK) {
        st = nos_sys_capsule_info(capsule, info, sizeof(*info));
    }
    close_handle(capsule);
    return st;
}

/* From bytes in memory to the first instruction. */
static nos_status_t load_once(span_t file, uint64_t *ticks, nos_handle_t *module)
{
    struct nos_capsule_info info = { .exit_code = 0 };
    nos_handle_t region;

    nos_status_t st = stage(file, &region);
    uint64_t from = nos_tsc();
    if (st == NOS_OK) {
        st = nos_sys_module_load(bench_node, region, file.len, module);
    }
    if (st == NOS_OK) {
        st = bench_run(*module, "", &info);
    }
    *ticks = info.exit_code - from;  // the counter, as its first instruction read it
    return st;
}

/*
 * Cold is the first time of this boot: every stage runs. Afterwards the kernel finds by its id that
 * it has verified this module, drops the new bytes and starts from its own copy: that is warm. So
 * cold can be measured only once.
 */
static nos_status_t load(span_t file)
{
    struct minimum m = MINIMUM_NONE;
    nos_handle_t module;
    uint64_t ticks;

    nos_status_t st = load_once(file, &ticks, &module);
    if (st == NOS_OK) {
        bench_figure("mod_load_64k_cold", ticks, "insn");
    }
    for (int i = 0; i < TRIES && st == NOS_OK; i++) {
        close_handle(module);
        st = load_once(file, &ticks, &module);
        minimum_add(&m, ticks);
    }
    if (st == NOS_OK) {
        bench_figure("mod_load_64k_warm", m.value, "insn");
        close_handle(module);
    }
    return st;
}

void bench_spawn(nos_handle_t nil)
{
    struct minimum m = MINIMUM_NONE;
    struct nos_capsule_info info;
    nos_status_t st = NOS_OK;

    for (int i = 0; i < TRIES && st == NOS_OK; i++) {
        uint64_t from = nos_tsc();
        st = bench_run(nil, "", &info);
        minimum_add(&m, nos_tsc() - from);
    }
    if (st == NOS_OK) {
        bench_figure("spawn_exit", m.value - bench_overhead(), "insn");
    } else {
        bench_missing("spawn_exit", status_text(st));
    }
}

nos_status_t bench_used(uint64_t *bytes)
{
    struct nos_mem_info mem;
    uint64_t got;

    nos_status_t st = nos_sys_node_info(bench_node, NOS_TOPIC_MEM, 0, &mem, sizeof(mem), &got);
    if (st == NOS_OK) {
        *bytes = mem.used - mem.reclaim;
    }
    return st;
}

static nos_status_t memory(nos_handle_t nil)
{
    nos_handle_t sleeper[SLEEPERS];
    uint64_t before, after;

    nos_status_t st = nos_sys_sleep(nos_now_ns() + SETTLE_NS);  // what has ended is given back
    st = st == NOS_OK ? bench_used(&before) : st;
    for (int i = 0; i < SLEEPERS && st == NOS_OK; i++) {
        st = nos_sys_capsule_spawn(nil, "stay", 4, (nos_handle_t){ 0 }, 0, (nos_handle_t){ 0 },
                                   &sleeper[i]);
    }
    if (st == NOS_OK) {
        st = bench_used(&after);
    }
    if (st == NOS_OK) {
        bench_figure("mem_per_capsule", (after - before) / SLEEPERS, "bytes");
        for (int i = 0; i < SLEEPERS; i++) {
            bench_peer_end(sleeper[i]);
        }
    }
    return st;
}

nos_status_t bench_nil(nos_handle_t *module)
{
    span_t file = span_of(embed_nil, (size_t)(embed_nil_end - embed_nil));
    nos_handle_t region;

    nos_status_t st = ended.v == 0 ? nos_sys_notify_create(&ended) : NOS_OK;
    st = st == NOS_OK ? stage(file, &region) : st;
    return st == NOS_OK ? nos_sys_module_load(bench_node, region, file.len, module) : st;
}

void bench_modules(void)
{
    span_t loadee = span_of(embed_loadee, (size_t)(embed_loadee_end - embed_loadee));
    nos_handle_t nil;

    nos_status_t st = bench_nil(&nil);
    st = st == NOS_OK ? load(loadee) : st;
    if (st != NOS_OK) {
        bench_missing("mod_load_64k_cold", status_text(st));
        return;
    }
    bench_spawn(nil);
    st = memory(nil);
    if (st != NOS_OK) {
        bench_missing("mem_per_capsule", status_text(st));
    }
}
