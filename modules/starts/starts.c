/*
 * What it takes to start a program with a C library, in ticks of the counter (under -icount:
 * instructions): from its bytes in memory until it has ended, or waits for what is typed. Cold is
 * the first time in this boot, when every check runs; warm is each further one.
 *
 * The program has a higher priority, so this capsule runs when it does not. It is there when its
 * CPU time has stood still for a while; it was when that last grew.
 */
#include <string.h>

#include "abi/info.h"
#include "lib/span.h"
#include "lib/status.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { PAGE = 4096, READ_WRITE = 3, STILL_NS = 10000000, WARM = 5 };

extern const uint8_t embed_chello[], embed_chello_end[], embed_lua[], embed_lua_end[];

static nos_status_t stage(span_t file, nos_handle_t *region)
{
    void *at;

    nos_status_t st = nos_sys_region_create((file.len + PAGE - 1) / PAGE, region);
    st = st == NOS_OK ? nos_sys_region_map(*region, READ_WRITE, &at) : st;
    if (st == NOS_OK) {
        memcpy(at, file.data, file.len);
        st = nos_sys_region_unmap(at);
    }
    return st;
}

/* When it last did something. */
static nos_status_t settle(nos_handle_t capsule, uint64_t *at, struct nos_capsule_info *info)
{
    uint64_t cpu_ns = 0, since = nos_now_ns();
    nos_status_t st = NOS_OK;

    *at = nos_tsc();
    while (st == NOS_OK && nos_now_ns() - since < STILL_NS) {
        st = nos_sys_capsule_info(capsule, info, sizeof *info);
        if (info->cpu_ns != cpu_ns) {
            cpu_ns = info->cpu_ns;
            since = nos_now_ns();
            *at = nos_tsc();
        }
    }
    return st;
}

static nos_status_t start(span_t file, const char *arg, uint64_t *loaded, uint64_t *there)
{
    nos_handle_t region, module, capsule;
    struct nos_capsule_info info;

    nos_status_t st = stage(file, &region);
    uint64_t from = nos_tsc();
    st = st == NOS_OK
             ? nos_sys_module_load(nos_find_handle(NOS_CAP_NODE, ""), region, file.len, &module)
             : st;
    *loaded = nos_tsc() - from;
    st = st == NOS_OK ? nos_sys_capsule_spawn(module, arg, strlen(arg), (nos_handle_t){ 0 }, 0,
                                              (nos_handle_t){ 0 }, &capsule)
                      : st;
    st = st == NOS_OK ? settle(capsule, there, &info) : st;
    *there -= from;
    if (st == NOS_OK && info.state == NOS_CAPSULE_RUNNING) {
        st = nos_sys_capsule_kill(capsule, NOS_KILL_STOP);
    }
    if (st == NOS_OK) {
        nos_ignore(nos_sys_handle_close(capsule));
        st = nos_sys_handle_close(module);
    }
    return st;
}

static void program(const char *name, span_t file, const char *arg)
{
    uint64_t loaded, there, least = UINT64_MAX;
    nos_status_t st = start(file, arg, &loaded, &there);

    if (st == NOS_OK) {
        nos_print("start %s bytes %lu load %lu cold %lu", name, file.len, loaded, there);
    }
    for (int i = 0; i < WARM && st == NOS_OK; i++) {
        st = start(file, arg, &loaded, &there);
        least = there < least ? there : least;
    }
    if (st == NOS_OK) {
        nos_print("start %s warm %lu", name, least);
    } else {
        nos_print("start %s: %s", name, status_text(st));
    }
}

int nos_main(void)
{
    program("chello", span_of(embed_chello, (size_t)(embed_chello_end - embed_chello)), "");
    program("lua", span_of(embed_lua, (size_t)(embed_lua_end - embed_lua)), "-i");
    nos_print("start done");
    return 0;
}
