/* Memory that is another's, or nobody's: a region that a third one shares is given away, cut, or
 * ends; numbers that are no handles; places beyond a region, over other areas, in the kernel. */
#include "abi/caps.h"
#include "abi/info.h"
#include "modules/pager/pager.h"
#include "sdk/start.h"

#define ARENA 0x300000000000ull
#define USER_TOP 0x00007ffffffff000ull
enum {
    SMALL = 3,
    LARGE = 100,
    TABLE_PAGES = 512,
    SETTLED = 100,
    LENT = NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_READ | NOS_RIGHT_WRITE | NOS_RIGHT_MAP |
           NOS_RIGHT_REVOKE
};

static struct child taker, third;

/* Of what goes in steps after somebody's end. */
static nos_status_t at_last(uint64_t at)
{
    nos_status_t st = NOS_OK;
    for (unsigned i = 0; i < SETTLED && st == NOS_OK; i++) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + 1000000));
        st = child_reaches(&third, at);
    }
    return st;
}

/* Given away while a third maps it: the giver's mappings go first. Who shares it keeps what it has,
 * until the new payer ends. */
static void given_while_shared(void)
{
    nos_handle_t r = { 0 };
    void *mine = NULL;

    nos_ignore(nos_sys_region_create(SMALL, &r));
    nos_ignore(nos_sys_region_map(r, READ_WRITE, &mine));
    row("shared/third-takes", NOS_OK, child_take(&third, r, false));
    uint64_t at = third.m.word[0];
    row("shared/give", NOS_OK, child_take(&taker, r, true));
    row("shared/giver-after", NOS_BAD_ADDRESS, reachable(mine));
    row("shared/giver-handle", NOS_BAD_HANDLE, nos_sys_region_map(r, READ, &mine));
    row("shared/third-keeps", NOS_OK, child_reaches(&third, at));
    nos_ignore(nos_sys_capsule_kill(taker.capsule, NOS_KILL_ASKED));
    row("shared/payer-ends-handle", NOS_REVOKED, child_do(&third, ORDER_AGAIN));
    row("shared/payer-ends-access", NOS_BAD_ADDRESS, at_last(at));
    child_end(&taker);
}

/* What the third was given was derived: cut, and nobody but the receiver has it any more. */
static void cut_before_given(void)
{
    nos_handle_t r = { 0 }, lent = { 0 };
    void *mine = NULL;

    row("cut/taker", NOS_OK, child_start(&taker));
    nos_ignore(nos_sys_region_create(SMALL, &r));
    nos_ignore(nos_sys_cap_derive(r, LENT, 0, 0, 1, &lent));
    row("cut/third-takes", NOS_OK, child_take(&third, lent, false));
    uint64_t at = third.m.word[0];
    row("cut/before", NOS_OK, child_reaches(&third, at));
    row("cut/revoke", NOS_OK, nos_sys_cap_revoke(lent));
    row("cut/access", NOS_BAD_ADDRESS, child_reaches(&third, at));  // at once
    row("cut/handle", NOS_REVOKED, child_do(&third, ORDER_AGAIN));
    row("cut/give", NOS_OK, child_take(&taker, r, true));
    row("cut/receiver", NOS_OK, child_reaches(&taker, taker.m.word[0]));
    row("cut/giver", NOS_BAD_HANDLE, nos_sys_region_map(r, READ, &mine));
    third.m.word[0] = at;
    row("cut/touch", NOS_OK, child_tell(&third, ORDER_WRITE));
    row("cut/touch-ends-it", NOS_OK,
        child_state(&third) == NOS_CAPSULE_CRASHED ? NOS_OK : NOS_BAD_STATE);
    child_end(&third);
}

/* The kernel takes no frames that somebody else could still write. */
static void verified_while_shared(void)
{
    nos_handle_t r = { 0 }, module, node = nos_find_handle(NOS_CAP_NODE, NULL);

    row("load/third", NOS_OK, child_start(&third));
    nos_ignore(nos_sys_region_create(SMALL, &r));
    row("load/third-takes", NOS_OK, child_take(&third, r, false));
    row("load/third-maps", NOS_BUSY, nos_sys_module_load(node, r, PAGE, &module));
    row("load/third-keeps", NOS_OK, child_reaches(&third, third.m.word[0]));
    nos_ignore(nos_sys_handle_close(r));
}

/* ---- numbers ---- */

