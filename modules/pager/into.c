/* region_map_into: what must be refused, who pays, and how it is taken back. */
#include "abi/caps.h"
#include "abi/info.h"
#include "modules/pager/pager.h"
#include "sdk/start.h"

#define ARENA 0x300000000000ull
#define FAR 0x40000000ull /* each needs page tables of its own */
enum { TRIES = 4096 };

static struct child child;
static nos_handle_t region, large;

static nos_status_t into(nos_handle_t r, uint64_t at, uint64_t prot)
{
    return nos_sys_region_map_into(r, child.capsule, at, prot);
}

static void arguments(void)
{
    const uint64_t prots[] = { 0, 2, 4, 5, 6, 7, 8, UINT64_MAX };
    const uint64_t places[] = { 0,
                                PAGE,
                                ARENA + 8,
                                0x00007ffffffff000,
                                0x00007fffffffe000 + PAGE,
                                0x0000800000000000,
                                0xffff800000000000,
                                0xffffffff80000000,
                                0xfffffffffffff000 };

    for (size_t i = 0; i < ARRAY_LEN(prots); i++) {
        row("map_into/prot", NOS_INVALID, into(region, ARENA, prots[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        row("map_into/address", NOS_INVALID, into(region, places[i], READ));
    }
    row("map_into/large-unaligned", NOS_INVALID, into(large, ARENA + PAGE, READ));
    row("map_into/first", NOS_OK, into(region, ARENA, READ_WRITE));
    row("map_into/again", NOS_BAD_STATE, into(region, ARENA, READ_WRITE));
    row("map_into/overlap-low", NOS_BAD_STATE, into(region, ARENA + PAGE, READ));
    row("map_into/overlap-high", NOS_BAD_STATE, into(region, ARENA - PAGE, READ));
    row("map_into/overlap-large", NOS_BAD_STATE, into(large, ARENA, READ));
    row("map_into/beside", NOS_OK, into(region, ARENA + 2 * PAGE, READ));
    row("map_into/large", NOS_OK, into(large, ARENA + FAR, READ_WRITE));
    row("map_into/inside-large", NOS_BAD_STATE, into(region, ARENA + FAR + 100 * PAGE, READ));
}

static void rights(void)
{
    nos_handle_t weak, no_write, no_map;

    nos_ignore(nos_sys_handle_dup(child.capsule, NOS_RIGHT_INSPECT | NOS_RIGHT_KILL, 0, &weak));
    nos_ignore(nos_sys_handle_dup(region, NOS_RIGHT_MAP | NOS_RIGHT_READ, 0, &no_write));
    nos_ignore(nos_sys_handle_dup(region, NOS_RIGHT_READ | NOS_RIGHT_WRITE, 0, &no_map));
    row("map_into/no-control", NOS_DENIED,
        nos_sys_region_map_into(region, weak, ARENA + 8 * PAGE, READ));
    row("map_into/stranger", NOS_BAD_HANDLE,
        nos_sys_region_map_into(region, (nos_handle_t){ child.capsule.v + 0x10000 },
                                ARENA + 8 * PAGE, READ));
    row("map_into/no-capsule", NOS_WRONG_TYPE,
        nos_sys_region_map_into(region, meeting, ARENA + 8 * PAGE, READ));
    row("map_into/no-region", NOS_WRONG_TYPE,
        nos_sys_region_map_into(meeting, child.capsule, ARENA + 8 * PAGE, READ));
    row("map_into/no-write-right", NOS_DENIED, into(no_write, ARENA + 8 * PAGE, READ_WRITE));
    row("map_into/no-map-right", NOS_DENIED, into(no_map, ARENA + 8 * PAGE, READ));
    nos_ignore(nos_sys_handle_close(weak));
    nos_ignore(nos_sys_handle_close(no_write));
    nos_ignore(nos_sys_handle_close(no_map));
}

/* The handle was derived: cutting it takes the child's mapping away before cap_revoke returns. */
static void revoked(void)
{
    nos_handle_t cut;

    nos_status_t st = nos_sys_cap_derive(
        region, NOS_RIGHT_MAP | NOS_RIGHT_READ | NOS_RIGHT_WRITE | NOS_RIGHT_REVOKE, 0, 0, 0, &cut);
    row("revoke/derive", NOS_OK, st);
    row("revoke/map", NOS_OK, into(cut, ARENA + 16 * PAGE, READ_WRITE));
    child.m.word[0] = ARENA + 16 * PAGE;
    child.m.word[1] = 7;
    row("revoke/before", NOS_OK, child_do(&child, ORDER_WRITE));
    row("revoke/cut", NOS_OK, nos_sys_cap_revoke(cut));
    row("revoke/handle", NOS_REVOKED, into(cut, ARENA + 32 * PAGE, READ));
    row("revoke/place", NOS_OK, into(region, ARENA + 16 * PAGE, READ));  // it is free again
    nos_ignore(nos_sys_handle_close(cut));
}

/* Page tables are the target's: they end at its quota, and the one who maps pays nothing. */
static void quota(void)
{
    struct nos_capsule_info before, after;
    nos_status_t st = NOS_OK;

    nos_ignore(nos_sys_self_info(&before, sizeof before));
    for (uint64_t i = 0; i < TRIES && st == NOS_OK; i++) {
        st = into(region, 0x100000000000 + i * FAR, READ);
    }
    row("map_into/target-quota", NOS_QUOTA, st);
    nos_ignore(nos_sys_self_info(&after, sizeof after));
    row("map_into/own-quota", NOS_OK, before.mem_pages == after.mem_pages ? NOS_OK : NOS_BAD_STATE);
    st = nos_sys_capsule_info(child.capsule, &after, sizeof after);
    row("map_into/target-limit", NOS_OK,
        st == NOS_OK && after.mem_pages <= after.mem_limit + 3 ? NOS_OK : NOS_BAD_STATE);
}

void test_map_into(void)
{
    nos_status_t st = child_start(&child);
    if (st == NOS_OK) {
        st = nos_sys_region_create(2, &region);
    }
    if (st == NOS_OK) {
        st = nos_sys_region_create(100, &large);
    }
    row("map_into/begin", NOS_OK, st);
    if (st != NOS_OK) {
        return;
    }
    arguments();
    rights();
    revoked();
    quota();
    nos_ignore(nos_sys_capsule_kill(child.capsule, NOS_KILL_ASKED));
    row("map_into/ended", NOS_BAD_STATE, into(region, ARENA + 64 * PAGE, READ));
    child_end(&child);
    nos_ignore(nos_sys_handle_close(region));
    nos_ignore(nos_sys_handle_close(large));
}
