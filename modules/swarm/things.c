/* Handles and addresses: some good, some bad, some that were good. */
#include "abi/caps.h"
#include "abi/info.h"
#include "lib/compiler.h"
#include "modules/swarm/swarm.h"
#include "sdk/start.h"

enum { READ = 1, READ_WRITE = 3, MAPPINGS = 32 };

struct known pool[POOL];
uint8_t *page, *read_only;
static uint64_t mapped[MAPPINGS];
static unsigned n_mapped;

bool things_keep(uint64_t handle)
{
    for (uint32_t i = 0; i < nos_self()->n_handles; i++) {
        if (nos_self()->handle[i].handle == (uint32_t)handle) {
            return true;
        }
    }
    return false;
}

void things_know(uint32_t handle, uint32_t type)
{
    struct nos_handle_info info = { .type = type };

    if (type == NOS_TYPE_NONE) {
        nos_ignore(nos_sys_handle_info((nos_handle_t){ handle }, &info, sizeof(info)));
    }
    if (info.type < NOS_TYPE_COUNT) {
        pool[draw_below(POOL)] = (struct known){ handle, info.type };
    }
}

void things_mapped(uint64_t at)
{
    if (n_mapped < MAPPINGS) {
        mapped[n_mapped++] = at;
    }
}

static void close_all(void)
{
    nos_handle_t node = nos_find_handle(NOS_CAP_NODE, NULL);
    struct nos_handle_info h;
    uint64_t index = (uint64_t)nos_self()->capsule << 32, got;

    while (nos_sys_node_info(node, NOS_TOPIC_HANDLES, index, &h, sizeof(h), &got) == NOS_OK) {
        if (things_keep(h.handle) || nos_sys_handle_close((nos_handle_t){ h.handle }) != NOS_OK) {
            index++;
        }
    }
    while (n_mapped > 0) {
        nos_ignore(nos_syscall1(NOS_SYS_REGION_UNMAP, mapped[--n_mapped], NULL));
    }
}

nos_status_t things_fresh(void)
{
    nos_handle_t region, ep, note;
    void *rw, *ro;

    close_all();
    for (unsigned i = 0; i < POOL; i++) {
        pool[i] = (struct known){ 0 };
    }
    nos_status_t st = nos_sys_region_create(1, &region);
    st = st == NOS_OK ? nos_sys_region_map(region, READ_WRITE, &rw) : st;
    st = st == NOS_OK ? nos_sys_region_map(region, READ, &ro) : st;
    st = st == NOS_OK ? nos_sys_endpoint_create(&ep) : st;
    st = st == NOS_OK ? nos_sys_notify_create(&note) : st;
    if (st != NOS_OK) {
        return st;
    }
    page = rw;
    read_only = ro;
    things_mapped((uint64_t)rw);
    things_mapped((uint64_t)ro);
    things_know(region.v, NOS_TYPE_REGION);
    things_know(ep.v, NOS_TYPE_ENDPOINT);
    things_know(note.v, NOS_TYPE_NOTIFICATION);
    for (uint32_t i = 0; i < nos_self()->n_handles; i++) {
        things_know(nos_self()->handle[i].handle, NOS_TYPE_NONE);
    }
    return NOS_OK;
}

uint64_t things_handle(uint32_t types)
{
    uint64_t chance = draw_below(16);

    if (chance == 0) {
        return draw();
    }
    if (chance == 1) {
        return draw_below(64) | draw_below(4) << 16;
    }
    for (unsigned i = 0; i < 2 * POOL; i++) {  // some handle of a type that fits, if there is one
        const struct known *k = &pool[draw_below(POOL)];
        if ((types >> k->type & 1) != 0 && k->handle != 0) {
            return k->handle;
        }
    }
    return pool[draw_below(POOL)].handle;
}

uint64_t things_address(uint64_t len, bool out)
{
    const uint64_t bad[] = { 0,
                             8,
                             0x123456789000,
                             0xffffffff80000000,
                             0xffff800000000000,
                             0x0000800000000000,
                             0x00007ffffffff000,
                             (uint64_t)page + PAGE - len / 2,
                             UINT64_MAX - len / 2,
                             out ? (uint64_t)read_only : 16,
                             (uint64_t)&things_address & ~0xfffull };
    if (draw_below(6) == 0) {
        return bad[draw_below(out ? ARRAY_LEN(bad) : ARRAY_LEN(bad) - 1)];
    }
    return (uint64_t)page + (draw_below(2) == 0 ? 0 : draw_below(PAGE));
}