static void numbers(void)
{
    nos_handle_t gone = { 0 };
    void *at;

    row("foreign/copies", NOS_OK, child_do(&third, ORDER_COPIES));
    nos_handle_t theirs = { (uint32_t)third.m.word[0] };
    nos_ignore(nos_sys_region_create(1, &gone));
    nos_ignore(nos_sys_handle_close(gone));
    const nos_handle_t forged[] = { theirs, { 0 }, gone, { UINT32_MAX }, { theirs.v + 0x10000 } };
    static const char *const names[][2] = {
        { "foreign/map-theirs", "foreign/into-theirs" },
        { "foreign/map-zero", "foreign/into-zero" },
        { "foreign/map-closed", "foreign/into-closed" },
        { "foreign/map-ones", "foreign/into-ones" },
        { "foreign/map-next-tag", "foreign/into-next-tag" },
    };
    for (size_t i = 0; i < ARRAY_LEN(forged); i++) {
        row(names[i][0], NOS_BAD_HANDLE, nos_sys_region_map(forged[i], READ, &at));
        row(names[i][1], NOS_BAD_HANDLE,
            nos_sys_region_map_into(forged[i], taker.capsule, ARENA, READ));
    }
    row("foreign/map-no-region", NOS_WRONG_TYPE, nos_sys_region_map(meeting, READ, &at));
}

/* ---- places ---- */

/* A mapping has an end, also where a whole page table stands behind it. */
static void beyond_the_end(nos_handle_t small, nos_handle_t large)
{
    uint8_t *at = NULL;

    nos_ignore(nos_sys_region_map(small, READ_WRITE, (void **)&at));
    row("beyond/last-byte-in", NOS_OK,
        reachable(at + SMALL * PAGE - sizeof(struct nos_capsule_info)));
    row("beyond/before", NOS_BAD_ADDRESS, reachable(at - 8));
    row("beyond/straddling", NOS_BAD_ADDRESS, reachable(at + SMALL * PAGE - 8));
    row("beyond/behind", NOS_BAD_ADDRESS, reachable(at + SMALL * PAGE));
    nos_ignore(nos_sys_region_unmap(at));
    nos_ignore(nos_sys_region_map(large, READ_WRITE, (void **)&at));
    row("beyond/large-straddling", NOS_BAD_ADDRESS, reachable(at + LARGE * PAGE - 8));
    row("beyond/large-behind", NOS_BAD_ADDRESS, reachable(at + LARGE * PAGE));
    row("beyond/large-last-entry", NOS_BAD_ADDRESS, reachable(at + (TABLE_PAGES - 1) * PAGE));
    row("beyond/large-next-table", NOS_BAD_ADDRESS, reachable(at + TABLE_PAGES * PAGE));
    nos_ignore(nos_sys_region_unmap(at));
}

static nos_status_t into(nos_handle_t r, uint64_t at, uint64_t prot)
{
    return nos_sys_region_map_into(r, third.capsule, at, prot);
}

static void over_others(nos_handle_t small, nos_handle_t large)
{
    void *at;

    row("over/where", NOS_OK, child_do(&third, ORDER_WHERE));
    uint64_t code = third.m.word[0], stack = third.m.word[1], buffer = third.m.word[2];
    row("over/code", NOS_BAD_STATE, into(small, code, READ));
    row("over/stack", NOS_BAD_STATE, into(small, stack, READ_WRITE));
    row("over/buffer", NOS_BAD_STATE, into(small, buffer, READ_WRITE));
    row("over/reaching-buffer", NOS_BAD_STATE, into(small, buffer - (SMALL - 1) * PAGE, READ));
    row("over/unaligned", NOS_INVALID, into(small, ARENA + 1, READ));
    row("over/null-page", NOS_INVALID, into(small, 0, READ));
    row("over/last-page", NOS_INVALID, into(small, USER_TOP - PAGE, READ));
    row("over/large-reaching-end", NOS_INVALID, into(large, USER_TOP & ~0x1fffffull, READ));
    row("over/non-canonical", NOS_INVALID, into(small, 0x0000800000000000, READ));
    row("over/kernel-image", NOS_INVALID, into(small, 0xffffffff80000000, READ));
    row("over/kernel-direct", NOS_INVALID, into(small, 0xffff800000000000, READ));
    row("over/wrapping", NOS_INVALID, into(small, (uint64_t)-PAGE, READ));
    for (uint64_t prot = 4; prot <= 7; prot++) {  // 4 = execute, with or without the others
        row("over/execute", NOS_INVALID, into(small, ARENA, prot));
        row("over/own-execute", NOS_INVALID, nos_sys_region_map(small, prot, &at));
    }
    row("over/unmap-code", NOS_NOT_FOUND, nos_sys_region_unmap((void *)&test_foreign));
    row("over/unmap-stack", NOS_NOT_FOUND, nos_sys_region_unmap(&at));
    row("over/goes-on", NOS_OK, child_reaches(&third, buffer));
}

void test_foreign(void)
{
    nos_handle_t small = { 0 }, large = { 0 };
    nos_status_t st = child_start(&taker);
    st = st == NOS_OK ? child_start(&third) : st;
    row("shared/begin", NOS_OK, st);
    if (st != NOS_OK) {
        return;
    }
    given_while_shared();
    cut_before_given();
    verified_while_shared();
    numbers();
    nos_ignore(nos_sys_region_create(SMALL, &small));
    nos_ignore(nos_sys_region_create(LARGE, &large));
    beyond_the_end(small, large);
    over_others(small, large);
    nos_ignore(nos_sys_handle_close(small));
    nos_ignore(nos_sys_handle_close(large));
    child_end(&taker);
    child_end(&third);
}
