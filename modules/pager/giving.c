/* Regions given to the child and back: what the giver still has (nothing), who pays, what happens
 * when the one who pays ends. */
#include "abi/caps.h"
#include "abi/info.h"
#include "modules/pager/pager.h"
#include "sdk/start.h"

enum { BULK = 256, SMALL = 3, TOO_MANY = 1500 };

static struct child child;

uint32_t pages_of(nos_handle_t capsule)
{
    struct nos_capsule_info info = { 0 };
    nos_ignore(nos_sys_capsule_info(capsule, &info, sizeof info));
    return (uint32_t)info.mem_pages;
}

uint32_t own_pages(void)
{
    struct nos_capsule_info info = { 0 };
    nos_ignore(nos_sys_self_info(&info, sizeof info));
    return (uint32_t)info.mem_pages;
}

nos_status_t reachable(void *at)
{
    return nos_sys_self_info(at, sizeof(struct nos_capsule_info));
}

static void give(uint64_t pages, const char *what)
{
    nos_handle_t r;
    void *at = NULL, *twice = NULL;
    uint32_t mine = own_pages(), theirs = pages_of(child.capsule);

    row(what, NOS_OK, nos_sys_region_create(pages, &r));
    row("give/map", NOS_OK, nos_sys_region_map(r, READ_WRITE, &at));
    row("give/map-twice", NOS_OK, nos_sys_region_map(r, READ, &twice));
    if (at != NULL) {
        *(uint64_t *)at = 0x600d;
    }
    child.m.n_handles = 0;
    row("give/move", NOS_OK, nos_msg_move(&child.m, r, NOS_RIGHT_ALL) ? NOS_OK : NOS_TOO_BIG);
    row("give/take", NOS_OK, child_do(&child, ORDER_TAKE));
    row("give/handle-after", NOS_BAD_HANDLE, nos_sys_region_map(r, READ, &twice));
    row("give/memory-after", NOS_BAD_ADDRESS, reachable(at));
    row("give/second-mapping-after", NOS_BAD_ADDRESS, reachable(twice));
    row("give/unmap-after", NOS_NOT_FOUND, nos_sys_region_unmap(at));
    row("give/charge-left", NOS_OK, own_pages() <= mine + 8 ? NOS_OK : NOS_BAD_STATE);
    row("give/charge-came", NOS_OK,
        pages_of(child.capsule) >= theirs + pages ? NOS_OK : NOS_BAD_STATE);
    child.m.word[1] = 0xfee1;
    row("give/write", NOS_OK, child_do(&child, ORDER_WRITE));
    row("give/content", NOS_OK, child.m.word[0] == 0x600d ? NOS_OK : NOS_IO_ERROR);
    row("give/back", NOS_OK, child_do(&child, ORDER_GIVE));
    r.v = child.m.pass[0].handle;
    row("give/map-back", NOS_OK, nos_sys_region_map(r, READ, &at));
    row("give/content-back", NOS_OK,
        at != NULL && *(uint64_t *)at == 0xfee1 ? NOS_OK : NOS_IO_ERROR);
    row("give/charge-back", NOS_OK, own_pages() >= mine + pages ? NOS_OK : NOS_BAD_STATE);
    nos_ignore(nos_sys_region_unmap(at));
    nos_ignore(nos_sys_handle_close(r));
}

/* More than the receiver may hold: the sender is told, and keeps it. */
static void too_much(void)
{
    nos_handle_t r, own[2];
    void *at = NULL;

    for (unsigned i = 0; i < 2; i++) {  // what the child holds already
        row("quota/first", NOS_OK, nos_sys_region_create(TOO_MANY / 3, &own[i]));
        child.m.n_handles = 0;
        nos_ignore(nos_msg_move(&child.m, own[i], NOS_RIGHT_ALL) ? NOS_OK : NOS_TOO_BIG);
        row("quota/take", NOS_OK, child_do(&child, ORDER_TAKE));
    }
    row("quota/create", NOS_OK, nos_sys_region_create(TOO_MANY / 2, &r));
    row("quota/map", NOS_OK, nos_sys_region_map(r, READ_WRITE, &at));
    child.m.n_handles = 0;
    nos_ignore(nos_msg_move(&child.m, r, NOS_RIGHT_ALL) ? NOS_OK : NOS_TOO_BIG);
    row("quota/give", NOS_QUOTA, child_tell(&child, ORDER_TAKE));
    row("quota/kept", NOS_OK, reachable(at));
    child.m.n_handles = 0;
    child.m.word[0] = 0;
    row("quota/goes-on", NOS_NOT_FOUND, child_do(&child, ORDER_UNMAP));
    nos_ignore(nos_sys_region_unmap(at));
    nos_ignore(nos_sys_handle_close(r));
}

/* The child pays, we map: when it ends, so does the region, here too. */
static void payer_ends(void)
{
    nos_handle_t r, copy;
    void *at = NULL;

    child.m.n_handles = 0;
    child.m.word[0] = SMALL;
    row("end/make", NOS_OK, child_do(&child, ORDER_MAKE));
    r.v = child.m.pass[0].handle;
    row("end/map", NOS_OK, nos_sys_region_map(r, READ_WRITE, &at));
    row("end/before", NOS_OK, reachable(at));
    row("end/copy", NOS_OK, nos_sys_handle_dup(r, NOS_RIGHT_READ | NOS_RIGHT_MAP, 0, &copy));
    row("end/kill", NOS_OK, nos_sys_capsule_kill(child.capsule, NOS_KILL_ASKED));
    row("end/handle", NOS_REVOKED, nos_sys_region_map(r, READ, &at));
    row("end/copy-after", NOS_REVOKED, nos_sys_region_map(copy, READ, &at));
    row("end/gone", NOS_OK, child_state(&child) == NOS_CAPSULE_KILLED ? NOS_OK : NOS_BAD_STATE);
    nos_status_t st = NOS_OK;
    for (unsigned i = 0; i < 100 && st == NOS_OK; i++) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + 1000000));
        st = reachable(at);
    }
    row("end/memory-after", NOS_BAD_ADDRESS, st);
    row("end/close", NOS_OK, nos_sys_handle_close(r));
    row("end/close-copy", NOS_OK, nos_sys_handle_close(copy));
}

void test_giving(void)
{
    nos_status_t st = child_start(&child);
    row("give/begin", NOS_OK, st);
    if (st == NOS_OK) {
        give(SMALL, "give/small");
        give(BULK, "give/bulk");
        too_much();
        payer_ends();
        child_end(&child);
    }
}
